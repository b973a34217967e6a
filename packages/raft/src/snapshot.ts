// InstallSnapshot both ways (§5.2) and the compaction of the own log (§5.1). The core moves no bytes itself: a chunk is
// asked of the driver (Ready.snapshotReads), sent, written by the other driver (Ready.snapshotWrites), and confirmed. One
// chunk is under way per follower. Called by step.ts, replication.ts and take-ready.ts.
import type { Compact, SnapshotChunk, SnapshotPersisted } from './input.ts';
import type { IncomingSnapshot, RaftState } from './state.ts';
import type { InstallSnapshotRequest, InstallSnapshotResponse } from './message.ts';
import type { Progress, SnapshotTransfer, TransferPhase } from './progress.ts';
import type { PeerId, SnapshotMeta } from './entry.ts';
import { advanceMatch, becomeReplicate, becomeSnapshot } from './progress.ts';
import { assert } from './assert.ts';
import { commitTo } from './commit.ts';
import { compactLog, lastIndexOf, resetLog, termAt } from './log.ts';
import { hold, isLogDrained, send } from './durability.ts';
import { configurationAt, forgetConfigurations, resetConfigurations } from './configuration-history.ts';
import { isWellFormed } from './configuration.ts';

// The leader's side.

/** The log no longer has what this follower needs next: send it the latest snapshot. */
export function startTransfer(state: RaftState, progress: Progress): void {
  const { latest } = state.snapshot;
  assert(latest !== undefined, () => `log compacted to ${state.log.compactedIndex} without a snapshot`);
  askForChunk(state, progress, becomeSnapshot(progress, latest, state.tickCount), 0);
}

/** The driver has read a chunk, or could not. */
export function handleSnapshotChunk(state: RaftState, chunk: SnapshotChunk): void {
  const transfer = state.progress.get(chunk.to)?.transfer;
  if (transfer === undefined || transfer.phase !== 'reading') return;
  if (transfer.meta.lastIncludedIndex !== chunk.lastIncludedIndex || transfer.offset !== chunk.offset) return;
  if (chunk.data === undefined) return enterPhase(state, transfer, 'waiting');
  enterPhase(state, transfer, 'sent');
  const { meta, offset } = transfer;
  const { data, done } = chunk;
  send(state, {
    type: 'installSnapshotRequest',
    from: state.id,
    to: chunk.to,
    term: state.term,
    meta,
    offset,
    data,
    done,
  });
}

export function handleInstallSnapshotResponse(state: RaftState, message: InstallSnapshotResponse): void {
  const progress = state.progress.get(message.from);
  if (progress === undefined) return;
  progress.isRecentlyActive = true;
  const { transfer } = progress;
  if (transfer === undefined || transfer.meta.lastIncludedIndex !== message.lastIncludedIndex) return;
  if (message.done) {
    advanceMatch(progress, message.lastIncludedIndex);
    return becomeReplicate(progress, state.log.compactedIndex);
  }
  transfer.wantedOffset = message.failed ? 0 : message.offset;
  if (message.failed) return enterPhase(state, transfer, 'waiting');
  // Only an answer to the chunk that is out moves on. One that wants something earlier may be a late copy; it is
  // believed when the chunk stays unanswered. (Answering each at once would double all chunks after one duplicate.)
  if (transfer.phase === 'sent' && message.offset > transfer.offset) {
    askForChunk(state, progress, transfer, message.offset);
  }
}

/** On a heartbeat's answer: tries again what was lost or could not be read, from a newer snapshot if there is one. */
export function retryTransfer(state: RaftState, progress: Progress): void {
  const { transfer } = progress;
  assert(transfer !== undefined, () => `${progress.id} in snapshot without a transfer`);
  if (transfer.phase === 'reading') return;
  const { electionTimeoutTicks, heartbeatTicks } = state.options;
  const patienceTicks = transfer.phase === 'sent' ? electionTimeoutTicks : heartbeatTicks;
  if (state.tickCount - transfer.phaseTick < patienceTicks) return;
  // What could not be read was perhaps replaced; what is merely slow is not worth beginning again.
  if (transfer.phase === 'waiting' && state.snapshot.latest !== transfer.meta) return startTransfer(state, progress);
  askForChunk(state, progress, transfer, transfer.wantedOffset);
}

function askForChunk(state: RaftState, progress: Progress, transfer: SnapshotTransfer, offset: number): void {
  transfer.offset = offset;
  transfer.wantedOffset = offset;
  enterPhase(state, transfer, 'reading');
  const { snapshotChunkBytes: maxBytes } = state.options;
  state.snapshot.reads.push({ to: progress.id, meta: transfer.meta, offset, maxBytes });
}

function enterPhase(state: RaftState, transfer: SnapshotTransfer, phase: TransferPhase): void {
  transfer.phase = phase;
  transfer.phaseTick = state.tickCount;
}

// The follower's side.

/** Whether the log stands still because a whole snapshot is about to replace it. */
export function isInstalling(state: RaftState): boolean {
  return state.snapshot.incoming?.isFinal === true;
}

export function handleInstallSnapshotRequest(state: RaftState, message: InstallSnapshotRequest): void {
  const { snapshot } = state;
  const { meta, from } = message;
  if (isInstalling(state) || !isPlausible(message)) return;
  if (isCovered(state, meta)) {
    snapshot.incoming = undefined;
    if (state.durability.persistedIndex < meta.lastIncludedIndex) return oweAcknowledgement(state, meta);
    return respond(state, { to: from, meta, offset: message.offset, done: true, failed: false });
  }
  const current = snapshot.incoming;
  if (current === undefined || current.meta.lastIncludedIndex < meta.lastIncludedIndex) {
    // The middle of something whose beginning a restart or a newer snapshot made us forget.
    if (message.offset !== 0) return respond(state, { to: from, meta, offset: 0, done: false, failed: true });
    snapshot.incoming = begin(state, message);
  } else if (current.meta.lastIncludedIndex > meta.lastIncludedIndex) {
    return;
  }
  takeChunk(state, snapshot.incoming!, message);
}

/** The driver has written a chunk, or failed to. */
export function handleSnapshotPersisted(state: RaftState, answer: SnapshotPersisted): void {
  const { snapshot } = state;
  const transferId = snapshot.answersDue.shift();
  assert(transferId !== undefined, () => `snapshotPersisted ${answer.lastIncludedIndex} without a write`);
  const { incoming } = snapshot;
  // Superseded meanwhile: its answer is of no interest. (One whose last chunk was taken in is never superseded.)
  if (incoming === undefined || incoming.transferId !== transferId) return;
  const { from: to, meta } = incoming;
  const isDone = answer.done && answer.ok && incoming.isFinal;
  incoming.isWriting = false;
  incoming.offset = answer.offset;
  if (!answer.ok || incoming.isFinal) snapshot.incoming = undefined;
  if (isDone) install(state, meta);
  if (incoming.term !== state.term) return;
  const failed = !answer.ok || (incoming.isFinal && !isDone);
  respond(state, { to, meta, offset: answer.offset, done: isDone, failed });
}

/**
 * The last chunk goes to the driver only when no write of the log is open, and none follows until it is answered: so
 * storage never has to order a batch of entries against the reset of the log. Nor while the state machine still takes
 * in the previous snapshot, so that there is one at a time to restore.
 */
export function isFinalWriteDue(state: RaftState): boolean {
  const { incoming, installedIndex } = state.snapshot;
  if (incoming?.finalWrite === undefined) return false;
  return isLogDrained(state) && state.application.appliedIndex >= installedIndex;
}

export function flushFinalWrite(state: RaftState): void {
  if (!isFinalWriteDue(state)) return;
  const incoming = state.snapshot.incoming!;
  state.snapshot.writes.push(incoming.finalWrite!);
  state.snapshot.answersDue.push(incoming.transferId);
  incoming.finalWrite = undefined;
}

/** At a new term: the old leader's chunks will not go on. A transfer whose last chunk was taken in must be seen through. */
export function dropPartialSnapshot(state: RaftState): void {
  if (!isInstalling(state)) state.snapshot.incoming = undefined;
}

/**
 * What the snapshot holds is here already, committed or in the log (same index and term: the logs agree up to there,
 * §3.6.3). A snapshot speaks of committed entries only, so they may be committed, and the log stays with its suffix.
 */
function isCovered(state: RaftState, meta: SnapshotMeta): boolean {
  const { lastIncludedIndex, lastIncludedTerm } = meta;
  if (lastIncludedIndex <= state.commitIndex) return true;
  if (termAt(state.log, lastIncludedIndex) !== lastIncludedTerm) return false;
  const { acknowledgement } = state;
  acknowledgement.verifiedIndex = Math.max(acknowledgement.verifiedIndex, lastIncludedIndex);
  commitTo(state, lastIncludedIndex);
  return true;
}

/**
 * "Done" means durable here. A leader that took us at our word before would, after a crash of ours, wait for ever at
 * an index that we no longer have. So the answer comes as the acknowledgement of an append, when it is true.
 */
function oweAcknowledgement({ acknowledgement }: RaftState, { lastIncludedIndex }: SnapshotMeta): void {
  acknowledgement.requestedIndex = Math.max(acknowledgement.requestedIndex, lastIncludedIndex);
  acknowledgement.isOwed = true;
}

function isPlausible({ meta, term }: InstallSnapshotRequest): boolean {
  return meta.lastIncludedIndex > 0 && meta.lastIncludedTerm <= term && isWellFormed(meta.configuration);
}

function begin(state: RaftState, { from, term, meta }: InstallSnapshotRequest): IncomingSnapshot {
  return {
    transferId: ++state.snapshot.nextTransferId,
    from,
    term,
    meta,
    offset: 0,
    isWriting: false,
    isFinal: false,
    finalWrite: undefined,
  };
}

function takeChunk(state: RaftState, incoming: IncomingSnapshot, message: InstallSnapshotRequest): void {
  if (incoming.isWriting) return;
  const { meta } = incoming;
  const { offset, data, done } = message;
  if (offset !== incoming.offset) {
    return respond(state, { to: message.from, meta, offset: incoming.offset, done: false, failed: false });
  }
  incoming.isWriting = true;
  if (done) {
    incoming.isFinal = true;
    incoming.finalWrite = { meta, offset, data, done, resetLog: true };
    return;
  }
  state.snapshot.writes.push({ meta, offset, data, done, resetLog: false });
  state.snapshot.answersDue.push(incoming.transferId);
}

/** The snapshot is durable and storage's log begins after it: so does ours. */
function install(state: RaftState, meta: SnapshotMeta): void {
  const { snapshot, application, durability } = state;
  const { lastIncludedIndex, lastIncludedTerm, configuration } = meta;
  assert(lastIncludedIndex > state.commitIndex, () => `install ${lastIncludedIndex}, committed ${state.commitIndex}`);
  resetLog(state.log, lastIncludedIndex, lastIncludedTerm);
  durability.handedIndex = lastIncludedIndex;
  durability.persistedIndex = lastIncludedIndex;
  state.commitIndex = lastIncludedIndex;
  state.acknowledgement.verifiedIndex = lastIncludedIndex;
  state.acknowledgement.isOwed = false;
  resetConfigurations(state, lastIncludedIndex, configuration);
  application.handedOutIndex = lastIncludedIndex;
  application.batches = [];
  application.outstandingBytes = 0;
  snapshot.latest = meta;
  snapshot.restored = meta;
  snapshot.installedIndex = lastIncludedIndex;
}

function respond(
  state: RaftState,
  answer: { to: PeerId; meta: SnapshotMeta; offset: number; done: boolean; failed: boolean },
): void {
  hold(state, {
    type: 'installSnapshotResponse',
    from: state.id,
    to: answer.to,
    term: state.term,
    lastIncludedIndex: answer.meta.lastIncludedIndex,
    offset: answer.offset,
    done: answer.done,
    failed: answer.failed,
  });
}

/** §5.1: the own state up to `snapshotIndex` is in a durable snapshot; entries up to `compactTo` may go. */
export function compact(state: RaftState, { snapshotIndex, compactTo }: Compact): void {
  const { log, snapshot, application } = state;
  assert(
    snapshotIndex <= application.appliedIndex,
    () => `snapshot ${snapshotIndex}, applied ${application.appliedIndex}`,
  );
  const term = termAt(log, snapshotIndex);
  // A received snapshot overtook it.
  if (term === undefined) return;
  if (snapshotIndex > (snapshot.latest?.lastIncludedIndex ?? 0)) {
    const configuration = configurationAt(state, snapshotIndex);
    assert(configuration !== undefined, () => `a snapshot of ${snapshotIndex}, before the log told who is a member`);
    snapshot.latest = { lastIncludedIndex: snapshotIndex, lastIncludedTerm: term, configuration };
    forgetConfigurations(state, snapshotIndex);
  }
  // The log stands still; but the snapshot is storage's latest one now, and would be asked of it should the received one fail.
  if (isInstalling(state)) return;
  const to = Math.min(compactTo, snapshot.latest?.lastIncludedIndex ?? 0, lastIndexOf(log));
  if (to > log.compactedIndex) compactLog(log, to);
}
