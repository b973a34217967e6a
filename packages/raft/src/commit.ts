// commitIndex, and the way of committed entries to the state machine. The leader's counting rule stands here, once;
// followers are told (replication.ts) and call commitTo.
import type { Entry } from './entry.ts';
import type { RaftState } from './state.ts';
import { assert } from './assert.ts';
import { entryAt, entryBytes, lastIndexOf, sliceLog, termAt } from './log.ts';
import { NOTHING } from './state.ts';
import { quorumReached } from './quorum.ts';

/** Leader: moves commitIndex as far as the followers' answers and the own disk allow. */
export function advanceCommit(state: RaftState): void {
  const reached = quorumReached(state.configuration, (id) => {
    // A leader's own entries count only once they are durable here; until then they may vanish in a crash.
    if (id === state.id) return state.durability.persistedIndex;
    return state.progress.get(id)?.matchIndex ?? 0;
  });
  // §3.6.2: only entries of the current term commit by counting; older ones commit with them (Figure 3.7).
  if (reached > state.commitIndex && termAt(state.log, reached) === state.term) commitTo(state, reached);
}

/** Moves commitIndex forward to `index`, never back. */
export function commitTo(state: RaftState, index: number): void {
  if (index <= state.commitIndex) return;
  assert(index <= lastIndexOf(state.log), () => `commit ${index} of a log that ends at ${lastIndexOf(state.log)}`);
  if (state.role === 'leader') {
    let bytes = 0;
    for (let i = state.commitIndex + 1; i <= index; i++) bytes += entryBytes(entryAt(state.log, i)!);
    state.proposals.uncommittedBytes -= bytes;
    state.application.waitingBytes += bytes;
  }
  state.commitIndex = index;
}

/** §6.4, step 1: a leader knows what is committed only after it has committed an entry of its own term. */
export function hasCommittedInTerm(state: RaftState): boolean {
  return termAt(state.log, state.commitIndex) === state.term;
}

export function hasCommittedEntries(state: RaftState): boolean {
  const { handedOutIndex, outstandingBytes } = state.application;
  return (
    handedOutIndex < Math.min(state.commitIndex, state.durability.persistedIndex) &&
    outstandingBytes < state.options.maxCommittedBytes
  );
}

/**
 * What the state machine may apply next: committed and durable here, so that an applied entry is never missing after
 * a crash. A slow state machine is not run ahead of by more than maxCommittedBytes.
 */
export function takeCommittedEntries(state: RaftState): readonly Entry[] {
  if (!hasCommittedEntries(state)) return NOTHING;
  const { application } = state;
  const entries = sliceLog(
    state.log,
    application.handedOutIndex + 1,
    Math.min(state.commitIndex, state.durability.persistedIndex),
    { maxEntries: Infinity, maxBytes: state.options.maxCommittedBytes - application.outstandingBytes },
  );
  let bytes = 0;
  for (const entry of entries) bytes += entryBytes(entry);
  application.handedOutIndex += entries.length;
  application.batches.push({ lastIndex: application.handedOutIndex, bytes });
  application.outstandingBytes += bytes;
  if (state.role === 'leader') application.waitingBytes -= bytes;
  return entries;
}

/** Leader: bytes of what is committed and not applied yet. */
export function unappliedBytes({ application }: RaftState): number {
  return application.waitingBytes + application.outstandingBytes;
}

/** The driver's word that the state machine has come to `index`. */
export function markApplied(state: RaftState, index: number): void {
  const { application } = state;
  assert(index <= application.handedOutIndex, () => `applied ${index}, handed out ${application.handedOutIndex}`);
  if (index <= application.appliedIndex) return;
  application.appliedIndex = index;
  let done = 0;
  for (const batch of application.batches) {
    if (batch.lastIndex > index) break;
    application.outstandingBytes -= batch.bytes;
    done++;
  }
  application.batches.splice(0, done);
}
