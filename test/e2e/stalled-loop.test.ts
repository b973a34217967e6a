// Leaders whose event loop stands still again and again (T13): who stalls for as long as an election takes to begin hands over, so that nobody has to
// wait for an election; who stalls for less stays; and whatever the loops do, what clients were told is linearizable.
import { describe, expect, it } from 'vitest';
import { checkLinearizability } from '../linearizability/checker.ts';
import { seededRandom } from '../linearizability/simulate.ts';
import { expectAgreement, expectPresent } from './harness/agreement.ts';
import { Cluster } from './harness/cluster.ts';
import { NativeWorkloadClient } from './harness/native-workload.ts';
import { Stalls } from './harness/stalls.ts';
import { expectWithin, sleep, waitFor } from './harness/wait.ts';
import { Workload } from './harness/workload.ts';

const seed = Number(process.env['RAFTKV_RANDOM_SEED'] ?? 1);
/** Five ticks a heartbeat. */
const heartbeatMilliseconds = 50;
const timing = (electionTimeoutMilliseconds: number): string[] => [
  ...['--election-timeout', `${electionTimeoutMilliseconds}ms`],
  ...['--heartbeat-interval', `${heartbeatMilliseconds}ms`],
];

interface Stage {
  readonly cluster: Cluster;
  readonly stalls: Stalls;
  readonly workload: Workload;
}

/** Three members at work while `body` makes them stall. What was told meanwhile is judged. `timeouts`: each member's election timeout. */
async function atWork(timeouts: readonly number[], body: (stage: Stage) => Promise<void>): Promise<void> {
  const stalls = new Stalls();
  const cluster = await Cluster.prepare({ env: stalls.env });
  const clients: NativeWorkloadClient[] = [];
  try {
    await Promise.all(timeouts.map((timeout, node) => cluster.start(node, { args: timing(timeout) })));
    await cluster.leader();
    for (const first of [0, 1, 2, 0])
      clients.push(NativeWorkloadClient.connect(cluster.addresses, { first, timeoutMilliseconds: 30_000 }));
    const workload = new Workload({ seed, keys: 6, clients, pauseMilliseconds: 12 });
    workload.start();
    await body({ cluster, stalls, workload });
    await workload.stop();
    await workload.readAll(clients[1]!);
    expectPresent(await expectAgreement(cluster), workload.acknowledged);
    const result = checkLinearizability(workload.operations);
    expect(result.verdict, `seed ${seed}: ${result.explanation}`).toBe('linearizable');
  } catch (error) {
    console.error(cluster.logTails());
    throw error;
  } finally {
    await Promise.allSettled(clients.map((client) => client.close()));
    await cluster.destroy();
    stalls.close();
  }
}

async function termAt(cluster: Cluster, node: number): Promise<number> {
  return (await waitFor('its status', () => cluster.gateways[node]!.status())).term;
}

describe('a leader whose event loop stalls', () => {
  // The others wait three times as long before they campaign, so that no election can be what makes another one leader.
  const [own, others] = [800, 2400];
  const stalled = own + 40;

  it('for an election timeout, for the third time, hands over: nobody waits for an election, and it gets nothing back', () =>
    atWork([own, others, others], async ({ cluster, stalls, workload }) => {
      const leader = 0;
      await waitFor('it leads', async () => (await cluster.leader()) === leader);
      const term = await termAt(cluster, leader);
      for (const isLast of [false, false, true]) {
        await stalls.stall(cluster.process(leader), stalled);
        if (isLast) break;
        const before = workload.counts.answered;
        await waitFor('work goes on', () => workload.counts.answered > before + 20);
        expect(await cluster.leader()).toBe(leader);
      }
      const next = await waitFor('another leader', async () => {
        const found = await cluster.leader();
        return found === leader ? undefined : { found };
      });
      expect(await termAt(cluster, next.found)).toBe(term + 1);
      const before = workload.counts.answered;
      await waitFor('work goes on', () => workload.counts.answered > before + 100);
      expect(await termAt(cluster, next.found)).toBe(term + 1);
      expect(workload.counts).toMatchObject({ unknown: 0, refused: 0 });
      // Of the time that stalls are not to blame for, nobody waited for as long as an election takes.
      expectWithin(others - 200, 'the next answer', workload.longestSilenceMilliseconds);
    }));

  it('for less than an election timeout stays the leader, however often', () =>
    atWork([own, others, others], async ({ cluster, stalls, workload }) => {
      await waitFor('it leads', async () => (await cluster.leader()) === 0);
      const term = await termAt(cluster, 0);
      for (let i = 0; i < 8; i++) {
        const before = workload.counts.answered;
        await stalls.stall(cluster.process(0), own / 2);
        await waitFor('work goes on', () => workload.counts.answered > before + 10);
      }
      expect(await cluster.leader()).toBe(0);
      expect(await termAt(cluster, 0)).toBe(term);
    }));
});

it('leaders whose event loops stall for a moment or longer than an election takes lose and confuse nothing', () =>
  atWork([300, 300, 300], async ({ cluster, stalls, workload }) => {
    const random = seededRandom(seed);
    const first = await cluster.leader();
    const term = await termAt(cluster, first);
    for (let i = 0; i < 10; i++) {
      const before = workload.counts.answered;
      const leader = await cluster.leader();
      await stalls.stall(cluster.process(leader), 100 + random() * 900);
      await waitFor('work goes on', () => workload.counts.answered > before + 20);
      await sleep(random() * 100);
    }
    // Some stalls were longer than any follower waits.
    expect(await termAt(cluster, await cluster.leader())).toBeGreaterThan(term);
  }));
