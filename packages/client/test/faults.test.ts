// What the client promises when things break: every write once, every error truthful, and no call left behind.
import { describe, expect, it } from 'vitest';
import { RaftkvError } from '@raftkv/wire';
import { connect } from '../src/index.ts';
import { startStopwatch } from '../../../test/stopwatch.ts';
import { FakeCluster, client, held } from './fake-cluster.ts';

const puts = (cluster: FakeCluster): number => cluster.applied.filter((type) => type === 'put').length;

describe('a write whose answer is lost', () => {
  it('is sent again under its session, and carried out once', async () => {
    const cluster = new FakeCluster(3);
    const kv = client(cluster);
    await kv.put('counter', 0);
    for (const node of cluster.nodes) {
      node.onWrite = (apply) => {
        const result = apply();
        node.onWrite = (again) => again();
        for (const pair of node.channels.splice(0)) pair.cut(); // after it was applied, before it was answered
        return result;
      };
    }
    const revision = await kv.put('counter', 1);
    expect(await kv.getEntry('counter')).toMatchObject({ value: 1, version: 2, revision });
    expect(puts(cluster)).toBeGreaterThan(2);
  });

  it('is carried out once for each of many in flight, on any node', async () => {
    const cluster = new FakeCluster(3);
    const kv = client(cluster, { retries: 8, maxInflightRequests: 64 });
    let applied = 0;
    let cuts = 0;
    for (const node of cluster.nodes) {
      node.onWrite = (apply) => {
        const result = apply();
        applied += 1;
        if (applied % 50 === 0 && cuts < 5) {
          cuts += 1;
          for (const pair of node.channels.splice(0)) pair.cut();
        }
        return result;
      };
    }
    const count = 400;
    const keys = Array.from({ length: count }, (_, i) => `k${i}`);
    await Promise.all(keys.map((key) => kv.put(key, key)));
    for (const entry of await kv.scan({ prefix: 'k' }).all()) expect(entry.version).toBe(1);
    expect(await kv.count({ prefix: 'k' })).toBe(count);
    expect(cuts).toBe(5);
    expect(applied).toBeGreaterThan(count);
  });

  it('fails as one that may have happened when no try is left', async () => {
    const cluster = new FakeCluster();
    const kv = client(cluster, { retries: 1 });
    await kv.put('a', 1);
    const node = cluster.nodes[0]!;
    node.onWrite = (apply) => {
      const result = apply();
      for (const pair of node.channels.splice(0)) pair.cut();
      return result;
    };
    await expect(kv.put('a', 2)).rejects.toMatchObject({ code: 'connection_lost', definite: false });
  });
});

describe('a write that was not carried out', () => {
  it('fails as definite when nobody could be reached', async () => {
    const cluster = new FakeCluster(2);
    for (const node of cluster.nodes) node.kill();
    const kv = client(cluster);
    await expect(kv.put('a', 1)).rejects.toMatchObject({ code: 'connect_failed', definite: true });
    await expect(kv.get('a')).rejects.toMatchObject({ code: 'connect_failed', definite: true });
  });

  it('fails as definite when every attempt was refused', async () => {
    const cluster = new FakeCluster();
    const kv = client(cluster);
    await kv.put('a', 1);
    cluster.nodes[0]!.onWrite = () => Promise.reject(new RaftkvError('busy', 'too much to do'));
    await expect(kv.put('a', 2)).rejects.toMatchObject({ code: 'busy', definite: true });
    expect(cluster.nodes[0]!.writes).toBe(2 + 4); // openSession, put; four attempts
  });

  it('is not definite if one attempt of several may have got through', async () => {
    const cluster = new FakeCluster();
    const kv = client(cluster);
    await kv.put('a', 1);
    let attempt = 0;
    cluster.nodes[0]!.onWrite = () => {
      attempt += 1;
      if (attempt === 1) throw new RaftkvError('timeout', 'not committed in time', { definite: false });
      throw new RaftkvError('busy', 'too much to do');
    };
    await expect(kv.put('a', 2)).rejects.toMatchObject({ code: 'busy', definite: false });
  });

  it('times out as definite before it is sent, and as unknown after', async () => {
    const cluster = new FakeCluster();
    const kv = client(cluster);
    await kv.put('a', 1);
    const node = cluster.nodes[0]!;
    const never = held<never>();
    node.onWrite = () => never.promise;
    await expect(kv.put('a', 2, { timeoutMilliseconds: 30 })).rejects.toMatchObject({
      code: 'timeout',
      definite: false,
    });
    const undialled = client(cluster, { dial: () => never.promise });
    await expect(undialled.put('a', 3, { timeoutMilliseconds: 30 })).rejects.toMatchObject({
      code: 'timeout',
      definite: true,
    });
  });

  it('is cancelled as definite before it is sent, and as unknown after', async () => {
    const cluster = new FakeCluster();
    const kv = client(cluster);
    await kv.put('a', 1);
    const arrived = held<void>();
    cluster.nodes[0]!.onWrite = () => {
      arrived.resolve();
      return held<never>().promise;
    };
    const early = new AbortController();
    const cancelled = kv.put('a', 2, { signal: early.signal });
    early.abort();
    await expect(cancelled).rejects.toMatchObject({ code: 'cancelled', definite: true });
    const late = new AbortController();
    const sent = kv.put('a', 3, { signal: late.signal });
    await arrived.promise;
    late.abort();
    await expect(sent).rejects.toMatchObject({ code: 'cancelled', definite: false });
    await expect(kv.get('a', { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' });
  });
});

describe('the leader', () => {
  it('is whom writes go to, while reads go to all in turn', async () => {
    const cluster = new FakeCluster(3);
    const kv = client(cluster);
    await kv.put('warm', 0);
    await expect.poll(() => cluster.nodes.every((node) => node.sessions.size === 1)).toBe(true);
    const before = cluster.nodes.map((node) => node.writes);
    for (let i = 0; i < 6; i += 1) await kv.put('a', i);
    cluster.elect(2);
    await kv.statusOfAll(); // a round trip behind the notices
    for (let i = 0; i < 4; i += 1) await kv.put('a', i);
    expect(cluster.nodes.map((node, i) => node.writes - before[i]!)).toEqual([6, 0, 4]);
    const reads = cluster.nodes.map((node) => node.reads);
    for (let i = 0; i < 9; i += 1) await kv.get('a');
    expect(cluster.nodes.map((node, i) => node.reads - reads[i]!)).toEqual([3, 3, 3]);
  });

  it('is waited for while there is none, longer than the retries would last', async () => {
    const cluster = new FakeCluster(3);
    const kv = client(cluster, { retries: 1 });
    await kv.put('a', 1);
    cluster.elect(undefined);
    const writing = kv.put('a', 2);
    await expect.poll(() => cluster.nodes.reduce((sum, node) => sum + node.writes, 0)).toBeGreaterThan(6);
    cluster.elect(1);
    await writing;
    expect(await kv.getEntry('a')).toMatchObject({ value: 2, version: 2 });
  });

  it('is reported missing when the time is up, as definite', async () => {
    const cluster = new FakeCluster(2);
    const kv = client(cluster);
    await kv.put('a', 1);
    cluster.elect(undefined);
    await expect(kv.put('a', 2, { timeoutMilliseconds: 60 })).rejects.toMatchObject({
      code: 'timeout',
      definite: true,
    });
    const impatient = client(cluster, { retries: 0 });
    await expect(impatient.put('a', 2)).rejects.toMatchObject({ code: 'no_leader', definite: true });
  });

  it('is found though it is none of the endpoints given', async () => {
    const cluster = new FakeCluster(3);
    cluster.elect(2);
    const kv = client(cluster, { endpoints: ['node1:8080'] });
    await kv.put('a', 1);
    await expect.poll(() => cluster.nodes[2]!.sessions.size).toBe(1);
    await kv.put('a', 2);
    expect(cluster.nodes[2]!.writes).toBeGreaterThan(0);
    cluster.nodes[2]!.kill();
    expect(await kv.put('a', 3)).toBeGreaterThan(0);
  });

  it('may hang: once another leads, its writes are tried there without waiting for the time of an attempt', async () => {
    const cluster = new FakeCluster(3);
    const kv = client(cluster, { requestTimeoutMilliseconds: 60_000 });
    await kv.put('a', 0);
    await kv.statusOfAll();
    const old = cluster.nodes[0]!;
    old.onWrite = (apply) => {
      apply();
      return held<never>().promise;
    };
    const took = startStopwatch();
    const writing = Array.from({ length: 10 }, (_, i) => kv.put(`k${i}`, i));
    await expect.poll(() => cluster.applied.length).toBe(12);
    cluster.elect(undefined);
    cluster.elect(1);
    await Promise.all(writing);
    expect(took()).toBeLessThan(5_000);
    const entries = await kv.scan({ prefix: 'k' }).all();
    expect(entries.map(({ version }) => version)).toEqual(entries.map(() => 1));
  });

  it('may die: calls go on with the others', async () => {
    const cluster = new FakeCluster(3);
    const kv = client(cluster);
    await kv.put('a', 0);
    const writing = Array.from({ length: 50 }, (_, i) => kv.put(`k${i}`, i));
    cluster.nodes[0]!.kill();
    cluster.elect(1);
    await Promise.all(writing);
    expect(await kv.count({ prefix: 'k' })).toBe(50);
  });
});

describe('a node that hangs', () => {
  it('is noticed by its silence, and its calls go elsewhere', async () => {
    const cluster = new FakeCluster(2);
    const kv = client(cluster);
    await kv.put('a', 1);
    await expect.poll(() => cluster.nodes.every((node) => node.sessions.size === 1)).toBe(true);
    for (const pair of cluster.nodes[0]!.channels) pair.stall('right');
    const took = startStopwatch();
    expect(await kv.put('a', 2)).toBeGreaterThan(0);
    expect(took()).toBeLessThan(4500);
    expect(await kv.getEntry('a')).toMatchObject({ value: 2, version: 2 });
  });

  it('but answers pings is given up for a read that another can answer', async () => {
    const cluster = new FakeCluster(2);
    const kv = client(cluster, { requestTimeoutMilliseconds: 3000 });
    await kv.put('a', 1);
    cluster.nodes[0]!.onLinearize = () => held<void>().promise;
    expect(await Promise.all([kv.get('a'), kv.get('a')])).toEqual([1, 1]);
  });
});

describe('closing', () => {
  it('ends open calls and watches with `closed`, and everything after it', async () => {
    const cluster = new FakeCluster();
    const kv = client(cluster);
    await kv.put('a', 1);
    cluster.nodes[0]!.onLinearize = () => held<void>().promise;
    const failed = (error: unknown): unknown => error;
    const reading = kv.get('a').catch(failed);
    const watching = kv.watch({ all: true }).next().catch(failed);
    await kv.close();
    await kv.close();
    expect(await reading).toMatchObject({ code: 'closed' });
    expect(await watching).toMatchObject({ code: 'closed' });
    await expect(kv.put('a', 2)).rejects.toMatchObject({ code: 'closed', definite: true });
    await expect(kv.get('a')).rejects.toMatchObject({ code: 'closed' });
    await expect.poll(() => cluster.nodes[0]!.sessions.size).toBe(0);
  });

  it('does not wait for a cluster that is not there', async () => {
    const cluster = new FakeCluster();
    cluster.nodes[0]!.kill();
    const kv = client(cluster);
    const writing = kv.put('a', 1).catch((error: unknown) => error);
    await kv.close();
    expect(await writing).toMatchObject({ code: 'closed', definite: true });
  });
});

describe('the cluster', () => {
  it('is not mixed up with another', async () => {
    const cluster = new FakeCluster();
    const kv = client(cluster, { clusterId: 'deadbeefdeadbeef' });
    await expect(kv.get('a')).rejects.toMatchObject({ code: 'wrong_cluster' });
    await expect(kv.put('a', 1)).rejects.toMatchObject({ code: 'wrong_cluster', definite: true });
  });

  it('is refused options that make no sense', () => {
    expect(() => connect({ endpoints: [] })).toThrow(expect.objectContaining({ code: 'invalid_argument' }) as Error);
    expect(() => connect({ endpoints: ['a'], retries: -1 })).toThrow(/retries/);
    expect(() => connect({ endpoints: ['a'], maxQueuedCalls: Number.NaN })).toThrow(/maxQueuedCalls/);
  });
});

describe('levels', () => {
  it('`session` waits for what this client has seen; `local` takes what is there', async () => {
    const cluster = new FakeCluster(2);
    const kv = client(cluster);
    const revision = await kv.put('a', 1);
    const behind = cluster.nodes[1]!;
    const levels: unknown[] = [];
    const caughtUp = held<void>();
    Object.defineProperty(behind, 'revision', { get: () => revision - 1 });
    behind.get = async (key, options) => {
      levels.push([options.level, options.minRevision]);
      await caughtUp.promise;
      return behind.getLocal(key);
    };
    const only = client(cluster, { endpoints: [behind.address] });
    expect(await only.get('a', { level: 'local' })).toBe(1);
    expect(only.revision).toBe(revision);
    const reading = only.get('a', { level: 'session' });
    await expect.poll(() => levels).toEqual([['session', revision]]);
    caughtUp.resolve();
    expect(await reading).toBe(1);
    expect(behind.linearizations).toBe(0);
  });
});
