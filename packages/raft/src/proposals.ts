// From a proposal to an entry: appended here by a leader, forwarded in one request a turn by a follower, refused
// otherwise. What happens to the entry afterwards is the log's and commit.ts's business. Called by step.ts and take-ready.ts.
import type { EntryKind } from './entry.ts';
import type { RaftState } from './state.ts';
import type { ProposeRequest, ProposeResponse, RefusalReason } from './message.ts';
import { ENTRY_OVERHEAD_BYTES, appendEntry, entryBytes, lastIndexOf } from './log.ts';
import { assert } from './assert.ts';
import { hold, send } from './durability.ts';
import { isTransferring } from './transfer.ts';
import { unappliedBytes } from './commit.ts';

/** A proposal of this member's own caller. */
export function propose(state: RaftState, context: number, data: Uint8Array): void {
  if (state.role === 'leader') {
    if (isOverLimit(state, data)) refuse(state, context, 'busy');
    else accept(state, context, appendAsLeader(state, 'command', data), state.term);
    return;
  }
  if (state.leaderId === undefined) return refuse(state, context, 'no-leader');
  const { proposals } = state;
  const bytes = proposalBytes(data);
  if (proposals.openBytes > 0 && proposals.openBytes + bytes > state.options.maxForwardedBytes) {
    return refuse(state, context, 'busy');
  }
  proposals.queuedContexts.push(context);
  proposals.queuedData.push(data);
  proposals.openBytes += bytes;
}

/** Appends an entry of this leader's term. No limit is looked at here: the empty entry of a new term must never be refused. */
export function appendAsLeader(state: RaftState, kind: EntryKind, data: Uint8Array): number {
  assert(state.role === 'leader', () => `append by a ${state.role}`);
  const entry = { index: lastIndexOf(state.log) + 1, term: state.term, kind, data };
  appendEntry(state.log, entry);
  state.proposals.uncommittedBytes += entryBytes(entry);
  return entry.index;
}

export function hasQueuedProposals(state: RaftState): boolean {
  return state.proposals.queuedContexts.length > 0;
}

/** Follower: everything that was proposed since the last turn, as few requests as the limits allow. */
export function flushProposals(state: RaftState): void {
  const { proposals, leaderId } = state;
  if (!hasQueuedProposals(state)) return;
  assert(leaderId !== undefined, 'proposals queued without a leader');
  const data = proposals.queuedData;
  let start = 0;
  while (start < data.length) {
    const end = endOfBatch(state, start);
    const requestId = ++state.lastRequestId;
    let bytes = 0;
    for (let i = start; i < end; i++) bytes += proposalBytes(data[i]!);
    const contexts = proposals.queuedContexts.slice(start, end);
    proposals.forwarded.push({ requestId, tick: state.tickCount, contexts, bytes });
    send(state, {
      type: 'proposeRequest',
      from: state.id,
      to: leaderId,
      term: state.term,
      requestId,
      proposals: data.slice(start, end),
    });
    start = end;
  }
  proposals.queuedContexts = [];
  proposals.queuedData = [];
}

/** Leader: appends in order until a limit is reached. A request that is delivered twice is appended twice; sessions above make that harmless (§6.3). */
export function handleProposeRequest(state: RaftState, message: ProposeRequest): void {
  if (state.role !== 'leader') return refuseProposeRequest(state, message);
  const firstIndex = lastIndexOf(state.log) + 1;
  let accepted = 0;
  for (const data of message.proposals) {
    if (isOverLimit(state, data)) break;
    appendAsLeader(state, 'command', data);
    accepted++;
  }
  const reason = accepted < message.proposals.length ? 'busy' : undefined;
  respond(state, message, { accepted, firstIndex, entryTerm: state.term, reason });
}

/** Not a leader, or the sender lives in an older term: nothing was appended, and it may know. */
export function refuseProposeRequest(state: RaftState, message: ProposeRequest): void {
  respond(state, message, { accepted: 0, firstIndex: 0, entryTerm: 0, reason: 'no-leader' });
}

export function handleProposeResponse(state: RaftState, message: ProposeResponse): void {
  const { proposals } = state;
  const at = proposals.forwarded.findIndex((forwarded) => forwarded.requestId === message.requestId);
  if (at < 0) return;
  const [forwarded] = proposals.forwarded.splice(at, 1);
  const { contexts, bytes } = forwarded!;
  proposals.openBytes -= bytes;
  for (let i = 0; i < contexts.length; i++) {
    if (i < message.accepted) accept(state, contexts[i]!, message.firstIndex + i, message.entryTerm);
    else refuse(state, contexts[i]!, message.reason ?? 'no-leader');
  }
}

/**
 * The leader is another one, or none. What has not left is refused. What has left may or may not be in the old leader's
 * log: no result can be given, and the caller learns nothing (its outcome is unknown).
 */
export function dropForwardedProposals(state: RaftState): void {
  const { proposals } = state;
  for (const context of proposals.queuedContexts) refuse(state, context, 'no-leader');
  proposals.queuedContexts = [];
  proposals.queuedData = [];
  proposals.forwarded = [];
  proposals.openBytes = 0;
}

/**
 * By now the caller has given up, or the answer was lost. Not sooner: a leader that is merely slow still answers, and a result is
 * worth more than an unknown outcome.
 */
export function expireForwardedProposals(state: RaftState): void {
  const { proposals } = state;
  const deadline = state.tickCount - state.options.proposalTimeoutTicks;
  let done = 0;
  for (const forwarded of proposals.forwarded) {
    if (forwarded.tick > deadline) break;
    proposals.openBytes -= forwarded.bytes;
    done++;
  }
  if (done > 0) proposals.forwarded.splice(0, done);
}

/** The bytes a queue of forwarded proposals stands for; also what checkState recounts. */
export function forwardedBytes(state: RaftState): number {
  let bytes = 0;
  for (const data of state.proposals.queuedData) bytes += proposalBytes(data);
  for (const forwarded of state.proposals.forwarded) bytes += forwarded.bytes;
  return bytes;
}

function isOverLimit(state: RaftState, data: Uint8Array): boolean {
  const { uncommittedBytes } = state.proposals;
  if (isTransferring(state)) return true;
  if (unappliedBytes(state) > state.options.maxUnappliedBytes) return true;
  return uncommittedBytes > 0 && uncommittedBytes + proposalBytes(data) > state.options.maxUncommittedBytes;
}

function proposalBytes(data: Uint8Array): number {
  return data.length + ENTRY_OVERHEAD_BYTES;
}

function endOfBatch(state: RaftState, start: number): number {
  const { queuedData } = state.proposals;
  const { maxAppendBytes, maxAppendEntries } = state.options;
  let bytes = 0;
  let end = start;
  while (end < queuedData.length && end - start < maxAppendEntries) {
    bytes += proposalBytes(queuedData[end]!);
    if (bytes > maxAppendBytes && end > start) break;
    end++;
  }
  return end;
}

export function accept(state: RaftState, context: number, index: number, term: number): void {
  state.proposals.results.push({ context, index, term, refused: undefined });
}

export function refuse(state: RaftState, context: number, refused: RefusalReason, detail?: string): void {
  const result = { context, index: undefined, term: undefined, refused };
  state.proposals.results.push(detail === undefined ? result : { ...result, detail });
}

function respond(
  state: RaftState,
  request: ProposeRequest,
  answer: Pick<ProposeResponse, 'accepted' | 'firstIndex' | 'entryTerm' | 'reason'>,
): void {
  hold(state, {
    type: 'proposeResponse',
    from: state.id,
    to: request.from,
    term: state.term,
    requestId: request.requestId,
    accepted: answer.accepted,
    firstIndex: answer.firstIndex,
    entryTerm: answer.entryTerm,
    reason: answer.reason,
  });
}
