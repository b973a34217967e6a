// Watches whose code is loaded with the first of them, as a page's production build has them: nothing that is asked of one before is lost.
import { describe, expect, it, vi } from 'vitest';
import { FakeCluster, client } from './fake-cluster.ts';

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
