// One replica for several tabs: one holds it and feeds the others, and whatever becomes of that one, another takes its place, nothing is fetched anew
// and no call is lost or done twice.
import { RaftkvError } from '@raftkv/wire';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startStopwatch } from '../../../../test/stopwatch.ts';
import { SmallCluster, until } from '../small-cluster.ts';
import { placeOf } from '../../src/web/index.ts';
import { FakeOrigin } from './fake-tabs.ts';
import type { FakeTab } from './fake-tabs.ts';

async function stage(tabCount: number): Promise<{ cluster: SmallCluster; origin: FakeOrigin; tabs: FakeTab[] }> {
  const cluster = await SmallCluster.start();
  const writer = cluster.client();
  for (let i = 0; i < 100; i += 1) await writer.put(`k${i}`, 'x'.repeat(1_000));
  const origin = new FakeOrigin(cluster);
  const tabs: FakeTab[] = [];
  for (let i = 0; i < tabCount; i += 1) {
    const tab = await origin.openTab();
    await until(tab.kv.replica, ({ phase, storage }) => phase === 'ready' && storage === 'relaxed');
    tabs.push(tab);
  }
  return { cluster, origin, tabs };
}

const tenancies = (tabs: readonly FakeTab[]): string[] => tabs.map(({ kv }) => kv.replica.getSnapshot().tenancy);
const isHolder = (tab: FakeTab): Promise<unknown> => until(tab.kv.replica, ({ tenancy }) => tenancy === 'holder');
const caughtUp = (tab: FakeTab, cluster: SmallCluster): Promise<unknown> =>
  until(tab.kv.replica, ({ revision, connection }) => connection === 'online' && revision === cluster.revision);

describe('tabs of one origin', () => {
  it('have one connection to the cluster between them, until one has something to ask', async () => {
    const { cluster, tabs } = await stage(3);
    const dials = cluster.dials;
    const another = await tabs[0]!.origin.openTab();
    await caughtUp(another, cluster);
    expect(await another.kv.get('k1', { level: 'local' })).toBeDefined();
    another.hear('freeze');
    another.hear('resume');
    await caughtUp(another, cluster);
    expect(cluster.dials).toBe(dials);
    expect(await another.kv.get('k1')).toBeDefined();
    expect(cluster.dials).toBeGreaterThan(dials);
  });

  it('share one replica: one holds it, the others are fed by it, and each writes for itself', async () => {
    const { cluster, tabs } = await stage(3);
    expect(tenancies(tabs)).toEqual(['holder', 'attached', 'attached']);
    for (const [i, tab] of tabs.entries()) await tab.kv.put(`of ${i}`, i);
    await Promise.all(tabs.map((tab) => caughtUp(tab, cluster)));
    const statuses = tabs.map(({ kv }) => kv.replica.getSnapshot());
    expect(new Set(statuses.map(({ hash }) => hash))).toEqual(new Set([cluster.stateMachine.store.contentHash()]));
    expect(new Set(statuses.map(({ replicaId }) => replicaId)).size).toBe(1);
    expect(statuses.map(({ leader }) => leader)).toEqual(Array.from(tabs, () => statuses[0]!.leader));
    expect(statuses.map(({ keys }) => keys)).toEqual([103, 103, 103]);
  });

  it('that open at the same time, before anything is stored, come to one replica with one id', async () => {
    const cluster = await SmallCluster.start();
    const origin = new FakeOrigin(cluster);
    const heard: unknown[] = [];
    const ear = new BroadcastChannel(placeOf(origin.name, 'tabs'));
    onTestFinished(() => ear.close());
    ear.addEventListener('message', (event) => heard.push((event as MessageEvent).data));
    const tabs = await Promise.all([origin.openTab(), origin.openTab(), origin.openTab()]);
    const statuses = await Promise.all(
      tabs.map((tab) => until(tab.kv.replica, ({ phase, storage }) => phase === 'ready' && storage === 'relaxed')),
    );
    expect(new Set(statuses.map(({ replicaId }) => replicaId)).size).toBe(1);
    expect(tenancies(tabs).toSorted()).toEqual(['attached', 'attached', 'holder']);
    // One pipe each: who leads the cluster is no reason to look for it among the tabs.
    await cluster.client().put('a', 1);
    await Promise.all(tabs.map((tab) => caughtUp(tab, cluster)));
    expect(heard.filter((message) => (message as { type: string }).type === 'attach')).toHaveLength(2);
  });

  it('go on when the holder is closed, and the last one finds at its next start what was stored', async () => {
    const { cluster, origin, tabs } = await stage(3);
    await tabs[0]!.kv.close();
    await Promise.race([isHolder(tabs[1]!), isHolder(tabs[2]!)]);
    await cluster.client().put('after', 1);
    const took = startStopwatch();
    await Promise.all(tabs.slice(1).map((tab) => caughtUp(tab, cluster)));
    // The new holder says that it is there: nobody waits for the next attempt.
    expect(took()).toBeLessThan(250);
    expect(tenancies(tabs.slice(1)).toSorted()).toEqual(['attached', 'holder']);
    for (const { kv } of tabs.slice(1))
      expect(kv.replica.getSnapshot()).toMatchObject({ snapshots: 1, divergences: 0 });
    for (const { kv } of tabs.slice(1)) await kv.close();
    const next = await origin.openTab();
    await caughtUp(next, cluster);
    expect(next.kv.replica.getSnapshot()).toMatchObject({ tenancy: 'holder', snapshots: 0, keys: 101 });
  });

  it('go on when the holder is killed, writes in flight in the others included', async () => {
    const { cluster, tabs } = await stage(3);
    const applied = cluster.revision;
    const writing = tabs.slice(1).map(async ({ kv }, tab) => {
      for (let i = 0; i < 60; i += 1) await kv.put(`count/${tab}/${i}`, i);
    });
    tabs[0]!.kill();
    await Promise.race([isHolder(tabs[1]!), isHolder(tabs[2]!)]);
    const took = startStopwatch();
    await until(tabs[1]!.kv.replica, ({ connection }) => connection === 'online');
    await Promise.all(tabs.slice(1).map((tab) => caughtUp(tab, cluster)));
    await Promise.all(writing);
    await Promise.all(tabs.slice(1).map((tab) => caughtUp(tab, cluster)));
    // Nobody waits until the silence of the old one is noticed.
    expect(took()).toBeLessThan(800);
    await Promise.all(tabs.slice(1).map((tab) => caughtUp(tab, cluster)));
    expect(cluster.revision - applied).toBe(120);
    expect(tenancies(tabs.slice(1)).toSorted()).toEqual(['attached', 'holder']);
  });

  it('go on when the holder hangs: one that is seen takes over, and the old one is fed when it wakes', async () => {
    const { cluster, origin, tabs } = await stage(3);
    tabs[2]!.hide();
    tabs[0]!.hang();
    const took = startStopwatch();
    await isHolder(tabs[1]!);
    // Ten seconds of the tabs' time.
    expect(took()).toBeLessThan(2_500);
    expect(origin.locks.steals).toBe(1);
    await tabs[1]!.kv.put('by the new one', 1);
    await Promise.all([tabs[1]!, tabs[2]!].map((tab) => caughtUp(tab, cluster)));
    tabs[0]!.wake();
    await until(tabs[0]!.kv.replica, ({ tenancy }) => tenancy === 'attached');
    await caughtUp(tabs[0]!, cluster);
    await cluster.client().put('more', 1);
    await Promise.all(tabs.map((tab) => caughtUp(tab, cluster)));
    expect(tenancies(tabs)).toEqual(['attached', 'holder', 'attached']);
    expect(tabs.map(({ kv }) => kv.replica.getSnapshot().storage)).toEqual(['relaxed', 'relaxed', 'relaxed']);
    const { error, hash } = tabs[0]!.kv.replica.getSnapshot();
    expect(error).toBeUndefined();
    expect(hash).toBe(cluster.stateMachine.store.contentHash());
  });

  it('are not robbed by one that nobody sees', async () => {
    const { origin, tabs } = await stage(2);
    tabs[1]!.hide();
    tabs[0]!.hang();
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    expect(origin.locks.steals).toBe(0);
    tabs[1]!.show();
    await isHolder(tabs[1]!);
  });

  it.each([
    ['freeze', 'resume'],
    ['pagehide', 'pageshow'],
  ] as const)('let go at %s, in that very turn, and catch up after %s', async (away, back) => {
    const { cluster, origin, tabs } = await stage(2);
    const took = startStopwatch();
    tabs[0]!.hear(away);
    tabs[0]!.hang();
    await isHolder(tabs[1]!);
    expect(took()).toBeLessThan(250);
    expect(origin.locks.steals).toBe(0);
    const writes = Array.from({ length: 20 }, (_, i) => tabs[1]!.kv.put('n', i));
    await Promise.all(writes);
    await caughtUp(tabs[1]!, cluster);
    tabs[0]!.wake();
    tabs[0]!.hear(back);
    await caughtUp(tabs[0]!, cluster);
    expect(tabs[0]!.kv.replica.getSnapshot()).toMatchObject({ tenancy: 'attached', snapshots: 1, error: undefined });
    expect(await tabs[0]!.kv.get('n', { level: 'local' })).toBe(19);
  });

  it('keep what they have although one wakes in the middle of opening the store that is another’s now', async () => {
    const { cluster, origin } = await stage(0);
    let open = (): void => {};
    origin.store.hold = new Promise((resolve) => (open = resolve));
    const sleeper = await origin.openTab();
    sleeper.hear('freeze');
    const hold = origin.store.hold;
    origin.store.hold = Promise.resolve();
    const next = await origin.openTab();
    await until(next.kv.replica, ({ storage }) => storage === 'relaxed');
    open();
    await hold;
    sleeper.hear('resume');
    await next.kv.put('a', 1);
    await Promise.all([next, sleeper].map((tab) => caughtUp(tab, cluster)));
    await next.kv.put('a', 2);
    await until(next.kv.replica, ({ storage, error }) => storage === 'relaxed' && error === undefined);
    expect(tenancies([next, sleeper])).toEqual(['holder', 'attached']);
    for (const { kv } of [sleeper, next]) await kv.close();
    const last = await origin.openTab();
    await caughtUp(last, cluster);
    expect(last.kv.replica.getSnapshot()).toMatchObject({ snapshots: 0, storage: 'relaxed', keys: 101 });
  });

  it('say that nothing is kept while the holder cannot, and no longer once another holds', async () => {
    const { origin, tabs } = await stage(2);
    origin.store.failure = new RaftkvError('storage_full', 'the disk is full');
    await tabs[0]!.kv.put('a', 1);
    await until(tabs[0]!.kv.replica, ({ storage, error }) => storage === 'memory' && error?.code === 'storage_full');
    await until(tabs[1]!.kv.replica, ({ storage }) => storage === 'memory');
    origin.store.failure = undefined;
    tabs[0]!.kv.setOnline(false);
    await isHolder(tabs[1]!);
    tabs[0]!.kv.setOnline(true);
    for (const { kv } of tabs)
      await until(kv.replica, ({ storage, error }) => storage === 'relaxed' && error === undefined);
  });

  it('hand over when the holder goes offline by choice, and its writes wait and keep their order', async () => {
    const { cluster, tabs } = await stage(2);
    tabs[0]!.kv.setOnline(false);
    const writes = Array.from({ length: 20 }, (_, i) => tabs[0]!.kv.mutate([{ type: 'put', key: 'log', value: i }]));
    await isHolder(tabs[1]!);
    await tabs[1]!.kv.put('elsewhere', 1);
    expect(await tabs[0]!.kv.get('log', { level: 'local' })).toBeUndefined();
    expect(tabs[0]!.kv.replica.getSnapshot()).toMatchObject({ connection: 'offline', tenancy: 'alone' });
    tabs[0]!.kv.setOnline(true);
    await Promise.all(writes.map(({ committed }) => committed));
    await Promise.all(tabs.map((tab) => caughtUp(tab, cluster)));
    const entry = await tabs[1]!.kv.getEntry('log');
    expect(entry).toMatchObject({ value: 19, version: 20 });
    expect(tenancies(tabs)).toEqual(['attached', 'holder']);
  });

  it('have the browser ask before they are left, only while own writes wait', async () => {
    const { tabs } = await stage(1);
    const [tab] = tabs as [FakeTab];
    expect(tab.wouldAsk).toBe(false);
    tab.kv.setOnline(false);
    const write = tab.kv.mutate([{ type: 'put', key: 'unsent', value: 1 }]);
    expect(tab.wouldAsk).toBe(true);
    tab.kv.setOnline(true);
    await write.committed;
    await until(tab.kv.replica, ({ unsentWrites }) => unsentWrites === 0);
    expect(tab.wouldAsk).toBe(false);
  });

  it('follow whoever holds while the holder changes and changes', async () => {
    const { cluster, origin, tabs } = await stage(3);
    const writer = cluster.client();
    let count = 0;
    for (let round = 0; round < 6; round += 1) {
      const [holder] = tabs;
      if (round % 2 === 0) await holder!.kv.close();
      else holder!.kill();
      tabs.shift();
      tabs.push(await origin.openTab());
      for (let i = 0; i < 5; i += 1) await writer.put('count', (count += 1));
      await Promise.all(tabs.map((tab) => caughtUp(tab, cluster)));
      for (const { kv } of tabs) expect(await kv.get('count', { level: 'local' })).toBe(count);
      tabs.sort((a) => (a.kv.replica.getSnapshot().tenancy === 'holder' ? -1 : 1));
      expect(tenancies(tabs)).toEqual(['holder', 'attached', 'attached']);
    }
  });
});

describe('a tab', () => {
  const alone: Pick<LockManager, 'request'>[] = [
    // As a page without an origin of its own, or in an insecure context, finds them.
    {
      request: (() => Promise.reject(new DOMException('no locks for you', 'SecurityError'))) as LockManager['request'],
    },
    undefined as never,
  ];
  it.each(alone)(
    'that the browser lets have no locks follows the cluster by itself, and keeps its copy',
    async (locks) => {
      const { cluster, origin } = await stage(0);
      const tab = await origin.openTab({ locks });
      await until(tab.kv.replica, ({ phase, storage }) => phase === 'ready' && storage === 'relaxed');
      await tab.kv.put('own', 1);
      await caughtUp(tab, cluster);
      tab.hear('freeze');
      await cluster.client().put('own', 2);
      tab.hear('resume');
      await caughtUp(tab, cluster);
      expect(await tab.kv.get('own', { level: 'local' })).toBe(2);
    },
  );

  it('that wakes where another cluster is copied by now follows nothing of it', async () => {
    const { origin, cluster } = await stage(0);
    const ranges = [{ prefix: 'k' }];
    const tab = await origin.openTab({ ranges, store: undefined });
    await caughtUp(tab, cluster);
    tab.hear('freeze');
    const other = await SmallCluster.start({ clusterId: 'ffffffffffffffff' });
    for (let i = 0; i < 110; i += 1) await other.client().put(`k${i}`, 'of the other');
    const { endpoints, dial } = other;
    const stranger = await origin.openTab({ ranges, endpoints, dial, store: undefined });
    await caughtUp(stranger, other);
    tab.hear('resume');
    await until(tab.kv.replica, ({ error }) => error?.code === 'wrong_cluster');
    await other.client().put('k7', 'once more');
    await caughtUp(stranger, other);
    expect(tab.kv.replica.getSnapshot()).toMatchObject({ keys: 100, revision: cluster.revision });
    expect(await tab.kv.get('k7', { level: 'local' })).toBe('x'.repeat(1_000));
  });

  it('that wakes to find the store another cluster’s leaves it alone, and its own copy as it is', async () => {
    const { origin, cluster } = await stage(0);
    const tab = await origin.openTab();
    await until(tab.kv.replica, ({ storage }) => storage === 'relaxed');
    await caughtUp(tab, cluster);
    tab.hear('freeze');
    await origin.store.forTab().wipe();
    const other = await SmallCluster.start({ clusterId: 'ffffffffffffffff' });
    for (let i = 0; i < 110; i += 1) await other.client().put(`k${i}`, 'of the other');
    const { endpoints, dial } = other;
    const stranger = await origin.openTab({ endpoints, dial });
    await until(stranger.kv.replica, ({ storage }) => storage === 'relaxed');
    await caughtUp(stranger, other);
    await stranger.close();
    tab.hear('resume');
    const status = await until(tab.kv.replica, ({ error }) => error?.code === 'wrong_cluster');
    expect(status).toMatchObject({ storage: 'memory', keys: 100 });
    await cluster.client().put('k7', 'once more');
    await caughtUp(tab, cluster);
    const next = await origin.openTab({ endpoints, dial, name: `${origin.name}/2` });
    await caughtUp(next, other);
    expect(next.kv.replica.getSnapshot()).toMatchObject({ storage: 'relaxed', snapshots: 0 });
  });

  it('that wants another cluster than the one whose copy is shared, or other keys, is told so and shown nothing', async () => {
    const { origin } = await stage(1);
    const other = await origin.openTab({ clusterId: 'ffffffffffffffff' });
    const status = await until(other.kv.replica, ({ error }) => error !== undefined);
    expect(status).toMatchObject({ phase: 'failed', keys: 0, error: { code: 'wrong_cluster' } });
    const part = await origin.openTab({ ranges: [{ prefix: 'k1' }] });
    const refused = await until(part.kv.replica, ({ error }) => error !== undefined);
    expect(refused).toMatchObject({ keys: 0, error: { code: 'storage_identity' } });
  });
});
