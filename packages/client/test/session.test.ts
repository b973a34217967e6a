// The session under which a client writes: opened once, replaced when it was evicted, closed at the end.
import { describe, expect, it } from 'vitest';
import { Store } from '@raftkv/kv';
import { RaftkvError, defaultLimits, encodeCommand } from '@raftkv/wire';
import type { Client } from '../src/client.ts';
import type { WriteState } from '../src/index.ts';
import type { WriteTeller } from '../src/live/index.ts';
import { bytes } from '../src/index.ts';
import { FakeCluster, client, held } from './fake-cluster.ts';

describe('a session', () => {
  it('that was evicted is replaced, and the write that met this is carried out once', async () => {
    const cluster = new FakeCluster();
    const kv = client(cluster);
    await kv.put('a', 1);
    expireSessions(cluster);
    const writing = Array.from({ length: 20 }, (_, i) => kv.put(`k${i}`, i));
    await Promise.all(writing);
    const entries = await kv.scan({ prefix: 'k' }).all();
    expect(entries.map(({ version }) => version)).toEqual(entries.map(() => 1));
    expect(entries).toHaveLength(20);
  });

  it('that was evicted takes back that a write is on its way, until it is again', async () => {
    const cluster = new FakeCluster();
    const kv = client(cluster) as unknown as Client<unknown, string>;
    await kv.put('a', 1);
    expireSessions(cluster);
    const told: boolean[] = [];
    const tell = ({ status }: Partial<WriteState>): void => void told.push(status === 'sent');
    const send = kv.prepare([{ type: 'put', key: 'a', value: 2 }], {}, { tell } as WriteTeller);
    await send();
    expect(told).toEqual([true, false, true]);
  });

  it('that takes long to open is opened for those that still have time', async () => {
    const cluster = new FakeCluster();
    const kv = client(cluster, { requestTimeoutMilliseconds: 150 });
    const node = cluster.nodes[0]!;
    let attempts = 0;
    node.onWrite = (apply) => {
      attempts += 1;
      if (attempts > 1) node.onWrite = (again) => again();
      return attempts === 1 ? held<never>().promise : apply();
    };
    const short = kv.put('a', 1).catch((error: RaftkvError) => error);
    const long = kv.put('b', 2, { timeoutMilliseconds: 10_000 });
    expect(await short).toMatchObject({ code: 'timeout', definite: true });
    expect(await long).toBeGreaterThan(0);
  });

  it('that was evicted between two attempts leaves the outcome unknown, and says so', async () => {
    const cluster = new FakeCluster();
    const kv = client(cluster);
    await kv.put('a', 1);
    const node = cluster.nodes[0]!;
    node.onWrite = (apply) => {
      apply();
      node.onWrite = (again) => again();
      expireSessions(cluster);
      throw new RaftkvError('timeout', 'the answer got lost', { definite: false });
    };
    await expect(kv.put('a', 2)).rejects.toMatchObject({ code: 'session_expired', definite: false });
    await kv.put('b', 3);
    expect(await kv.getEntry('a')).toMatchObject({ version: 2 });
  });

  it('is opened once for many writes at the start, and closed at the end', async () => {
    const cluster = new FakeCluster();
    const kv = client(cluster);
    await Promise.all(Array.from({ length: 30 }, (_, i) => kv.put(`k${i}`, i)));
    expect(cluster.applied.filter((type) => type === 'openSession')).toHaveLength(1);
    expect(cluster.store.statistics().sessions).toBe(1);
    await kv.close();
    expect(cluster.store.statistics().sessions).toBe(0);
  });

  it('is not held up by a write that was refused before it began', async () => {
    const cluster = new FakeCluster();
    const kv = client(cluster, { maxInflightRequests: 1_000 });
    await kv.put('a', 0);
    await expect(kv.put('a', 1, { timeoutMilliseconds: 0 })).rejects.toMatchObject({ code: 'invalid_argument' });
    await expect(kv.put('a', 1, { signal: {} as AbortSignal })).rejects.toMatchObject({ code: 'invalid_argument' });
    // More than may be ahead of the acknowledged ones: a sequence that nobody finishes would stop them.
    const count = 8_192 + 10;
    await Promise.all(Array.from({ length: count }, (_, i) => kv.put('a', i)));
    expect(await kv.getEntry('a')).toMatchObject({ version: count + 1 });
  });

  it('that leaves no room for one of the writes that wait for it fails that one alone', async () => {
    const cluster = new FakeCluster();
    const maxCommandBytes = 1_000;
    const kv = client<Uint8Array>(cluster, {
      codec: bytes,
      compression: false,
      limits: { ...defaultLimits, maxCommandBytes },
    });
    // Without a session it just fits.
    const large = kv.put('k', new Uint8Array(maxCommandBytes - 12));
    const small = kv.put('a', new Uint8Array(1));
    await expect(large).rejects.toMatchObject({ code: 'request_too_large', definite: true });
    expect(await small).toBeGreaterThan(0);
  });

  it('lets the state machine forget answers: it never holds many', async () => {
    const cluster = new FakeCluster();
    cluster.store = new Store({ maxSessionAnswers: 10 });
    const kv = client(cluster);
    for (let i = 0; i < 100; i += 1) await kv.put('a', i);
    expect(await kv.getEntry('a')).toMatchObject({ version: 100 });
  });
});

/** Forgets every session, as an eviction would. */
function expireSessions(cluster: FakeCluster): void {
  for (let clientId = 1; clientId < 200; clientId += 1) {
    if (cluster.store.statistics().sessions === 0) return;
    cluster.apply(encodeCommand({ session: undefined, command: { type: 'closeSession', clientId } }));
  }
}
