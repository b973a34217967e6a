// Kept writes on disks that are full, break, are cleared or cannot be had: nothing is shown as kept that is not, and nothing happens twice.
import { describe, expect, it } from 'vitest';
import { RaftkvError } from '@raftkv/wire';
import { SmallCluster, until } from '../small-cluster.ts';
import { Life, Origin, stateOf } from './lives.ts';

const put = (key: string, value: unknown) => [{ type: 'put', key, value } as const];

describe('the disk', () => {
  it('is full: the write is refused, was never kept, and is not sent later', async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    const life = await Life.begin(cluster, origin, { isOffline: true });
    const first = life.kv.mutate(put('a', 1));
    await until(first.state, ({ kept }) => kept === true);
    origin.failure = new RaftkvError('storage_full', 'the quota is used up', { definite: false });
    const second = life.kv.mutate(put('a', 2));
    const seen: string[] = [];
    second.state.subscribe(() => seen.push(stateOf(second)));
    await expect(second.committed).rejects.toMatchObject({ code: 'storage_full', definite: true });
    expect(seen).toEqual(['refused']);
    await until(life.kv.outbox!.status, ({ error, waiting }) => error?.code === 'storage_full' && waiting === 1);
    origin.failure = undefined;
    life.cutOff(false);
    await first.committed;
    expect(await life.kv.getEntry('a')).toMatchObject({ value: 1, version: 1 });
    await until(life.kv.outbox!.status, ({ error }) => error === undefined);
  });

  it('is full when a write is to be marked: it waits, and is sent when there is room', async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    const life = await Life.begin(cluster, origin, { isOffline: true });
    const write = life.kv.mutate(put('a', 1));
    await until(write.state, ({ kept }) => kept === true);
    origin.failure = new RaftkvError('storage_full', 'the quota is used up', { definite: false });
    life.cutOff(false);
    await until(life.kv.outbox!.status, ({ error }) => error?.code === 'storage_full');
    expect(cluster.revision).toBe(1);
    origin.failure = undefined;
    await write.committed;
    expect(await life.kv.getEntry('a')).toMatchObject({ value: 1, version: 1 });
  });

  it('is full when a refused write is made again: that is there still, to be decided about, and made again when there is room', async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    const life = await Life.begin(cluster, origin);
    const { kv } = life;
    await kv.put('a', 'theirs');
    const write = kv.mutate(put('a', 'mine'), { if: [{ key: 'a', exists: false }] });
    await expect(write.committed).rejects.toMatchObject({ code: 'condition_failed' });
    origin.failure = new RaftkvError('storage_full', 'the quota is used up', { definite: false });
    const again = kv.outbox!.retry(write);
    // It is on its way already.
    expect(() => kv.outbox!.retry(write)).toThrow(expect.objectContaining({ code: 'not_found' }));
    await expect(kv.outbox!.discard(write)).rejects.toMatchObject({ code: 'not_found' });
    await expect(again.committed).rejects.toMatchObject({ code: 'storage_full', definite: true });
    await until(kv.outbox!.status, ({ error, undecided }) => error?.code === 'storage_full' && undecided === 1);
    expect(kv.writes.getSnapshot()).toContain(write);
    expect(stateOf(write)).toBe('refused, kept');
    origin.failure = undefined;
    await kv.outbox!.retry(write).committed;
    await until(kv.outbox!.status, ({ waiting, undecided, bytes }) => waiting + undecided + bytes === 0);
    expect(kv.writes.getSnapshot()).not.toContain(write);
    expect(await kv.getEntry('a')).toMatchObject({ value: 'mine', version: 2 });
  });

  it('breaks: a write of which nobody knows whether it is kept is surfaced, later ones are in memory', async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    const life = await Life.begin(cluster, origin);
    origin.failure = new RaftkvError('storage_failed', 'the disk is gone', { definite: false });
    await expect(life.kv.mutate(put('a', 1)).committed).rejects.toMatchObject({
      code: 'storage_failed',
      definite: false,
    });
    const write = life.kv.mutate(put('b', 1), { if: [{ key: 'b', exists: false }] });
    await write.committed;
    expect(stateOf(write)).toBe('committed');
    expect(life.kv.outbox!.status.getSnapshot()).toMatchObject({
      storage: 'memory',
      waiting: 0,
      error: { code: 'storage_failed' },
    });
    expect(await life.kv.get('a')).toBeUndefined();
  });

  it('is cleared by the user: what waits is in this page alone, and goes on from there; later ones are kept', async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    const life = await Life.begin(cluster, origin, { isOffline: true });
    const first = life.kv.mutate(put('a', 1));
    await until(first.state, ({ kept }) => kept === true);
    origin.disk.wipe();
    life.cutOff(false);
    await first.committed;
    const second = life.kv.mutate(put('a', 2));
    await until(second.state, ({ kept }) => kept === true);
    await second.committed;
    expect(life.kv.outbox!.status.getSnapshot()).toMatchObject({
      storage: 'strict',
      error: { code: 'storage_missing' },
    });
    expect(await life.kv.getEntry('a')).toMatchObject({ value: 2, version: 2 });
  });

  it('cannot be had: writes wait in memory and are said to', async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    const open = () => Promise.reject(new RaftkvError('unsupported', 'a private window'));
    const life = await Life.begin(cluster, origin, { isOffline: true, open });
    const write = life.kv.mutate(put('a', 1));
    expect(life.kv.outbox!.status.getSnapshot()).toMatchObject({ storage: 'memory', error: { code: 'unsupported' } });
    life.cutOff(false);
    await write.committed;
    expect(life.steps.filter((step) => step.startsWith('before'))).toEqual([]);
    expect(await life.kv.getEntry('a')).toMatchObject({ value: 1, version: 1 });
  });

  it('has room for so many writes and bytes, then is busy', async () => {
    const cluster = await SmallCluster.start();
    const life = await Life.begin(cluster, new Origin(), { isOffline: true, maxWrites: 3, maxBytes: 1_000 });
    const { kv } = life;
    expect(() => kv.mutate(put('large', 'x'.repeat(1_000)))).toThrow(expect.objectContaining({ code: 'busy' }));
    const writes = [1, 2, 3].map((value) => kv.mutate(put('a', value)));
    expect(() => kv.mutate(put('a', 4))).toThrow(expect.objectContaining({ code: 'busy', definite: true }));
    life.cutOff(false);
    await Promise.all(writes.map(({ committed }) => committed));
    await life.drained();
    await kv.mutate(put('a', 4)).committed;
  });
});
