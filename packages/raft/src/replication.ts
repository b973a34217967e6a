// The leader's half of AppendEntries (§3.5): what to send to whom, what the answers mean, heartbeats. The
// follower's half is in follow.ts. Nothing is sent while an input is handled; flushAppends runs once per Ready, so that
// everything that was proposed in a turn leaves in one message per follower.
import type { AppendResponse, HeartbeatResponse } from './message.ts';
import type { Entry } from './entry.ts';
import type { Progress } from './progress.ts';
import type { RaftState } from './state.ts';
import { DEFAULT_PRIORITY } from './options.ts';
import { addInflight, advanceMatch, becomeProbe, becomeReplicate, isWindowFull } from './progress.ts';
import { advanceCommit } from './commit.ts';
import { assert } from './assert.ts';
import { entryBytes, lastIndexOf, lastIndexWithTermAtMost, sliceLog, termAt } from './log.ts';
import { isVoter } from './configuration.ts';
import { noteRound } from './lease.ts';
import { noteTopPriority } from './priority.ts';
import { openToken } from './read-index.ts';
import { retryTransfer, startTransfer } from './snapshot.ts';
import { send } from './durability.ts';
import { NOTHING } from './state.ts';

/** Slices of the log that were cut in this turn, so that followers at the same place get the same array (and its encoding can be shared). */
type Slices = Entry[][];

export function areAppendsDue(state: RaftState): boolean {
  return state.followers.some((progress) => isAppendDue(state, progress));
}

export function flushAppends(state: RaftState): void {
  const slices: Slices = [];
  for (const progress of state.followers) {
    if (!isAppendDue(state, progress)) continue;
    if (progress.state === 'probe') sendProbe(state, progress, slices);
    else sendPipelined(state, progress, slices);
  }
}

export function tickHeartbeat(state: RaftState): void {
  state.heartbeatElapsedTicks++;
  if (state.heartbeatElapsedTicks < state.options.heartbeatTicks) return;
  state.heartbeatElapsedTicks = 0;
  noteTopPriority(state);
  // Under leases each heartbeat has a token, so that it is known when it left.
  if (state.options.leaseReads !== undefined) noteRound(state, ++state.reads.lastToken);
  for (const progress of state.followers) sendHeartbeat(state, progress);
}

/** Heartbeats that carry a new ReadIndex token, to all who count. */
export function sendReadHeartbeats(state: RaftState): void {
  for (const progress of state.followers) {
    if (isVoter(state.configuration, progress.id)) sendHeartbeat(state, progress);
  }
}

export function handleAppendResponse(state: RaftState, message: AppendResponse): void {
  const progress = state.progress.get(message.from);
  if (progress === undefined) return;
  progress.isRecentlyActive = true;
  if (!message.success) return handleRejection(state, progress, message);
  if (message.matchIndex > lastIndexOf(state.log)) return;
  const { compactedIndex } = state.log;
  const isNews = advanceMatch(progress, message.matchIndex);
  if (progress.state === 'probe' && message.matchIndex >= progress.matchIndex)
    becomeReplicate(progress, compactedIndex);
  // It came past the compaction point by itself (a late answer, a snapshot that was installed): no transfer is needed.
  if (progress.state === 'snapshot' && progress.matchIndex >= compactedIndex) becomeReplicate(progress, compactedIndex);
  if (isNews && progress.matchIndex > state.commitIndex) advanceCommit(state);
}

export function handleHeartbeatResponse(state: RaftState, message: HeartbeatResponse): void {
  const progress = state.progress.get(message.from);
  if (progress === undefined) return;
  progress.isRecentlyActive = true;
  progress.isPaused = false;
  progress.priority = message.priority ?? DEFAULT_PRIORITY;
  progress.promisedTicks = message.promisedTicks ?? 0;
  if (progress.state === 'snapshot') return retryTransfer(state, progress);
  // All that is in flight may have been lost, and a full window would then wait for ever: an append, empty if need be,
  // finds out. One per tick is enough; heartbeats of reads may come a thousand times as often.
  if (progress.matchIndex < lastIndexOf(state.log) && progress.pokeTick !== state.tickCount) {
    progress.isPokeDue = true;
    progress.pokeTick = state.tickCount;
  }
}

/** §3.5: the follower's log differs at `rejectedIndex`. */
function handleRejection(state: RaftState, progress: Progress, message: AppendResponse): void {
  const { rejectedIndex, conflictIndex, conflictTerm } = message;
  // Older than what we know by now: it answers a message that was overtaken.
  if (rejectedIndex <= progress.matchIndex) return;
  if (progress.state === 'snapshot') return;
  if (progress.state === 'replicate') {
    if (rejectedIndex >= progress.nextIndex) return;
    return becomeProbe(progress);
  }
  if (rejectedIndex !== progress.nextIndex - 1) return;
  // The follower named its last entry with a term not above ours at that place; we skip back over ours likewise. So
  // each round trip passes a whole term, whoever has the more of it.
  const hint = Math.min(conflictIndex, rejectedIndex - 1);
  const agreeable = lastIndexWithTermAtMost(state.log, hint, conflictTerm);
  progress.nextIndex = Math.max(Math.min(agreeable, hint) + 1, progress.matchIndex + 1);
  progress.isPaused = false;
}

function isAppendDue(state: RaftState, progress: Progress): boolean {
  switch (progress.state) {
    case 'probe':
      // A peer that has not been heard of gets no snapshot: it may be gone for long.
      return !progress.isPaused && (progress.isRecentlyActive || !isBehindLog(state, progress));
    case 'replicate':
      return progress.isPokeDue || isCommitNews(state, progress) || hasRoomAndEntries(state, progress);
    case 'snapshot':
      return false;
  }
}

/** A follower that cannot keep up learns of commits with the entries that it still has to take in, and by heartbeats. */
function isCommitNews(state: RaftState, progress: Progress): boolean {
  return progress.toldCommitIndex < state.commitIndex && hasRoom(state, progress);
}

function hasRoomAndEntries(state: RaftState, progress: Progress): boolean {
  return progress.nextIndex <= lastIndexOf(state.log) && hasRoom(state, progress);
}

function hasRoom({ options }: RaftState, { inflights }: Progress): boolean {
  return !isWindowFull(inflights, options.maxInflightMessages, options.maxInflightBytes);
}

/** What it needs next, or the entry before that, was compacted away. */
function isBehindLog(state: RaftState, progress: Progress): boolean {
  return termAt(state.log, progress.nextIndex - 1) === undefined;
}

/** One message, and its answer is awaited. */
function sendProbe(state: RaftState, progress: Progress, slices: Slices): void {
  if (isBehindLog(state, progress)) return startTransfer(state, progress);
  const entries = progress.nextIndex <= lastIndexOf(state.log) ? cut(state, slices, progress.nextIndex) : NOTHING;
  progress.isPaused = true;
  sendAppend(state, progress, entries);
}

/** All that fits the window, without waiting; or an empty message if only news of commitIndex, or a poke, is due. */
function sendPipelined(state: RaftState, progress: Progress, slices: Slices): void {
  assert(!isBehindLog(state, progress), () => `${progress.id} replicates at ${progress.nextIndex}, which is compacted`);
  const { maxInflightMessages } = state.options;
  let isAnythingSent = false;
  while (hasRoomAndEntries(state, progress)) {
    const entries = cut(state, slices, progress.nextIndex);
    sendAppend(state, progress, entries);
    let bytes = 0;
    for (const entry of entries) bytes += entryBytes(entry);
    progress.nextIndex += entries.length;
    addInflight(progress.inflights, progress.nextIndex - 1, bytes, maxInflightMessages);
    isAnythingSent = true;
  }
  if (!isAnythingSent) sendAppend(state, progress, NOTHING);
}

function sendAppend(state: RaftState, progress: Progress, entries: readonly Entry[]): void {
  const prevLogIndex = progress.nextIndex - 1;
  const prevLogTerm = termAt(state.log, prevLogIndex);
  assert(prevLogTerm !== undefined, () => `append to ${progress.id} after ${prevLogIndex}, which is compacted`);
  progress.toldCommitIndex = state.commitIndex;
  progress.isPokeDue = false;
  send(state, {
    type: 'appendRequest',
    from: state.id,
    to: progress.id,
    term: state.term,
    prevLogIndex,
    prevLogTerm,
    leaderCommit: state.commitIndex,
    entries,
  });
}

function sendHeartbeat(state: RaftState, progress: Progress): void {
  if (progress.matchIndex >= state.commitIndex) progress.toldCommitIndex = state.commitIndex;
  const { topPriority } = state.standing;
  const heartbeat = {
    type: 'heartbeatRequest',
    from: state.id,
    to: progress.id,
    term: state.term,
    // Never more than it is known to hold of our log: a heartbeat has no entry to check that against.
    commitIndex: Math.min(progress.matchIndex, state.commitIndex),
    readToken: openToken(state),
  } as const;
  send(state, topPriority === DEFAULT_PRIORITY ? heartbeat : { ...heartbeat, topPriority });
}

function cut(state: RaftState, slices: Slices, from: number): Entry[] {
  for (const slice of slices) if (slice[0]!.index === from) return slice;
  const { maxAppendEntries, maxAppendBytes } = state.options;
  const slice = sliceLog(state.log, from, lastIndexOf(state.log), {
    maxEntries: maxAppendEntries,
    maxBytes: maxAppendBytes,
  });
  slices.push(slice);
  return slice;
}

/** After a compaction: who was streaming from what is gone now starts over from what it has confirmed. */
export function probeCompacted(state: RaftState): void {
  for (const progress of state.followers) {
    if (progress.state === 'replicate' && isBehindLog(state, progress)) becomeProbe(progress);
  }
}
