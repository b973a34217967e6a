// A client of the simulated cluster: the production client on a host of its own, and the calls that its user makes, one after the other. What it is
// told is held against the oracle at once, and written down for the checkers of whole histories.
import { bytes, connect } from '@raftkv/client';
import type { Kv } from '@raftkv/client';
import type { Channel } from '@raftkv/transport';
import { RaftkvError } from '@raftkv/wire';
import type { Process } from '../world/process.ts';
import type { Random } from '../world/random.ts';
import type { World } from '../world/world.ts';
import type { Oracle, Question } from './oracle.ts';
import { textOf } from './oracle.ts';

export interface ClientOptions {
  readonly process: Process;
  readonly random: Random;
  readonly endpoints: readonly string[];
  readonly dial: (endpoint: string, signal: AbortSignal) => Promise<Channel>;
  readonly oracle: Oracle;
}

const encoder = new TextEncoder();

export class SimulatedClient {
  readonly process: Process;
  readonly #world: World;
  readonly #random: Random;
  readonly #oracle: Oracle;
  readonly #kv: Kv<Uint8Array>;
  #sequence = 0;
  /** Calls that were answered with what was asked for. */
  done = 0;
  failed = 0;
  /** Texts of writes that certainly did not happen. */
  readonly refused: string[] = [];
  #isStopped = false;

  constructor(world: World, options: ClientOptions) {
    const { process, random, endpoints, dial, oracle } = options;
    this.#world = world;
    this.process = process;
    this.#random = random;
    this.#oracle = oracle;
    this.#kv = connect<Uint8Array>({
      endpoints,
      codec: bytes,
      dial: (endpoint, { signal }) => dial(endpoint, signal),
      clock: process,
      random: () => random.next(),
      requestTimeoutMilliseconds: world.swarm.requestTimeoutMilliseconds * 2,
      connectTimeoutMilliseconds: Math.max(200, world.swarm.requestTimeoutMilliseconds),
      retryDelayMilliseconds: 10 + random.below(100),
      compression: false,
    });
    this.#next();
  }

  stop(): void {
    this.#isStopped = true;
  }

  #next(): void {
    if (this.#isStopped) return;
    const pause = this.#random.exponential(this.#world.swarm.thinkMilliseconds);
    this.process.schedule(() => void this.#call().then(() => this.#next()), pause);
  }

  async #call(): Promise<void> {
    try {
      const key = `k${this.#random.below(this.#world.swarm.keys)}`;
      const question = this.#oracle.ask(this.#world.now);
      const draw = this.#random.below(100);
      if (draw < 45) await this.#put(key);
      else if (draw < 55) await this.#delete(key);
      else await this.#get(key, question);
      this.done++;
    } catch (error) {
      if (!(error instanceof RaftkvError)) return this.#world.fail(error);
      this.failed++;
      this.#world.trace.detail(() => `${this.process.name} hears ${error.code}: ${error.message}`);
    }
  }

  async #put(key: string): Promise<void> {
    const text = `${this.process.name}.${++this.#sequence}`;
    try {
      const revision = await this.#kv.put(key, encoder.encode(text));
      this.#world.trace.detail(() => `${this.process.name} put ${key} "${text}" at revision ${revision}`);
      this.#oracle.wrote(text, revision);
    } catch (error) {
      if (error instanceof RaftkvError && error.definite) this.refused.push(text);
      throw error;
    }
  }

  async #delete(key: string): Promise<void> {
    await this.#kv.delete(key);
  }

  async #get(key: string, question: Question): Promise<void> {
    const entry = await this.#kv.getEntry(key);
    const found = entry === undefined ? undefined : { text: textOf(entry.value), revision: entry.revision };
    this.#world.trace.detail(() => `${this.process.name} got ${key} "${found?.text}" of revision ${found?.revision}`);
    this.#oracle.read(key, found, question);
  }
}
