// How far one follower is, as its leader sees it, and what is in flight to it. Three states: `probe` (one
// AppendEntries at a time until the logs are known to agree), `replicate` (pipelined), `snapshot` (the log no longer has
// what it needs). Only these functions change a Progress; the leader's modules call them.
import type { PeerId, SnapshotMeta } from './entry.ts';
import { assert } from './assert.ts';

export type ProgressState = 'probe' | 'replicate' | 'snapshot';

/** Where the transfer of a snapshot stands: a chunk was asked of the driver, was sent, or waits for another try. */
export type TransferPhase = 'reading' | 'sent' | 'waiting';

export interface SnapshotTransfer {
  readonly meta: SnapshotMeta;
  /** Offset of the chunk that is being read or was sent. */
  offset: number;
  /** What the follower last said it wants; where a retry begins. */
  wantedOffset: number;
  phase: TransferPhase;
  /** The tick at which `phase` was entered. */
  phaseTick: number;
}

/** The AppendEntries on their way, oldest first, as parallel rings. */
export interface Inflights {
  lastIndexes: number[];
  bytes: number[];
  head: number;
  count: number;
  totalBytes: number;
}

export interface Progress {
  readonly id: PeerId;
  isLearner: boolean;
  state: ProgressState;
  /** Last index that is durable there and agrees with us. Invariant: < nextIndex. */
  matchIndex: number;
  /** First index to send next; in `replicate` it runs ahead of the answers. */
  nextIndex: number;
  /** In `probe`: one message is out; the next waits for an answer or a heartbeat's. */
  isPaused: boolean;
  /** Send an append even if it is empty: a heartbeat was answered while entries were unconfirmed. */
  isPokeDue: boolean;
  /** The tick of the last such append: at most one per tick. */
  pokeTick: number;
  /** Answered since the last check-quorum round. */
  isRecentlyActive: boolean;
  /** Answered in the round before that one. */
  wasActive: boolean;
  /** For how many ticks it has certainly been no member any more. */
  goneTicks: number;
  /** The commitIndex last sent. */
  toldCommitIndex: number;
  /** The newest ReadIndex token that it has confirmed in this leadership. */
  ackedToken: number;
  /** As it last told; 0 until then, which makes it nobody's choice but a caller's. */
  priority: number;
  /** For how long it gives no vote after it heard us. */
  promisedTicks: number;
  /** Ticks in which its disk was ahead of ours while ours was slow. Writer: hand-over.ts. */
  aheadTicks: number;
  inflights: Inflights;
  /** Present exactly in `snapshot`. */
  transfer: SnapshotTransfer | undefined;
}

export function createProgress(id: PeerId, isLearner: boolean, nextIndex: number): Progress {
  return {
    id,
    isLearner,
    state: 'probe',
    matchIndex: 0,
    nextIndex,
    isPaused: false,
    isPokeDue: false,
    pokeTick: -1,
    isRecentlyActive: false,
    wasActive: false,
    goneTicks: 0,
    toldCommitIndex: 0,
    ackedToken: 0,
    priority: 0,
    promisedTicks: 0,
    aheadTicks: 0,
    inflights: { lastIndexes: [], bytes: [], head: 0, count: 0, totalBytes: 0 },
    transfer: undefined,
  };
}

export function becomeProbe(progress: Progress): void {
  progress.state = 'probe';
  progress.nextIndex = progress.matchIndex + 1;
  progress.isPaused = false;
  progress.transfer = undefined;
  clearInflights(progress.inflights);
}

/** Pipelined from what is confirmed on; unless the log (compacted to `compactedIndex`) no longer has that: then a probe finds out. */
export function becomeReplicate(progress: Progress, compactedIndex: number): void {
  if (progress.matchIndex < compactedIndex) return becomeProbe(progress);
  progress.state = 'replicate';
  progress.nextIndex = progress.matchIndex + 1;
  progress.isPaused = false;
  progress.transfer = undefined;
  clearInflights(progress.inflights);
}

export function becomeSnapshot(progress: Progress, meta: SnapshotMeta, tick: number): SnapshotTransfer {
  progress.state = 'snapshot';
  progress.isPaused = false;
  clearInflights(progress.inflights);
  progress.transfer = { meta, offset: 0, wantedOffset: 0, phase: 'reading', phaseTick: tick };
  return progress.transfer;
}

/** The follower confirmed everything up to `index`. Answers whether that was news. */
export function advanceMatch(progress: Progress, index: number): boolean {
  freeInflights(progress.inflights, index);
  if (index <= progress.matchIndex) return false;
  progress.matchIndex = index;
  if (progress.nextIndex <= index) progress.nextIndex = index + 1;
  return true;
}

export function addInflight(inflights: Inflights, lastIndex: number, bytes: number, capacity: number): void {
  assert(inflights.count < capacity, () => `inflights: ${inflights.count} of ${capacity} taken`);
  const at = (inflights.head + inflights.count) % capacity;
  inflights.lastIndexes[at] = lastIndex;
  inflights.bytes[at] = bytes;
  inflights.count++;
  inflights.totalBytes += bytes;
}

export function isWindowFull(inflights: Inflights, maxMessages: number, maxBytes: number): boolean {
  return inflights.count >= maxMessages || inflights.totalBytes >= maxBytes;
}

function freeInflights(inflights: Inflights, index: number): void {
  while (inflights.count > 0 && inflights.lastIndexes[inflights.head]! <= index) {
    inflights.totalBytes -= inflights.bytes[inflights.head]!;
    inflights.count--;
    // The ring's capacity is what addInflight is given; below it the arrays have no holes yet and do not wrap.
    inflights.head++;
    if (inflights.head >= inflights.lastIndexes.length) inflights.head = 0;
  }
  if (inflights.count === 0) clearInflights(inflights);
}

function clearInflights(inflights: Inflights): void {
  inflights.head = 0;
  inflights.count = 0;
  inflights.totalBytes = 0;
}
