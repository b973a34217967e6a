// One run of chaos from beginning to end: the arena is built, clients work and watch, faults come by the schedule, deaths of leaders are measured, all is
// healed, and what everybody saw is judged. Called by main.ts for people and by the short run in `npm test`; it prints through its caller.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect, text } from 'raftkv';
import { checkLinearizability } from '../linearizability/checker.ts';
import { seededRandom } from '../linearizability/simulate.ts';
import { waitFor } from '../e2e/harness/wait.ts';
import { Arena } from './arena.ts';
import { measureDeaths } from './deaths.ts';
import type { Deaths } from './deaths.ts';
import { memberFaults } from './faults/member-faults.ts';
import { networkFaults } from './faults/network-faults.ts';
import { processFaults } from './faults/process-faults.ts';
import type { ChaosOptions } from './options.ts';
import { conduct } from './schedule.ts';
import { toOperations } from './work/act.ts';
import { ActRecord } from './work/act-record.ts';
import { ClientLoop } from './work/client-loop.ts';
import type { ChaosClient } from './work/client-loop.ts';
import { connectFrom, gatewayClient, nativeClient } from './work/clients.ts';
import { judgeActs } from './work/judge-acts.ts';
import { Ledger, judgeLedger, judgeState, judgeWatched } from './work/ledger.ts';
import type { KeyState } from './work/ledger.ts';
import { LedgerKeeper, watchInPassing } from './work/watchers.ts';
import type { Entry, Watched } from './work/watchers.ts';

export interface Outcome {
  /** What does not hold, in words; none = all holds. */
  readonly findings: readonly string[];
  readonly counts: ReadonlyMap<string, number>;
  readonly record: ActRecord;
  readonly revisions: number;
  readonly watches: number;
  readonly deaths: Deaths;
  /** Where histories and logs are kept, if something does not hold. */
  readonly artefacts: string | undefined;
  readonly missing: readonly string[];
}

export interface Reporter {
  /** What happens, with the seconds since the start. */
  readonly log: (what: string) => void;
  /** For people who wait. */
  readonly progress: (line: string) => void;
}

export const allFaults = [...processFaults, ...networkFaults, ...memberFaults];
const nativeClients = 7;
const gatewayClients = 2;
const passersBy = 3;

export async function runChaos(options: ChaosOptions, reporter: Reporter): Promise<Outcome> {
  const random = seededRandom(options.seed + 1);
  const arena = await Arena.open({
    members: options.members,
    spares: options.members >= 5 ? 2 : 1,
    network: options.network,
    random,
    args: ['--snapshot-threshold', '3000', ...(options.args ?? [])],
  });
  reporter.log(`${options.members} members, ${arena.network.description}`);
  for (const one of arena.missing) reporter.log(`not here: ${one}`);
  const run = new Run(options, arena, reporter);
  try {
    await run.work();
  } catch (error) {
    run.findings.push(`the run broke off: ${(error as Error).stack ?? String(error)}`);
  }
  try {
    return run.outcome();
  } finally {
    await arena.close();
  }
}

class Run {
  readonly findings: string[] = [];
  private readonly options: ChaosOptions;
  private readonly arena: Arena;
  private readonly reporter: Reporter;
  private readonly record = new ActRecord();
  private readonly counts = new Map<string, number>();
  private readonly events: string[] = [];
  private readonly watched: Watched[] = [];
  private readonly startedAt = performance.now();
  private deaths: Deaths = { gaps: [], lateness: [] };
  private keeper: LedgerKeeper | undefined;
  private isStopping = false;

  constructor(options: ChaosOptions, arena: Arena, reporter: Reporter) {
    this.options = options;
    this.arena = arena;
    this.reporter = reporter;
  }

  async work(): Promise<void> {
    const { addresses } = this.arena.cluster;
    const random = seededRandom(this.options.seed + 2);
    const clients: ChaosClient[] = [
      ...Array.from({ length: nativeClients }, (_, at) => nativeClient(addresses, at)),
      ...Array.from({ length: gatewayClients }, (_, at) => gatewayClient(addresses, at)),
    ];
    const watchKv = Array.from({ length: 1 + passersBy }, (_, at) => connectFrom(addresses, at + 1));
    const keeper = new LedgerKeeper(watchKv[0]!);
    this.keeper = keeper;
    const isStopping = (): boolean => this.isStopping;
    const loops = clients.map((client, c) =>
      new ClientLoop(client, {
        c,
        seed: this.options.seed,
        pauseMilliseconds: 12,
        record: this.record,
        isStopping,
      }).run(),
    );
    const passing = watchKv
      .slice(1)
      .map((kv) => watchInPassing({ kv, ledger: keeper, random, isStopping, watched: this.watched }));
    const working = Promise.all([...loops, ...passing]);
    // If one of them breaks, that is told when all are awaited.
    working.catch(() => undefined);
    const ticker = setInterval(() => this.tell(), 10_000);
    try {
      await this.attempt(() => this.break());
      this.isStopping = true;
      await this.attempt(() => working);
      await this.judge(keeper);
    } finally {
      clearInterval(ticker);
      this.isStopping = true;
      await Promise.allSettled([...clients, ...watchKv].map((client) => client.close()));
    }
  }

  outcome(): Outcome {
    const { findings, counts, record, deaths, watched } = this;
    return {
      findings,
      counts,
      record,
      revisions: this.keeper?.revision ?? 0,
      watches: watched.length,
      deaths,
      artefacts: findings.length === 0 ? undefined : this.keep(),
      missing: this.arena.missing,
    };
  }

  private async break(): Promise<void> {
    const { arena, options } = this;
    const { only, seed, seconds } = options;
    await conduct({
      arena,
      faults: allFaults.filter((fault) => only === undefined || only.includes(fault.name)),
      seed,
      seconds,
      everyFault: options.everyFault === true,
      answered: () => this.record.answered,
      log: (what) => this.log(what),
      count: (what, by = 1) => this.counts.set(what, (this.counts.get(what) ?? 0) + by),
    });
    if (options.deaths === 0) return;
    this.deaths = await measureDeaths({
      arena,
      deaths: options.deaths,
      random: seededRandom(seed + 3),
      record: this.record,
      progress: this.reporter.progress,
    });
  }

  /** Waits until the ledger is complete, then holds everything against it. What cannot be had is a finding, and the rest is judged. */
  private async judge(keeper: LedgerKeeper): Promise<void> {
    const { cluster } = this.arena;
    const patience = { timeoutMilliseconds: this.options.patienceMilliseconds ?? 60_000 };
    const kv = connectFrom(cluster.addresses, 0);
    const revision = (await this.attempt(() => kv.put('end', 'of the run'))) ?? Infinity;
    await kv.close();
    const states = new Map<string, Map<string, KeyState>>();
    await this.attempt(() => {
      const isComplete = (): boolean => keeper.failure !== undefined || keeper.revision >= revision;
      return waitFor('the watch of everything has it all', isComplete, patience);
    });
    // All at once: of members that have lost something, each would be waited for in vain.
    await Promise.all(
      this.arena.members.map(async (member) => {
        const state = await this.attempt(() => stateOf(cluster.address(member), keeper.revision, patience));
        if (state !== undefined) states.set(cluster.name(member), state);
      }),
    );
    await keeper.stop();
    if (keeper.failure !== undefined) this.findings.push(`the watch of everything ended: ${String(keeper.failure)}`);
    this.judgeAll(
      keeper.entries.filter((entry) => entry.revision < revision),
      states,
    );
  }

  private judgeAll(entries: readonly Entry[], states: ReadonlyMap<string, Map<string, KeyState>>): void {
    const add = (found: readonly string[]): void =>
      void this.findings.push(...found.slice(0, 10).map((finding) => finding.slice(0, 2000)));
    const gaps = judgeLedger(entries);
    add(gaps);
    if (gaps.length === 0) {
      const ledger = new Ledger(entries);
      add(judgeActs(ledger, this.record.acts));
      for (const watched of this.watched) add(judgeWatched(ledger, watched));
      for (const [name, state] of states) {
        state.delete('end');
        add(judgeState(ledger, name, state));
      }
    }
    const result = checkLinearizability(toOperations(this.record.acts), { maxMilliseconds: 120_000 });
    if (result.verdict !== 'linearizable') this.findings.push(`${result.verdict}: ${result.explanation}`);
  }

  /** A failure is a finding, and no reason not to look at the rest. */
  private async attempt<T>(act: () => Promise<T>): Promise<T | undefined> {
    try {
      return await act();
    } catch (error) {
      this.findings.push(`the run broke off: ${(error as Error).stack ?? String(error)}`);
      return undefined;
    }
  }

  private log(what: string): void {
    const line = `${((performance.now() - this.startedAt) / 1000).toFixed(1)} s: ${what}`;
    this.events.push(line);
    this.reporter.log(line);
  }

  private tell(): void {
    const seconds = Math.round((performance.now() - this.startedAt) / 1000);
    const faults = [...this.counts].filter(([what]) => what.startsWith('fault ')).reduce((sum, [, n]) => sum + n, 0);
    this.reporter.progress(
      `${seconds} s: ${this.record.answered} operations answered, revision ${this.keeper?.revision ?? 1}, ${faults} faults`,
    );
  }

  /** Keeps what is needed to look at a failure. */
  private keep(): string {
    const parent = path.join(tmpdir(), 'raftkv-chaos');
    mkdirSync(parent, { recursive: true });
    const directory = mkdtempSync(path.join(parent, `seed-${this.options.seed}-`));
    const write = (name: string, content: string): void => writeFileSync(path.join(directory, name), content);
    const lines = (items: readonly unknown[]): string => items.map((item) => `${JSON.stringify(item)}\n`).join('');
    write('findings.txt', this.findings.join('\n\n'));
    write('events.txt', this.events.join('\n'));
    write('acts.jsonl', lines(this.record.acts));
    write('ledger.jsonl', lines(this.keeper?.entries ?? []));
    write('watched.jsonl', lines(this.watched));
    for (const [name, log] of this.arena.logs()) write(`${name}.log`, log);
    return directory;
  }
}

/** All that one member holds, once it has come as far as the revision: read from it alone. */
async function stateOf(
  address: string,
  revision: number,
  patience: { readonly timeoutMilliseconds: number },
): Promise<Map<string, KeyState>> {
  const kv = connect({ endpoints: [address], codec: text });
  try {
    const hasCome = async (): Promise<boolean> => (await kv.status()).revision >= revision;
    await waitFor(`${address} has come to revision ${revision}`, hasCome, patience);
    const state = new Map<string, KeyState>();
    for await (const entry of kv.scan({ all: true, level: 'local' })) {
      const { key, value, revision: at, createRevision, version } = entry;
      state.set(key, { value, revision: at, createRevision, version });
    }
    return state;
  } finally {
    await kv.close();
  }
}
