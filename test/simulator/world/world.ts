// What everything in a simulated world shares: its time, its dice, its weather and its trace, and the first thing that went wrong.
import { Random } from './random.ts';
import { Scheduler } from './scheduler.ts';
import type { Swarm } from './swarm.ts';
import { drawSwarm } from './swarm.ts';
import { Trace } from './trace.ts';

const subjects = [
  'swarm',
  'links',
  'datagrams',
  'disk',
  'member',
  'faults',
  'clients',
  'observers',
  'liveness',
  'storylines',
  'extras',
  'changes',
  'priorities',
  'readers',
  'strands',
  'doubles',
] as const;

export interface WorldOptions {
  readonly seed: number;
  /** Changes what was drawn: to shrink a seed. */
  readonly adjust?: (swarm: Swarm) => Swarm;
  /** Told every line of the trace. */
  readonly onLine?: (line: string) => void;
}

export class World {
  readonly seed: number;
  readonly scheduler = new Scheduler();
  readonly trace: Trace;
  readonly swarm: Swarm;
  /** The first thing that went wrong. */
  failure: unknown;
  /** From here on nothing fails, and progress is demanded. */
  isHealed = false;
  readonly #dice: ReadonlyMap<string, Random>;

  constructor({ seed, adjust, onLine }: WorldOptions) {
    this.seed = seed;
    this.trace = new Trace(() => this.scheduler.now, onLine);
    const root = new Random(seed);
    this.#dice = new Map(subjects.map((subject) => [subject, root.fork()]));
    const later = {
      stories: this.random('storylines'),
      extras: this.random('extras'),
      readers: this.random('readers'),
      strands: this.random('strands'),
      doubles: this.random('doubles'),
    };
    const drawn = drawSwarm(this.random('swarm'), later);
    this.swarm = adjust === undefined ? drawn : adjust(drawn);
  }

  get now(): number {
    return this.scheduler.now;
  }

  random(subject: (typeof subjects)[number]): Random {
    return this.#dice.get(subject)!;
  }

  fail(error: unknown): void {
    this.failure ??= error;
  }
}
