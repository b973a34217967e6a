// Tabs that feed each other: the cluster feeds one, that one the others, and the cluster's traffic falls accordingly; who goes away is replaced, and
// nobody is fed by itself.
import { MemoryCopyStore } from '@raftkv/storage';
import { describe, expect, it } from 'vitest';
import { openReplica } from '../../src/index.ts';
import { Swarm } from '../../src/feeders/index.ts';
import { SmallCluster, until } from '../small-cluster.ts';
import { Park } from './park.ts';
import type { Tab } from './park.ts';

const big = 'x'.repeat(2_000);

async function filled(keys: number, options: Parameters<typeof Park.open>[0] = {}): Promise<Park> {
  const park = await Park.open(options);
  const kv = park.client();
  for (let i = 0; i < keys; i += 1) await kv.put(`k${i}`, `${i} ${Math.sin(i)} ${big}`);
  return park;
}

/** The first tab is fed by the cluster and offers itself. */
async function first(park: Park, id = 'a'): Promise<Tab> {
  const tab = await park.tab(id);
  await tab.isEqual();
  await tab.until(({ source }) => source === 'cluster');
  await expect.poll(() => park.offerOf(id)).toBeDefined();
  return tab;
}

describe('tabs that feed each other', () => {
  it('hold what the cluster holds, though it feeds but one of them', async () => {
    const park = await filled(100);
    const a = await first(park);
    const [b, c] = await Promise.all([park.tab('b'), park.tab('c')]);
    await Promise.all([b.isEqual(), c.isEqual()]);
    expect(b.status.source).toBe('tab');
    expect(c.status.source).toBe('tab');
    const kv = park.client();
    for (let i = 0; i < 30; i += 1) {
      await kv.batch([
        { type: 'put', key: `k${i}`, value: i },
        { type: 'delete', key: `k${99 - i}` },
      ]);
    }
    await Promise.all([a, b, c].map((tab) => tab.isEqual()));
    await a.until(({ children }) => children >= 1);
    for (const tab of [b, c]) {
      const status = await tab.until(({ tabBytes }) => tabBytes > 100_000);
      expect(status).toMatchObject({ source: 'tab', clusterBytes: 0, left: 0, lies: 0 });
      expect(tab.kv.replica.getSnapshot()).toMatchObject({ divergences: 0, snapshots: 1, connection: 'online' });
    }
  });

  it('cost the cluster a small part of what it would send them', async () => {
    const park = await filled(100);
    await first(park);
    const sent = park.cluster.sentBytes;
    // However busy the machine is, nobody is left for being slow.
    const options = { patienceMilliseconds: 20_000 };
    const tabs = await Promise.all(['b', 'c', 'd', 'e'].map((id) => park.tab(id, options)));
    await Promise.all(tabs.map((tab) => tab.isEqual()));
    // A copy is some 200 KB.
    expect(park.cluster.sentBytes - sent).toBeLessThan(20_000);
    const kv = park.client();
    for (let i = 0; i < 50; i += 1) await kv.put(`k${i}`, `${i} ${big} ${Math.cos(i)}`);
    await Promise.all(tabs.map((tab) => tab.isEqual()));
    for (const tab of tabs) expect(tab.status).toMatchObject({ clusterBytes: 0, left: 0 });
  });

  it('show a write as soon as the cluster vouches for it, their own and others’', async () => {
    const park = await filled(5);
    await first(park);
    const b = await park.tab('b');
    await b.isEqual();
    for (let i = 0; i < 20; i += 1) {
      await b.kv.put('own', i);
      expect(await b.kv.get('own', { level: 'session' })).toBe(i);
      await park.client().put('other', i);
      expect(await b.kv.get('other')).toBe(i);
    }
    expect(b.status).toMatchObject({ source: 'tab', left: 0 });
  });

  it.each(['kill', 'freeze'] as const)('go on when the feeder is gone (%s), without a new snapshot', async (end) => {
    const park = await filled(50);
    await first(park);
    const b = await park.tab('b', { maxChildren: 0 });
    await b.isEqual();
    expect(b.status.path).toEqual(['a']);
    park[end]('a');
    await park.client().put('after', end);
    await b.isEqual();
    expect(b.status).toMatchObject({ source: 'cluster', left: 1, lies: 0 });
    park.kill('a');
    await first(park, 'A');
    await b.until(({ path }) => path[0] === 'A');
    await park.client().put('after', 'again');
    await b.isEqual();
    expect(b.kv.replica.getSnapshot()).toMatchObject({ snapshots: 1, divergences: 0 });
  });

  it('come under each other when all began with the cluster, and never in a circle', async () => {
    const park = await filled(20);
    const tabs = await Promise.all(['c', 'a', 'd', 'b'].map((id) => park.tab(id, { maxChildren: 1 })));
    await Promise.all(tabs.map((tab) => tab.isEqual()));
    const roots = (): string[] => tabs.filter(({ status }) => status.source === 'cluster').map(({ id }) => id);
    await expect.poll(roots).toEqual(['a']);
    await park.client().put('k', 'last');
    await Promise.all(tabs.map((tab) => tab.isEqual()));
    for (const tab of tabs) expect(tab.status.path).not.toContain(tab.id);
    expect(Math.max(...tabs.map(({ status }) => status.path.length))).toBeLessThanOrEqual(3);
  });

  it('take no more than their places, and none below the depth that is allowed', async () => {
    const park = await filled(10);
    const options = { maxChildren: 1, maxDepth: 2 };
    const tabs: Tab[] = [];
    for (const id of ['a', 'b', 'c', 'd']) {
      const tab = await park.tab(id, options);
      tabs.push(tab);
      await tab.isEqual();
      await tab.until(({ source }) => source !== 'none');
      if (id < 'c') await expect.poll(() => park.offerOf(id)).toBeDefined();
    }
    expect(tabs.map(({ status }) => status.path)).toEqual([[], ['a'], ['b', 'a'], []]);
    expect(park.offerOf('c')).toBeUndefined();
  });

  it('are fed keys that their feeder has, and no others', async () => {
    const park = await filled(60);
    await first(park);
    const b = await park.tab('b', { prefixes: ['k1'] });
    await b.until(({ source }) => source === 'tab');
    await expect.poll(async () => b.kv.replica.getSnapshot().keys).toBe(11);
    await park.client().batch([
      { type: 'put', key: 'k1new', value: 1 },
      { type: 'delete', key: 'k2' },
    ]);
    await expect.poll(() => b.kv.get('k1new', { level: 'local' })).toBe(1);
    await expect.poll(() => park.offerOf('b')).toBeDefined();
    const c = await park.tab('c', { prefixes: ['k1', 'k2'] });
    await c.until(({ source }) => source === 'tab');
    expect(c.status.path).toEqual(['a']);
    expect(b.status.left + c.status.left).toBe(0);
  });

  it('do not feed when they are not willing, and those of another secret neither', async () => {
    const park = await filled(5);
    let isWilling = false;
    const a = await park.tab('a', { isWilling: () => isWilling });
    await a.isEqual();
    const b = await park.tab('b', { lookMilliseconds: 600_000 });
    await b.isEqual();
    expect(b.status.source).toBe('cluster');
    isWilling = true;
    await expect.poll(() => park.offerOf('a')).toBeDefined();
    const stranger = await park.tab('x', { secret: 'another secret altogether' });
    await stranger.isEqual();
    expect(stranger.status).toMatchObject({ source: 'cluster', tabBytes: 0 });
    expect(a.status.children).toBe(0);
  });

  it('go on from what they have when the member is lost, and from a snapshot when that is too old', async () => {
    const park = await filled(40, { retainedRevisions: 50 });
    const a = await first(park);
    const b = await park.tab('b');
    await b.isEqual();
    park.cluster.cut(...park.cluster.endpoints);
    await park.client().put('k0', 'after the cut');
    await Promise.all([a.isEqual(), b.isEqual()]);
    expect(b.kv.replica.getSnapshot().snapshots).toBe(1);
    b.kv.setOnline(false);
    for (let i = 0; i < 200; i += 1) await park.client().put(`k${i % 40}`, `${i} ${big}`);
    b.kv.setOnline(true);
    await b.isEqual();
    await b.until(({ source }) => source === 'tab');
    expect(b.status.lies).toBe(0);
  });

  it.each(['the one that is fed', 'the one that feeds'])(
    'go on with the cluster when %s wants no more',
    async (who) => {
      const park = await filled(20);
      const a = await first(park);
      const b = await park.tab('b', { maxChildren: 0 });
      await b.isEqual();
      expect(b.status.source).toBe('tab');
      (who === 'the one that is fed' ? b : a).swarm.close();
      await b.until(({ source }) => source === 'cluster');
      await park.client().put('k', 'after');
      await Promise.all([a.isEqual(), b.isEqual()]);
      expect(b.kv.replica.getSnapshot()).toMatchObject({ snapshots: 1, divergences: 0 });
      expect(b.status.lies).toBe(0);
    },
  );

  it('compare a copy that comes out of a store with the cluster, whoever feeds it', async () => {
    // Of a cluster of the same name, whose writes were others.
    const elsewhere = await SmallCluster.start();
    for (let i = 0; i < 20; i += 1) await elsewhere.client().put(`k${i}`, 'never was here');
    const store = new MemoryCopyStore();
    const { endpoints, dial } = elsewhere;
    const before = await openReplica({ endpoints, dial, store });
    await until(before.replica, ({ revision }) => revision === elsewhere.revision);
    await before.close();
    const park = await filled(20);
    await first(park);
    const b = await park.tab('b', { isTrue: false, replica: { store } });
    await until(b.kv.replica, ({ divergences, phase }) => divergences === 1 && phase === 'ready');
    b.isTrue = true;
    await b.isEqual();
    expect(await b.until(({ source }) => source === 'tab')).toMatchObject({ lies: 0 });

    // One that is what it says costs the member a greeting.
    await b.close();
    const c = await park.tab('c', { replica: { store } });
    await c.isEqual();
    await c.until(({ source, clusterBytes }) => source === 'tab' && clusterBytes > 0);
    expect(c.status.clusterBytes).toBeLessThan(200);
    expect(c.kv.replica.getSnapshot()).toMatchObject({ divergences: 0, snapshots: 0 });
  });

  it('have nothing to do any more once closed, also when a copy asks for a feed then', async () => {
    const timers = new Set<object>();
    const net = {
      announce: () => {},
      find: async () => [],
      dial: () => Promise.reject(new Error('nobody')),
      close: () => {},
    };
    const swarm = new Swarm({
      secret: 'the secret of the test',
      dial: () => Promise.reject(new Error('nobody')),
      openNet: () => net,
      clock: {
        now: () => 0,
        schedule: () => {
          const timer = {};
          timers.add(timer);
          return () => timers.delete(timer);
        },
      },
    });
    await swarm.seek('c1', { ranges: [], isRoot: false });
    expect(timers.size).toBeGreaterThan(0);
    swarm.close();
    timers.clear();
    const feed = {};
    swarm.begin(feed, [], 0);
    swarm.fed(feed, []);
    expect(timers.size).toBe(0);
  });
});
