// One connection in time: how long it may take to open, when silence means the end, and which of its calls are tried elsewhere.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { webSocketDial } from '../src/index.ts';
import { systemClock } from '../src/clock.ts';
import type { Clock } from '../src/index.ts';
import { FakeCluster, client, held } from './fake-cluster.ts';

afterEach(() => vi.restoreAllMocks());

describe('time', () => {
  it('without an end is no timer that fires at once', async () => {
    const set = vi.spyOn(globalThis, 'setTimeout');
    const cluster = new FakeCluster();
    const kv = client(cluster, {
      connectTimeoutMilliseconds: Infinity,
      dial: async (endpoint, options) => {
        await new Promise((resolve) => setImmediate(resolve));
        return cluster.dial(endpoint, options);
      },
    });
    expect(await kv.get('a', { timeoutMilliseconds: 1e12 })).toBeUndefined();
    expect(await kv.get('a', { timeoutMilliseconds: Infinity })).toBeUndefined();
    for (const [, milliseconds] of set.mock.calls) expect(milliseconds).toBeLessThan(2 ** 31);
    // Runtimes take what is longer for 1 ms.
    let isEarly = false;
    const cancel = systemClock.schedule(() => (isEarly = true), 2 ** 31);
    await new Promise((resolve) => setTimeout(resolve, 20));
    cancel();
    expect(isEarly).toBe(false);
  });

  it('to connect is the client’s own, whatever the default of the WebSocket', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    try {
      const silent = { addEventListener: () => {}, terminate: vi.fn() };
      const SilentWebSocket = function SilentWebSocket(): object {
        return silent;
      } as unknown as Parameters<typeof webSocketDial>[0];
      const kv = client(new FakeCluster(), {
        connectTimeoutMilliseconds: 20_000,
        requestTimeoutMilliseconds: 60_000,
        retries: 0,
        dial: webSocketDial(SilentWebSocket),
      });
      const reading = kv.get('a').catch((error: unknown) => error);
      await vi.advanceTimersByTimeAsync(19_000);
      expect(silent.terminate).not.toHaveBeenCalled();
      await vi.advanceTimersByTimeAsync(2_000);
      expect(silent.terminate).toHaveBeenCalled();
      expect(await reading).toMatchObject({ code: 'connect_failed' });
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('silence', () => {
  /** Ten times as fast as the world. */
  const quick: Clock = {
    now: () => performance.now() * 10,
    schedule: (callback, milliseconds) => systemClock.schedule(callback, milliseconds / 10),
    defer: systemClock.defer,
  };

  it.each([
    { line: 'a slow line that takes what is sent', takesPerSecond: 100_000, ends: 0 },
    { line: 'a line that takes nothing any more', takesPerSecond: 0, ends: 1 },
  ])('on $line ends $ends connections', async ({ takesPerSecond, ends }) => {
    const cluster = new FakeCluster();
    let lost = 0;
    const kv = client(cluster, {
      clock: quick,
      requestTimeoutMilliseconds: 6_000,
      dial: async () => {
        const channel = cluster.nodes[0]!.accept();
        const since = quick.now();
        // The hello passes; all else is still on its way out.
        let sent = 0;
        const send = channel.send.bind(channel);
        channel.send = (frame) => (sent++ === 0 ? send(frame) : true);
        const bytes = { get: () => 10_000_000 - ((quick.now() - since) / 1_000) * takesPerSecond };
        Object.defineProperty(channel, 'bufferedBytes', bytes);
        const close = channel.close.bind(channel);
        channel.close = (error) => {
          lost += 1;
          close(error);
        };
        return channel;
      },
    });
    await expect(kv.get('a')).rejects.toMatchObject({ code: 'timeout' });
    expect(Math.min(lost, 1)).toBe(ends);
  });

  it('is not broken by news from a node that hears nothing any more', async () => {
    const cluster = new FakeCluster();
    let isDeaf = false;
    let dials = 0;
    const kv = client(cluster, {
      clock: quick,
      keepAliveMilliseconds: 2_500,
      requestTimeoutMilliseconds: 2_000,
      retries: 0,
      dial: async () => {
        const channel = cluster.nodes[0]!.accept();
        dials += 1;
        if (dials > 1) return channel;
        const send = channel.send.bind(channel);
        channel.send = (frame) => isDeaf || send(frame);
        return channel;
      },
    });
    const watch = kv.watch({ prefix: 'news' });
    const seen = watch.next();
    const writer = client(cluster);
    await writer.put('news', 0);
    await seen;
    isDeaf = true;
    const news = (async () => {
      for (let at = 1; dials === 1; at += 1) {
        await writer.put('news', at);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    })();
    await vi.waitUntil(
      async () =>
        await kv.get('a').then(
          () => true,
          () => false,
        ),
      { timeout: 60_000 },
    );
    await news;
    expect(dials).toBe(2);
  });
});

describe('a call that waits too long at one node', () => {
  it('goes elsewhere, though one with more time was sent before it', async () => {
    const cluster = new FakeCluster(2);
    const kv = client(cluster);
    await kv.put('a', 1);
    await kv.statusOfAll();
    cluster.nodes[0]!.onWrite = () => held<never>().promise;
    void kv.put('patient', 1, { timeoutMilliseconds: 60_000 }).catch(() => {});
    expect(await kv.put('hasty', 1, { timeoutMilliseconds: 3_000 })).toBeGreaterThan(0);
  });
});
