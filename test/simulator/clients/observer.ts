// An observer that comes and goes: the production replica of an app, fed by the cluster, which keeps what it knows from one life to the next. Whatever it shows
// is held against the record: never a state that was not, never one older than it has shown before. Of some the app reads and writes besides, through a
// `Caller`, which has what it is told judged.
import { bytes } from '@raftkv/client';
import type { LiveKv } from '@raftkv/client';
import { openReplica } from '@raftkv/observer';
import { MemoryCopyStore } from '@raftkv/storage';
import type { Channel } from '@raftkv/transport';
import { deflateCompression } from '@raftkv/wire';
import type { HistoryRecorder } from '../../checkers/recorder.ts';
import type { Canon } from '../checks/canon.ts';
import { Process } from '../world/process.ts';
import type { HostClock } from '../world/process.ts';
import type { Random } from '../world/random.ts';
import { Violation } from '../world/violation.ts';
import type { World } from '../world/world.ts';
import { Caller } from './caller.ts';
import type { Oracle } from './oracle.ts';
import { performBeside } from './perform.ts';

export interface ObserverOptions {
  readonly host: number;
  readonly name: string;
  readonly clock: HostClock;
  readonly random: Random;
  readonly endpoints: readonly string[];
  readonly dial: (process: Process, endpoint: string, signal: AbortSignal) => Promise<Channel>;
  readonly onDied: (process: Process, isTold: boolean) => void;
  readonly canon: Canon;
  /** For calls of its app; undefined: it makes none. */
  readonly calls: { readonly random: Random; readonly oracle: Oracle; readonly recorder: HistoryRecorder } | undefined;
}

export class SimulatedObserver {
  readonly #world: World;
  readonly #options: ObserverOptions;
  #store = new MemoryCopyStore();
  #process: Process | undefined;
  #kv: LiveKv<Uint8Array> | undefined;
  /** The highest revision that this life has shown. */
  #shown = 0;
  /** One for each life in which the app calls. */
  readonly callers: Caller[] = [];
  #isStopped = false;
  /** Shows that were held against the record. */
  comparisons = 0;
  lives = 0;

  constructor(world: World, options: ObserverOptions) {
    this.#world = world;
    this.#options = options;
    this.start();
  }

  get revision(): number {
    return this.#shown;
  }

  /** Calls that were answered; undefined: it makes none. */
  get done(): number | undefined {
    if (this.#options.calls === undefined) return undefined;
    return this.callers.reduce((sum, { done }) => sum + done, 0);
  }

  /** Of this life: those of others are never answered. */
  get open(): number {
    return this.#process === undefined ? 0 : (this.callers.at(-1)?.open ?? 0);
  }

  /** Its app makes no more calls. */
  stop(): void {
    this.#isStopped = true;
    for (const caller of this.callers) caller.stop();
  }

  start(): void {
    if (this.#process !== undefined) return;
    const { host, name, clock, random, endpoints, dial, calls } = this.#options;
    const { scheduler, swarm, trace } = this.#world;
    const process = new Process(scheduler, { host, name, clock, random, lateness: swarm.lateness });
    this.#process = process;
    this.#shown = 0;
    this.lives += 1;
    trace.note(`${name} starts, life ${this.lives}`);
    const opened = openReplica<Uint8Array>({
      endpoints,
      codec: bytes,
      dial: (endpoint, { signal }) => dial(process, endpoint, signal),
      clock: process,
      random: () => random.next(),
      inflate: async (deflated, maxBytes) => deflateCompression.inflate(deflated, maxBytes),
      compression: false,
      ...(calls === undefined ? {} : { requestTimeoutMilliseconds: swarm.requestTimeoutMilliseconds * 2 }),
      ...(swarm.observersKeepTheirCopy ? { store: this.#store } : {}),
    });
    opened.then(
      (kv) => {
        if (this.#process !== process) return;
        this.#kv = kv;
        kv.replica.subscribe(() => this.#look(process));
        this.#look(process);
        this.#beginCalls(process, kv);
      },
      (error: unknown) => this.#world.fail(error),
    );
  }

  /** Without a word, as a tab that is closed. */
  die(): void {
    const process = this.#process;
    if (process === undefined) return;
    this.#world.trace.note(`${this.#options.name} is gone`);
    process.kill();
    this.#process = undefined;
    this.#kv = undefined;
    this.#store.cut();
    this.#options.onDied(process, this.#options.random.chance(0.5));
  }

  #beginCalls(process: Process, kv: LiveKv<Uint8Array>): void {
    const { calls, name } = this.#options;
    if (calls === undefined || this.#isStopped) return;
    const { swarm } = this.#world;
    const life = `${name}.${this.lives}`;
    const timeoutMilliseconds = swarm.requestTimeoutMilliseconds * 2;
    const caller = new Caller(this.#world, {
      name: life,
      process,
      ...calls,
      random: calls.random.fork(),
      perform: (request, level) => performBeside(kv, request, { level, timeoutMilliseconds }),
      revision: () => kv.revision,
      // Before it is whole the cluster answers.
      copy: () => (kv.replica.getSnapshot().phase === 'ready' ? life : undefined),
    });
    this.callers.push(caller);
    for (let at = 0; at < swarm.callersPerClient; at++) caller.begin();
  }

  #look(process: Process): void {
    if (!process.isAlive || this.#kv === undefined) return;
    const { revision, hash, divergences, error } = this.#kv.replica.getSnapshot();
    const { name, canon } = this.#options;
    if (divergences > 0) {
      this.#world.fail(new Violation('observers agree', `${name} had to begin anew: ${error?.message}`));
    }
    if (revision === 0 || revision === this.#shown) return;
    if (revision < this.#shown) {
      this.#world.fail(
        new Violation('observers never go back', `${name} shows revision ${revision} after ${this.#shown}`),
      );
    }
    this.#shown = revision;
    const expected = canon.hashAt(revision);
    this.comparisons += 1;
    if (expected === hash) return;
    this.#world.fail(
      new Violation(
        'observers show what was',
        `${name} shows ${hash} at revision ${revision}, the record has ${expected}`,
      ),
    );
  }
}
