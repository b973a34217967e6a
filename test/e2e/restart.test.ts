// What was acknowledged outlives the processes: orderly stops, kills of all at once, and a node that was away for so long that
// only a snapshot brings it back.
import { describe, expect, it } from 'vitest';
import { expectAgreement, expectPresent } from './harness/agreement.ts';
import { withCluster } from './harness/cluster.ts';
import type { Cluster } from './harness/cluster.ts';
import { startStopwatch } from '../stopwatch.ts';
import { expectWithin, waitFor } from './harness/wait.ts';

/** Puts `count` keys, many at a time, through the nodes in turn, and adds what was acknowledged to `acknowledged`. */
async function putMany(
  cluster: Cluster,
  acknowledged: Map<string, string>,
  { prefix, count, nodes = [0], width = 64 }: { prefix: string; count: number; nodes?: number[]; width?: number },
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let number = next++; number < count; number = next++) {
      const [key, value] = [`${prefix}${number}`, `value ${number}`];
      await cluster.gateways[nodes[number % nodes.length]!]!.put(key, value);
      acknowledged.set(key, value);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
}

describe('a cluster that is stopped and started', () => {
  it('has everything after an orderly stop of all nodes, and exits 0 promptly', () =>
    withCluster({ nodes: 3 }, async (cluster) => {
      const acknowledged = new Map<string, string>();
      await putMany(cluster, acknowledged, { prefix: 'k', count: 300, nodes: [0, 1, 2] });
      await cluster.gateways[1]!.delete('k7');
      acknowledged.delete('k7');
      const before = await expectAgreement(cluster);
      const counted = startStopwatch();
      const exits = await Promise.all([0, 1, 2].map((node) => cluster.stop(node)));
      expectWithin(15_000, 'the end of all', counted());
      expect(exits).toEqual([0, 1, 2].map(() => ({ code: 0, signal: null })));
      await cluster.startAll();
      const after = await expectAgreement(cluster);
      expect(after).toEqual(before);
      expectPresent(after, acknowledged);
      expect(after.keyValues.map((one) => one.key)).not.toContain('k7');
      expect(await cluster.gateways[2]!.put('afterwards', 'works')).toBe(before.revision + 1);
    }));

  it('has everything acknowledged after all nodes are killed at once during writes', () =>
    withCluster({ nodes: 3 }, async (cluster) => {
      const acknowledged = new Map<string, string>();
      const writes = putMany(cluster, acknowledged, { prefix: 'k', count: 100_000, nodes: [0, 1, 2], width: 16 });
      const failure = writes.catch((error: unknown) => error);
      await waitFor('writes are under way', () => acknowledged.size > 200);
      await Promise.all([0, 1, 2].map((node) => cluster.kill(node)));
      expect(await failure).toBeInstanceOf(Error);
      await cluster.startAll();
      const after = await expectAgreement(cluster);
      expectPresent(after, acknowledged);
    }));

  it('stops on SIGINT too, while clients write', () =>
    withCluster({ nodes: 3 }, async (cluster) => {
      const acknowledged = new Map<string, string>();
      const writes = putMany(cluster, acknowledged, { prefix: 'k', count: 100_000, nodes: [1] });
      const failure = writes.catch((error: unknown) => error);
      await waitFor('writes are under way', () => acknowledged.size > 200);
      cluster.process(1).signal('SIGINT');
      expect(await cluster.process(1).exited).toEqual({ code: 0, signal: null });
      expect(await failure).toBeInstanceOf(Error);
      await cluster.start(1);
      expectPresent(await expectAgreement(cluster), acknowledged);
    }));

  it('stops in order with a write at work that nobody can commit', () =>
    withCluster({ nodes: 3 }, async (cluster) => {
      await cluster.gateways[0]!.put('before', 'there');
      await Promise.all([1, 2].map((node) => cluster.kill(node)));
      const write = cluster.gateways[0]!.put('never', 'committed').catch((error: unknown) => error);
      // Asked after the write, and answered: by then the write is at work, too.
      await cluster.gateways[0]!.status();
      expect(await cluster.stop(0)).toEqual({ code: 0, signal: null });
      expect(await write).toBeInstanceOf(Error);
    }));
});

describe('a node that was away while the log was compacted', () => {
  it('catches up by snapshot after 5,000 writes', () =>
    withCluster({ nodes: 3, args: ['--snapshot-threshold', '500'] }, async (cluster) => {
      const acknowledged = new Map<string, string>();
      await putMany(cluster, acknowledged, { prefix: 'early', count: 50 });
      const leader = await cluster.leader();
      const away = leader === 0 ? 1 : 0;
      await expectAgreement(cluster);
      const { applied } = await cluster.gateways[away]!.status();
      await cluster.stop(away);
      await putMany(cluster, acknowledged, { prefix: 'late', count: 5000, nodes: [leader] });
      await waitFor(
        'the leader has dropped what the absent node would need',
        async () => (await cluster.gateways[leader]!.metric('raftkv_first_index')) > applied + 1,
      );
      await cluster.start(away);
      const state = await expectAgreement(cluster);
      expectPresent(state, acknowledged);
      expect(await cluster.gateways[away]!.metric('raftkv_snapshot_index')).toBeGreaterThan(applied);
      await cluster.stop(away);
      await cluster.start(away);
      expect(await expectAgreement(cluster)).toEqual(state);
    }));
});
