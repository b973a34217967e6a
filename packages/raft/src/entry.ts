// The values of the log and of the small durable state, as they stand in memory. How they become
// bytes is the business of `wire` and `storage`; who changes them, of the other files here.

/** A member's identity: an opaque, never reused string (16 hexadecimal digits by convention). */
export type PeerId = string;

/**
 * What an entry carries: `command` is opaque state-machine input, `empty` is the entry that a new
 * leader appends first (§6.4, §3.6.2), `configuration` is a change of members (§4).
 */
export type EntryKind = 'command' | 'empty' | 'configuration';

/** One log entry. `data` is never read by the core, and must not be changed once proposed. */
export interface Entry {
  /** Position in the log, from 1. */
  readonly index: number;
  /** Term of the leader that created it. */
  readonly term: number;
  readonly kind: EntryKind;
  readonly data: Uint8Array;
}

/** What must survive a crash besides the log (Figure 3.1); `commitIndex` rides along as a hint. */
export interface HardState {
  readonly term: number;
  readonly votedFor: PeerId | undefined;
  readonly commitIndex: number;
}

/**
 * Who counts. Joint-ready (§4.3): while `votersOutgoing` is not empty, decisions need a majority of
 * both sets. Arrays are sorted and hold no id twice; learners are in neither set of voters.
 */
export interface Configuration {
  readonly voters: readonly PeerId[];
  readonly votersOutgoing: readonly PeerId[];
  readonly learners: readonly PeerId[];
}

/** What a snapshot replaces: everything up to and including `lastIncludedIndex` (§5.1). */
export interface SnapshotMeta {
  readonly lastIncludedIndex: number;
  readonly lastIncludedTerm: number;
  /** The configuration as of `lastIncludedIndex`. */
  readonly configuration: Configuration;
}
