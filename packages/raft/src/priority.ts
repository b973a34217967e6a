// Who should lead rather than another: the priorities of members, what they tell each other of them, and the choice of a
// successor. A wish, never a rule: nothing here makes an election unsafe or impossible. Called by election.ts, transfer.ts and hand-over.ts.
import type { Progress } from './progress.ts';
import type { RaftState } from './state.ts';
import { DEFAULT_PRIORITY, checkPriority } from './options.ts';

export function setPriority(state: RaftState, priority: number): void {
  checkPriority(priority);
  state.standing.priority = priority;
}

/** Whether this member serves badly at present (its disk or its event loop), so that it would rather not lead. */
export function isUnwell(state: RaftState): boolean {
  return state.tickCount < state.standing.unwellUntilTick;
}

/** What is told to the leader. */
export function toldPriority(state: RaftState): number {
  return isUnwell(state) ? 0 : state.standing.priority;
}

/**
 * How much longer than its drawn timeout a member waits before it campaigns: so long that one who should rather lead is through by
 * then, if it is alive. It waits so once; whatever comes of that campaign, the next one is not put off for somebody who did not come.
 */
export function extraWaitTicks(state: RaftState): number {
  const { electionTimeoutTicks } = state.options;
  if (isUnwell(state)) return 2 * electionTimeoutTicks;
  return state.standing.priority < state.standing.topPriority ? electionTimeoutTicks : 0;
}

/** Leader: the highest priority among the followers that answer, which is what heartbeats tell them. Should the leader die, that one campaigns first. */
export function noteTopPriority(state: RaftState): void {
  let top: number | undefined;
  for (const progress of state.followers) {
    if (isCandidate(state, progress) && progress.priority > (top ?? -1)) top = progress.priority;
  }
  state.standing.topPriority = top ?? DEFAULT_PRIORITY;
}

/** The best of all voters that answer, for a caller who wants another leader whoever it be. */
export function bestTarget(state: RaftState): Progress | undefined {
  return best(state, state.followers);
}

/** The best voter that is fit to take over without being asked for: its priority is above `above`, and it has what was committed a tick ago. */
export function bestSuccessor(
  state: RaftState,
  above: number,
  isFit: (progress: Progress) => boolean = () => true,
): Progress | undefined {
  return best(
    state,
    state.followers.filter((progress) => progress.priority > above && isCaughtUp(state, progress) && isFit(progress)),
  );
}

function best(state: RaftState, followers: readonly Progress[]): Progress | undefined {
  let found: Progress | undefined;
  for (const progress of followers) {
    if (isCandidate(state, progress) && (found === undefined || isBetter(state, progress, found))) found = progress;
  }
  return found;
}

/** Counts from now on (not an outgoing voter), and answers. */
function isCandidate(state: RaftState, { id, isRecentlyActive, wasActive }: Progress): boolean {
  return (isRecentlyActive || wasActive) && state.configuration.voters.includes(id);
}

function isBetter(state: RaftState, one: Progress, two: Progress): boolean {
  const [oneIsThere, twoIsThere] = [isCaughtUp(state, one), isCaughtUp(state, two)];
  if (oneIsThere !== twoIsThere) return oneIsThere;
  if (one.priority !== two.priority) return one.priority > two.priority;
  return one.matchIndex > two.matchIndex;
}

/** Under load hardly anybody ever has all that is committed now. */
function isCaughtUp(state: RaftState, { state: progressState, matchIndex }: Progress): boolean {
  return progressState === 'replicate' && matchIndex >= state.standing.settledIndex;
}
