// How long nobody can write after a leader died: the leader is killed with -9 in an otherwise healthy cluster under load, again and again, and a
// client puts all the while. Measured from the kill to the first acknowledgement of a put that began after it, as a user of the client
// sees it: detection, election, finding the new leader, replication and sync are all in it.
import { sleep, waitFor } from '../e2e/harness/wait.ts';
import type { Arena } from './arena.ts';
import { isDefinite, now } from './work/act-record.ts';
import type { ActRecord } from './work/act-record.ts';
import { nativeClient } from './work/clients.ts';
import type { ChaosClient } from './work/client-loop.ts';

export const electionTimeoutMilliseconds = 300;

export interface DeathsOptions {
  readonly arena: Arena;
  readonly deaths: number;
  readonly random: () => number;
  /** The puts are judged with all the others. */
  readonly record: ActRecord;
  readonly progress: (line: string) => void;
}

/** One put every few milliseconds, whether or not the one before was answered. */
const putEveryMilliseconds = 10;

export interface Deaths {
  /** Milliseconds without an acknowledged write, one for each death. */
  readonly gaps: readonly number[];
  /** How late timers came in this process meanwhile, in milliseconds: what the machine itself adds. */
  readonly lateness: readonly number[];
}

export async function measureDeaths({ arena, deaths, random, record, progress }: DeathsOptions): Promise<Deaths> {
  const { cluster } = arena;
  const lateness: number[] = [];
  let due = performance.now() + putEveryMilliseconds;
  const meter = setInterval(() => {
    lateness.push(Math.max(0, performance.now() - due));
    due = performance.now() + putEveryMilliseconds;
  }, putEveryMilliseconds);
  const gaps: number[] = [];
  // Connected to all, so that none of them pays for a dial; their first put is made before the first death.
  const addresses = arena.members.map((member) => cluster.address(member));
  const clients = addresses.map((_, first) => nativeClient(addresses, first));
  await Promise.all(clients.map((kv, at) => put(kv, record, { c: measuring + at, key: `d/${at}`, value: 'ready' })));
  try {
    for (let death = 0; death < deaths; death++) {
      const leader = await cluster.leader();
      await sleep(100 + random() * 400);
      const from = performance.now();
      const killed = arena.kill([leader]);
      gaps.push(await firstPut(clients, record, { death, from }));
      await killed;
      arena.launch(leader);
      await arena.settle();
      await allFollow(arena);
      if ((death + 1) % 10 === 0) progress(`${death + 1} deaths measured: ${distribution(gaps)}`);
    }
  } finally {
    clearInterval(meter);
    await Promise.all(clients.map((kv) => kv.close()));
  }
  return { gaps, lateness };
}

/** Client numbers of those who measure. */
const measuring = 900;

/** Milliseconds from `from` to the first acknowledgement of a put that began after it. */
export async function firstPut(
  clients: readonly ChaosClient[],
  record: ActRecord,
  { death, from }: { readonly death: number; readonly from: number },
): Promise<number> {
  let gap: number | undefined;
  for (let count = 0; gap === undefined; count++) {
    const at = count % clients.length;
    const asked = { c: measuring + at, key: `d/${at}`, value: `${death}-${count}` };
    void put(clients[at]!, record, asked).then((isAnswered) => {
      if (isAnswered) gap ??= performance.now() - from;
    });
    await sleep(putEveryMilliseconds);
    if (performance.now() - from > 60_000) throw new Error('no write was acknowledged for 60 s after a leader died');
  }
  return gap;
}

async function put(
  kv: ChaosClient,
  record: ActRecord,
  { c, key, value }: { readonly c: number; readonly key: string; readonly value: string },
): Promise<boolean> {
  const start = { c, kind: 'put', writes: [{ key, value }], call: now() } as const;
  try {
    const told = await kv.put(key, value);
    record.add({ ...start, ret: now(), ...told });
    return true;
  } catch (error) {
    record.add({ ...start, ret: null, isRefused: isDefinite(error) });
    return false;
  }
}

/** Everybody runs, knows one leader and has come as far: the next death meets a healthy cluster. */
async function allFollow(arena: Arena): Promise<void> {
  await waitFor(
    'all members follow one leader',
    async () => {
      const statuses = await Promise.all(arena.members.map((member) => arena.cluster.gateways[member]!.status()));
      const furthest = Math.max(...statuses.map(({ applied }) => applied));
      return statuses.every(
        ({ leader, applied }) => leader === statuses[0]!.leader && leader !== '0' && furthest - applied < 50,
      );
    },
    { timeoutMilliseconds: 60_000 },
  );
}

/** The value that so many per cent of the samples do not exceed (nearest rank). */
export function percentile(samples: readonly number[], percent: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}

export function distribution(samples: readonly number[]): string {
  const parts = [50, 90, 95, 99, 100].map((percent) => {
    return `${percent === 100 ? 'longest' : `p${percent}`} ${Math.round(percentile(samples, percent))}`;
  });
  return `${parts.join(', ')} ms`;
}

/** A row for each tenth of a second. */
export function histogram(samples: readonly number[]): string {
  const rows = new Map<number, number>();
  for (const sample of samples) rows.set(Math.floor(sample / 100), (rows.get(Math.floor(sample / 100)) ?? 0) + 1);
  return [...rows]
    .sort(([a], [b]) => a - b)
    .map(([row, count]) => `  ${String(row * 100).padStart(5)} ms ${'#'.repeat(count)} ${count}`)
    .join('\n');
}
