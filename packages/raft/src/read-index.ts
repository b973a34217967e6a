// Linearizable reads without a log entry (§6.4): a leader notes commitIndex, has a quorum confirm that it still leads, and
// answers; a follower asks the leader. Reads that arrive in one turn share one round or one request. Who sends the
// heartbeats of a round is replication.ts; take-ready.ts calls both.
import type { ForwardedReads, ReadRound, RaftState } from './state.ts';
import type { PeerId } from './entry.ts';
import type { ReadIndexRequest, ReadIndexResponse, RefusalReason } from './message.ts';
import { assert } from './assert.ts';
import { hasCommittedInTerm } from './commit.ts';
import { hasLease, noteRound, renewLease } from './lease.ts';
import { hold, send } from './durability.ts';
import { isOnlyVoter } from './configuration.ts';
import { quorumReached } from './quorum.ts';

/** A read of this member's own caller. */
export function requestRead(state: RaftState, context: number): void {
  if (state.leaderId === undefined) return refuse(state, context, 'no-leader');
  if (state.reads.openCount >= state.options.maxPendingReads) return refuse(state, context, 'busy');
  noteArrival(state);
  state.reads.incoming.push(context);
}

/** Leader: joins the next round. */
export function handleReadIndexRequest(state: RaftState, message: ReadIndexRequest): void {
  if (state.role !== 'leader' || state.reads.openCount >= state.options.maxPendingReads) {
    return refuseReadIndexRequest(state, message);
  }
  noteArrival(state);
  state.reads.incomingRemote.push({ from: message.from, requestId: message.requestId });
}

/** Not a leader, overloaded, or the sender lives in an older term: it may ask again. */
export function refuseReadIndexRequest(state: RaftState, message: ReadIndexRequest): void {
  respond(state, message.from, message.requestId, undefined);
}

/** Follower: the leader's answer for all reads of one turn. */
export function handleReadIndexResponse(state: RaftState, message: ReadIndexResponse): void {
  const { reads } = state;
  const at = reads.forwarded.findIndex((forwarded) => forwarded.requestId === message.requestId);
  if (at < 0) return;
  const [forwarded] = reads.forwarded.splice(at, 1);
  settle(state, forwarded!, message.index);
}

/** Whether flushReads would do anything: a leader's reads wait until it has committed in its term (§6.4, step 1). */
export function canFlushReads(state: RaftState): boolean {
  const { incoming, incomingRemote } = state.reads;
  if (incoming.length === 0 && incomingRemote.length === 0) return false;
  return state.role !== 'leader' || hasCommittedInTerm(state);
}

/** Makes one round or one request of all reads that arrived. Answers whether a round began that heartbeats must confirm. */
export function flushReads(state: RaftState): boolean {
  if (!canFlushReads(state)) return false;
  const { reads } = state;
  const contexts = reads.incoming;
  const remote = reads.incomingRemote;
  reads.incoming = [];
  reads.incomingRemote = [];
  if (state.role !== 'leader') {
    forward(state, contexts);
    return false;
  }
  if (hasLease(state)) {
    settleRound(state, { contexts, remote }, state.commitIndex);
    return false;
  }
  // Each round has a token of its own. An answer to an earlier heartbeat, however late, then never speaks for it.
  const token = ++reads.lastToken;
  noteRound(state, token);
  reads.rounds.push({ token, index: state.commitIndex, tick: state.tickCount, contexts, remote });
  if (isOnlyVoter(state.configuration, state.id)) {
    confirmRounds(state);
    return false;
  }
  return true;
}

/** The token that a heartbeat carries now: the newest open round's, which speaks for all older ones. 0 for none. Under leases always the newest. */
export function openToken(state: RaftState): number {
  if (state.options.leaseReads !== undefined) return state.reads.lastToken;
  return state.reads.rounds.at(-1)?.token ?? 0;
}

/** Leader: `from` answered a heartbeat that carried `token`. */
export function acknowledgeToken(state: RaftState, from: PeerId, token: number): void {
  const progress = state.progress.get(from);
  if (progress === undefined || token <= progress.ackedToken || token > state.reads.lastToken) return;
  progress.ackedToken = token;
  renewLease(state);
  if (state.reads.rounds.length > 0) confirmRounds(state);
}

/** Leadership or leader lost: every open read is refused, which is definite; the caller asks again. */
export function refuseReads(state: RaftState): void {
  const { reads } = state;
  for (const round of reads.rounds) settleRound(state, round, undefined);
  for (const forwarded of reads.forwarded) settle(state, forwarded, undefined);
  refuseIncoming(state);
  reads.rounds = [];
  reads.forwarded = [];
}

/** What got no answer within an election timeout is refused, so that nothing is kept for ever. */
export function expireReads(state: RaftState): void {
  const { reads } = state;
  const deadline = state.tickCount - state.options.electionTimeoutTicks;
  while (reads.rounds.length > 0 && reads.rounds[0]!.tick <= deadline) {
    settleRound(state, reads.rounds.shift()!, undefined);
  }
  while (reads.forwarded.length > 0 && reads.forwarded[0]!.tick <= deadline) {
    settle(state, reads.forwarded.shift()!, undefined);
  }
  if (reads.incomingTick <= deadline) refuseIncoming(state);
}

function confirmRounds(state: RaftState): void {
  const { reads } = state;
  // Only voters of the present configuration count; a leader that votes confirms itself.
  const confirmed = quorumReached(state.configuration, (id) =>
    id === state.id ? reads.lastToken : (state.progress.get(id)?.ackedToken ?? 0),
  );
  let done = 0;
  for (const round of reads.rounds) {
    if (round.token > confirmed) break;
    settleRound(state, round, round.index);
    done++;
  }
  if (done > 0) reads.rounds.splice(0, done);
}

function forward(state: RaftState, contexts: readonly number[]): void {
  assert(state.leaderId !== undefined, 'reads queued without a leader');
  const requestId = ++state.lastRequestId;
  state.reads.forwarded.push({ requestId, tick: state.tickCount, contexts });
  send(state, { type: 'readIndexRequest', from: state.id, to: state.leaderId, term: state.term, requestId });
}

function settleRound(state: RaftState, round: Pick<ReadRound, 'contexts' | 'remote'>, index: number | undefined): void {
  settle(state, round, index);
  state.reads.openCount -= round.remote.length;
  for (const { from, requestId } of round.remote) respond(state, from, requestId, index);
}

function settle(state: RaftState, { contexts }: Pick<ForwardedReads, 'contexts'>, index: number | undefined): void {
  const { reads } = state;
  reads.openCount -= contexts.length;
  for (const context of contexts) {
    if (index === undefined) refuse(state, context, 'no-leader');
    else reads.states.push({ context, index, refused: undefined });
  }
}

function refuseIncoming(state: RaftState): void {
  const { reads } = state;
  if (reads.incoming.length === 0 && reads.incomingRemote.length === 0) return;
  const { incoming, incomingRemote } = reads;
  reads.incoming = [];
  reads.incomingRemote = [];
  reads.openCount -= incoming.length + incomingRemote.length;
  for (const context of incoming) refuse(state, context, 'no-leader');
  for (const { from, requestId } of incomingRemote) respond(state, from, requestId, undefined);
}

function noteArrival(state: RaftState): void {
  const { reads } = state;
  if (reads.incoming.length === 0 && reads.incomingRemote.length === 0) reads.incomingTick = state.tickCount;
  reads.openCount++;
}

function refuse(state: RaftState, context: number, refused: RefusalReason): void {
  state.reads.states.push({ context, index: undefined, refused });
}

function respond(state: RaftState, to: PeerId, requestId: number, index: number | undefined): void {
  hold(state, { type: 'readIndexResponse', from: state.id, to, term: state.term, requestId, index });
}
