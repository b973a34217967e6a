// Watches whose code is loaded with the first of them, as a page's production build has them: nothing that is asked of one before is lost.
import { describe, expect, it, vi } from 'vitest';
import type { Watch } from '../src/watch.ts';
import { classy } from './classy.ts';
import { FakeCluster, client, held } from './fake-cluster.ts';

vi.mock('../src/make-watch.ts', () => import('../src/make-watch-later.ts'));
vi.mock('../src/rare.ts', () => import('../src/rare-later.ts'));

/** Nothing is loaded. */
function reset(): void {
  vi.resetModules();
  vi.doMock('../src/make-watch.ts', () => import('../src/make-watch-later.ts'));
  vi.doMock('../src/rare.ts', () => import('../src/rare-later.ts'));
}

describe('a watch that is loaded later', () => {
  it('gives what changes, in order, to whoever asked before it was there', async () => {
    const kv = client(new FakeCluster(3));
    await kv.put('a/0', 'before');
    const watch = kv.watch({ prefix: 'a/' });
    expect(watch.position).toBe(0);
    const asked = [watch.next(), watch.next()];
    await watch.ready();
    const revisions = [await kv.put('a/1', 1), await kv.put('a/1', 2)];
    const given = await Promise.all(asked);
    expect(given.map(({ value }) => value?.revision)).toEqual(revisions);
    expect(watch.position).toBe(revisions[1]);
  });

  it.each(['before its code is there', 'in the same moment'])('gives what its own client writes %s', async (when) => {
    reset();
    let load = (): void => {};
    const gate = new Promise<void>((resolve) => (load = resolve));
    vi.doMock('../src/watch.ts', async (original) => {
      await gate;
      return original();
    });
    const { FakeCluster: Cluster, client: open } = await import('./fake-cluster.ts');
    const cluster = new Cluster(3);
    const kv = open(cluster);
    const watch = kv.watch({ prefix: 'a/' });
    const writing = kv.put('a/1', 1);
    if (when === 'in the same moment') load();
    const revisions = [await writing, await kv.put('a/2', 2)];
    load();
    const given = [await watch.next(), await watch.next()];
    expect(given.map(({ value }) => value?.revision)).toEqual(revisions);
    await open(cluster).put('a/3', 3);
    expect((await watch.next()).value).toMatchObject({ revision: cluster.store.revision });
  });

  it('goes on over a connection that is lost', async () => {
    const cluster = new FakeCluster(3);
    const kv = client(cluster);
    const watch = kv.watch({ all: true }, { from: 1 });
    const revisions: number[] = [];
    for (let i = 0; i < 3; i += 1) {
      await kv.put('a', i);
      const { value } = await watch.next();
      revisions.push(value!.revision);
      for (const node of cluster.nodes) for (const pair of node.channels.splice(0)) pair.cut();
    }
    expect(revisions).toEqual([revisions[0], revisions[0]! + 1, revisions[0]! + 2]);
  });

  it('ends as it was told before it was there', async () => {
    const kv = client(new FakeCluster());
    const closed = kv.watch({ all: true });
    const asked = closed.next();
    closed.close();
    expect(await asked).toEqual({ done: true, value: undefined });
    const ended = kv.watch({ all: true }, { signal: AbortSignal.abort() });
    expect(await ended.next()).toEqual({ done: true, value: undefined });
    const failed = kv.watch({ all: true });
    const waiting = failed.next();
    await Promise.all([kv.close(), expect(waiting).rejects.toMatchObject({ code: 'closed' })]);
  });

  describe('while its code is under way', () => {
    async function opened() {
      reset();
      const gate = held<void>();
      vi.doMock('../src/watch.ts', async (original) => {
        await gate.promise;
        return original();
      });
      const { FakeCluster: Cluster, client: open } = await import('./fake-cluster.ts');
      const cluster = new Cluster();
      return { cluster, kv: open(cluster), load: gate.resolve, fail: gate.reject };
    }
    const over = { done: true, value: undefined };
    const closed = { code: 'closed' };

    it('ends at once when it is closed, left or cancelled, whether its code comes or not', async () => {
      const { cluster, kv, load } = await opened();
      const abort = new AbortController();
      const watches = [kv.watch({ all: true }), kv.watch({ all: true }), kv.watch({ all: true }, abort)];
      const [left, shut, cancelled] = watches as [Watch, Watch, Watch];
      const asked = watches.flatMap((watch) => [watch.next(), watch.next()]);
      const ready = watches.map((watch) => expect(watch.ready()).rejects.toMatchObject(closed));
      expect(await left.return()).toEqual(over);
      shut.close();
      shut.close();
      abort.abort();
      expect(await Promise.all(asked)).toEqual(asked.map(() => over));
      await Promise.all(ready);
      for (const watch of watches) {
        expect(watch.hasEnded).toBe(true);
        expect(await watch.next()).toEqual(over);
        await expect(watch.ready()).rejects.toMatchObject(closed);
      }
      expect(await kv.watch({ all: true }, { signal: abort.signal }).next()).toEqual(over);
      cancelled.close();
      load();
      // What waited for the same code is behind them.
      const other = kv.watch({ all: true });
      await other.ready();
      expect([...cluster.nodes[0]!.sessions].map(({ openWatches }) => openWatches)).toEqual([1]);
      await kv.put('a', 1);
      expect(await other.next()).toMatchObject({ done: false });
      for (const watch of watches) expect(await watch.next()).toEqual(over);
    });

    it('ends at once with its client, and says so once', async () => {
      const { kv } = await opened();
      const watch = kv.watch({ all: true });
      const asked = [watch.next(), watch.next()];
      await kv.close();
      await expect(asked[0]).rejects.toMatchObject(closed);
      expect(await asked[1]).toEqual(over);
      await expect(watch.ready()).rejects.toMatchObject(closed);
    });

    it('is iterated to its end', async () => {
      const { kv } = await opened();
      const watch = kv.watch({ all: true });
      const walked = (async () => {
        for await (const change of watch) return change;
        return 'over';
      })();
      watch.close();
      expect(await walked).toBe('over');
    });

    it('has options from when it was called, and leaves nothing at its signal', async () => {
      const { kv, load } = await opened();
      const first = await kv.put('a', 1);
      await kv.put('a', 2);
      const abort = new AbortController();
      const listening = vi.spyOn(abort.signal, 'addEventListener');
      const leaving = vi.spyOn(abort.signal, 'removeEventListener');
      const { given, forget } = classy({ from: first, previous: true, signal: abort.signal });
      const watches = [kv.watch({ all: true }, given), kv.watch({ all: true }, given), kv.watch({ all: true }, given)];
      const [ended, closing, cancelled] = watches as [Watch, Watch, Watch];
      forget();
      expect(ended.position).toBe(first - 1);
      ended.close();
      await expect(ended.ready()).rejects.toMatchObject(closed);
      load();
      for (const watch of [closing, cancelled]) {
        expect((await watch.next()).value).toMatchObject({ revision: first, events: [{ previous: undefined }] });
        expect((await watch.next()).value).toMatchObject({ events: [{ previous: { value: 1 } }] });
      }
      closing.close();
      const waiting = cancelled.next();
      abort.abort();
      expect(await waiting).toEqual(over);
      expect(cancelled.hasEnded).toBe(true);
      expect(leaving.mock.calls.map(([, listener]) => listener)).toEqual(
        expect.arrayContaining(listening.mock.calls.map(([, listener]) => listener)),
      );
    });

    it('has ended well if it was closed before its code could not be had', async () => {
      const { kv, fail } = await opened();
      const closing = kv.watch({ all: true });
      const failing = kv.watch({ all: true });
      closing.close();
      fail(new TypeError('Failed to fetch dynamically imported module'));
      await expect(failing.next()).rejects.toMatchObject({ code: 'connect_failed' });
      expect(await failing.next()).toEqual(over);
      expect(failing.hasEnded).toBe(true);
      expect(await closing.next()).toEqual(over);
      await expect(closing.ready()).rejects.toMatchObject(closed);
    });
  });

  it('says that it cannot be had', async () => {
    reset();
    vi.doMock('../src/watch.ts', () => {
      throw new TypeError('Failed to fetch dynamically imported module');
    });
    const { FakeCluster: Cluster, client: open } = await import('./fake-cluster.ts');
    const watch = open(new Cluster()).watch({ all: true });
    await expect(watch.next()).rejects.toMatchObject({ code: 'connect_failed' });
    await expect(watch.ready()).rejects.toMatchObject({ code: 'connect_failed' });
  });
});
