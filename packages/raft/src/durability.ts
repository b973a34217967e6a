// What is durable and what must wait for it: numbered writes, the messages that are withheld until they are true,
// and the clamp that keeps an overtaken write from claiming too much. The one door to the outbox.
//
// A message makes a promise that must survive a crash (§3.8). Which write backs it:
// - voteRequest, voteResponse: the term and the vote. Everything else in reply to a peer: the term; but for pre-votes, which promise nothing: a term that one names
//   in a refusal and then forgets is one in which nobody has voted (§9.6).
// - a successful appendResponse: the entries; see replication.ts (flushAcknowledgement), which compares with persistedIndex.
// - a leader's own messages promise nothing new: its term and vote were durable before it won.
import type { Entry, HardState } from './entry.ts';
import type { Message } from './message.ts';
import type { RaftState } from './state.ts';
import { assert } from './assert.ts';
import { lastIndexOf, truncateFrom } from './log.ts';
import { rollBackConfigurations } from './configuration-history.ts';
import { NOTHING } from './state.ts';

/** Leaves with the next Ready: for messages that promise nothing. */
export function send(state: RaftState, message: Message): void {
  state.outbox.messages.push(message);
}

/** Most messages withheld at a time. Above it the oldest is dropped: a disk that stalls must not fill the memory, and a message may be lost. */
const MAX_HELD_MESSAGES = 1024;

/**
 * Leaves once the present term and vote are durable, at once if they are. While they are not, a newer answer replaces
 * an older one of its kind to the same peer, which it includes (a higher token, a later refusal); answers to forwarded
 * requests each stand for themselves.
 */
export function hold(state: RaftState, message: Message): void {
  assert(message.term === state.term, () => `hold: ${message.type} of term ${message.term} in term ${state.term}`);
  if (isHardStateDurable(state)) return send(state, message);
  const { held } = state.outbox;
  const isOneOfMany = message.type === 'readIndexResponse' || message.type === 'proposeResponse';
  const older = isOneOfMany ? -1 : held.findIndex(({ type, to }) => type === message.type && to === message.to);
  if (older >= 0) held.splice(older, 1);
  if (held.length >= MAX_HELD_MESSAGES) held.shift();
  held.push(message);
}

export function isHardStateDurable(state: RaftState): boolean {
  const { durableTerm, durableVotedFor } = state.durability;
  return durableTerm === state.term && durableVotedFor === state.votedFor;
}

/** Whether the next Ready must be written: new entries, term or vote. A new commitIndex alone only rides along (one sync less a commit). */
export function hasWrite(state: RaftState): boolean {
  const { handedIndex, handedTerm, handedVotedFor } = state.durability;
  return handedIndex < lastIndexOf(state.log) || handedTerm !== state.term || handedVotedFor !== state.votedFor;
}

export interface WriteContent {
  readonly hardState: HardState | undefined;
  readonly entries: readonly Entry[];
}

/** Takes what the Ready numbered `readyNumber` gives to storage. */
export function takeWrite(state: RaftState, readyNumber: number): WriteContent {
  const { durability, log } = state;
  if (!hasWrite(state)) return { hardState: undefined, entries: NOTHING };
  const isNews =
    durability.handedTerm !== state.term ||
    durability.handedVotedFor !== state.votedFor ||
    durability.handedCommitIndex !== state.commitIndex;
  const entries =
    durability.handedIndex < lastIndexOf(log)
      ? log.entries.slice(durability.handedIndex - log.compactedIndex)
      : NOTHING;
  durability.writes.push({
    readyNumber,
    lastIndex: entries.length > 0 ? lastIndexOf(log) : 0,
    term: state.term,
    votedFor: state.votedFor,
  });
  durability.handedIndex = lastIndexOf(log);
  durability.handedTerm = state.term;
  durability.handedVotedFor = state.votedFor;
  if (!isNews) return { hardState: undefined, entries };
  durability.handedCommitIndex = state.commitIndex;
  return { hardState: { term: state.term, votedFor: state.votedFor, commitIndex: state.commitIndex }, entries };
}

/** The driver's word that all writes up to `readyNumber` are durable. */
export function markPersisted(state: RaftState, readyNumber: number): void {
  const { durability } = state;
  assert(readyNumber <= state.readyNumber, () => `persisted: Ready ${readyNumber} after ${state.readyNumber}`);
  let done = 0;
  for (const write of durability.writes) {
    if (write.readyNumber > readyNumber) break;
    durability.persistedIndex = Math.max(durability.persistedIndex, write.lastIndex);
    durability.durableTerm = write.term;
    durability.durableVotedFor = write.votedFor;
    done++;
  }
  durability.writes.splice(0, done);
  if (done > 0) state.outpacedTicks = 0;
}

/**
 * §3.5: removes a suffix that conflicts with the leader's log. The race this avoids (an ABA):
 * 1. entries 5..6 of term 1 are given to storage by Ready 7; 2. a leader of term 2 replaces 5 by its own, Ready 8;
 * 3. Ready 7 is reported durable. Its claim to 5..6 is about entries that are no longer in the log, and must not
 * make the new entry 5 look durable. So every open write is lowered to what is left of it.
 */
export function truncateLog(state: RaftState, from: number): void {
  const { durability } = state;
  assert(from > state.commitIndex, () => `truncation at ${from}, committed ${state.commitIndex}`);
  truncateFrom(state.log, from);
  rollBackConfigurations(state, from);
  durability.handedIndex = Math.min(durability.handedIndex, from - 1);
  durability.persistedIndex = Math.min(durability.persistedIndex, from - 1);
  state.acknowledgement.verifiedIndex = Math.min(state.acknowledgement.verifiedIndex, from - 1);
  for (const write of durability.writes) write.lastIndex = Math.min(write.lastIndex, from - 1);
}

/** Whether everything of the log that was accepted is durable and no write with entries is open. */
export function isLogDrained(state: RaftState): boolean {
  return state.durability.persistedIndex === lastIndexOf(state.log) && state.durability.writes.length === 0;
}

/** The messages of the next Ready. */
export function takeMessages(state: RaftState): readonly Message[] {
  const { outbox } = state;
  const taken = outbox.messages;
  if (outbox.held.length > 0 && isHardStateDurable(state)) {
    for (const message of outbox.held) taken.push(message);
    outbox.held = [];
  }
  if (taken.length > 0) outbox.messages = [];
  return taken;
}

/**
 * At a new term: what was withheld in the older one is dropped. A withheld answer of term 1 may speak of entries that
 * the leader of term 2 has since replaced, and nobody needs it: its addressee learns the new term anyway, and a lost
 * message is always allowed.
 */
export function dropHeld(state: RaftState): void {
  state.outbox.held = [];
}

/** A candidate that has found its term's leader no longer asks for votes; its other withheld answers remain true. */
export function dropHeldVoteRequests(state: RaftState): void {
  state.outbox.held = state.outbox.held.filter((message) => message.type !== 'voteRequest');
}
