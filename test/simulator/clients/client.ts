// A client of the simulated cluster: the production client on a host of its own, the watches that it keeps open, and the calls that its user makes.
import { bytes, connect } from '@raftkv/client';
import type { Channel } from '@raftkv/transport';
import type { HistoryRecorder } from '../../checkers/recorder.ts';
import type { Canon } from '../checks/canon.ts';
import type { Process } from '../world/process.ts';
import type { Random } from '../world/random.ts';
import type { World } from '../world/world.ts';
import { Caller } from './caller.ts';
import type { Oracle } from './oracle.ts';
import { perform } from './perform.ts';
import type { BytesKv } from './perform.ts';
import { Watcher } from './watcher.ts';

export interface ClientOptions {
  readonly process: Process;
  readonly random: Random;
  readonly endpoints: readonly string[];
  readonly dial: (endpoint: string, signal: AbortSignal) => Promise<Channel>;
  readonly oracle: Oracle;
  readonly recorder: HistoryRecorder;
}

export class SimulatedClient {
  readonly process: Process;
  readonly caller: Caller;
  readonly #world: World;
  readonly #random: Random;
  readonly #kv: BytesKv;

  constructor(world: World, options: ClientOptions) {
    const { process, random, endpoints, dial, oracle, recorder } = options;
    const { swarm } = world;
    this.#world = world;
    this.process = process;
    this.#random = random;
    const kv = connect<Uint8Array>({
      endpoints,
      codec: bytes,
      dial: (endpoint, { signal }) => dial(endpoint, signal),
      clock: process,
      random: () => random.next(),
      requestTimeoutMilliseconds: swarm.requestTimeoutMilliseconds * 2,
      connectTimeoutMilliseconds: Math.max(200, swarm.requestTimeoutMilliseconds),
      retryDelayMilliseconds: 10 + random.below(100),
      ...(swarm.compressesValues ? {} : { compression: false }),
    });
    this.#kv = kv;
    this.caller = new Caller(world, {
      name: process.name,
      process,
      random,
      oracle,
      recorder,
      perform: (request, level) => perform(kv, request, level),
      revision: () => kv.revision,
      copy: () => undefined,
    });
    for (let caller = 0; caller < swarm.callersPerClient; caller++) this.caller.begin();
  }

  /** Watches that are kept open for good. */
  watch(canon: Canon, count: number): readonly Watcher[] {
    return Array.from({ length: count }, (_, at) => {
      const name = `${this.process.name}/${at}`;
      return new Watcher(this.#world, {
        canon,
        kv: this.#kv,
        name,
        random: this.#random.fork(),
        process: this.process,
      });
    });
  }
}
