// One run of chaos among tabs from beginning to end: browsers are started, clients work in every tab, faults come by the schedule, deaths of leaders are
// measured, all is healed, and what everybody saw is judged. Called by `main.ts`; it prints through its caller.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ActRecord } from '../chaos/work/act-record.ts';
import { ClientLoop } from '../chaos/work/client-loop.ts';
import type { KeyState } from '../chaos/work/ledger.ts';
import { sleep, waitFor } from '../e2e/harness/wait.ts';
import { seededRandom } from '../linearizability/simulate.ts';
import { Arena } from './arena.ts';
import { measureDeaths } from './deaths.ts';
import type { Deaths } from './deaths.ts';
import { allFaults } from './faults.ts';
import { LedgerKeeper } from './ledger-keeper.ts';
import type { ChaosWebOptions } from './options.ts';
import { conduct } from './schedule.ts';
import { stateOf, tabClient } from './tab-client.ts';
import { electionsOf, judge } from './verdict.ts';

export interface Outcome {
  /** What does not hold, in words; none = all holds. */
  readonly findings: readonly string[];
  /** By the name of the fault. */
  readonly faults: ReadonlyMap<string, number>;
  readonly record: ActRecord;
  readonly revisions: number;
  readonly elections: number;
  /** Starts of members anew, in tabs that did not run for a while. */
  readonly restarts: number;
  /** Milliseconds until all was well again, one for each round of faults. */
  readonly healed: readonly number[];
  readonly deaths: Deaths;
  /** Where histories are kept, if something does not hold. */
  readonly artefacts: string | undefined;
}

const pauseMilliseconds = 25;

export async function runChaosWeb(options: ChaosWebOptions, log: (line: string) => void): Promise<Outcome> {
  const arena = await Arena.open({ seats: options.tabs, firefox: options.firefox });
  const run = new Run(options, arena, log);
  try {
    await run.attempt(() => run.work());
    return run.outcome();
  } finally {
    await arena.close();
  }
}

class Run {
  readonly #options: ChaosWebOptions;
  readonly #arena: Arena;
  readonly #log: (line: string) => void;
  readonly #findings: string[] = [];
  readonly #faults = new Map<string, number>();
  readonly #record = new ActRecord();
  readonly #events: string[] = [];
  readonly #startedAt = performance.now();
  readonly #keeper: LedgerKeeper;
  #states = new Map<string, Map<string, KeyState>>();
  #healed: readonly number[] = [];
  #deaths: Deaths = { closed: [], crashed: [], elected: [] };
  #isStopping = false;

  constructor(options: ChaosWebOptions, arena: Arena, log: (line: string) => void) {
    this.#options = options;
    this.#arena = arena;
    this.#log = log;
    this.#keeper = new LedgerKeeper(arena.seats);
  }

  async work(): Promise<void> {
    const { seed } = this.#options;
    const working = Promise.all(
      this.#arena.seats.map((seat, c) =>
        new ClientLoop(tabClient(seat), {
          c,
          seed,
          pauseMilliseconds,
          record: this.#record,
          isStopping: () => this.#isStopping,
        }).run(),
      ),
    );
    // If one of them breaks, that is told when all are awaited.
    working.catch(() => undefined);
    const ticker = setInterval(() => this.#tell(), 15_000);
    try {
      await this.attempt(() => this.#break());
      this.#isStopping = true;
      await this.attempt(() => working);
      await this.attempt(() => this.#lookAtMembers());
    } finally {
      clearInterval(ticker);
      this.#isStopping = true;
      await this.#keeper.stop();
    }
    if (this.#keeper.failure !== undefined)
      this.#findings.push(`the ledger could not be kept: ${String(this.#keeper.failure)}`);
    const { entries } = this.#keeper;
    this.#findings.push(...judge({ entries, acts: this.#record.acts, notes: this.#arena.notes, states: this.#states }));
  }

  outcome(): Outcome {
    const { notes } = this.#arena;
    return {
      findings: this.#findings,
      faults: this.#faults,
      record: this.#record,
      revisions: this.#keeper.revision,
      elections: electionsOf(notes),
      restarts: notes.filter(({ type }) => type === 'restarting').length,
      healed: this.#healed,
      deaths: this.#deaths,
      artefacts: this.#findings.length === 0 ? undefined : this.#keep(),
    };
  }

  /** A failure is a finding, and no reason not to look at the rest. */
  async attempt(act: () => Promise<unknown>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.#findings.push(`the run broke off: ${(error as Error).stack ?? String(error)}`);
    }
  }

  async #break(): Promise<void> {
    const { only, seed, seconds, deaths } = this.#options;
    const arena = this.#arena;
    const log = (what: string): void => this.#note(what);
    this.#healed = await conduct({
      arena,
      faults: allFaults.filter((fault) => only === undefined || only.includes(fault.name)),
      seed,
      seconds,
      answered: () => this.#record.answered,
      log,
      find: (what) => void this.#findings.push(what),
      count: (what) => this.#faults.set(what, (this.#faults.get(what) ?? 0) + 1),
    });
    if (deaths === 0) return;
    this.#deaths = await measureDeaths({ arena, deaths, random: seededRandom(seed + 3), record: this.#record, log });
  }

  /** Waits until the ledger is complete, and asks each member for all that it holds. Nobody writes any more. */
  async #lookAtMembers(): Promise<void> {
    const { seats } = this.#arena;
    let newest = 0;
    for (const seat of seats) {
      const { revision, state } = await stateOf(seat);
      newest = Math.max(newest, revision);
      this.#states.set(seat.name, state);
    }
    const keeper = this.#keeper;
    await waitFor('the ledger is complete', () => keeper.failure !== undefined || keeper.revision >= newest, {
      timeoutMilliseconds: 30_000,
    });
    // Whoever was asked first may have been behind: once more, when all have come as far.
    for (const seat of seats) {
      const held = await waitFor(
        `${seat.name} has come to revision ${keeper.revision}`,
        async () => {
          const { revision, state } = await stateOf(seat);
          await sleep(0);
          return revision >= keeper.revision ? state : undefined;
        },
        { timeoutMilliseconds: 20_000, intervalMilliseconds: 200 },
      );
      this.#states.set(seat.name, held);
    }
  }

  #note(what: string): void {
    const line = `${((performance.now() - this.#startedAt) / 1000).toFixed(1)} s: ${what}`;
    this.#events.push(line);
    this.#log(line);
  }

  #tell(): void {
    const faults = [...this.#faults.values()].reduce((sum, count) => sum + count, 0);
    this.#note(`--- ${this.#record.answered} answered, revision ${this.#keeper.revision}, ${faults} faults`);
  }

  /** Keeps what is needed to look at a failure. */
  #keep(): string {
    const parent = path.join(tmpdir(), 'raftkv-chaos-web');
    mkdirSync(parent, { recursive: true });
    const directory = mkdtempSync(path.join(parent, `seed-${this.#options.seed}-`));
    const write = (name: string, content: string): void => writeFileSync(path.join(directory, name), content);
    const lines = (items: readonly unknown[]): string => items.map((item) => `${JSON.stringify(item)}\n`).join('');
    write('findings.txt', this.#findings.join('\n\n'));
    write('events.txt', this.#events.join('\n'));
    write('acts.jsonl', lines(this.#record.acts));
    write('ledger.jsonl', lines(this.#keeper.entries));
    write('notes.jsonl', lines(this.#arena.notes));
    return directory;
  }
}
