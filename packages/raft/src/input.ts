// Everything that can happen to the core, as one union. The driver feeds any number of inputs to
// `step` and then takes one Ready. Logging the inputs is enough to replay a run byte for byte.
import type { Message } from './message.ts';
import type { MemberChange, PeerId } from './entry.ts';

/** One unit of logical time passed. */
export interface Tick {
  readonly type: 'tick';
}
/** A message arrived. Hostile content was refused by `wire`; stale or misaddressed ones are ignored here. */
export interface Receive {
  readonly type: 'receive';
  readonly message: Message;
}
/**
 * Append this to the log, here or (from a follower) at the leader. Answered by exactly one
 * ProposalResult with the same `context`, unless the answer from the leader is lost: then none comes, and the outcome is unknown.
 */
export interface Propose {
  readonly type: 'propose';
  /** The caller's own number for it; unique among its open proposals. */
  readonly context: number;
  readonly data: Uint8Array;
}
/**
 * Change the members; only a leader does. Answered by exactly one ProposalResult with the same `context`. If voters change, its entry is the
 * joint configuration, and the change is done when a later one that is not joint is committed, which the leader sees to (§4.3).
 */
export interface ProposeConfiguration {
  readonly type: 'proposeConfiguration';
  readonly context: number;
  readonly changes: readonly MemberChange[];
}
/** Ask for an index such that a state applied up to it serves a linearizable read (§6.4). Same remark on `context`. */
export interface ReadIndex {
  readonly type: 'readIndex';
  readonly context: number;
}
/** Start an election now (tests, operators); ignored by a leader and by non-voters. */
export interface Campaign {
  readonly type: 'campaign';
}
/**
 * Leader: hand over to this voter, or to the best one that answers (§3.10). Proposals are refused as `busy` meanwhile; given up after an
 * election timeout. Answered by exactly one TransferResult with the same `context`.
 */
export interface TransferLeadership {
  readonly type: 'transferLeadership';
  readonly context: number;
  readonly to: PeerId | undefined;
}
/** From now on this member's priority is this: 0 to 100. A leader whose priority falls hands over at once to a voter of a higher one, if one is fit. */
export interface SetPriority {
  readonly type: 'setPriority';
  readonly priority: number;
}
/**
 * This member serves badly for a reason that the core cannot see: its event loop stalls. A leader hands over to a voter that does
 * not, if there is one that has not said the same within an election timeout, and for a while this member is nobody's choice.
 */
export interface Unwell {
  readonly type: 'unwell';
}
/** More time has passed than the ticks say, or the clock jumped: leases are void. To be stepped before the reads that come after the gap. */
export interface ClockGap {
  readonly type: 'clockGap';
}
/** Everything that Readys up to and including number `readyNumber` gave to storage is durable. */
export interface Persisted {
  readonly type: 'persisted';
  readonly readyNumber: number;
}
/** The state machine has applied every entry up to and including `index`. */
export interface Applied {
  readonly type: 'applied';
  readonly index: number;
}
/** A chunk that Ready.snapshotReads asked for. `data` undefined: it cannot be read, try again later. */
export interface SnapshotChunk {
  readonly type: 'snapshotChunk';
  readonly to: PeerId;
  readonly lastIncludedIndex: number;
  readonly offset: number;
  readonly data: Uint8Array | undefined;
  readonly done: boolean;
}
/** The chunk of Ready.snapshotWrites was written (and, when it was the last, the snapshot is verified, durable and the log before it released). */
export interface SnapshotPersisted {
  readonly type: 'snapshotPersisted';
  readonly lastIncludedIndex: number;
  /** Offset of the next byte wanted. */
  readonly offset: number;
  readonly done: boolean;
  /** False: it could not be used; the transfer starts over. */
  readonly ok: boolean;
}
/** This member took a snapshot of its own state at `index` and it is durable: entries up to `compactTo` may go. */
export interface Compact {
  readonly type: 'compact';
  readonly snapshotIndex: number;
  readonly compactTo: number;
}
/** The transport lost messages to this peer or its channel closed: stop streaming, probe (§10.2). */
export interface Unreachable {
  readonly type: 'unreachable';
  readonly peer: PeerId;
}

export type Input =
  | Tick
  | Receive
  | Propose
  | ProposeConfiguration
  | ReadIndex
  | Campaign
  | TransferLeadership
  | SetPriority
  | Unwell
  | ClockGap
  | Persisted
  | Applied
  | SnapshotChunk
  | SnapshotPersisted
  | Compact
  | Unreachable;
