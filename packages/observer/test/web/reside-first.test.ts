// A replica that is at work before its tab can talk with others: alone it needs nothing of that, and whatever becomes of what is loaded later, no tab is left
// without the data and none waits for ever.
import { RaftkvError } from '@raftkv/wire';
import { Client } from '@raftkv/client/parts';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { LoadSharing } from '../../src/web/reside-first.ts';
import { TabSharing } from '../../src/web/tab-sharing.ts';
import { SmallCluster, until } from '../small-cluster.ts';
import { FakeOrigin } from './fake-tabs.ts';
import type { FakeTab } from './fake-tabs.ts';

const loaded: LoadSharing = () => Promise.resolve((tenancy) => new TabSharing(tenancy));
const never: LoadSharing = () => new Promise(() => {});

async function stage(): Promise<{ cluster: SmallCluster; origin: FakeOrigin }> {
  const cluster = await SmallCluster.start();
  const writer = cluster.client();
  for (let i = 0; i < 20; i += 1) await writer.put(`k${i}`, i);
  return { cluster, origin: new FakeOrigin(cluster) };
}

const isReady = (tab: FakeTab): Promise<unknown> =>
  until(tab.kv.replica, ({ phase, connection }) => phase === 'ready' && connection === 'online');
const caughtUp = (tab: FakeTab, cluster: SmallCluster): Promise<unknown> =>
  until(tab.kv.replica, ({ revision, connection }) => connection === 'online' && revision === cluster.revision);

/** Clients fail to load what is of use later before this attempt. Answers how many there were. */
function prefetchFromAttempt(first: number): () => number {
  const { prefetch } = Client.prototype;
  onTestFinished(() => void (Client.prototype.prefetch = prefetch));
  let attempts = 0;
  Client.prototype.prefetch = async () => {
    attempts += 1;
    if (attempts < first) throw new TypeError('Failed to fetch dynamically imported module');
  };
  return () => attempts;
}

describe('a replica whose tab learns later to talk with others', () => {
  it('holds, keeps its copy and follows the cluster without it', async () => {
    const { cluster, origin } = await stage();
    const tab = await origin.openTab({ load: never });
    await until(tab.kv.replica, ({ tenancy, storage }) => tenancy === 'holder' && storage === 'relaxed');
    await tab.kv.put('own', 1);
    await caughtUp(tab, cluster);
    expect(await tab.kv.get('own', { level: 'local' })).toBe(1);
  });

  it('loads it after it has read its copy where it holds, and before it is fed where another tab does', async () => {
    const { cluster, origin } = await stage();
    const order: string[] = [];
    const loading: LoadSharing = () => {
      order.push('loads');
      return loaded();
    };
    // Longer than it takes to find that the lock is free, and shorter than anybody waits.
    origin.store.hold = new Promise((resolve) => setTimeout(resolve, 50)).then(() => void order.push('reads'));
    await isReady(await origin.openTab({ load: loading }));
    const second = await origin.openTab({ load: loading });
    await until(second.kv.replica, ({ tenancy, phase }) => tenancy === 'attached' && phase === 'ready');
    expect(order).toEqual(['reads', 'loads', 'loads']);
    await cluster.client().put('news', 1);
    await caughtUp(second, cluster);
  });

  it('feeds a tab that came before it could', async () => {
    const { cluster, origin } = await stage();
    let load = (): void => {};
    const gate = new Promise<void>((resolve) => (load = resolve));
    const first = await origin.openTab({ load: () => gate.then(loaded) });
    await isReady(first);
    const second = await origin.openTab({ load: loaded });
    expect(second.kv.replica.getSnapshot().keys).toBe(0);
    load();
    await isReady(second);
    await cluster.client().put('news', 1);
    await caughtUp(second, cluster);
    expect(second.kv.replica.getSnapshot()).toMatchObject({ tenancy: 'attached', keys: 21 });
    expect(origin.locks.steals).toBe(0);
  });

  it('tries again when it cannot be loaded, says so while nobody feeds it, and follows the cluster itself meanwhile', async () => {
    const { cluster, origin } = await stage();
    await isReady(await origin.openTab());
    let attempts = 0;
    let mayLoad = false;
    const tab = await origin.openTab({
      load: () => {
        attempts += 1;
        return mayLoad ? loaded() : Promise.reject(new TypeError('Failed to fetch dynamically imported module'));
      },
    });
    await isReady(tab);
    await cluster.client().put('news', 1);
    await caughtUp(tab, cluster);
    tab.kv.setOnline(false);
    await until(tab.kv.replica, ({ error }) => error instanceof RaftkvError && error.code === 'connect_failed');
    tab.kv.setOnline(true);
    mayLoad = true;
    await until(tab.kv.replica, ({ tenancy }) => tenancy === 'attached');
    await cluster.client().put('more news', 1);
    await caughtUp(tab, cluster);
    expect(attempts).toBeGreaterThan(2);
  });

  it('tries again what is only of use later, too, and says nothing of it', async () => {
    const { cluster, origin } = await stage();
    const attempts = prefetchFromAttempt(3);
    const tab = await origin.openTab({ load: loaded });
    await isReady(tab);
    await expect.poll(attempts, { timeout: 60_000 }).toBe(3);
    expect(tab.kv.replica.getSnapshot().error).toBeUndefined();
    await caughtUp(tab, cluster);
  });

  it('loads what is only of use later where the browser lets it have no locks, too', async () => {
    const { cluster, origin } = await stage();
    const attempts = prefetchFromAttempt(2);
    const tab = await origin.openTab({ load: never, locks: undefined as never });
    await expect.poll(attempts, { timeout: 60_000 }).toBe(2);
    await caughtUp(tab, cluster);
  });

  it('goes on when it is robbed of the lock before it could answer', async () => {
    const { cluster, origin } = await stage();
    const first = await origin.openTab({ load: never });
    await isReady(first);
    const second = await origin.openTab({ load: loaded });
    await until(second.kv.replica, ({ tenancy }) => tenancy === 'holder');
    expect(origin.locks.steals).toBe(1);
    await cluster.client().put('news', 1);
    await Promise.all([caughtUp(first, cluster), caughtUp(second, cluster)]);
    await second.kv.close();
    await until(first.kv.replica, ({ tenancy }) => tenancy === 'holder');
  });
});
