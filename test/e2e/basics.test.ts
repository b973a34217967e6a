// The first things that anyone tries with a key-value store, against real processes: one write and one read, a batch, a scan,
// five nodes that all know what one was told, and a leader that dies.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connect } from 'raftkv';
import type { Kv } from 'raftkv';
import { expectAgreement, expectPresent } from './harness/agreement.ts';
import { Cluster, withCluster } from './harness/cluster.ts';
import { expectWithin, sleep, waitFor } from './harness/wait.ts';

describe('a cluster of three', () => {
  let cluster: Cluster;
  let kv: Kv;

  beforeAll(async () => {
    cluster = await Cluster.start({ nodes: 3 });
    kv = connect({ endpoints: cluster.addresses, requestTimeoutMilliseconds: 30_000 });
  });
  afterEach(({ task }) => {
    if (task.result?.state === 'fail') console.error(cluster.logTails());
  });
  afterAll(async () => {
    await kv?.close();
    await cluster?.destroy();
  });

  it('gives back what was put', async () => {
    await kv.put('greeting', { text: 'hello', to: ['a', 'b'] });
    expect(await kv.get('greeting')).toEqual({ text: 'hello', to: ['a', 'b'] });
  });

  it('gives the newest of two values, and counts revisions up', async () => {
    const first = await kv.put('twice', 1);
    const second = await kv.put('twice', 2);
    expect(second).toBeGreaterThan(first);
    expect(await kv.get('twice')).toBe(2);
  });

  it('has nothing under a deleted key', async () => {
    await kv.put('gone', 'soon');
    await kv.delete('gone');
    expect(await kv.get('gone')).toBeUndefined();
  });

  it('has nothing under a key that never was', async () => {
    expect(await kv.get('never')).toBeUndefined();
  });

  it('takes a batch of ten at one revision', async () => {
    await kv.batch(
      Array.from({ length: 10 }, (_, number) => ({ type: 'put' as const, key: `batch/${number}`, value: number })),
    );
    const { keyValues } = await cluster.gateways[0]!.scan('batch/');
    expect(keyValues.map((one) => one.value)).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    expect(new Set(keyValues.map((one) => one.modRevision)).size).toBe(1);
  });

  it('scans a prefix in order, up to a limit', async () => {
    for (const letter of ['d', 'b', 'a', 'c']) await kv.put(`scan/${letter}`, letter);
    await kv.put('scanned', 'has another prefix');
    const found: unknown[] = [];
    for await (const entry of kv.scan({ prefix: 'scan/', limit: 3 })) found.push(entry.value);
    expect(found).toEqual(['a', 'b', 'c']);
  });
});

describe('a cluster of five', () => {
  it('answers on each node with what was written through one', () =>
    withCluster({ nodes: 5 }, async (cluster) => {
      for (const [writer, gateway] of cluster.gateways.entries()) {
        await gateway.put('shared', `through ${writer}`);
        const read = await Promise.all(cluster.gateways.map((reader) => reader.get('shared')));
        expect(read).toEqual(cluster.gateways.map(() => `through ${writer}`));
      }
    }));

  it('goes on within three seconds when its leader is killed during writes, and has all that was acknowledged', () =>
    withCluster({ nodes: 5 }, async (cluster) => {
      const acknowledged = new Map<string, string>();
      let isStopping = false;
      const writers = cluster.gateways.map(async (gateway, writer) => {
        for (let number = 0; !isStopping; number++) {
          const [key, value] = [`${writer}/${number}`, String(number)];
          await gateway.put(key, value).then(
            () => acknowledged.set(key, value),
            () => sleep(20),
          );
        }
      });
      const pauses: number[] = [];
      // Who shares the machine may take some seconds of it, once or twice.
      while (pauses.length < 6 && !pauses.some((pause) => pause < 3000)) {
        const before = acknowledged.size;
        await waitFor('some writes', () => acknowledged.size > before + 100);
        const leader = await cluster.leader();
        pauses.push(await killUnderWrites(cluster, leader));
        const atKill = acknowledged.size;
        await waitFor('the other writers go on', () => acknowledged.size > atKill + 50);
        await cluster.start(leader);
      }
      expectWithin(3000, 'a write after the kill', Math.min(...pauses));
      isStopping = true;
      await Promise.all(writers);
      expectPresent(await expectAgreement(cluster), acknowledged);
    }));
});

/** Milliseconds until a write is acknowledged again. */
async function killUnderWrites(cluster: Cluster, leader: number): Promise<number> {
  const killedAt = performance.now();
  await cluster.kill(leader);
  const survivor = cluster.gateways.find((_, node) => node !== leader)!;
  let isWritingAgain = false;
  // A new try every 100 ms: one that was under way at the kill may hang until its time is up.
  await waitFor(
    'a write is acknowledged again',
    () => {
      const note = (): void => void (isWritingAgain = true);
      void survivor.put('after the kill', 'yes').then(note, () => undefined);
      return isWritingAgain;
    },
    { intervalMilliseconds: 100 },
  );
  return performance.now() - killedAt;
}
