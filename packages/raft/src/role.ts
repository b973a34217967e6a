// The four roles and the only functions that write role, term, votedFor and leaderId. What a change of role leaves
// behind (withheld messages, open reads, forwarded proposals) is cleared here too. Callers: step.ts and election.ts.
import type { PeerId } from './entry.ts';
import type { RaftState } from './state.ts';
import type { Role } from './ready.ts';
import { appendAsLeader, dropForwardedProposals } from './proposals.ts';
import { assert } from './assert.ts';
import { drawBelow } from './random.ts';
import { dropHeld, dropHeldVoteRequests, isHardStateDurable } from './durability.ts';
import { dropPartialSnapshot } from './snapshot.ts';
import { endLease } from './lease.ts';
import { entryAt, entryBytes, lastIndexOf } from './log.ts';
import { followMembers } from './membership.ts';
import { refuseReads } from './read-index.ts';
import { settleTransfer } from './transfer.ts';

/** Follows `leaderId` (or nobody yet) in `term`. */
export function becomeFollower(state: RaftState, term: number, leaderId: PeerId | undefined): void {
  assert(term >= state.term, () => `term ${term} after ${state.term}`);
  if (term === state.term) dropHeldVoteRequests(state);
  else enterTerm(state, term, undefined);
  changeRole(state, 'follower', leaderId);
}

/** §9.6: asks around before it takes a new term. Term and vote stay; the stale leader is forgotten. */
export function becomePreCandidate(state: RaftState): void {
  assert(state.role !== 'leader', 'a leader does not campaign');
  changeRole(state, 'preCandidate', undefined);
}

/** §3.4: a new term, and the own vote in it. */
export function becomeCandidate(state: RaftState): void {
  assert(state.role !== 'leader', 'a leader does not campaign');
  enterTerm(state, state.term + 1, state.id);
  changeRole(state, 'candidate', undefined);
}

export function becomeLeader(state: RaftState): void {
  assert(state.role === 'candidate', () => `${state.role} became leader`);
  assert(isHardStateDurable(state), () => `leader of term ${state.term} before its vote is durable`);
  changeRole(state, 'leader', state.id);
  const { log, proposals } = state;
  followMembers(state);
  proposals.uncommittedBytes = 0;
  for (let i = state.commitIndex + 1; i <= lastIndexOf(log); i++) {
    proposals.uncommittedBytes += entryBytes(entryAt(log, i)!);
  }
  state.application.waitingBytes = 0;
  for (let i = state.application.handedOutIndex + 1; i <= state.commitIndex; i++) {
    state.application.waitingBytes += entryBytes(entryAt(log, i)!);
  }
  // §3.6.2 and §6.4: only an entry of the own term commits by counting, and what is committed is known only after
  // it. So there is one at once, whatever the limits say.
  appendAsLeader(state, 'empty', new Uint8Array(0));
}

/** Gives the vote of this term away. The answer must wait until that is durable. */
export function voteFor(state: RaftState, candidate: PeerId): void {
  assert(
    state.votedFor === undefined || state.votedFor === candidate,
    () => `vote for ${candidate} after ${state.votedFor} in term ${state.term}`,
  );
  state.votedFor = candidate;
  state.electionElapsedTicks = 0;
}

function enterTerm(state: RaftState, term: number, votedFor: PeerId | undefined): void {
  state.term = term;
  state.votedFor = votedFor;
  dropHeld(state);
  dropPartialSnapshot(state);
  // What was asked in the older term is answered in it, and not heard in this one, though the leader be the same.
  refuseReads(state);
  dropForwardedProposals(state);
  // What a leader of an older term had verified means nothing to the new one; the committed prefix agrees with any (§3.6.3).
  state.acknowledgement.verifiedIndex = state.commitIndex;
  state.acknowledgement.requestedIndex = 0;
  state.acknowledgement.isOwed = false;
  state.acknowledgement.sentIndex = 0;
  state.acknowledgement.sentTick = -1;
}

function changeRole(state: RaftState, role: Role, leaderId: PeerId | undefined): void {
  const hasNewLeader = state.leaderId !== leaderId;
  const wasLeader = state.role === 'leader';
  state.role = role;
  state.leaderId = leaderId;
  state.electionElapsedTicks = 0;
  state.heartbeatElapsedTicks = 0;
  state.outpacedTicks = 0;
  // §3.4, T11: drawn anew at each change, so that two members that once collided part ways.
  state.electionDeadlineTicks =
    state.options.electionTimeoutTicks + drawBelow(state, state.options.electionTimeoutTicks);
  state.votes.clear();
  state.standing.topPriority = 0;
  if (leaderId !== undefined) state.standing.isNeeded = false;
  state.standing.settledIndex = state.commitIndex;
  state.disk.markIndex = 0;
  state.disk.slowTicks = 0;
  endLease(state);
  settleTransfer(state);
  if (wasLeader) {
    state.followers = [];
    state.progress.clear();
    state.proposals.uncommittedBytes = 0;
    state.application.waitingBytes = 0;
    // What it had matched as a leader is no verdict of another leader of the same term: there is none.
    state.acknowledgement.verifiedIndex = state.commitIndex;
  }
  if (hasNewLeader) {
    refuseReads(state);
    dropForwardedProposals(state);
  }
}
