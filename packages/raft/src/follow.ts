// The follower's half of AppendEntries and heartbeats (§3.5): checking, merging, refusing with a hint, and the one
// acknowledgement per Ready that waits for the disk. The leader's half is in replication.ts. step.ts has already accepted
// the sender as this term's leader.
import type { AppendRequest, HeartbeatRequest, HeartbeatResponse } from './message.ts';
import type { Configuration, Entry } from './entry.ts';
import type { RaftState } from './state.ts';
import { DEFAULT_PRIORITY } from './options.ts';
import { appendEntry, lastIndexOf, lastIndexWithTermAtMost, termAt } from './log.ts';
import { activateConfiguration, readConfiguration } from './configuration-history.ts';
import { assert } from './assert.ts';
import { commitTo } from './commit.ts';
import { hold, isHardStateDurable, send, truncateLog } from './durability.ts';
import { isInstalling } from './snapshot.ts';
import { promisedTicks } from './lease.ts';
import { toldPriority } from './priority.ts';

export function handleAppendRequest(state: RaftState, message: AppendRequest): void {
  const { prevLogIndex, prevLogTerm, entries } = message;
  // The log is about to be replaced by a snapshot; what we would write now would be lost with it. The leader asks again.
  if (isInstalling(state)) return;
  if (!isWellFormed(message)) return;
  // §3.5, the consistency check. At or before commitIndex the logs agree already (§3.6.3), compacted or not.
  if (prevLogIndex > state.commitIndex && termAt(state.log, prevLogIndex) !== prevLogTerm)
    return reject(state, message);
  if (!mergeEntries(state, entries)) return;
  const { acknowledgement } = state;
  const lastVerified = prevLogIndex + entries.length;
  acknowledgement.verifiedIndex = Math.max(acknowledgement.verifiedIndex, lastVerified);
  const committedBefore = state.commitIndex;
  // Only as far as the logs are known to agree: what lies beyond may be an old leader's.
  commitTo(state, Math.min(message.leaderCommit, acknowledgement.verifiedIndex));
  // A message that brought nothing but a newer commitIndex needs no answer: what it verified was acknowledged just now. But
  // one that brought not even that does, and one that comes later does: the leader may ask because our acknowledgement was lost.
  const isOnlyNews = entries.length === 0 && state.commitIndex > committedBefore;
  const isJustAnswered = lastVerified <= acknowledgement.sentIndex && acknowledgement.sentTick === state.tickCount;
  if (isOnlyNews && isJustAnswered) return;
  acknowledgement.requestedIndex = Math.max(acknowledgement.requestedIndex, lastVerified);
  acknowledgement.isOwed = true;
}

export function handleHeartbeatRequest(state: RaftState, message: HeartbeatRequest): void {
  const { acknowledgement } = state;
  state.standing.topPriority = message.topPriority ?? DEFAULT_PRIORITY;
  if (!isInstalling(state)) {
    // The leader says how much of our log it knows to agree with its own (it was durable here, so a restart kept it).
    const known = Math.min(message.commitIndex, lastIndexOf(state.log));
    acknowledgement.verifiedIndex = Math.max(acknowledgement.verifiedIndex, known);
    commitTo(state, known);
  }
  const { id: from, term } = state;
  const { from: to, readToken } = message;
  const priority = toldPriority(state);
  const ticks = promisedTicks(state);
  const answer: HeartbeatResponse = { type: 'heartbeatResponse', from, to, term, readToken };
  // What goes without saying is not said.
  if (ticks !== undefined) hold(state, { ...answer, priority, promisedTicks: ticks });
  else hold(state, priority === DEFAULT_PRIORITY ? answer : { ...answer, priority });
}

/** What can be claimed now: what agrees with the leader's log and is durable as it stands. */
export function isAcknowledgementDue(state: RaftState): boolean {
  const { acknowledgement, durability } = state;
  if (!acknowledgement.isOwed || state.leaderId === undefined || !isHardStateDurable(state)) return false;
  const matchIndex = Math.min(acknowledgement.verifiedIndex, durability.persistedIndex);
  return matchIndex >= acknowledgement.requestedIndex || matchIndex > acknowledgement.sentIndex;
}

/**
 * One answer for all AppendEntries of this turn and for all writes that became durable: a follower's promise is a
 * number, and the highest one includes the others. Part of it may be given before the rest is durable.
 */
export function flushAcknowledgement(state: RaftState): void {
  if (!isAcknowledgementDue(state)) return;
  const { acknowledgement, durability, leaderId } = state;
  assert(leaderId !== undefined, 'an acknowledgement is owed to nobody');
  const matchIndex = Math.min(acknowledgement.verifiedIndex, durability.persistedIndex);
  acknowledgement.sentIndex = Math.max(acknowledgement.sentIndex, matchIndex);
  acknowledgement.sentTick = state.tickCount;
  acknowledgement.isOwed = matchIndex < acknowledgement.requestedIndex;
  send(state, {
    type: 'appendResponse',
    from: state.id,
    to: leaderId,
    term: state.term,
    success: true,
    matchIndex,
    rejectedIndex: 0,
    conflictIndex: 0,
    conflictTerm: 0,
  });
}

/** Refuses with the place to look at next. `message` may be of an older term: then our own term is what matters. */
export function reject(state: RaftState, message: AppendRequest): void {
  const { prevLogIndex, prevLogTerm } = message;
  // The last place where we could agree: not after our end, of a term not above the leader's there. What is
  // committed agrees for certain, so it never has to go below.
  const agreeable = lastIndexWithTermAtMost(state.log, prevLogIndex, prevLogTerm);
  const conflictIndex = Math.max(agreeable, state.commitIndex);
  hold(state, {
    type: 'appendResponse',
    from: state.id,
    to: message.from,
    term: state.term,
    success: false,
    matchIndex: 0,
    rejectedIndex: prevLogIndex,
    conflictIndex,
    conflictTerm: termAt(state.log, conflictIndex) ?? 0,
  });
}

/** Entries follow each other without gaps, in terms that do not fall and are not above the sender's. */
function isWellFormed({ prevLogIndex, prevLogTerm, entries, term }: AppendRequest): boolean {
  let lastTerm = prevLogTerm;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]!;
    if (entry.index !== prevLogIndex + 1 + i || entry.term < lastTerm) return false;
    lastTerm = entry.term;
  }
  return lastTerm <= term;
}

/** Appends what is missing. Answers false, having changed nothing, if no honest leader could have sent this. */
function mergeEntries(state: RaftState, entries: readonly Entry[]): boolean {
  const { log } = state;
  let fresh = 0;
  // What we hold already is skipped, not replaced: a late, shorter request must not cut a longer log that agrees.
  while (fresh < entries.length && isHeld(state, entries[fresh]!)) fresh++;
  if (fresh === entries.length) return true;
  const first = entries[fresh]!;
  if (first.index <= state.commitIndex) return false;
  const previousTerm = termAt(log, first.index - 1);
  if (previousTerm === undefined || first.term < previousTerm) return false;
  const configurations: Configuration[] = [];
  for (let i = fresh; i < entries.length; i++) {
    if (entries[i]!.kind !== 'configuration') continue;
    const configuration = readConfiguration(state, entries[i]!);
    if (configuration === undefined) return false;
    configurations.push(configuration);
  }
  // §3.5: an existing entry conflicts with a new one (same index, other term): it and all after it go.
  if (first.index <= lastIndexOf(log)) truncateLog(state, first.index);
  let taken = 0;
  for (let i = fresh; i < entries.length; i++) {
    const entry = entries[i]!;
    appendEntry(log, entry);
    // §4.1: active as soon as it is in the log.
    if (entry.kind === 'configuration') activateConfiguration(state, entry.index, configurations[taken++]!);
  }
  return true;
}

function isHeld({ log }: RaftState, entry: Entry): boolean {
  return entry.index <= log.compactedIndex || termAt(log, entry.index) === entry.term;
}
