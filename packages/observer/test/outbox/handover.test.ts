// Lanes that change hands while tabs live: one that is frozen is robbed, one that is closed gives back what it was about to take, and of writes to one key that
// come together in a tab none that is older has the last word.
import { RaftkvError, encodeCommand } from '@raftkv/wire';
import type { Write } from '@raftkv/client';
import { describe, expect, it } from 'vitest';
import { SmallCluster, until } from '../small-cluster.ts';
import { Life, Origin, hasty, stateOf } from './lives.ts';

const put = (key: string, value: unknown) => [{ type: 'put', key, value } as const];
const kept = (write: Write<unknown>): Promise<unknown> => until(write.state, (state) => state.kept === true);

/** Values of the key in the order in which they were written. */
async function historyOf(cluster: SmallCluster, key: string): Promise<unknown[]> {
  const values: unknown[] = [];
  let last = 0;
  for (let revision = 2; revision <= cluster.revision; revision += 1) {
    const entry = await cluster.client().getEntry(key, { revision });
    if (entry !== undefined && entry.revision !== last) values.push(entry.value);
    last = entry?.revision ?? 0;
  }
  return values;
}

/** The first step of this kind waits until it is let go. */
function holdStep(life: Life, what: string) {
  let [reach, letGo] = [(): void => {}, (): void => {}];
  const reached = new Promise<void>((resolve) => (reach = resolve));
  const held = new Promise<void>((resolve) => (letGo = resolve));
  const step = life.diskStep.bind(life);
  life.diskStep = async (each) => {
    if (each === what) {
      reach();
      await held;
    }
    return step(each);
  };
  return { reached, letGo };
}

describe('the lane of a tab', () => {
  it('that is frozen is taken from it, what is in it is sent once, and it is told when it wakes', async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    const frozen = await Life.begin(cluster, origin, { isOffline: true, clock: hasty });
    const heir = await Life.begin(cluster, origin, { clock: hasty });
    const write = frozen.kv.mutate(put('a', 1));
    await kept(write);
    frozen.freeze();
    await until(heir.kv.replica, () => origin.locks.robberies > 0 || cluster.revision > 1);
    await expect.poll(() => cluster.revision).toBe(2);
    await heir.drained();
    expect(origin.locks.robberies).toBe(1);
    expect(stateOf(write)).toBe('local, kept');
    frozen.wake();
    await expect(write.committed).rejects.toMatchObject({ code: 'storage_locked', definite: false });
    expect(stateOf(write)).toBe('unknown');
    await until(frozen.kv.outbox!.status, ({ waiting, undecided, bytes }) => waiting + undecided + bytes === 0);
    expect(() => frozen.kv.outbox!.retry(write)).toThrow(expect.objectContaining({ code: 'not_found' }));
    // What it writes from now on is kept, in another lane.
    const next = frozen.kv.mutate(put('a', 2));
    await kept(next);
    frozen.cutOff(false);
    await next.committed;
    expect(await heir.kv.getEntry('a')).toMatchObject({ value: 2, version: 2 });
  });

  it('that runs is left to it', async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    const one = await Life.begin(cluster, origin, { isOffline: true, clock: hasty });
    const two = await Life.begin(cluster, origin, { clock: hasty });
    const write = one.kv.mutate(put('a', 1));
    await kept(write);
    await expect.poll(() => origin.locks.questions).toBeGreaterThan(20);
    expect([origin.locks.robberies, two.kv.writes.getSnapshot().length, stateOf(write)]).toEqual([0, 0, 'local, kept']);
  });

  it('is given back by one that is closed while it takes it over', async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    const gone = await Life.begin(cluster, origin, { isOffline: true, clock: hasty });
    const closing = await Life.begin(cluster, origin, { isOffline: true, clock: hasty });
    await kept(gone.kv.mutate(put('a', 1)));
    const { reached, letGo } = holdStep(closing, 'before take');
    gone.end();
    await reached;
    expect(origin.locks.held).toHaveLength(1);
    const closed = closing.kv.close();
    letGo();
    await closed;
    expect(origin.locks.held).toEqual([]);
    const next = await Life.begin(cluster, origin, { clock: hasty });
    await next.drained();
    expect(await next.kv.getEntry('a')).toMatchObject({ value: 1, version: 1 });
  });

  it('and is kept by one that is closed while it makes it for a first write', async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    const closing = await Life.begin(cluster, origin, { isOffline: true });
    const { reached, letGo } = holdStep(closing, 'before take');
    const write = closing.kv.mutate(put('a', 1));
    await reached;
    const closed = closing.kv.close();
    letGo();
    await closed;
    expect(origin.locks.held).toEqual([]);
    const next = await Life.begin(cluster, origin);
    await next.drained();
    expect(await next.kv.get('a')).toBe(1);
    expect(stateOf(write)).toBe('unknown, kept');
  });

  it("is one tab's, though another was about to open it when it was taken from that one", async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    const options = { isOffline: true, clock: hasty };
    const first = await Life.begin(cluster, origin, options);
    await kept(first.kv.mutate(put('a', 1)));
    const slow = await Life.begin(cluster, origin, options);
    const { reached, letGo } = holdStep(slow, 'before take');
    first.freeze();
    await reached;
    // It has the lock, and hears nothing any more; what it has begun goes on.
    slow.freeze();
    const heir = await Life.begin(cluster, origin, options);
    await until(heir.kv.outbox!.status, ({ waiting }) => waiting === 1);
    expect(origin.locks.robberies).toBe(2);
    slow.wake();
    letGo();
    await expect.poll(() => origin.locks.queued).toBe(1);
    expect([slow, heir].map(({ kv }) => kv.outbox!.status.getSnapshot().waiting)).toEqual([0, 1]);
    expect(slow.kv.outbox!.status.getSnapshot().error).toBeUndefined();
    // The slow one wrote into the lane's head after all: who has the lock finds that out, and gives the lane to it.
    heir.cutOff(false);
    slow.cutOff(false);
    await expect.poll(() => cluster.revision, { timeout: 60_000 }).toBe(2);
    await expect.poll(() => origin.disk.lanes(), { timeout: 60_000 }).toEqual([]);
    expect(await heir.kv.getEntry('a')).toMatchObject({ value: 1, version: 1 });
  });

  it('that was taken from it is its own again when the tab that took it is gone', async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    const robbed = await Life.begin(cluster, origin, { isOffline: true, clock: hasty });
    const robber = await Life.begin(cluster, origin, { isOffline: true, clock: hasty });
    await kept(robbed.kv.mutate(put('a', 1)));
    robbed.freeze();
    await until(robber.kv.outbox!.status, ({ waiting }) => waiting === 1);
    robbed.wake();
    await until(robbed.kv.outbox!.status, ({ waiting, error }) => waiting === 0 && error?.code === 'storage_locked');
    robber.end();
    await until(robbed.kv.outbox!.status, ({ waiting }) => waiting === 1);
    robbed.cutOff(false);
    await robbed.drained();
    expect(await historyOf(cluster, 'a')).toEqual([1]);
  });

  it('is waited for by a page that was put away and came back at once', async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    let page: { onSuspend: () => void; onResume: () => void } | undefined;
    const one = await Life.begin(cluster, origin, { isOffline: true, clock: hasty });
    await kept(one.kv.mutate(put('a', 1)));
    const two = await Life.begin(cluster, origin, {
      clock: hasty,
      watchPage: (life) => {
        page = life;
        return () => {};
      },
    });
    page!.onSuspend();
    page!.onResume();
    await expect.poll(() => origin.locks.queued).toBe(1);
    one.end();
    await expect.poll(() => cluster.revision).toBe(2);
    await two.drained();
  });
});

describe('writes of two tabs to one key, of which one inherits the other', () => {
  it('are sent in the order in which they were made, if both wait', async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    const options = { isOffline: true, clock: hasty };
    const [one, two] = [await Life.begin(cluster, origin, options), await Life.begin(cluster, origin, options)];
    for (let i = 1; i <= 9; i += 1) {
      await kept((i % 2 === 0 ? one : two).kv.mutate(put('shared', i)));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    one.end();
    await until(two.kv.outbox!.status, ({ waiting }) => waiting === 9);
    // What is written after that goes last, kept or not.
    const unkept = two.kv.mutate(put('shared', 10), { timeoutMilliseconds: 30_000 });
    two.kv.mutate(put('shared', 11));
    two.cutOff(false);
    await unkept.committed;
    await two.drained();
    expect(await historyOf(cluster, 'shared')).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  it('a range that was deleted before is deleted before what was written into it since', async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    await cluster.client().put('r/1', 'old');
    const options = { isOffline: true, clock: hasty };
    const [one, two] = [await Life.begin(cluster, origin, options), await Life.begin(cluster, origin, options)];
    await kept(one.kv.mutate([{ type: 'deleteRange', range: { prefix: 'r/' } }]));
    await new Promise((resolve) => setTimeout(resolve, 2));
    await kept(two.kv.mutate(put('r/2', 'new')));
    one.end();
    await until(two.kv.outbox!.status, ({ waiting }) => waiting === 2);
    two.cutOff(false);
    await two.drained();
    expect([await two.kv.get('r/1'), await two.kv.get('r/2')]).toEqual([undefined, 'new']);
  });

  it('an older one does not go after a newer one that was sent, but comes back with what is there', async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    const one = await Life.begin(cluster, origin, { isOffline: true, clock: hasty });
    const two = await Life.begin(cluster, origin, { clock: hasty });
    await kept(one.kv.mutate(put('shared', 'older')));
    await kept(one.kv.mutate(put('elsewhere', 1)));
    await new Promise((resolve) => setTimeout(resolve, 2));
    await two.kv.mutate(put('shared', 'newer')).committed;
    one.end();
    await until(two.kv.outbox!.status, ({ undecided, waiting }) => undecided === 1 && waiting === 0);
    const [late] = two.kv.writes.getSnapshot();
    await until(late!.state, ({ error }) => error?.found !== undefined);
    expect(late!.state.getSnapshot()).toMatchObject({
      status: 'refused',
      kept: true,
      error: { code: 'condition_failed', definite: true, found: [{ key: 'shared', value: 'newer' }] },
    });
    expect(await two.kv.getEntry('shared')).toMatchObject({ value: 'newer', version: 1 });
    expect(await two.kv.get('elsewhere')).toBe(1);
    two.end();
    // Also after a reload, until the app says so.
    const next = await Life.begin(cluster, origin, { clock: hasty });
    await until(next.kv.outbox!.status, ({ undecided, waiting }) => undecided === 1 && waiting === 0);
    await next.kv.outbox!.retry(next.kv.writes.getSnapshot()[0]!).committed;
    expect(await next.kv.getEntry('shared')).toMatchObject({ value: 'older', version: 2 });
  });

  it.each(['arrived', 'did not arrive'])(
    'an older one that was sent and %s is told apart, and happens at most once',
    async (fate) => {
      const cluster = await SmallCluster.start();
      const origin = new Origin();
      const one = await Life.begin(cluster, origin, { clock: hasty });
      const two = await Life.begin(cluster, origin, { clock: hasty });
      await one.kv.mutate(put('shared', 0)).committed;
      const before = cluster.revision;
      one.isDeaf = true;
      const write = one.kv.mutate(put('shared', 'older'));
      if (fate === 'arrived') await expect.poll(() => cluster.revision).toBe(before + 1);
      else {
        write.state.subscribe(() => {
          if (write.state.getSnapshot().status === 'sent') one.cutOff(true);
        });
        await until(one.kv.replica, ({ connection }) => connection === 'offline');
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
      // On the way before it inherits anything.
      await two.kv.mutate(put('shared', 'newer')).committed;
      one.end();
      const isRefused = fate !== 'arrived';
      await until(
        two.kv.outbox!.status,
        ({ waiting, undecided }) => waiting === 0 && undecided === (isRefused ? 1 : 0),
      );
      await expect.poll(() => origin.disk.lanes()).toHaveLength(isRefused ? 2 : 1);
      expect(await historyOf(cluster, 'shared')).toEqual(isRefused ? [0, 'newer'] : [0, 'older', 'newer']);
      if (!isRefused) return;
      expect(two.kv.writes.getSnapshot()[0]!.state.getSnapshot()).toMatchObject({
        status: 'refused',
        error: { code: 'condition_failed', definite: true },
      });
    },
  );
});

describe('a write of which another tab decided that it does not happen', () => {
  it('is never said to have happened, though that tab went before it could note it', async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    const one = await Life.begin(cluster, origin, { clock: hasty });
    const two = await Life.begin(cluster, origin, { clock: hasty });
    await one.kv.mutate(put('shared', 0)).committed;
    one.isDeaf = true;
    const write = one.kv.mutate(put('shared', 'older'));
    write.state.subscribe(() => {
      if (write.state.getSnapshot().status === 'sent') one.cutOff(true);
    });
    await until(one.kv.replica, ({ connection }) => connection === 'offline');
    await new Promise((resolve) => setTimeout(resolve, 2));
    await two.kv.mutate(put('shared', 'newer')).committed;
    const take = origin.disk.take.bind(origin.disk);
    origin.disk.take = async (name) => {
      const lane = await take(name);
      origin.failure = new RaftkvError('storage_failed', 'the disk is away', { definite: false });
      return lane;
    };
    one.end();
    await expect
      .poll(() => two.kv.writes.getSnapshot().map(({ state }) => state.getSnapshot().status))
      .toContain('refused');
    two.end();
    origin.disk.take = take;
    origin.failure = undefined;
    const heir = await Life.begin(cluster, origin, { clock: hasty });
    await until(heir.kv.outbox!.status, ({ undecided, waiting }) => undecided === 1 && waiting === 0);
    expect(await historyOf(cluster, 'shared')).toEqual([0, 'newer']);
  });
});

describe('a session', () => {
  it('is not closed by who has settled some of what was stamped in it, while the rest is to be asked for', async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    // One tab with two lanes: its own, and one that it inherited.
    const grandparent = await Life.begin(cluster, origin, { isOffline: true });
    await kept(grandparent.kv.mutate(put('inherited', 1)));
    const [inherited] = await origin.disk.lanes();
    grandparent.end();
    await new Promise((resolve) => setImmediate(resolve));
    const parent = await Life.begin(cluster, origin, { isOffline: true });
    await kept(parent.kv.mutate(put('own', 1)));
    const before = cluster.revision;
    parent.isHalfDeaf = true;
    parent.cutOff(false);
    await expect.poll(() => cluster.revision).toBe(before + 2);
    parent.end();
    await new Promise((resolve) => setImmediate(resolve));
    // Another tab has the one that was inherited, for a while.
    const stranger = await Life.begin(cluster, new Origin());
    const release = await origin.locks.of(stranger).take(inherited!, {});
    const heir = await Life.begin(cluster, origin, { clock: hasty });
    await heir.drained();
    expect(cluster.stateMachine.store.statistics().sessions).toBeGreaterThan(0);
    release!();
    await expect.poll(() => origin.disk.lanes()).toEqual([]);
    expect(heir.kv.outbox!.status.getSnapshot()).toMatchObject({ waiting: 0, undecided: 0 });
    expect(cluster.revision).toBe(before + 2);
  });

  it('of a tab that was robbed is not the one that it goes on with', async () => {
    const cluster = await SmallCluster.start();
    const origin = new Origin();
    const robbed = await Life.begin(cluster, origin, { clock: hasty });
    await robbed.kv.mutate(put('a', 0)).committed;
    const before = cluster.revision;
    robbed.isHalfDeaf = true;
    const sent = robbed.kv.mutate(put('a', 1));
    await expect.poll(() => cluster.revision).toBe(before + 1);
    robbed.freeze();
    const heir = await Life.begin(cluster, origin, { clock: hasty });
    await expect.poll(() => origin.locks.robberies).toBe(1);
    await heir.drained();
    // Nobody asks under the old one any more.
    const { appliedIndex } = cluster.stateMachine.store.statistics();
    for (let clientId = 1; clientId <= appliedIndex; clientId += 1) {
      await cluster.node.write(encodeCommand({ session: undefined, command: { type: 'closeSession', clientId } }));
    }
    robbed.isHalfDeaf = false;
    robbed.wake();
    robbed.cutOff(true);
    robbed.cutOff(false);
    await expect(sent.committed).rejects.toMatchObject({ definite: false });
    await robbed.kv.mutate(put('a', 2)).committed;
    await until(robbed.kv.outbox!.status, ({ waiting, undecided, bytes }) => waiting + undecided + bytes === 0);
    expect(await historyOf(cluster, 'a')).toEqual([0, 1, 2]);
  });
});
