// What the core asks of its driver, field by field. The driver takes a Ready and may do all of it side
// by side: whatever must be durable before a message leaves was withheld until `persisted` came back.
//
// The duties:
// 1. Give `entries` and `hardState` to storage as ONE atomic batch, in Ready order, never two batches
//    swapped; when they are durable, step `persisted` with this Ready's number. A Ready without either
//    needs no `persisted`.
// 2. Send `messages` at any time, in any order, or lose them.
// 3. Apply `committedEntries` in order (only after `snapshot`, if there is one, was restored), then step `applied`.
// 4. Answer `snapshotReads` with `snapshotChunk`, `snapshotWrites` with `snapshotPersisted`, in order.
import type { Configuration, Entry, HardState, PeerId, SnapshotMeta } from './entry.ts';
import type { Message, RefusalReason } from './message.ts';

export type Role = 'follower' | 'preCandidate' | 'candidate' | 'leader';

/** What is worth showing but not worth keeping. */
export interface SoftState {
  readonly role: Role;
  readonly leaderId: PeerId | undefined;
  /** Kept in hardState; here since a leader that begins a new term is another leader to those who asked it something. */
  readonly term: number;
}

/** The linearizable read `context` may be served once everything up to `index` is applied; or it was refused. */
export type ReadState =
  | { readonly context: number; readonly index: number; readonly refused?: undefined }
  | { readonly context: number; readonly index?: undefined; readonly refused: RefusalReason };

/**
 * Where the proposal `context` went. It took effect if and only if the entry that is later committed at
 * `index` has `term`; if another term is committed there, it definitely did not happen.
 */
export type ProposalResult =
  | { readonly context: number; readonly index: number; readonly term: number; readonly refused?: undefined }
  | {
      readonly context: number;
      readonly index?: undefined;
      readonly term?: undefined;
      readonly refused: RefusalReason;
      /** Why, in words for people; only for changes of members. */
      readonly detail?: string;
    };

/** How the transfer `context` went: without `refused`, a leader of a newer term is known here. */
export interface TransferResult {
  readonly context: number;
  readonly refused: RefusalReason | undefined;
}

/** The configuration that is in force, and the newest one that is certain. The same, but while a change is under way. */
export interface ConfigurationStatus {
  readonly active: Configuration;
  /** Of its entry; for one that came with a snapshot, the snapshot's last index; 0 for the founders'. */
  readonly activeIndex: number;
  readonly committed: Configuration;
  readonly committedIndex: number;
}

/** Read `maxBytes` of the latest durable snapshot from `offset` for `to` and step `snapshotChunk`. */
export interface SnapshotRead {
  readonly to: PeerId;
  readonly meta: SnapshotMeta;
  readonly offset: number;
  readonly maxBytes: number;
}

/** Write this chunk of a snapshot that is being received; offset 0 begins it anew. */
export interface SnapshotWrite {
  readonly meta: SnapshotMeta;
  readonly offset: number;
  readonly data: Uint8Array;
  readonly done: boolean;
  /**
   * On the last chunk: the log does not hold the snapshot's last entry, so it is replaced by the snapshot in the same
   * durable step. When this is handed out no batch of entries is open, and none follows until the answer; a hardState may.
   */
  readonly resetLog: boolean;
}

export interface Ready {
  /** Counts the Readys from 1. */
  readonly number: number;
  /** Present if it changed and must be made durable together with `entries`. */
  readonly hardState: HardState | undefined;
  /** To be made durable; if the first has an index that storage already holds, that suffix is replaced. */
  readonly entries: readonly Entry[];
  readonly messages: readonly Message[];
  /** Present when a received snapshot, already durable, replaces the state machine's state. */
  readonly snapshot: SnapshotMeta | undefined;
  /** Committed and durable here, in order, without gaps from the last ones handed out. */
  readonly committedEntries: readonly Entry[];
  readonly readStates: readonly ReadState[];
  readonly proposalResults: readonly ProposalResult[];
  readonly transferResults: readonly TransferResult[];
  readonly snapshotReads: readonly SnapshotRead[];
  readonly snapshotWrites: readonly SnapshotWrite[];
  /** Present if it changed. */
  readonly softState: SoftState | undefined;
  /** Present if it changed: who must be reachable now, and who is certainly a member. */
  readonly configuration: ConfigurationStatus | undefined;
}
