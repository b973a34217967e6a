// Elections: the timeout, the pre-vote before it (§9.6), votes both ways (§3.4), and the leader's own check that a quorum
// still hears it (§6.2). Roles are changed through role.ts only. Called by step.ts.
import type { PreVoteRequest, PreVoteResponse, VoteRequest, VoteResponse } from './message.ts';
import type { RaftState } from './state.ts';
import { becomeCandidate, becomeFollower, becomeLeader, becomePreCandidate, voteFor } from './role.ts';
import { countVotes, isQuorum } from './quorum.ts';
import { beginTransfer } from './transfer.ts';
import { bestTarget, extraWaitTicks } from './priority.ts';
import { hasJoined, mayLead } from './configuration-history.ts';
import { hold, isHardStateDurable, send } from './durability.ts';
import { isUpToDate, lastIndexOf, lastTermOf } from './log.ts';
import { isInstalling } from './snapshot.ts';
import { isPromised } from './lease.ts';
import { isRetirementDue } from './membership.ts';
import { isVoter, votersOf } from './configuration.ts';

/** For so many election timeouts a leader's disk may stand still while the others commit without it. */
const OUTPACED_ELECTION_TIMEOUTS = 4;

/** Follower and candidates: one tick without a leader. */
export function tickElection(state: RaftState): void {
  state.electionElapsedTicks++;
  if (state.electionElapsedTicks < state.electionDeadlineTicks + extraWaitTicks(state)) return;
  // Whoever leaves it to the others does not go on believing in a leader that is gone: what it forwards would go nowhere. But if it has what the
  // others lack, nobody can do without it: it leads until another one has caught up.
  const isLeftToOthers = state.standing.priority === 0 && !state.standing.isNeeded;
  if (isLeftToOthers || !isPromotable(state)) becomeFollower(state, state.term, undefined);
  else campaign(state);
}

/**
 * A leader that should not be one any more steps down, so that its clients look elsewhere: no quorum answered it for an election
 * timeout (§6.2), or its disk hangs (T12).
 */
export function tickCheckQuorum(state: RaftState): void {
  state.electionElapsedTicks++;
  if (isOutpaced(state)) return becomeFollower(state, state.term, undefined);
  if (state.electionElapsedTicks < state.options.electionTimeoutTicks) return;
  state.electionElapsedTicks = 0;
  const isHeard = isQuorum(state.configuration, (id) => id === state.id || isActive(state, id));
  if (!isHeard) return becomeFollower(state, state.term, undefined);
  for (const progress of state.followers) {
    progress.wasActive = progress.isRecentlyActive;
    progress.isRecentlyActive = false;
  }
}

/**
 * Heartbeats need no disk, so a leader whose disk hangs looks well to everybody, and applies nothing. It is found out by
 * comparison: the others committed without it, and for long. Where all disks are slow, or nobody could commit without this
 * one, another leader would do no better, and an election would only cost time. It cannot win again before its vote is durable.
 */
function isOutpaced(state: RaftState): boolean {
  if (state.commitIndex <= state.durability.persistedIndex) state.outpacedTicks = 0;
  else state.outpacedTicks++;
  return state.outpacedTicks >= OUTPACED_ELECTION_TIMEOUTS * state.options.electionTimeoutTicks;
}

/** Begins with a pre-vote. Those who hear a leader will not answer it, so it disturbs nobody. */
export function campaign(state: RaftState): void {
  if (state.role === 'leader' || !isPromotable(state) || isPromised(state)) return;
  becomePreCandidate(state);
  const term = state.term + 1;
  for (const to of votersOf(state.configuration)) {
    if (to === state.id) continue;
    const [lastIndex, lastTerm] = [lastIndexOf(state.log), lastTermOf(state.log)];
    send(state, { type: 'preVoteRequest', from: state.id, to, term, lastIndex, lastTerm });
  }
  recordPreVote(state, state.id, true);
}

/** §3.10: the leader says that this member is up to date and should take over. There is nobody to ask first: it is the leader's wish. */
export function handleTimeoutNow(state: RaftState): void {
  if (isPromotable(state)) standForElection(state, true);
}

/**
 * §4.2.3: while a leader was heard within the shortest election timeout, a candidate is ignored, so that a member
 * that was cut off (or removed) cannot unseat a leader that the others hear. A leader hears itself.
 */
export function isLeaderFresh(state: RaftState): boolean {
  return state.leaderId !== undefined && state.electionElapsedTicks < state.options.electionTimeoutTicks;
}

/** Nothing of ours changes by this, whatever the answer: neither term nor vote nor timer. */
export function handlePreVoteRequest(state: RaftState, message: PreVoteRequest): void {
  const isAskerUpToDate = isUpToDate(state.log, message.lastTerm, message.lastIndex);
  if (!isAskerUpToDate) state.standing.isNeeded = true;
  const isGranted = (message.term > state.term || isVoteFree(state, message.from)) && isAskerUpToDate;
  if (isGranted) {
    // The grant names the term it was asked about. It promises nothing that a crash could break.
    send(state, { type: 'preVoteResponse', from: state.id, to: message.from, term: message.term, granted: true });
  } else {
    refusePreVote(state, message);
  }
}

/** With our own term, which releases an asker that lives in an older one. */
export function refusePreVote(state: RaftState, message: PreVoteRequest): void {
  send(state, { type: 'preVoteResponse', from: state.id, to: message.from, term: state.term, granted: false });
}

export function handlePreVoteResponse(state: RaftState, message: PreVoteResponse): void {
  if (state.role !== 'preCandidate' || !isVoter(state.configuration, message.from)) return;
  // A grant for another term answers an earlier question.
  if (message.granted && message.term !== state.term + 1) return;
  recordPreVote(state, message.from, message.granted);
}

/** §3.4, §3.6.1: at most one vote a term, and only for a log that is no older than ours. */
export function handleVoteRequest(state: RaftState, message: VoteRequest): void {
  const isGranted = isVoteFree(state, message.from) && isUpToDate(state.log, message.lastTerm, message.lastIndex);
  if (isGranted) voteFor(state, message.from);
  answerVote(state, message, isGranted);
}

export function answerVote(state: RaftState, message: VoteRequest, granted: boolean): void {
  // Withheld until term and vote are durable: after a crash in between we could vote again in this term.
  hold(state, { type: 'voteResponse', from: state.id, to: message.from, term: state.term, granted });
}

export function handleVoteResponse(state: RaftState, message: VoteResponse): void {
  if (state.role !== 'candidate' || !isVoter(state.configuration, message.from)) return;
  // Our requests leave only once our own vote is durable; an answer that comes earlier answers nothing we asked.
  if (!isHardStateDurable(state)) return;
  recordVote(state, message.from, message.granted);
}

/** A candidate counts its own vote like any other: once it is durable. Called after each `persisted`. */
export function countOwnVote(state: RaftState): void {
  if (state.role !== 'candidate' || state.votes.has(state.id) || !isHardStateDurable(state)) return;
  recordVote(state, state.id, true);
}

function recordPreVote(state: RaftState, from: string, granted: boolean): void {
  state.votes.set(from, granted);
  const result = countVotes(state.configuration, state.votes);
  if (result === 'won') standForElection(state, false);
  else if (result === 'lost') becomeFollower(state, state.term, undefined);
}

function standForElection(state: RaftState, isTransfer: boolean): void {
  becomeCandidate(state);
  const { id, term } = state;
  for (const to of votersOf(state.configuration)) {
    if (to === id) continue;
    const [lastIndex, lastTerm] = [lastIndexOf(state.log), lastTermOf(state.log)];
    const request = { type: 'voteRequest', from: id, to, term, lastIndex, lastTerm } as const;
    hold(state, isTransfer ? { ...request, isTransfer } : request);
  }
}

function recordVote(state: RaftState, from: string, granted: boolean): void {
  if (!state.votes.has(from)) state.votes.set(from, granted);
  const result = countVotes(state.configuration, state.votes);
  if (result === 'won') becomeLeader(state);
  else if (result === 'lost') becomeFollower(state, state.term, undefined);
}

/**
 * §4.2.2, T22: a leader that is no voter any more hands over to one that is, so that nobody has to wait for an election timeout.
 * Where that does not come about it steps down, and the others choose among themselves.
 */
export function tickRetirement(state: RaftState): void {
  if (!isRetirementDue(state) || state.transfer !== undefined) return;
  const successor = state.membership.isRetiring ? undefined : bestTarget(state);
  state.membership.isRetiring = true;
  if (successor === undefined) becomeFollower(state, state.term, undefined);
  else beginTransfer(state, successor.id, undefined);
}

function isVoteFree(state: RaftState, candidate: string): boolean {
  if (state.votedFor !== undefined) return state.votedFor === candidate;
  return state.leaderId === undefined;
}

/** §4.2.2: only voters campaign, and those whose removal is not certain; and nobody whose log is about to be replaced by a snapshot. */
function isPromotable(state: RaftState): boolean {
  return mayLead(state) && hasJoined(state) && !isInstalling(state);
}

function isActive(state: RaftState, id: string): boolean {
  return state.progress.get(id)?.isRecentlyActive === true;
}
