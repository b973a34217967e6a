// What a replica answers in odd moments: walks that cross each other, a copy that goes while it is read, keys that are not copied.
import { bytes } from '@raftkv/client';
import type { FeedHandlers } from '@raftkv/client/parts';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ReplicaAssembly } from '../src/assembly.ts';
import { SmallCluster, until } from './small-cluster.ts';

async function follower(cluster: SmallCluster, ranges: { prefix: string }[] = []) {
  const { endpoints, dial } = cluster;
  const assembly = new ReplicaAssembly<unknown, string>({ endpoints, dial, ranges, retryDelayMilliseconds: 5 });
  onTestFinished(() => assembly.kv.close());
  let handlers!: FeedHandlers;
  assembly.follow((wanted, given) => {
    handlers = given;
    return assembly.client.openFeed(wanted, given);
  });
  await until(assembly.kv.replica, ({ revision }) => revision === cluster.revision);
  /** What no member said: the copy is given up at once. */
  const lie = (): void =>
    handlers.onMessage({
      type: 'feedChanges',
      id: 0,
      isDeflated: false,
      revision: assembly.observer.revision + 9,
      index: 0,
      hash: '0'.repeat(16),
      payload: new Uint8Array(0),
    });
  return { assembly, kv: assembly.kv, lie };
}

async function filled(): Promise<SmallCluster> {
  const cluster = await SmallCluster.start();
  const writer = cluster.client();
  await writer.batch(Array.from({ length: 30 }, (_, i) => ({ type: 'put' as const, key: `k${i + 10}`, value: i })));
  return cluster;
}

describe('a replica', () => {
  it('keeps two walks over one scan apart, each at its own revision', async () => {
    const cluster = await filled();
    const { kv } = await follower(cluster);
    const scan = kv.scan({ prefix: 'k', pageSize: 10 });
    const [one, two] = [scan.pages(), scan.pages()];
    const seen: unknown[][] = [[], []];
    for (let i = 0; i < 3; i += 1) {
      for (const [n, walk] of [one, two].entries()) {
        const page = await walk.next();
        if (page.done !== true) seen[n]!.push(...page.value.entries.map(({ value }) => value));
      }
      await kv.delete(`k${i + 20}`);
    }
    const all = Array.from({ length: 30 }, (_, i) => i);
    expect(seen).toEqual([all, all]);
  });

  it('answers from the copy that it found, though that is given up meanwhile', async () => {
    const cluster = await filled();
    const { kv, lie, assembly } = await follower(cluster);
    const reads = Promise.all([
      kv.get('k10', { level: 'local' }),
      kv.count({ prefix: 'k', level: 'local' }),
      kv.scan({ prefix: 'k', level: 'local' }).all(),
    ]);
    lie();
    expect(assembly.observer.copy).toBeUndefined();
    const [value, count, entries] = await reads;
    expect([value, count, entries.length]).toEqual([0, 30, 30]);
    await until(kv.replica, ({ phase }) => phase === 'ready');
    expect(kv.replica.getSnapshot()).toMatchObject({ divergences: 1, error: undefined });
  });

  it('asks the cluster for nothing older than what its copy has shown', async () => {
    const cluster = await filled();
    const { kv, assembly, lie } = await follower(cluster, [{ prefix: 'k' }]);
    expect(assembly.client.revision).toBeLessThan(cluster.revision);
    const outside = kv.get('other', { level: 'session' });
    expect(assembly.client.revision).toBe(cluster.revision);
    await outside;
    const next = await cluster.client().put('k10', 'new');
    await until(kv.replica, ({ revision }) => revision === next);
    lie();
    const gone = kv.get('k10', { level: 'session' });
    expect(assembly.client.revision).toBeGreaterThanOrEqual(next);
    expect(await gone).toBe('new');
  });

  it('has no live queries of keys that it does not copy, rather than say that there are none', async () => {
    const cluster = await filled();
    const { kv } = await follower(cluster, [{ prefix: 'k' }]);
    expect(kv.live.get('k10').getSnapshot()).toMatchObject({ data: { value: 0 } });
    expect(kv.live.scan({ prefix: 'k1' }).getSnapshot().data).toHaveLength(10);
    expect(() => kv.live.get('other')).toThrow(expect.objectContaining({ code: 'invalid_argument' }) as Error);
    expect(() => kv.live.scan({ prefix: '' })).toThrow(expect.objectContaining({ code: 'invalid_argument' }) as Error);
  });

  it('copies what several of its ranges make up together', async () => {
    const cluster = await filled();
    const { kv } = await follower(cluster, [{ prefix: 'k2' }, { prefix: 'k1' }]);
    expect(kv.live.scan({ gte: 'k15', lt: 'k25' }).getSnapshot().data).toHaveLength(10);
    expect(() => kv.live.scan({ gte: 'k15', lt: 'k31' })).toThrow(/not copied/);
    expect(() => kv.live.scan({ gte: 'k0', lt: 'k2' })).toThrow(/not copied/);
    expect(() => kv.live.scan({ gte: 'k2' })).toThrow(/not copied/);
  });

  it('refuses limits that are none, as a client does', async () => {
    const cluster = await filled();
    const { kv } = await follower(cluster);
    for (const limit of [-1, 1.5, Number.NaN]) {
      expect(() => kv.scan({ prefix: 'k', limit })).toThrow(
        expect.objectContaining({ code: 'invalid_argument' }) as Error,
      );
      expect(() => cluster.client().scan({ prefix: 'k', limit })).toThrow(
        expect.objectContaining({ code: 'invalid_argument' }) as Error,
      );
    }
  });

  it('sends what was given to mutate, whatever becomes of it before it leaves', async () => {
    const cluster = await filled();
    const { kv } = await follower(cluster);
    kv.setOnline(false);
    const value = { n: 1 };
    const first = kv.mutate([{ type: 'put', key: 'a', value }]);
    value.n = 2;
    const second = kv.mutate([{ type: 'put', key: 'a', value }]);
    value.n = 3;
    expect(() => kv.mutate([{ type: 'put', key: 'a', value: 1n }])).toThrow(/BigInt/);
    kv.setOnline(true);
    await Promise.all([first.committed, second.committed]);
    expect(await kv.get('a')).toEqual({ n: 2 });
    expect(await kv.get('a', { revision: first.state.getSnapshot().revision! })).toEqual({ n: 1 });
  });

  it('keeps bytes of its own of what waits', async () => {
    const cluster = await filled();
    const { endpoints, dial } = cluster;
    const { kv } = new ReplicaAssembly<Uint8Array, string>({ endpoints, dial, codec: bytes });
    onTestFinished(() => kv.close());
    const value = Uint8Array.of(1);
    kv.mutate([{ type: 'put', key: 'a', value }]);
    const second = kv.mutate([{ type: 'put', key: 'a', value }]);
    value[0] = 9;
    await second.committed;
    expect(await kv.get('a')).toEqual(Uint8Array.of(1));
  });

  it('takes no notice of being switched on and off once it is closed', async () => {
    const kv = await (await filled()).replica();
    await kv.close();
    kv.setOnline(false);
    kv.setOnline(true);
    expect(kv.replica.getSnapshot().phase).toBe('closed');
  });

  it('is idle, not fetching, when it is connected again and nothing has happened meanwhile', async () => {
    const cluster = await filled();
    const { kv } = await follower(cluster);
    const live = kv.live.get('k10');
    await until(live, ({ fetchStatus }) => fetchStatus === 'idle');
    cluster.cut(...cluster.endpoints);
    await until(live, ({ fetchStatus }) => fetchStatus !== 'idle');
    await until(live, ({ fetchStatus }) => fetchStatus === 'idle');
  });
});
