// Kept writes over a real member: what is kept, when it is sent, how it ends, and what an app can do about those that end badly.
import { describe, expect, it, vi } from 'vitest';
import { RaftkvError, encodeCommand } from '@raftkv/wire';
import { SmallCluster, until } from '../small-cluster.ts';
import { Life, Origin, stateOf } from './lives.ts';

const put = (key: string, value: unknown) => [{ type: 'put', key, value } as const];

describe('a kept write', () => {
  it('is shown as waiting, kept, sent and committed, and then is off the disk', async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    const { kv } = await Life.begin(cluster, origin);
    const write = kv.mutate(put('a', 1));
    const seen = [stateOf(write)];
    write.state.subscribe(() => seen.push(stateOf(write)));
    await write.committed;
    expect(seen).toEqual(['local', 'local, kept', 'sent, kept', 'committed']);
    await until(kv.outbox!.status, ({ waiting, bytes }) => waiting === 0 && bytes === 0);
    expect(await kv.getEntry('a')).toMatchObject({ value: 1, version: 1 });
  });

  it('that was made while cut off is sent in order by the next life, exactly once', async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    const first = await Life.begin(cluster, origin, { isOffline: true });
    const writes = Array.from({ length: 50 }, (_, i) => first.kv.mutate(put('list', i + 1)));
    await until(writes[49]!.state, ({ kept }) => kept === true);
    first.end();
    const { kv } = await Life.begin(cluster, origin, { isOffline: false });
    expect(kv.writes.getSnapshot().map(stateOf).slice(0, 2)).toEqual(['local, kept', 'local, kept']);
    await until(kv.outbox!.status, ({ waiting }) => waiting === 0);
    expect(await kv.getEntry('list')).toMatchObject({ value: 50, version: 50 });
    expect(kv.writes.getSnapshot()).toEqual([]);
  });

  it('of an earlier life is shown before it is committed', async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    await cluster.client().put('shown', 'old');
    const first = await Life.begin(cluster, origin, { isOffline: true });
    const write = first.kv.mutate(put('shown', 'new'));
    first.kv.mutate(put('hidden', 'new'), { optimistic: false });
    await until(first.kv.outbox!.status, ({ waiting }) => waiting === 2);
    await until(write.state, ({ kept }) => kept === true);
    first.end();
    const second = await Life.begin(cluster, origin, { isOffline: true });
    second.kv.mutate(put('other', 1));
    second.cutOff(false);
    const live = second.kv.live.get('shown');
    const states: unknown[] = [];
    live.subscribe(() => states.push([live.getSnapshot().data?.value, live.getSnapshot().data?.isPending]));
    await until(live, ({ data, source }) => data?.value === 'new' && source === 'confirmed');
    expect(states).not.toContainEqual(['old', false]);
    await until(second.kv.live.get('hidden'), ({ data }) => data?.value === 'new');
  });

  it('is marked as sent only when the way is known to be open', async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    const life = await Life.begin(cluster, origin);
    await life.kv.mutate(put('a', 1)).committed;
    await life.drained();
    life.cutOff(true);
    await until(life.kv.replica, ({ connection }) => connection === 'offline');
    life.steps.length = 0;
    const write = life.kv.mutate(put('a', 2));
    await until(write.state, ({ kept }) => kept === true);
    expect(life.steps.filter((step) => step.includes('mark'))).toEqual([]);
    life.cutOff(false);
    await write.committed;
    expect(life.steps.filter((step) => step.includes('mark'))).not.toEqual([]);
  });

  it('is not sent before every answer to it can be read, and the code for that is asked for until it comes', async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    let asked = 0;
    let letCome: () => void = () => undefined;
    const came = new Promise<void>((resolve) => (letCome = resolve));
    const prefetch = (): Promise<void> => (++asked === 1 ? Promise.reject(new TypeError('Failed to fetch')) : came);
    const life = await Life.begin(cluster, origin, { prefetch });
    const write = life.kv.mutate(put('a', 1), { if: [{ key: 'a', exists: false }] });
    await vi.waitFor(() => expect(asked).toBe(2), { timeout: 60_000 });
    // Others go on meanwhile, over the same connection.
    await life.kv.put('b', 2);
    expect(write.state.getSnapshot()).toMatchObject({ status: 'local', kept: true });
    letCome();
    await write.committed;
    expect(await life.kv.getEntry('a')).toMatchObject({ value: 1, version: 1 });
  });

  it('with a time limit is not kept', async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    const { kv } = await Life.begin(cluster, origin, { isOffline: true });
    const write = kv.mutate(put('a', 1), { timeoutMilliseconds: 30 });
    await expect(write.committed).rejects.toMatchObject({ code: 'timeout', definite: true });
    expect(stateOf(write)).toBe('refused');
    expect(await origin.disk.lanes()).toEqual([]);
  });

  it('that has waited for longer than is allowed is not sent, but comes back, also after a reload, until the app has decided', async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    let now = Date.now();
    const clock = { wallTime: () => now, schedule: () => () => {} };
    const first = await Life.begin(cluster, origin, { isOffline: true, clock });
    const old = first.kv.mutate(put('a', 'old'));
    await until(old.state, ({ kept }) => kept === true);
    now += 29 * 24 * 3_600_000;
    const young = first.kv.mutate(put('b', 'young'));
    await until(young.state, ({ kept }) => kept === true);
    now += 2 * 24 * 3_600_000;
    first.end();
    for (const maxAgeMilliseconds of [undefined, Infinity]) {
      const life = await Life.begin(cluster, origin, { clock, ...(maxAgeMilliseconds && { maxAgeMilliseconds }) });
      await until(life.kv.outbox!.status, ({ waiting, undecided }) => waiting === 0 && undecided === 1);
      const [expired] = life.kv.writes.getSnapshot();
      expect(expired!.state.getSnapshot()).toMatchObject({
        status: 'refused',
        kept: true,
        error: { code: 'timeout', definite: true },
      });
      expect([await life.kv.get('a'), await life.kv.get('b')]).toEqual([undefined, 'young']);
      if (maxAgeMilliseconds !== undefined) await life.kv.outbox!.retry(expired!).committed;
      life.end();
    }
    expect(await cluster.client().getEntry('a')).toMatchObject({ value: 'old', version: 1 });
  });

  it('that was made offline and then taken back is never sent', async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    const life = await Life.begin(cluster, origin, { isOffline: true });
    const { kv } = life;
    const [first, second, third] = [1, 2, 3].map((value) => kv.mutate(put('a', value)));
    await kv.outbox!.discard(second!);
    expect(second!.state.getSnapshot()).toMatchObject({
      status: 'refused',
      error: { code: 'cancelled', definite: true },
    });
    life.cutOff(false);
    await Promise.all([first!.committed, third!.committed]);
    expect(await kv.getEntry('a')).toMatchObject({ value: 3, version: 2 });
    await expect(kv.outbox!.discard(third!)).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('a kept write under conditions', () => {
  it('that no longer hold is refused with what is there now, also after the page was closed', async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    const other = cluster.client();
    await other.put('title', 'first');
    const first = await Life.begin(cluster, origin);
    const { revision } = (await first.kv.getEntry('title'))!;
    first.cutOff(true);
    await until(first.kv.replica, ({ connection }) => connection === 'offline');
    const write = first.kv.mutate(put('title', 'mine'), { if: [{ key: 'title', revision }] });
    const good = first.kv.mutate(put('new', 1), { if: [{ key: 'new', exists: false }] });
    await until(good.state, ({ kept }) => kept === true);
    await other.put('title', 'theirs');
    first.end();
    const second = await Life.begin(cluster, origin);
    await until(second.kv.outbox!.status, ({ waiting, undecided }) => waiting === 0 && undecided === 1);
    const [refused] = second.kv.writes.getSnapshot();
    expect(refused!.state.getSnapshot()).toMatchObject({
      status: 'refused',
      kept: true,
      error: { code: 'condition_failed', definite: true, found: [{ key: 'title', value: 'theirs', version: 2 }] },
    });
    expect(await second.kv.get('new')).toBe(1);
    second.end();

    // Until the app has said what is to become of it.
    const third = await Life.begin(cluster, origin);
    const [still] = third.kv.writes.getSnapshot();
    await until(still!.state, ({ error }) => error?.found !== undefined);
    expect(still!.state.getSnapshot()).toMatchObject({ status: 'refused', error: { found: [{ value: 'theirs' }] } });
    expect(still!.state.getSnapshot().error!.found).toHaveLength(1);
    await third.kv.outbox!.discard(still!);
    await until(third.kv.writes, ({ length }) => length === 0);
    third.end();
    const fourth = await Life.begin(cluster, origin);
    expect(fourth.kv.writes.getSnapshot()).toEqual([]);
    expect(await fourth.kv.getEntry('title')).toMatchObject({ value: 'theirs', version: 2 });
    expect(write.keys).toEqual(['title']);
  });

  it('is made again without them, or under others, and takes the place of the old one', async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    const life = await Life.begin(cluster, origin);
    const { kv } = life;
    await kv.put('a', 'theirs');
    const write = kv.mutate(put('a', 'mine'), { if: [{ key: 'a', exists: false }] });
    await expect(write.committed).rejects.toMatchObject({ code: 'condition_failed' });
    const again = kv.outbox!.retry(write, { if: [{ key: 'a', version: 7 }] });
    await until(kv.writes, (writes) => !writes.includes(write));
    await expect(again.committed).rejects.toMatchObject({ found: [{ value: 'theirs' }] });
    await (kv.outbox!.retry(again) as typeof write).committed;
    await until(kv.outbox!.status, ({ waiting, undecided }) => waiting + undecided === 0);
    expect(await kv.getEntry('a')).toMatchObject({ value: 'mine', version: 2 });
    life.end();
    const next = await Life.begin(cluster, origin);
    expect(next.kv.writes.getSnapshot()).toEqual([]);
    expect(() => next.kv.outbox!.retry(write)).toThrow(RaftkvError);
  });

  it('waits for the writes before it on the keys that it depends on', async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    const life = await Life.begin(cluster, origin, { isOffline: true });
    life.kv.mutate(put('gate', 'open'));
    const write = life.kv.mutate(put('through', 1), { if: [{ key: 'gate', value: 'open' }] });
    life.cutOff(false);
    await write.committed;
    expect(await life.kv.get('through')).toBe(1);
  });
});

describe('when the session is gone', () => {
  /** Nobody knows any session any more, as after 10,000 others. */
  async function forgetSessions({ node, stateMachine }: SmallCluster): Promise<void> {
    const { appliedIndex } = stateMachine.store.statistics();
    for (let clientId = 1; clientId <= appliedIndex; clientId += 1) {
      await node.write(encodeCommand({ session: undefined, command: { type: 'closeSession', clientId } }));
    }
    expect(stateMachine.store.statistics().sessions).toBe(0);
  }

  it('what was never sent is sent under a new one, also what was made before', async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    const life = await Life.begin(cluster, origin);
    await life.kv.mutate(put('a', 0)).committed;
    life.cutOff(true);
    await until(life.kv.replica, ({ connection }) => connection === 'offline');
    const writes = [1, 2, 3].map((value) => life.kv.mutate(put('a', value)));
    await until(writes[2]!.state, ({ kept }) => kept === true);
    await forgetSessions(cluster);
    life.cutOff(false);
    await Promise.all(writes.map(({ committed }) => committed));
    expect(await life.kv.getEntry('a')).toMatchObject({ value: 3, version: 4 });
    expect(life.kv.outbox!.status.getSnapshot().undecided).toBe(0);
  });

  it('a write that may have happened is surfaced with what is there now, and those after it are sent', async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    const first = await Life.begin(cluster, origin);
    await first.kv.mutate(put('a', 0)).committed;
    const before = cluster.revision;
    first.isDeaf = true;
    first.kv.mutate(put('a', 1));
    first.kv.mutate(put('a', 2));
    await expect.poll(() => cluster.revision).toBe(before + 1);
    first.end();
    await forgetSessions(cluster);
    const second = await Life.begin(cluster, origin);
    await second.drained();
    const { writes, outbox } = second.kv;
    const [unknown] = writes.getSnapshot();
    await until(unknown!.state, ({ error }) => error?.found !== undefined);
    expect(unknown!.state.getSnapshot()).toMatchObject({
      status: 'unknown',
      kept: true,
      error: { code: 'session_expired', definite: false, found: [{ key: 'a' }] },
    });
    expect(await second.kv.getEntry('a')).toMatchObject({ value: 2, version: 3 });
    expect(outbox!.status.getSnapshot()).toMatchObject({ waiting: 0, undecided: 1 });
    await outbox!.discard(unknown!);
    await until(outbox!.status, ({ undecided, bytes }) => undecided === 0 && bytes === 0);
  });

  it('a write that was marked and never left is surfaced too, and made again when the app says so', async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    const first = await Life.begin(cluster, origin);
    await first.kv.mutate(put('a', 0)).committed;
    const write = first.kv.mutate(put('a', 1));
    write.state.subscribe(() => {
      if (write.state.getSnapshot().status === 'sent') first.end();
    });
    await first.over;
    await forgetSessions(cluster);
    const second = await Life.begin(cluster, origin);
    const [unknown] = second.kv.writes.getSnapshot();
    await until(unknown!.state, ({ status, error }) => status === 'unknown' && error?.found !== undefined);
    expect(unknown!.state.getSnapshot().error!.found).toMatchObject([{ key: 'a', value: 0 }]);
    await second.kv.outbox!.retry(unknown!).committed;
    expect(await second.kv.getEntry('a')).toMatchObject({ value: 1, version: 2 });
  });
});
