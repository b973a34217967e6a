// Kept writes of several tabs of one origin: who sends what another has left, in which order, and what becomes of a tab that was taken for gone.
import { describe, expect, it } from 'vitest';
import { SmallCluster, until } from '../small-cluster.ts';
import { Life, Origin } from './lives.ts';

const put = (key: string, value: unknown) => [{ type: 'put', key, value } as const];

describe('several tabs', () => {
  it('keep what they write while cut off apart, and the one that is left sends what the other left', async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    const [one, two] = [
      await Life.begin(cluster, origin, { isOffline: true }),
      await Life.begin(cluster, origin, { isOffline: true }),
    ];
    const kept = [1, 2, 3].flatMap((i) => [one.kv.mutate(put('one', i)), two.kv.mutate(put('two', i))]);
    for (const { state } of kept) await until(state, (state_) => state_.kept === true);
    one.end();
    await until(two.kv.outbox!.status, ({ waiting }) => waiting === 6);
    two.cutOff(false);
    await two.drained();
    expect(await two.kv.getEntry('one')).toMatchObject({ value: 3, version: 3 });
    expect(await two.kv.getEntry('two')).toMatchObject({ value: 3, version: 3 });
    await expect.poll(() => origin.disk.lanes()).toHaveLength(1);
  });

  it('that were all closed: their writes to one key are sent in the order in which they were made', async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    let now = Date.now();
    const clock = {
      wallTime: () => (now += 1),
      schedule: () => () => {},
    };
    const tabs = [
      await Life.begin(cluster, origin, { isOffline: true, clock }),
      await Life.begin(cluster, origin, { isOffline: true, clock }),
    ];
    for (let i = 1; i <= 10; i += 1) {
      const write = tabs[i % 2]!.kv.mutate(put('shared', i));
      await until(write.state, ({ kept }) => kept === true);
    }
    for (const tab of tabs) tab.end();
    const next = await Life.begin(cluster, origin);
    await next.drained();
    const values: unknown[] = [];
    for (let revision = 2; revision <= cluster.revision; revision += 1) {
      values.push(await cluster.client().get('shared', { revision }));
    }
    expect(values).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it('whose clock was put back: what one tab wrote to a key is sent in the order in which it wrote it all the same', async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    let now = Date.now();
    const clock = { wallTime: () => (now -= 1), schedule: () => () => {} };
    const tab = await Life.begin(cluster, origin, { isOffline: true, clock });
    for (let i = 1; i <= 4; i += 1) {
      const write = tab.kv.mutate(put('own', i));
      await until(write.state, ({ kept }) => kept === true);
    }
    tab.end();
    const next = await Life.begin(cluster, origin);
    await next.drained();
    expect(await next.kv.getEntry('own')).toMatchObject({ value: 4, version: 4 });
  });

  it('of which one has taken the lane of another that is not gone: the old one can do nothing in it', async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    const zombie = await Life.begin(cluster, origin, { isOffline: true });
    const write = zombie.kv.mutate(put('a', 1));
    await until(write.state, ({ kept }) => kept === true);
    for (const release of zombie.held) release();
    const heir = await Life.begin(cluster, origin);
    await heir.drained();
    zombie.cutOff(false);
    await expect(write.committed).rejects.toMatchObject({ code: 'storage_locked', definite: false });
    expect(await heir.kv.getEntry('a')).toMatchObject({ value: 1, version: 1 });
  });

  it('send nothing to a cluster that it was not meant for', async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    const first = await Life.begin(cluster, origin);
    await first.kv.mutate(put('a', 1)).committed;
    first.cutOff(true);
    await until(first.kv.replica, ({ connection }) => connection === 'offline');
    const write = first.kv.mutate(put('a', 2));
    await until(write.state, ({ kept }) => kept === true);
    first.end();
    const other = await SmallCluster.start({ clusterId: 'beef00000000beef' });
    const astray = await Life.begin(other, origin);
    const [strange] = astray.kv.writes.getSnapshot();
    await until(strange!.state, ({ error }) => error?.code === 'wrong_cluster');
    expect(other.revision).toBe(1);
    astray.end();
    const home = await Life.begin(cluster, origin);
    await home.drained();
    expect(await home.kv.getEntry('a')).toMatchObject({ value: 2, version: 2 });
  });

  it('send nothing to another cluster than the one that may have done it, though nobody knew whom it was meant for when it was made', async () => {
    const origin = new Origin();
    const first = await Life.begin(await SmallCluster.start(), origin, { isOffline: true });
    const write = first.kv.mutate(put('mine', 1));
    await until(write.state, ({ kept }) => kept === true);
    first.isHalfDeaf = true;
    first.cutOff(false);
    await until(write.state, ({ status }) => status === 'sent');
    first.end();
    // Its sessions have the numbers of the first one's: under the same stamp something else was done.
    const other = await SmallCluster.start({ clusterId: 'beef00000000beef' });
    await (await Life.begin(other, new Origin())).kv.mutate(put('theirs', 1)).committed;
    const astray = await Life.begin(other, origin);
    const [strange] = astray.kv.writes.getSnapshot();
    await until(strange!.state, ({ error }) => error !== undefined);
    expect(strange!.state.getSnapshot()).toMatchObject({ status: 'unknown', error: { code: 'wrong_cluster' } });
  });

  it('know whom a write is meant for before anybody has answered, where the app does', async () => {
    const origin = new Origin();
    const first = await Life.begin(await SmallCluster.start(), origin, {
      isOffline: true,
      clusterId: 'feed00000000feed',
    });
    const write = first.kv.mutate(put('a', 1));
    await until(write.state, ({ kept }) => kept === true);
    first.end();
    const other = await SmallCluster.start({ clusterId: 'beef00000000beef' });
    const astray = await Life.begin(other, origin);
    await until(astray.kv.writes.getSnapshot()[0]!.state, ({ error }) => error?.code === 'wrong_cluster');
    expect(other.revision).toBe(1);
  });
});
