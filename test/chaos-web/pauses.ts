// How long nobody was answered while a majority of the seats was untouched: then nothing excuses a pause but an election, and what it takes to notice that one is due.
// Found in what clients wrote down; a round in which the schedule took a majority away at once is not looked at.
import type { Act } from '../chaos/work/act.ts';

export interface Round {
  /** By the clock that acts are written down by, in milliseconds. */
  readonly from: number;
  readonly until: number;
  readonly faults: readonly string[];
  /** Numbers of the seats that a fault had. */
  readonly touched: ReadonlySet<number>;
}

/** An election timeout, the patience of channels, and a busy machine. */
const longestMilliseconds = 15_000;

/** Milliseconds of the longest pause of each round that left a majority of so many seats. */
export function pausesOf(rounds: readonly Round[], acts: readonly Act[], seats: number): number[] {
  return rounds.filter((round) => leavesMajority(round, seats)).map((round) => longestPause(round, acts));
}

/** Pauses that nothing excuses, in words. */
export function judgePauses(rounds: readonly Round[], acts: readonly Act[], seats: number): string[] {
  return rounds.flatMap((round) => {
    if (!leavesMajority(round, seats)) return [];
    const pause = longestPause(round, acts);
    if (pause <= longestMilliseconds) return [];
    const what = round.faults.join(' and ');
    return [`nobody was answered for ${Math.round(pause)} ms while a majority was there (${what})`];
  });
}

function leavesMajority({ touched }: Round, seats: number): boolean {
  return seats - touched.size > seats / 2;
}

/** Between two answers to those whom no fault had. */
function longestPause({ from, until, touched }: Round, acts: readonly Act[]): number {
  const answers = acts
    .flatMap(({ c, ret }) => (ret === null || touched.has(c) ? [] : [ret / 1e6]))
    .filter((at) => at > from && at < until)
    .toSorted((a, b) => a - b);
  const marks = [from, ...answers, until];
  return Math.max(...marks.slice(1).map((mark, at) => mark - marks[at]!));
}
