// Five processes, clients of two kinds, and a nemesis that kills, pauses and restarts one or two nodes at a time. What the
// clients were told must be linearizable, all nodes must end up equal, and nothing acknowledged may be missing. That the check
// can fail is proved with the same workload reading at level `local`.
//
// RAFTKV_RANDOM_SECONDS sets the length (15), RAFTKV_RANDOM_SEED the seed (1).
import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkLinearizability } from '../linearizability/checker.ts';
import { formatHistory } from '../linearizability/history.ts';
import type { Operation } from '../linearizability/history.ts';
import { expectAgreement, expectPresent } from './harness/agreement.ts';
import { withCluster } from './harness/cluster.ts';
import type { Cluster } from './harness/cluster.ts';
import { GatewayWorkloadClient } from './harness/gateway-workload.ts';
import { Nemesis } from './harness/nemesis.ts';
import { NativeWorkloadClient } from './harness/native-workload.ts';
import { sleep, waitFor } from './harness/wait.ts';
import { Workload } from './harness/workload.ts';

const seconds = Number(process.env['RAFTKV_RANDOM_SECONDS'] ?? 15);
const seed = Number(process.env['RAFTKV_RANDOM_SEED'] ?? 1);
const KEYS = 12;

/** Six of our own clients and two of etcd's gateway, spread over the nodes. */
function openClients(cluster: Cluster): (NativeWorkloadClient | GatewayWorkloadClient)[] {
  const native = [0, 1, 2, 3, 4, 5].map((first) => NativeWorkloadClient.connect(cluster.addresses, { first }));
  const overHttp = [1, 3].map((first) => new GatewayWorkloadClient(cluster.addresses, { first, roams: true }));
  return [...native, ...overHttp];
}

/** Keeps a history that failed, so that it can be looked at. */
function keepHistory(operations: readonly Operation[]): string {
  const directory = path.join(tmpdir(), 'raftkv-histories');
  mkdirSync(directory, { recursive: true });
  const file = path.join(directory, `seed-${seed}.jsonl`);
  writeFileSync(file, formatHistory(operations));
  return file;
}

describe('five nodes under random work and random faults', () => {
  it(
    `stay linearizable, agree, and lose nothing (seed ${seed}, ${seconds} s)`,
    { timeout: (seconds + 300) * 1000 },
    () =>
      withCluster({ nodes: 5, args: ['--snapshot-threshold', '2000'] }, async (cluster) => {
        const clients = openClients(cluster);
        const workload = new Workload({ seed, keys: KEYS, clients });
        const nemesis = new Nemesis(cluster, { seed });
        try {
          workload.start();
          nemesis.start();
          await sleep(seconds * 1000);
          await nemesis.stop();
          await sleep(1000);
          await workload.stop();
          await workload.readAll(clients[0]!);
          const state = await expectAgreement(cluster);
          expectPresent(state, workload.acknowledged);
        } catch (error) {
          console.error(`seed ${seed}\n${nemesis.describe()}`);
          throw error;
        } finally {
          await Promise.all(clients.map((client) => client.close()));
        }
        const { answered, unknown, refused } = workload.counts;
        console.log(`seed ${seed}: ${answered} answered, ${unknown} unknown, ${refused} refused`);
        // A store that answers nothing is linearizable too.
        expect(answered).toBeGreaterThan(seconds * 4);
        expect(workload.acknowledged.size).toBeGreaterThan(seconds / 2);
        expect(nemesis.events.length).toBeGreaterThan(1);
        const result = checkLinearizability(workload.operations);
        if (result.verdict !== 'linearizable') {
          console.error(`seed ${seed}, history in ${keepHistory(workload.operations)}\n${nemesis.describe()}`);
        }
        expect(result.verdict, result.explanation).toBe('linearizable');
      }),
  );

  it('are seen not to be linearizable when clients read at level local, so the check can fail', () =>
    withCluster({ nodes: 3 }, async (cluster) => {
      const clients = [0, 1, 2, 0, 1, 2].map(
        (first) => new GatewayWorkloadClient(cluster.addresses, { first, roams: true, serializable: true }),
      );
      const workload = new Workload({ seed, keys: 3, clients, pauseMilliseconds: 2 });
      const nemesis = new Nemesis(cluster, { seed, mostVictims: 1, actions: ['pause'], holdMilliseconds: 600 });
      workload.start();
      nemesis.start();
      await sleep(4000);
      await nemesis.stop();
      await workload.stop();
      await readFromOneLeftBehind(cluster, workload);
      for (const client of clients) client.close();
      const result = checkLinearizability(workload.operations);
      expect(result.verdict).toBe('violation');
      expect(result.explanation).toContain('is not linearizable');
    }));
});

/**
 * A stale read that no timing can prevent: a node is killed, a key is written behind its back, the others are paused, and it is
 * started alone: what it says at level local is what it had.
 */
async function readFromOneLeftBehind(cluster: Cluster, workload: Workload): Promise<void> {
  const leader = await cluster.leader();
  const [behind, other] = [0, 1, 2].filter((node) => node !== leader) as [number, number];
  const writer = cluster.gateways[leader]!;
  let time = 1 + Math.max(...workload.operations.map(({ call, ret }) => ret ?? call));
  const record = (operation: Pick<Operation, 'op' | 'v' | 'out'>): void => {
    workload.operations.push({ c: 99, k: 'left behind', call: time++, ret: time++, ...operation });
  };
  await writer.put('left behind', 'old');
  record({ op: 'put', v: 'old' });
  const readLocal = (): Promise<string | null> => cluster.gateways[behind]!.get('left behind', { serializable: true });
  await waitFor('the old value everywhere', async () => (await readLocal()) === 'old');
  await cluster.kill(behind);
  await writer.put('left behind', 'new');
  record({ op: 'put', v: 'new' });
  cluster.pause(leader);
  cluster.pause(other);
  cluster.spawn(behind);
  // Once alone it may show less than it had: what was not known to be committed waits for a leader.
  const out = await waitFor('an answer from the node left behind', async () => {
    const value = await readLocal();
    return { value };
  });
  expect(out.value).not.toBe('new');
  record({ op: 'get', out: out.value });
  cluster.resume(leader);
  cluster.resume(other);
}
