// The schedule of a run: rounds of one to three faults, all drawn from the seed beforehand. Between rounds everything is healed, every member must be
// ready and the store must answer again: that is the demand for progress. What the faults are is faults/; this file only draws and conducts.
import { seededRandom } from '../linearizability/simulate.ts';
import { sleep, waitFor } from '../e2e/harness/wait.ts';
import type { Arena } from './arena.ts';
import { Claims, shuffled } from './faults/fault.ts';
import type { Fault } from './faults/fault.ts';

interface Step {
  readonly fault: Fault;
  readonly seed: number;
  readonly delayMilliseconds: number;
  readonly holdMilliseconds: number;
}

export interface ConductorOptions {
  readonly arena: Arena;
  readonly faults: readonly Fault[];
  readonly seed: number;
  readonly seconds: number;
  /** Goes on until every fault came once, three at a time. */
  readonly everyFault: boolean;
  /** How many operations were answered so far. */
  readonly answered: () => number;
  readonly log: (what: string) => void;
  readonly count: (what: string, by?: number) => void;
}

/** A deck that is dealt to its end, each fault as often as its weight says, and shuffled anew. */
class Deck {
  /** Whether it was dealt to its end once. */
  isThrough = false;
  private readonly faults: readonly Fault[];
  private readonly random: () => number;
  private left: Fault[] = [];

  constructor(faults: readonly Fault[], random: () => number) {
    this.faults = faults;
    this.random = random;
  }

  deal(): Fault {
    if (this.left.length === 0) this.left = shuffled(this.faults, this.random);
    const fault = this.left.pop()!;
    this.isThrough ||= this.left.length === 0;
    return fault;
  }
}

function drawRound(next: () => Fault, random: () => number, isShort: boolean): Step[] {
  const count = isShort ? 3 : 1 + Math.floor(random() * 3);
  return Array.from({ length: count }, () => ({
    fault: next(),
    seed: Math.floor(random() * 2 ** 31),
    delayMilliseconds: random() * (isShort ? 500 : 1500),
    holdMilliseconds: 300 + random() * (isShort ? 1500 : 3200),
  }));
}

/** Runs rounds for so long. Rejects when the arena does not come back after one. */
export async function conduct(options: ConductorOptions): Promise<void> {
  const { arena, seed, seconds, everyFault, log, count } = options;
  const random = seededRandom(seed);
  const possible = options.faults.filter((fault) => fault.isPossible(arena));
  if (possible.length === 0) return sleep(seconds * 1000);
  const weighed = possible.flatMap((fault) => Array.from({ length: fault.weight ?? 1 }, () => fault));
  const deck = new Deck(everyFault ? possible : weighed, random);
  const until = performance.now() + seconds * 1000;
  while (performance.now() < until || (everyFault && !deck.isThrough)) {
    const round = drawRound(() => deck.deal(), random, everyFault);
    const claims = new Claims();
    await Promise.all(
      round.map(async (step) => {
        await sleep(step.delayMilliseconds);
        count(`fault ${step.fault.name}`);
        const { holdMilliseconds } = step;
        await step.fault.run({ arena, random: seededRandom(step.seed), holdMilliseconds, claims, log, count });
      }),
    );
    await recover(options);
    await sleep(random() * (everyFault ? 300 : 1500));
  }
}

async function recover({ arena, answered, log }: ConductorOptions): Promise<void> {
  const from = performance.now();
  await arena.settle();
  if (arena.accidents.length > 0) throw new Error(arena.accidents.join('\n'));
  const before = answered();
  await waitFor('the store answers again', () => answered() > before + 20, { timeoutMilliseconds: 60_000 });
  log(`healed: all members ready and work done after ${Math.round(performance.now() - from)} ms`);
}
