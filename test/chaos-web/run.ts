// One run of chaos among tabs from beginning to end: browsers are started, clients work in every tab, faults come by the schedule, deaths of leaders are
// measured, all is healed, and what everybody saw is judged. Called by `main.ts`; it prints through its caller.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ActRecord } from '../chaos/work/act-record.ts';
import { ClientLoop } from '../chaos/work/client-loop.ts';
import type { KeyState } from '../chaos/work/ledger.ts';
import { waitFor } from '../e2e/harness/wait.ts';
import { seededRandom } from '../linearizability/simulate.ts';
import { Arena } from './arena.ts';
import { measureDeaths } from './deaths.ts';
import type { Deaths } from './deaths.ts';
import { faultsOn } from './faults.ts';
import { LedgerKeeper } from './ledger-keeper.ts';
import type { ChaosWebOptions } from './options.ts';
import { judgePauses, pausesOf } from './pauses.ts';
import { conduct } from './schedule.ts';
import type { Conducted } from './schedule.ts';
import { copyOf, stateOf, tabClient } from './tab-client.ts';
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
  /** Milliseconds that nobody was answered, one for each round that left a majority untouched. */
  readonly pauses: readonly number[];
  readonly deaths: Deaths;
  /** Where histories are kept, if something does not hold. */
  readonly artefacts: string | undefined;
}

const pauseMilliseconds = 25;

export async function runChaosWeb(options: ChaosWebOptions, log: (line: string) => void): Promise<Outcome> {
  const arena = await Arena.open({ on: options.on, seats: options.tabs, firefox: options.firefox });
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
  readonly #conducted: Conducted = { healed: [], rounds: [] };
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
    const { rounds } = this.#conducted;
    this.#findings.push(...judgePauses(rounds, this.#record.acts, this.#arena.seats.length));
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
      healed: this.#conducted.healed,
      pauses: pausesOf(this.#conducted.rounds, this.#record.acts, this.#arena.seats.length),
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
    const { on, only, seed, seconds, deaths } = this.#options;
    const arena = this.#arena;
    const log = (what: string): void => this.#note(what);
    const answered = (): number => this.#record.answered;
    const find = (what: string): void => void this.#findings.push(what);
    const count = (what: string): void => void this.#faults.set(what, (this.#faults.get(what) ?? 0) + 1);
    const faults = faultsOn(on).filter(({ name }) => only === undefined || only.includes(name));
    await conduct({ arena, faults, seed, seconds, answered, log, find, count }, this.#conducted);
    if (deaths === 0) return;
    this.#deaths = await measureDeaths({ arena, deaths, random: seededRandom(seed + 3), record: this.#record, log });
  }

  /**
   * Waits until all members have applied the log up to the same index and the ledger is complete, and takes what each of them holds then, and what its app sees.
   * Nobody writes any more.
   */
  async #lookAtMembers(): Promise<void> {
    const { seats } = this.#arena;
    const patience = { timeoutMilliseconds: 90_000, intervalMilliseconds: 200 };
    const held = await waitFor(
      'all members have applied as much',
      async () => {
        const all = await Promise.all(seats.map((seat) => stateOf(seat)));
        return all.every(({ appliedIndex }) => appliedIndex === all[0]!.appliedIndex) ? all : undefined;
      },
      patience,
    );
    const keeper = this.#keeper;
    const { revision } = held[0]!;
    await waitFor(
      'the ledger is complete',
      () => keeper.failure !== undefined || keeper.revision >= revision,
      patience,
    );
    for (const [at, seat] of seats.entries()) {
      this.#states.set(`${seat.name} at index ${held[at]!.appliedIndex}`, held[at]!.state);
      this.#states.set(`the app of ${seat.name}`, await copyOf(seat));
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
