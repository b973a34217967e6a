// When a leader goes by itself: for a voter of higher priority, or because it serves badly while another would do better. Its disk is
// watched here, its event loop by the driver (input `unwell`). Each way out is a transfer; stepping down without one, when the disk is
// stuck and no transfer came about, is in election.ts. Called by step.ts at each tick of a leader, and when its priority changes.
//
// What keeps it from going round in circles: whoever hands over for its health tells priority 0 for a long while, twice as long
// each time, so it gets nothing back before; a successor must have shown itself ahead; and there is a rest after each attempt.
import type { Progress } from './progress.ts';
import type { RaftState } from './state.ts';
import { beginTransfer } from './transfer.ts';
import { bestSuccessor, isUnwell, setPriority, toldPriority } from './priority.ts';
import { hasCommittedInTerm } from './commit.ts';

/** All in election timeouts. */
const OUTPACED_TIMEOUTS = 2;
const SLOW_TIMEOUTS = 4;
const REST_TIMEOUTS = 10;
const UNWELL_TIMEOUTS = 60;
const MAX_UNWELL_DOUBLINGS = 6;
/** After so long without a complaint, the next one counts as the first. */
const FORGIVEN_TIMEOUTS = 1000;

/**
 * The driver has another priority for this member. A leader whose own falls goes at once, and without a rest, if there is one who should rather
 * lead: it may have no time for more (a tab that is hidden, and may be frozen in a moment).
 */
export function changePriority(state: RaftState, priority: number): void {
  const before = toldPriority(state);
  setPriority(state, priority);
  if (state.role !== 'leader' || toldPriority(state) >= before) return;
  if (state.transfer === undefined && hasCommittedInTerm(state)) leaveForBetter(state);
}

export function tickHandOver(state: RaftState): void {
  watchDisk(state);
  if (!isResting(state)) considerLeaving(state);
  state.standing.settledIndex = state.commitIndex;
}

function considerLeaving(state: RaftState): void {
  const { electionTimeoutTicks } = state.options;
  // Once a check-quorum round (election.ts): who answers is known then.
  const isRoundOver = state.electionElapsedTicks === 0;
  if (state.outpacedTicks >= OUTPACED_TIMEOUTS * electionTimeoutTicks) leaveForHealth(state, () => true);
  else if (state.disk.slowTicks >= SLOW_TIMEOUTS * electionTimeoutTicks) leaveForHealth(state, isFaster(state));
  else if (isRoundOver && hasHeardOthersSince(state)) leaveForBetter(state);
}

/**
 * The driver says that this member serves badly: its event loop stalls. Not for ever; it says so again if need be. A leader does not go at once:
 * what befell it may have befallen the others too (one busy machine for all), and who hears that goes nowhere.
 */
export function becomeUnwell(state: RaftState): void {
  const { standing, tickCount } = state;
  const { electionTimeoutTicks } = state.options;
  if (isUnwell(state)) return;
  if (tickCount - standing.unwellUntilTick > FORGIVEN_TIMEOUTS * electionTimeoutTicks) standing.unwellCount = 0;
  const doublings = Math.min(standing.unwellCount, MAX_UNWELL_DOUBLINGS);
  standing.unwellUntilTick = tickCount + UNWELL_TIMEOUTS * electionTimeoutTicks * 2 ** doublings;
  standing.unwellSinceTick = tickCount;
  standing.unwellCount++;
}

/** What the others tell of themselves is no older than what we say of ourselves: they had an election timeout to tell it in. */
function hasHeardOthersSince({ standing, tickCount, options }: RaftState): boolean {
  return tickCount >= standing.unwellUntilTick || tickCount - standing.unwellSinceTick >= options.electionTimeoutTicks;
}

function isResting(state: RaftState): boolean {
  return state.transfer !== undefined || state.tickCount < state.standing.restUntilTick || !hasCommittedInTerm(state);
}

/** To a voter that should rather lead: of a higher priority than ours, which is 0 while we are unwell. */
function leaveForBetter(state: RaftState): void {
  leave(state, bestSuccessor(state, toldPriority(state)));
}

function leaveForHealth(state: RaftState, isFit: (progress: Progress) => boolean): void {
  const successor = bestSuccessor(state, 0, isFit);
  if (successor === undefined) return;
  leave(state, successor);
  becomeUnwell(state);
}

function leave(state: RaftState, successor: Progress | undefined): void {
  if (successor === undefined) return;
  state.standing.restUntilTick = state.tickCount + REST_TIMEOUTS * state.options.electionTimeoutTicks;
  beginTransfer(state, successor.id, undefined);
}

function isFaster(state: RaftState): (progress: Progress) => boolean {
  return (progress) => progress.aheadTicks >= 2 * state.options.electionTimeoutTicks;
}

/**
 * T12, persistently slow rather than stuck: what the others have committed waits for our disk for half an election timeout and more,
 * most of the time. A mark is put on what is committed and not durable here, and it is seen how long it stands. That a sync is
 * under way means nothing, and neither does a disk that is a little slower: what counts is that a caller would be served sooner elsewhere.
 */
function watchDisk(state: RaftState): void {
  const { disk, durability, tickCount, commitIndex } = state;
  const { electionTimeoutTicks } = state.options;
  if (disk.markIndex > 0 && durability.persistedIndex >= disk.markIndex) {
    if (tickCount - disk.markTick < electionTimeoutTicks / 2) relax(state, electionTimeoutTicks);
    disk.markIndex = 0;
  }
  if (disk.markIndex === 0) {
    relax(state, 0.25);
    if (commitIndex <= durability.persistedIndex) return;
    disk.markIndex = commitIndex;
    disk.markTick = tickCount;
  }
  if (tickCount - disk.markTick < electionTimeoutTicks / 2) return;
  disk.slowTicks++;
  for (const progress of state.followers) compareDisks(state, progress);
}

/** Among disks that are all slow each is ahead at times; one that is faster is ahead nearly always. */
function compareDisks({ disk, durability, options }: RaftState, progress: Progress): void {
  if (progress.matchIndex >= disk.markIndex) {
    progress.aheadTicks = Math.min(progress.aheadTicks + 1, 8 * options.electionTimeoutTicks);
  } else if (progress.matchIndex < durability.persistedIndex) {
    progress.aheadTicks = Math.max(progress.aheadTicks - 4, 0);
  }
}

function relax({ disk }: RaftState, ticks: number): void {
  disk.slowTicks = Math.max(0, disk.slowTicks - ticks);
}
