// A replica over real server sessions: it holds what the members hold, at each level of reading, and goes on after whatever happens to the way there.
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { MemoryCopyStore } from '@raftkv/storage';
import { SmallCluster, until } from './small-cluster.ts';

/** A store that outlives its replica, as a database does. */
class CountingStore extends MemoryCopyStore {
  wipes = 0;

  override wipe(): Promise<void> {
    this.wipes += 1;
    return super.wipe();
  }
}

describe('a replica', () => {
  it('holds what the members hold, with the same content hash, and follows each change', async () => {
    const cluster = await SmallCluster.start();
    const writer = cluster.client();
    for (let i = 0; i < 300; i += 1) await writer.put(`user/${i}`, { name: `n${i}`, text: 'x'.repeat(i) });
    await writer.delete('user/7');
    const kv = await cluster.replica();
    await until(kv.replica, ({ revision }) => revision === cluster.revision);
    const hashes = new Set<string | undefined>();
    for (let i = 0; i < 20; i += 1) {
      await writer.batch([
        { type: 'put', key: `user/${i}`, value: { again: i } },
        { type: 'delete', key: `user/${100 + i}` },
      ]);
      const status = await until(kv.replica, ({ revision }) => revision === cluster.revision);
      expect(status.hash).toBe(cluster.stateMachine.store.contentHash());
      hashes.add(status.hash);
    }
    expect(hashes.size).toBe(20);
    expect(kv.replica.getSnapshot()).toMatchObject({ phase: 'ready', connection: 'online', keys: 280, divergences: 0 });
    expect(await kv.scan({ prefix: 'user/', level: 'local' }).all()).toEqual(
      await writer.scan({ prefix: 'user/' }).all(),
    );
  });

  it('reads at each level: now, its own writes, what anybody had written before', async () => {
    const cluster = await SmallCluster.start();
    const kv = await cluster.replica();
    const other = cluster.client();
    await until(kv.replica, ({ phase }) => phase === 'ready');
    for (let i = 0; i < 50; i += 1) {
      await kv.put('mine', i);
      expect(await kv.get('mine', { level: 'session' })).toBe(i);
      await other.put('theirs', i);
      expect(await kv.get('theirs')).toBe(i);
      expect(await kv.count({ prefix: 't' })).toBe(1);
    }
    expect(await kv.get('theirs', { level: 'local' })).toBe(49);
    expect(await kv.getEntry('mine', { level: 'local' })).toMatchObject({ version: 50 });
  });

  it('asks the cluster for the past, which it does not hold', async () => {
    const cluster = await SmallCluster.start();
    const kv = await cluster.replica();
    const first = await kv.put('a', 1);
    await kv.put('a', 2);
    expect(await kv.get('a', { revision: first })).toBe(1);
    expect(await kv.get('a')).toBe(2);
  });

  it('gives a scan page by page as one consistent view, in both directions, keys alone too', async () => {
    const cluster = await SmallCluster.start();
    const kv = await cluster.replica();
    await kv.batch(Array.from({ length: 25 }, (_, i) => ({ type: 'put' as const, key: `k${i + 10}`, value: i })));
    const seen: unknown[] = [];
    for await (const page of kv.scan({ prefix: 'k', pageSize: 10 }).pages()) {
      seen.push(...page.entries.map(({ value }) => value));
      await kv.batch([
        { type: 'put', key: 'k34', value: 'changed' },
        { type: 'delete', key: 'k33' },
      ]);
    }
    expect(seen).toEqual(Array.from({ length: 25 }, (_, i) => i));
    const backwards = await kv.scan({ prefix: 'k', reverse: true, limit: 2, keysOnly: true }).all();
    expect(backwards.map(({ key, value }) => [key, value])).toEqual([
      ['k34', undefined],
      ['k32', undefined],
    ]);
  });

  it('goes on at another node where it stood, without fetching everything again', async () => {
    const cluster = await SmallCluster.start();
    const writer = cluster.client();
    await writer.put('big', 'x'.repeat(200_000));
    const kv = await cluster.replica();
    await until(kv.replica, ({ revision }) => revision === cluster.revision);
    const { snapshots } = kv.replica.getSnapshot();
    const sent = cluster.sentBytes;
    for (let i = 0; i < 6; i += 1) {
      cluster.kill(cluster.endpoints[i % 2]!);
      await writer.put('small', i);
      await until(kv.replica, ({ revision }) => revision === cluster.revision);
      cluster.start(cluster.endpoints[i % 2]!);
    }
    expect(await kv.get('small', { level: 'local' })).toBe(5);
    expect(kv.replica.getSnapshot().snapshots).toBe(snapshots);
    expect(cluster.sentBytes - sent).toBeLessThan(50_000);
  });

  it('is told when it cannot be brought up to date, goes on reading, and catches up', async () => {
    const cluster = await SmallCluster.start();
    const kv = await cluster.replica();
    await kv.put('a', 1);
    await until(kv.replica, ({ revision }) => revision === cluster.revision);
    cluster.kill(...cluster.endpoints);
    await until(kv.replica, ({ connection }) => connection === 'offline');
    expect(await kv.get('a', { level: 'local' })).toBe(1);
    expect(kv.live.get('a').getSnapshot()).toMatchObject({ status: 'success', fetchStatus: 'paused' });
    await expect(kv.get('a', { timeoutMilliseconds: 200 })).rejects.toMatchObject({ definite: true });
    cluster.start(...cluster.endpoints);
    await until(kv.replica, ({ connection }) => connection === 'online');
    expect(await kv.get('a')).toBe(1);
  });

  it('fetches everything anew when what it missed is no longer retained', async () => {
    const cluster = await SmallCluster.start({ retainedRevisions: 20 });
    const writer = cluster.client();
    const kv = await cluster.replica();
    await writer.put('a', 0);
    await until(kv.replica, ({ revision }) => revision === cluster.revision);
    const { snapshots } = kv.replica.getSnapshot();
    kv.setOnline(false);
    await until(kv.replica, ({ connection }) => connection === 'offline');
    for (let i = 0; i < 50; i += 1) await writer.put('a', i);
    await writer.delete('a');
    await writer.put('b', 'after');
    kv.setOnline(true);
    const status = await until(kv.replica, ({ revision }) => revision === cluster.revision);
    expect(status).toMatchObject({ snapshots: snapshots + 1, keys: 1, hash: cluster.stateMachine.store.contentHash() });
    expect(await kv.get('a', { level: 'local' })).toBeUndefined();
  });

  it('of some ranges holds those alone, and asks the cluster for the rest', async () => {
    const cluster = await SmallCluster.start();
    const writer = cluster.client();
    await writer.batch(['a/1', 'b/1', 'c/1'].map((key) => ({ type: 'put' as const, key, value: key })));
    const kv = await cluster.replica({ ranges: [{ prefix: 'a/' }, { prefix: 'c/' }] });
    await until(kv.replica, ({ revision }) => revision === cluster.revision);
    await writer.batch(['a/2', 'b/2'].map((key) => ({ type: 'put' as const, key, value: key })));
    await until(kv.replica, ({ revision }) => revision === cluster.revision);
    expect(kv.replica.getSnapshot()).toMatchObject({ keys: 3, hash: undefined });
    expect(await kv.get('a/2')).toBe('a/2');
    expect(await kv.get('b/2')).toBe('b/2');
    expect(await kv.count({ all: true })).toBe(5);
  });
});

describe('what a replica keeps', () => {
  it('is there at the next start, before any node has answered, and only what is new is fetched', async () => {
    const cluster = await SmallCluster.start();
    const writer = cluster.client();
    for (let i = 0; i < 100; i += 1) await writer.put(`k${i}`, 'x'.repeat(1000));
    const store = new CountingStore();
    const first = await cluster.replica({ store });
    await until(first.replica, ({ revision }) => revision === cluster.revision);
    const { replicaId } = first.replica.getSnapshot();
    await first.close();
    await writer.put('new', 1);
    cluster.kill(...cluster.endpoints);
    const second = await cluster.replica({ store });
    expect(second.replica.getSnapshot()).toMatchObject({ phase: 'ready', keys: 100, replicaId });
    expect(await second.get('k99', { level: 'local' })).toBe('x'.repeat(1000));
    const sent = cluster.sentBytes;
    cluster.start(...cluster.endpoints);
    const status = await until(second.replica, ({ revision }) => revision === cluster.revision);
    expect(status).toMatchObject({ keys: 101, snapshots: 0, hash: cluster.stateMachine.store.contentHash() });
    expect(cluster.sentBytes - sent).toBeLessThan(10_000);
  });

  it('is compacted into a snapshot of the whole as it grows, and read back from there', async () => {
    const cluster = await SmallCluster.start();
    const store = new CountingStore();
    const first = await cluster.replica({ store });
    await until(first.replica, ({ phase }) => phase === 'ready');
    // What does not shrink, so that the log grows.
    const values = Array.from({ length: 60 }, () => randomBytes(30_000).toString('base64'));
    for (let i = 0; i < 60; i += 1) await first.put(`k${i % 10}`, values[i]);
    await until(first.replica, ({ revision }) => revision === cluster.revision);
    await first.close();
    // Once when it was fetched, the other times as the batches outgrew it.
    expect(store.replacements).toBeGreaterThan(1);
    expect(store.records.length).toBeLessThan(60);
    const second = await cluster.replica({ store });
    expect(second.replica.getSnapshot()).toMatchObject({ phase: 'ready', keys: 10 });
    expect(await second.get('k9')).toBe(values[59]);
  });

  it('is fetched anew when it is damaged, and that is said', async () => {
    const cluster = await SmallCluster.start();
    const store = new CountingStore();
    const first = await cluster.replica({ store });
    await first.put('a', 1);
    await until(first.replica, ({ revision }) => revision === cluster.revision);
    await first.close();
    store.records[store.records.length - 1] = Uint8Array.of(2, 9, 9);
    const second = await cluster.replica({ store });
    await until(second.replica, ({ revision }) => revision === cluster.revision);
    expect(store.wipes).toBe(1);
    expect(second.replica.getSnapshot()).toMatchObject({ keys: 1, error: { code: 'bad_frame' } });
  });

  it('is said to be gone as soon as somebody removes it, and the replica goes on in memory', async () => {
    const cluster = await SmallCluster.start();
    const store = new CountingStore();
    const kv = await cluster.replica({ store });
    await kv.put('a', 1);
    await until(kv.replica, ({ revision }) => revision === cluster.revision);
    await store.wipe();
    // Nothing was written since.
    expect(kv.replica.getSnapshot()).toMatchObject({ storage: 'memory', error: { code: 'storage_missing' } });
    await kv.put('a', 2);
    await until(kv.replica, ({ revision }) => revision === cluster.revision);
    expect(await kv.get('a', { level: 'local' })).toBe(2);
    expect(store.records).toEqual([]);
  });

  it('is not taken for a copy of other keys than it is', async () => {
    const cluster = await SmallCluster.start();
    const store = new CountingStore();
    const first = await cluster.replica({ store, ranges: [{ prefix: 'a' }] });
    await first.put('a', 1);
    await first.put('b', 1);
    await until(first.replica, ({ revision }) => revision === cluster.revision);
    await first.close();
    const second = await cluster.replica({ store });
    await until(second.replica, ({ revision }) => revision === cluster.revision);
    expect(second.replica.getSnapshot()).toMatchObject({ keys: 2, error: { code: 'storage_identity' } });
  });

  it('is not mixed with another cluster: nothing is shown as its data, and nothing is overwritten', async () => {
    const one = await SmallCluster.start();
    const store = new CountingStore();
    const first = await one.replica({ store });
    await first.put('a', 'of one');
    await until(first.replica, ({ revision }) => revision === one.revision);
    await first.close();
    const two = await SmallCluster.start({ clusterId: 'ffffffffffffffff' });
    await two.client().put('a', 'of two');
    const second = await two.replica({ store });
    await until(second.replica, ({ error }) => error?.code === 'wrong_cluster');
    expect(await second.get('a', { level: 'local' })).toBe('of one');
    await second.close();
    expect(await (await one.replica({ store })).get('a')).toBe('of one');
  });
});

describe('own writes of a replica', () => {
  it('are shown at once, committed in order once the way is open, and never twice', async () => {
    const cluster = await SmallCluster.start();
    const kv = await cluster.replica();
    await kv.put('list', 0);
    await until(kv.replica, ({ revision }) => revision === cluster.revision);
    kv.setOnline(false);
    const writes = Array.from({ length: 30 }, (_, i) => kv.mutate([{ type: 'put', key: 'list', value: i + 1 }]));
    const live = kv.live.get('list');
    expect(live.getSnapshot()).toMatchObject({
      data: { value: 30, isPending: true },
      pendingWrites: 30,
      source: 'local',
    });
    expect(writes.map(({ state }) => state.getSnapshot().status)).toEqual(Array.from({ length: 30 }, () => 'local'));
    expect(kv.replica.getSnapshot()).toMatchObject({ unsentWrites: 30, connection: 'offline' });
    kv.setOnline(true);
    await Promise.all(writes.map(({ committed }) => committed));
    const state = await until(live, ({ pendingWrites }) => pendingWrites === 0);
    expect(state).toMatchObject({ data: { value: 30, version: 31, isPending: false }, source: 'confirmed' });
    const revisions = writes.map((write) => write.state.getSnapshot().revision!);
    expect(revisions).toEqual(revisions.toSorted((a, b) => a - b));
  });

  it('never show the old value again once they are shown, while connections break', async () => {
    const cluster = await SmallCluster.start();
    const kv = await cluster.replica();
    await kv.put('n', 0);
    await until(kv.replica, ({ revision }) => revision === cluster.revision);
    const live = kv.live.get<number>('n');
    const seen: number[] = [];
    live.subscribe(() => seen.push(live.getSnapshot().data!.value));
    for (let i = 1; i <= 40; i += 1) {
      const write = kv.mutate([{ type: 'put', key: 'n', value: i }]);
      if (i % 5 === 0) cluster.cut(...cluster.endpoints);
      await write.committed;
    }
    await until(live, ({ pendingWrites }) => pendingWrites === 0);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(live.getSnapshot().data).toMatchObject({ value: 40, version: 41 });
  });
});
