// The schedule of a run: rounds of one or two faults, drawn from the seed beforehand. Between rounds everything is healed, all members must follow one leader
// and the store must answer again: that is the demand for progress. What the faults are is `faults.ts`.
import { shuffled } from '../chaos/faults/fault.ts';
import { sleep, waitFor } from '../e2e/harness/wait.ts';
import { seededRandom } from '../linearizability/simulate.ts';
import type { Arena } from './arena.ts';
import { Claims } from './fault.ts';
import type { Fault, FaultContext } from './fault.ts';
import type { Round } from './pauses.ts';

export interface ConductorOptions {
  readonly arena: Arena;
  readonly faults: readonly Fault[];
  readonly seed: number;
  readonly seconds: number;
  /** How many operations were answered so far. */
  readonly answered: () => number;
  readonly log: (what: string) => void;
  readonly find: (what: string) => void;
  readonly count: (what: string) => void;
}

export interface Conducted {
  /** Milliseconds that healing took, one for each round. */
  readonly healed: number[];
  readonly rounds: Round[];
}

/** `conducted`: filled in as it goes, so that something is known of a run that breaks off. */
export async function conduct(options: ConductorOptions, conducted: Conducted): Promise<void> {
  const { arena, faults, seed, seconds } = options;
  const random = seededRandom(seed);
  const until = performance.now() + seconds * 1000;
  let deck: Fault[] = [];
  while (performance.now() < until) {
    if (deck.length === 0) deck = shuffled(faults, random);
    const round = deck.splice(0, random() < 0.6 ? 1 : 2);
    const from = performance.now();
    const touched = await play(options, round, random);
    conducted.healed.push(await recover(options));
    conducted.rounds.push({ from, until: performance.now(), faults: round.map(({ name }) => name), touched });
    await sleep(300 + random() * 700);
  }
  await arena.settle();
}

/** Answers the numbers of the seats that something happened to. */
async function play(
  { arena, log, find, count }: ConductorOptions,
  round: readonly Fault[],
  random: () => number,
): Promise<ReadonlySet<number>> {
  const claims = new Claims();
  const steps = round.map((fault) => ({
    fault,
    seed: Math.floor(random() * 2 ** 31),
    delayMilliseconds: random() * 800,
    holdMilliseconds: 500 + random() * 4500,
  }));
  await Promise.all(
    steps.map(async ({ fault, seed, delayMilliseconds, holdMilliseconds }) => {
      const context: FaultContext = { arena, random: seededRandom(seed), holdMilliseconds, claims, log, find };
      await sleep(delayMilliseconds);
      const seats = await claims.take(fault, context);
      if (seats.length === 0) return;
      const whom = seats.map(({ name }) => name).join(', ');
      log(`${fault.name}: ${whom}, for ${Math.round(holdMilliseconds)} ms`);
      count(fault.name);
      try {
        await fault.run(seats, context);
      } catch (error) {
        throw new Error(`${fault.name} of ${whom}: ${(error as Error).message}`, { cause: error });
      }
    }),
  );
  return new Set([...claims.taken].map((seat) => arena.seats.indexOf(seat)));
}

async function recover({ arena, answered, log }: ConductorOptions): Promise<number> {
  const from = performance.now();
  await arena.settle();
  const before = answered();
  await waitFor('the store answers again', () => answered() > before + 10, { timeoutMilliseconds: 90_000 });
  const took = performance.now() - from;
  log(`healed: all follow one leader, and work is done, after ${Math.round(took)} ms`);
  return took;
}
