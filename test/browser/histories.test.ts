// Four tabs of one origin put, get, delete and compare-and-swap through their shared replica, while nodes are killed and paused and tabs are reloaded
// and cut off. What the tabs were told must be linearizable, nothing acknowledged may be missing, and what a session sees must never go back.
//
// RAFTKV_TAB_SECONDS sets the length (8), RAFTKV_RANDOM_SEED the seed (1).
import { expect, it } from 'vitest';
import { expectAgreement, expectPresent } from '../e2e/harness/agreement.ts';
import { withCluster } from '../e2e/harness/cluster.ts';
import { Nemesis } from '../e2e/harness/nemesis.ts';
import { sleep, waitFor } from '../e2e/harness/wait.ts';
import { Workload } from '../e2e/harness/workload.ts';
import { checkLinearizability } from '../linearizability/checker.ts';
import type { Operation } from '../linearizability/history.ts';
import { seededRandom } from '../linearizability/simulate.ts';
import { setStage } from './harness/stage.ts';
import { TabWorkloadClient } from './harness/tab-workload.ts';

const stage = setStage(['history'], { build: 'production' });
const seconds = Number(process.env['RAFTKV_TAB_SECONDS'] ?? 8);
const seed = Number(process.env['RAFTKV_RANDOM_SEED'] ?? 1);

/** How often something was done to a tab, and how often a session has looked. */
interface Done {
  troubles: number;
  rounds: number;
}

/** Now and then one tab is reloaded or cut off for a moment. */
async function troubleTabs(clients: readonly TabWorkloadClient[], isOver: () => boolean, done: Done): Promise<void> {
  const random = seededRandom(seed + 17);
  while (!isOver()) {
    await sleep(700 + random() * 1500);
    if (isOver()) break;
    const client = clients[Math.floor(random() * clients.length)]!;
    if (random() < 0.5) await client.reload();
    else await client.cutOff(200 + random() * 1000);
    done.troubles += 1;
  }
}

/** Each tab counts up a key of its own and looks at those of all: none may ever go back, its own least of all. */
async function watchSessions(clients: readonly TabWorkloadClient[], isOver: () => boolean, done: Done): Promise<void> {
  const keys = clients.map((_, i) => `session/${i}`);
  const follow = async (client: TabWorkloadClient, own: number): Promise<void> => {
    let written = 0;
    let life = client.reloads;
    let seen = keys.map(() => 0);
    for (let next = 1; !isOver(); next += 1) {
      const answer = await client
        .put(keys[own]!, String(next))
        .then(() => client.sessionRead(keys))
        .catch(() => undefined);
      if (client.reloads !== life) {
        // A new page is a new session.
        life = client.reloads;
        seen = keys.map(() => 0);
        written = 0;
        continue;
      }
      if (answer === undefined) continue;
      written = next;
      const now = answer.map((value) => Number(value ?? 0));
      for (const [i, value] of now.entries())
        expect(value, `${keys[i]} in tab ${own}`).toBeGreaterThanOrEqual(seen[i]!);
      expect(now[own], `own key in tab ${own}`).toBeGreaterThanOrEqual(written);
      seen = now;
      done.rounds += 1;
      await sleep(20);
    }
  };
  await Promise.all(clients.map((client, own) => follow(client, own)));
}

it(
  `four tabs see a linearizable store through whatever happens to nodes and tabs (seed ${seed}, ${seconds} s)`,
  { timeout: (seconds + 300) * 1000 },
  () =>
    withCluster({ nodes: 3, args: ['--allowed-origins', '*'] }, async (cluster) => {
      const tabs = [];
      for (let i = 0; i < 4; i += 1) tabs.push(await stage.openTab('history'));
      const clients = tabs.map((tab) => new TabWorkloadClient(tab, cluster.addresses));
      await Promise.all(clients.map((client) => client.open()));
      const workload = new Workload({ seed, keys: 6, clients });
      // Three nodes: one at a time, or nobody would be left to ask.
      const nemesis = new Nemesis(cluster, { seed, mostVictims: 1 });
      let isOver = false;
      workload.start();
      nemesis.start();
      const done: Done = { troubles: 0, rounds: 0 };
      const troubling = troubleTabs(clients, () => isOver, done);
      const watching = watchSessions(clients, () => isOver, done);
      await sleep(seconds * 1000);
      // On a busy machine that may be too short for anything.
      const isEnough = (): boolean => done.troubles > 0 && done.rounds > 0 && workload.counts.answered > seconds;
      await waitFor('enough has happened', isEnough).finally(() => (isOver = true));
      await troubling;
      await nemesis.stop();
      await watching;
      await sleep(1500);
      await workload.stop();
      await workload.readAll(clients[0]!);
      expectPresent(await expectAgreement(cluster), workload.acknowledged);
      const { answered, unknown, refused } = workload.counts;
      console.log(
        `seed ${seed}: ${answered} answered, ${unknown} unknown, ${refused} refused, ${done.troubles} troubles of tabs, ${done.rounds} session reads`,
      );
      const result = checkLinearizability(workload.operations);
      expect(result.verdict, `${result.explanation}\n${nemesis.describe()}`).toBe('linearizable');
    }),
);

it(
  'they are seen not to be linearizable when they read at level local, so the check can fail',
  { timeout: 300_000 },
  () =>
    withCluster({ nodes: 3, args: ['--allowed-origins', '*'] }, async (cluster) => {
      const tabs = [await stage.openTab('history'), await stage.openTab('history')];
      const [writer, reader] = tabs.map((tab) => new TabWorkloadClient(tab, cluster.addresses)) as [
        TabWorkloadClient,
        TabWorkloadClient,
      ];
      await Promise.all([writer.open('local'), reader.open('local')]);
      const operations: Operation[] = [];
      let time = 1;
      const record = (operation: Pick<Operation, 'op' | 'v' | 'out'>): void =>
        void operations.push({ c: 0, k: 'k', call: time++, ret: time++, ...operation });
      await writer.put('k', 'old');
      record({ op: 'put', v: 'old' });
      await waitFor('the copy has it', async () => (await reader.get('k')) === 'old');
      // It goes on reading what it has, while the other one writes.
      await reader.setOnline(false);
      await writer.put('k', 'new');
      record({ op: 'put', v: 'new' });
      record({ op: 'get', out: await reader.get('k') });
      expect(checkLinearizability(operations).verdict).toBe('violation');
    }),
);
