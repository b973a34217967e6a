// How much may be under way, waiting, and in one frame.
import { describe, expect, it } from 'vitest';
import type { RaftkvError } from '@raftkv/wire';
import { bytes } from '../src/index.ts';
import type { Kv } from '../src/index.ts';
import { FakeCluster, client, held } from './fake-cluster.ts';

describe('limits', () => {
  it('let calls beyond the window of a connection wait, and all be answered', async () => {
    const cluster = new FakeCluster();
    const kv = client(cluster, { maxInflightRequests: 4 });
    let inFlight = 0;
    let most = 0;
    cluster.nodes[0]!.onWrite = async (apply) => {
      inFlight += 1;
      most = Math.max(most, inFlight);
      await Promise.resolve();
      inFlight -= 1;
      return apply();
    };
    await Promise.all(Array.from({ length: 100 }, (_, i) => kv.put(`k${i}`, i)));
    expect(most).toBeLessThanOrEqual(4);
    expect(await kv.count({ prefix: 'k' })).toBe(100);
  });

  it('refuse calls beyond the queue as busy and definite', async () => {
    const ways: ((kv: Kv) => Promise<unknown>)[] = [
      (kv) => kv.get('a'),
      // No session is open yet, so these wait for one.
      (kv) => kv.put('a', 1),
      (kv) => kv.status({ endpoint: 'node1:8080' }),
    ];
    for (const call of ways) {
      const kv = client(new FakeCluster(), { maxQueuedCalls: 10, dial: () => held<never>().promise });
      const outcomes = Array.from({ length: 15 }, () => outcomeOf(call(kv)));
      await Promise.resolve();
      await kv.close();
      const codes = await Promise.all(outcomes);
      expect(codes.filter((code) => code === 'busy definite')).toHaveLength(5);
      expect(codes.filter((code) => code === 'closed definite')).toHaveLength(10);
    }
  });

  it('count those that wait for their next attempt, and not those that are over', async () => {
    const cluster = new FakeCluster();
    const kv = client(cluster, { maxQueuedCalls: 10, retryDelayMilliseconds: 60_000 });
    cluster.nodes[0]!.kill();
    const resting = Array.from({ length: 10 }, () => outcomeOf(kv.get('a', { timeoutMilliseconds: 50 })));
    await kv.statusOfAll(); // by then the dial has failed
    expect(await outcomeOf(kv.get('a', { timeoutMilliseconds: 1 }))).toBe('busy definite');
    expect(new Set(await Promise.all(resting))).toEqual(new Set(['timeout definite']));
    expect(await outcomeOf(kv.get('a', { timeoutMilliseconds: 1 }))).toBe('timeout definite');
    const writes = Array.from({ length: 10 }, () => outcomeOf(kv.put('a', 1, { timeoutMilliseconds: 1 })));
    expect(new Set(await Promise.all(writes))).toEqual(new Set(['timeout definite']));
    expect(await outcomeOf(kv.put('a', 1, { timeoutMilliseconds: 1 }))).toBe('timeout definite');
  });

  it('of the server are kept: it refuses what is beyond them, and the client tries again', async () => {
    const cluster = new FakeCluster(1, { maxInflightRequests: 2 });
    const kv = client(cluster);
    await Promise.all(Array.from({ length: 50 }, (_, i) => kv.put(`k${i}`, i)));
    expect(await kv.count({ prefix: 'k' })).toBe(50);
  });
});

describe('a channel that is full', () => {
  it('is given the rest when it drains: many large values do not break it', async () => {
    const cluster = new FakeCluster();
    const kv = client<Uint8Array>(cluster, { codec: bytes, compression: false, retries: 0 });
    const value = new Uint8Array(1024 * 1024);
    await Promise.all(Array.from({ length: 40 }, (_, i) => kv.put(`k${i}`, value)));
    expect(await kv.count({ prefix: 'k' })).toBe(40);
    const { left } = cluster.nodes[0]!.channels[0]!;
    const send = left.send.bind(left);
    let most = 0;
    left.send = (frame) => {
      most = Math.max(most, left.bufferedBytes + frame.length);
      return send(frame);
    };
    await Promise.all(Array.from({ length: 10 }, (_, i) => kv.put(`k${i}`, value)));
    expect(most).toBeLessThan(2.5 * value.length);
  });

  it('lets go of calls that end meanwhile: they are definite, and never sent', async () => {
    const cluster = new FakeCluster();
    const kv = client<Uint8Array>(cluster, { codec: bytes, compression: false });
    await kv.put('a', new Uint8Array(1));
    const node = cluster.nodes[0]!;
    node.channels[0]!.stall('right');
    const value = new Uint8Array(1024 * 1024);
    const controller = new AbortController();
    const failures = Array.from({ length: 5 }, (_, i) =>
      kv.put(`k${i}`, value, { signal: controller.signal }).catch((error: RaftkvError) => error.definite),
    );
    await kv.status({ timeoutMilliseconds: 20 }).catch(() => {});
    controller.abort();
    expect(await Promise.all(failures)).toEqual([false, true, true, true, true]);
    node.channels[0]!.resume('right');
    expect(await kv.scan({ prefix: 'k', keysOnly: true }).all()).toMatchObject([{ key: 'k0' }]);
  });
});

describe('batching', () => {
  it('sends the calls of one turn in one frame, and confirms the reads of a frame together', async () => {
    const cluster = new FakeCluster();
    const kv = client(cluster);
    await kv.put('a', 1);
    const node = cluster.nodes[0]!;
    const frames: number[] = [];
    const { left } = node.channels[0]!;
    const send = left.send.bind(left);
    left.send = (frame) => {
      frames.push(frame.length);
      return send(frame);
    };
    const before = node.linearizations;
    await Promise.all(Array.from({ length: 100 }, () => kv.get('a')));
    expect(frames).toHaveLength(1);
    expect(node.linearizations).toBe(before + 1);
    // Callers who await one another’s turn still share frames.
    frames.length = 0;
    await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        await kv.put(`k${i}`, i);
        await kv.put(`k${i}`, i);
      }),
    );
    expect(frames.length).toBeLessThanOrEqual(4);
  });

  it('of time are looked at less often the more calls there are, and little too late', async () => {
    let now = 0;
    const timers = new Map<() => void, number>();
    const clock = {
      now: () => now,
      schedule: (callback: () => void, milliseconds: number) => {
        timers.set(callback, now + milliseconds);
        return () => void timers.delete(callback);
      },
      defer: queueMicrotask,
    };
    const connectTimeoutMilliseconds = 1e6;
    const kv = client(new FakeCluster(), { clock, connectTimeoutMilliseconds, dial: () => held<never>().promise });
    const lateness: number[] = [];
    const calls = Array.from({ length: 20_000 }, async (_, i) => {
      await outcomeOf(kv.get('a', { timeoutMilliseconds: i + 1 }));
      lateness.push(now - (i + 1));
    });
    let wakes = 0;
    for (; now < 25_000; wakes += 1) {
      const [callback, at] = [...timers].toSorted(([, a], [, b]) => a - b)[0]!;
      timers.delete(callback);
      now = at;
      callback();
      for (let i = 0; i < 5; i += 1) await Promise.resolve();
    }
    await Promise.all(calls);
    expect(Math.max(...lateness)).toBeLessThanOrEqual(21);
    expect(wakes).toBeLessThan(6_000);
  });
});

function outcomeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'done',
    ({ code, definite }: RaftkvError) => `${code} ${definite ? 'definite' : 'unknown'}`,
  );
}
