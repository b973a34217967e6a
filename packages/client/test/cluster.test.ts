// How the client comes to its nodes, and comes back to them.
import { describe, expect, it } from 'vitest';
import { RaftkvError } from '@raftkv/wire';
import { Cluster } from '../src/cluster.ts';
import { settle } from '../src/options.ts';
import { startStopwatch } from '../../../test/stopwatch.ts';
import { FakeCluster, client } from './fake-cluster.ts';

describe('nodes that cannot be reached', () => {
  it('are dialled again after an offline spell in which they were asked for', async () => {
    let dialled = 0;
    const nothing = (): void => {};
    const settings = settle({
      endpoints: ['a:1'],
      dial: async () => {
        dialled += 1;
        throw new RaftkvError('connect_failed', 'down');
      },
    });
    const cluster = new Cluster(settings, {
      onAnswer: nothing,
      onAttemptFailed: nothing,
      onRoom: nothing,
      onChange: nothing,
      onUnreachable: nothing,
      onNodeFailed: nothing,
    });
    await expect.poll(() => dialled, { interval: 1 }).toBe(1);
    cluster.setOnline(false);
    cluster.demand();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(dialled).toBe(1);
    cluster.setOnline(true);
    await expect.poll(() => dialled).toBeGreaterThan(1);
    cluster.close(new RaftkvError('closed', 'done'));
  });

  it('are dialled with pauses, however many calls are made meanwhile', async () => {
    const cluster = new FakeCluster(1);
    const dialledAt: number[] = [];
    const kv = client(cluster, {
      dial: async (endpoint) => {
        dialledAt.push(performance.now());
        throw new RaftkvError('connect_failed', `${endpoint} is down`);
      },
    });
    const calls: Promise<unknown>[] = [];
    const started = performance.now();
    while (performance.now() - started < 500) {
      calls.push(kv.get('a').catch((error: unknown) => error));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    for (const outcome of await Promise.all(calls)) expect(outcome).toMatchObject({ code: 'connect_failed' });
    const pauses = dialledAt.slice(1).map((time, i) => time - dialledAt[i]!);
    expect(pauses.length).toBeGreaterThan(3);
    // 50 ms, without chance here; timers may be a little early.
    expect(Math.min(...pauses)).toBeGreaterThan(45);
  });

  it('are reached soon after they come back', async () => {
    const cluster = new FakeCluster(1);
    const kv = client(cluster, { requestTimeoutMilliseconds: 20_000, retryDelayMilliseconds: 100, retries: 1_000 });
    cluster.nodes[0]!.kill();
    const writing = kv.put('a', 1);
    await kv.statusOfAll();
    await new Promise((resolve) => setTimeout(resolve, 300));
    cluster.nodes[0]!.start();
    const took = startStopwatch();
    await kv.get('a');
    expect(took()).toBeLessThan(200);
    await writing;
  });
});
