// A client of the simulated cluster: the production client on a host of its own, and the calls that its user makes. What it is told is held against the oracle
// at once, and written down for the checkers of whole histories.
import type { KeyValue } from '@raftkv/kv';
import { bytes, connect } from '@raftkv/client';
import type { Channel } from '@raftkv/transport';
import { RaftkvError } from '@raftkv/wire';
import type { Answer } from '../../checkers/history.ts';
import type { HistoryRecorder } from '../../checkers/recorder.ts';
import type { Canon } from '../checks/canon.ts';
import type { Process } from '../world/process.ts';
import type { Random } from '../world/random.ts';
import type { World } from '../world/world.ts';
import type { Oracle, Question } from './oracle.ts';
import { textOf } from './oracle.ts';
import { perform } from './perform.ts';
import type { BytesKv } from './perform.ts';
import { Watcher } from './watcher.ts';
import { Requests, textsOf } from './requests.ts';
import type { Asked } from './requests.ts';

export interface ClientOptions {
  readonly process: Process;
  readonly random: Random;
  readonly endpoints: readonly string[];
  readonly dial: (endpoint: string, signal: AbortSignal) => Promise<Channel>;
  readonly oracle: Oracle;
  readonly recorder: HistoryRecorder;
}

/** What a store may refuse, rightly. */
const expectedRefusals: readonly string[] = ['compacted', 'future_revision'];

export class SimulatedClient {
  readonly process: Process;
  readonly #world: World;
  readonly #random: Random;
  readonly #oracle: Oracle;
  readonly #recorder: HistoryRecorder;
  readonly #kv: BytesKv;
  readonly #requests: Requests;
  /** Calls that were answered. */
  done = 0;
  failed = 0;
  open = 0;
  /** Texts of writes that certainly did not happen. */
  readonly refused: string[] = [];
  #isStopped = false;

  constructor(world: World, options: ClientOptions) {
    const { process, random, endpoints, dial } = options;
    const { swarm } = world;
    this.#world = world;
    this.process = process;
    this.#random = random;
    this.#oracle = options.oracle;
    this.#recorder = options.recorder;
    this.#requests = new Requests(random, process.name, swarm.keys);
    this.#kv = connect<Uint8Array>({
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
    for (let caller = 0; caller < swarm.callersPerClient; caller++) this.#next();
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

  stop(): void {
    this.#isStopped = true;
  }

  #next(): void {
    if (this.#isStopped) return;
    const pause = this.#random.exponential(this.#world.swarm.thinkMilliseconds);
    this.process.schedule(() => void this.#call().then(() => this.#next()), pause);
  }

  async #call(): Promise<void> {
    const asked = this.#requests.next(this.#kv.revision);
    const { request, level } = asked;
    const question = this.#oracle.ask();
    const open = this.#recorder.begin(this.process.name, request, isRead(asked) ? { level } : {});
    this.open++;
    try {
      const answer = await perform(this.#kv, request, level);
      open.answered(answer);
      this.done++;
      this.#world.trace.detail(
        () => `${this.process.name} hears ${JSON.stringify(answer)} for ${JSON.stringify(request)}`,
      );
      this.#judge(asked, answer, question);
    } catch (error) {
      if (!(error instanceof RaftkvError)) return this.#world.fail(error);
      this.#world.trace.detail(() => `${this.process.name} hears ${error.code}: ${error.message}`);
      if (expectedRefusals.includes(error.code)) this.done++;
      else this.failed++;
      if (error.definite || isRead(asked)) {
        open.refused();
        for (const text of textsOf(request)) this.refused.push(textOf(text));
      } else open.lost();
    } finally {
      this.open--;
    }
  }

  #judge({ request, level }: Asked, answer: Answer, question: Question): void {
    try {
      if (request.type === 'get' && level === 'linearizable' && answer.type === 'get') {
        this.#oracle.read(request.key, answer.entry as KeyValue | undefined, question);
      } else if ('revision' in answer && request.type !== 'get' && request.type !== 'scan') {
        this.#oracle.wrote(request.type === 'put' ? textOf(request.value) : undefined, answer.revision!);
      }
    } catch (error) {
      this.#world.fail(error);
    }
  }
}

function isRead({ request }: Asked): boolean {
  return request.type === 'get' || request.type === 'scan';
}
