// The contract of a member's storage: its identity, log, hard state and latest snapshot, which live and
// go together. `memory.ts` is the reference; adapters pass the suite in `conformance.ts`. Errors are RaftkvErrors with a
// `storage_*` code. After any rejected write the storage is dead: its owner must stop, never retry (a failed sync may have lost what it held).
import type { Entry, HardState, SnapshotMeta } from '@raftkv/raft';

/** Who this storage belongs to. `storeId` is drawn when it is created: a member that lost its disk comes back with another one and is told apart by it. */
export interface StorageIdentity {
  readonly clusterId: string;
  readonly memberId: string;
  readonly memberName: string;
  readonly storeId: string;
}

/** Everything that a restarted member starts from. */
export interface StoredState {
  readonly identity: StorageIdentity;
  readonly hardState: HardState | undefined;
  readonly snapshot: SnapshotMeta | undefined;
  /** Without gaps; may begin before the snapshot's index. */
  readonly entries: readonly Entry[];
  /** Index and term of the entry before `entries` (0, 0 for a whole log). */
  readonly compactedIndex: number;
  readonly compactedTerm: number;
  /** What was mended on the way in (a torn tail cut, a half-written snapshot removed), for the log. */
  readonly repairs: readonly string[];
}

export interface LogBatch {
  readonly hardState: HardState | undefined;
  /** Consecutive. If the first index is already held, everything from it on is replaced. */
  readonly entries: readonly Entry[];
}

/** Receives one snapshot. Invisible until `commit` resolves; then it is the latest one, whole and verified. */
export interface SnapshotWriter {
  /** Chunks in order; may apply backpressure through the promise. */
  write(chunk: Uint8Array): Promise<void>;
  /**
   * Makes it durable and the latest. `resetLog`: the snapshot came from a leader and the log does not hold its last entry, so
   * the whole log is replaced by it, in the same durable step.
   */
  commit(options?: { readonly resetLog?: boolean }): Promise<void>;
  abort(): Promise<void>;
}

/** Reads the latest snapshot at the moment of opening; later snapshots do not disturb it. */
export interface SnapshotReader {
  readonly meta: SnapshotMeta;
  readonly totalBytes: number;
  /** At most `maxBytes` from `offset`; empty at the end. Verified: a damaged chunk rejects with `storage_corrupt`. */
  read(offset: number, maxBytes: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

export interface StorageStatistics {
  readonly logBytes: number;
  readonly segments: number;
  readonly snapshotBytes: number;
  readonly syncs: number;
  /** Batches and entries made durable; entries ÷ syncs is the effect of group commit. */
  readonly batches: number;
  readonly entries: number;
  /** Total time spent in sync, and the last and longest one, in milliseconds. */
  readonly syncMilliseconds: number;
  readonly lastSyncMilliseconds: number;
  readonly maxSyncMilliseconds: number;
  /** False if appends are acknowledged before they are durable (`syncWrites: false`): a power cut may lose the last ones. */
  readonly isSynced: boolean;
}

export interface Storage {
  /** In a browser's tab, which is suspended and ended without notice: what counts on a clock is refused there. */
  readonly isInTab?: true;
  /** What is kept, once, right after opening. */
  load(): Promise<StoredState>;
  /**
   * Appends one batch; resolves when it is durable. Batches become durable in call order (a later one never without the earlier);
   * many calls may be open at once and share one sync. Each batch is atomic: after a crash all of it is there or none.
   */
  append(batch: LogBatch): Promise<void>;
  createSnapshot(meta: SnapshotMeta): Promise<SnapshotWriter>;
  /** The latest snapshot, or undefined. */
  openSnapshot(): Promise<SnapshotReader | undefined>;
  /** Entries up to and including `index` are covered by the latest snapshot and no longer wanted. May keep more than asked. */
  compact(index: number): Promise<void>;
  /** Small durable notes beside the log (the store ids of peers, for example). Values are at most 64 KiB. */
  getNote(name: string): Promise<Uint8Array | undefined>;
  setNote(name: string, value: Uint8Array): Promise<void>;
  /**
   * Where another process can take the storage over without this one's knowledge, as from a tab that is frozen: resolves if this one still had it at some moment after
   * the call; else rejects with `storage_locked`, and the storage is dead. Missing where that cannot happen. What is promised without a write is promised after it.
   */
  proveOwner?(): Promise<void>;
  statistics(): StorageStatistics;
  /**
   * Flushes what was appended, ends snapshots that are being written (one whose commit was called for is finished), releases the
   * lock; idempotent. Rejects if the disk refused the last steps: with `syncWrites: false` acknowledged batches may then be lost.
   */
  close(): Promise<void>;
}
