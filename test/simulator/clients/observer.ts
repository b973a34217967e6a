// An observer that comes and goes: the production replica of an app, fed by the cluster, which keeps what it knows from one life to the next. Whatever it shows
// is held against the record: never a state that was not, never one older than it has shown before.
import { bytes } from '@raftkv/client';
import type { LiveKv } from '@raftkv/client';
import { openReplica } from '@raftkv/observer';
import { MemoryCopyStore } from '@raftkv/storage';
import type { Channel } from '@raftkv/transport';
import { deflateCompression } from '@raftkv/wire';
import type { Canon } from '../checks/canon.ts';
import { Process } from '../world/process.ts';
import type { HostClock } from '../world/process.ts';
import type { Random } from '../world/random.ts';
import { Violation } from '../world/violation.ts';
import type { World } from '../world/world.ts';

export interface ObserverOptions {
  readonly host: number;
  readonly name: string;
  readonly clock: HostClock;
  readonly random: Random;
  readonly endpoints: readonly string[];
  readonly dial: (process: Process, endpoint: string, signal: AbortSignal) => Promise<Channel>;
  readonly onDied: (process: Process, isTold: boolean) => void;
  readonly canon: Canon;
}

export class SimulatedObserver {
  readonly #world: World;
  readonly #options: ObserverOptions;
  #store = new MemoryCopyStore();
  #process: Process | undefined;
  #kv: LiveKv<Uint8Array> | undefined;
  /** The highest revision that this life has shown. */
  #shown = 0;
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

  start(): void {
    if (this.#process !== undefined) return;
    const { host, name, clock, random, endpoints, dial } = this.#options;
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
      ...(swarm.observersKeepTheirCopy ? { store: this.#store } : {}),
    });
    opened.then(
      (kv) => {
        if (this.#process !== process) return;
        this.#kv = kv;
        kv.replica.subscribe(() => this.#look(process));
        this.#look(process);
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
