// The calls of one user, one after the other: asked through whatever interface it was given, written down for the checkers of whole histories, and what it is
// told held against the oracle at once. Of clients and of observers alike; what answers is theirs.
import type { KeyValue } from '@raftkv/kv';
import { RaftkvError } from '@raftkv/wire';
import type { ReadLevel } from '@raftkv/wire';
import type { Answer } from '../../checkers/history.ts';
import type { HistoryRecorder } from '../../checkers/recorder.ts';
import type { Process } from '../world/process.ts';
import type { Random } from '../world/random.ts';
import type { World } from '../world/world.ts';
import type { Oracle, Question } from './oracle.ts';
import { textOf } from './oracle.ts';
import { Requests, textsOf } from './requests.ts';
import type { Asked } from './requests.ts';

export interface CallerOptions {
  /** A view of the world of its own: what it has written and seen binds its reads at level `session`. */
  readonly name: string;
  readonly process: Process;
  readonly random: Random;
  readonly oracle: Oracle;
  readonly recorder: HistoryRecorder;
  /** Rejects with what the interface says. */
  readonly perform: (request: Asked['request'], level: ReadLevel) => Promise<Answer>;
  /** The newest revision that it has seen. */
  readonly revision: () => number;
  /** The copy that answers a read which begins now; undefined: nobody knows who will. */
  readonly copy: () => string | undefined;
}

/** What a store may refuse, rightly. */
const expectedRefusals: readonly string[] = ['compacted', 'future_revision'];

export class Caller {
  readonly #world: World;
  readonly #options: CallerOptions;
  readonly #requests: Requests;
  /** Calls that were answered. */
  done = 0;
  failed = 0;
  open = 0;
  /** Texts of writes that certainly did not happen. */
  readonly refused: string[] = [];
  #isStopped = false;

  constructor(world: World, options: CallerOptions) {
    this.#world = world;
    this.#options = options;
    this.#requests = new Requests(options.random, options.name, world.swarm.keys);
  }

  /** Calls one after the other from now on; each time that it is called, beside those that it makes already. */
  begin(): void {
    this.#next();
  }

  stop(): void {
    this.#isStopped = true;
  }

  #next(): void {
    if (this.#isStopped) return;
    const { random, process } = this.#options;
    const pause = random.exponential(this.#world.swarm.thinkMilliseconds);
    process.schedule(() => void this.#call().then(() => this.#next()), pause);
  }

  async #call(): Promise<void> {
    const { name, oracle, recorder, perform, revision, copy } = this.#options;
    const { trace } = this.#world;
    const asked = this.#requests.next(revision());
    const { request, level } = asked;
    const question = oracle.ask();
    const open = recorder.begin(name, request, isRead(asked) ? { level, ...madeBy(copy()) } : {});
    this.open++;
    try {
      const answer = await perform(request, level);
      open.answered(answer);
      this.done++;
      trace.detail(() => `${name} hears ${JSON.stringify(answer)} for ${JSON.stringify(request)}`);
      this.#judge(asked, answer, question);
    } catch (error) {
      if (!(error instanceof RaftkvError)) return this.#world.fail(error);
      trace.detail(() => `${name} hears ${error.code}: ${error.message}`);
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
    const { oracle } = this.#options;
    try {
      if (request.type === 'get' && level === 'linearizable' && answer.type === 'get') {
        oracle.read(request.key, answer.entry as KeyValue | undefined, question);
      } else if ('revision' in answer && request.type !== 'get' && request.type !== 'scan') {
        oracle.wrote(request.type === 'put' ? textOf(request.value) : undefined, answer.revision!);
      }
    } catch (error) {
      this.#world.fail(error);
    }
  }
}

function madeBy(copy: string | undefined): { readonly copy?: string } {
  return copy === undefined ? {} : { copy };
}

function isRead({ request }: Asked): boolean {
  return request.type === 'get' || request.type === 'scan';
}
