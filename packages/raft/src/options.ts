// The core's options with their defaults and limits, validated once at construction.
import type { Configuration, Entry, HardState, PeerId, SnapshotMeta } from './entry.ts';

export interface RaftOptions {
  /** This member. */
  readonly id: PeerId;
  /** Seed for election timeouts; the same seed and inputs give the same outputs. An unsigned 32-bit number. */
  readonly seed: number;
  /** Ticks without a leader before a pre-vote; drawn anew from [n, 2n) at each role change (§3.4). Default 10. */
  readonly electionTimeoutTicks?: number;
  /** Ticks between heartbeats. Default 1; must be less than the election timeout. */
  readonly heartbeatTicks?: number;
  /** Most entries in one AppendEntries. Default 1,000. */
  readonly maxAppendEntries?: number;
  /** Most bytes of entry data in one AppendEntries; one larger entry still travels alone. Default 1 MiB. */
  readonly maxAppendBytes?: number;
  /** Most AppendEntries in flight to one follower; at the limit the leader waits for answers. Default 256. */
  readonly maxInflightMessages?: number;
  /** Most bytes in flight to one follower; same. Default 8 MiB. */
  readonly maxInflightBytes?: number;
  /** Bytes of proposed but uncommitted entries above which proposals are refused as `busy`. Default 64 MiB. */
  readonly maxUncommittedBytes?: number;
  /** Most bytes of committed entries in one Ready. Default 8 MiB. */
  readonly maxCommittedBytes?: number;
  /** Most open reads, here and forwarded; above it reads are refused as `busy`. Default 65,536. */
  readonly maxPendingReads?: number;
  /** Bytes in one chunk of a snapshot. Default 256 KiB. */
  readonly snapshotChunkBytes?: number;
}

/** What a member starts from: its storage's content, or the founding configuration of a new cluster. */
export interface RaftInitialState {
  readonly hardState: HardState | undefined;
  /** The latest durable snapshot, if any. */
  readonly snapshot: SnapshotMeta | undefined;
  /** The log after the compaction point, without gaps. May begin before `snapshot.lastIncludedIndex` (kept for laggards). */
  readonly entries: readonly Entry[];
  /** Index and term of the entry just before `entries` (0, 0 for a whole log). */
  readonly compactedIndex: number;
  readonly compactedTerm: number;
  /** The founding configuration: used only where neither snapshot nor log says otherwise. */
  readonly configuration: Configuration;
}
