// What a run tells about its members while it happens, for the incremental checkers of cluster-checker.ts, and what it can show of
// all of them at one moment, for the invariants of the specification (spec-invariants.ts). Types only.
import type { Configuration, PeerId } from '@raftkv/raft';

/** An entry, without its bytes: `digest` is equal for equal kind and data (the text itself, a hash; any string). */
export interface LogEntry {
  readonly index: number;
  readonly term: number;
  readonly digest: string;
}

/** A log with its beginning cut off. */
export interface LogView {
  readonly compactedIndex: number;
  readonly compactedTerm: number;
  /** From compactedIndex + 1 on, without gaps. */
  readonly entries: readonly LogEntry[];
}

/**
 * One thing that happened at one member, in the order in which it happened. A member is named by its id; a disk that was lost
 * makes a new id.
 */
export type ClusterEvent =
  /** It began, or began again, with what its disk held. */
  | {
      readonly type: 'started';
      readonly member: PeerId;
      readonly term: number;
      readonly commitIndex: number;
      readonly log: LogView;
    }
  | { readonly type: 'stopped'; readonly member: PeerId }
  /** Its term changed (in memory). */
  | { readonly type: 'term'; readonly member: PeerId; readonly term: number }
  /** A granted vote left it, or it counted its own: the word that it may not take back. */
  | { readonly type: 'voted'; readonly member: PeerId; readonly term: number; readonly candidate: PeerId }
  | { readonly type: 'leader'; readonly member: PeerId; readonly term: number }
  /** From the first of these on its log is these entries; what stood there is cut off. Not empty. */
  | { readonly type: 'appended'; readonly member: PeerId; readonly entries: readonly LogEntry[] }
  /** Its log ends at this index now, and nothing came instead. */
  | { readonly type: 'truncated'; readonly member: PeerId; readonly lastIndex: number }
  /** It took a leader's snapshot. `keepsLog`: its log held the last included entry, so it stays as it is; else it is empty now. */
  | {
      readonly type: 'snapshot';
      readonly member: PeerId;
      readonly lastIncludedIndex: number;
      readonly lastIncludedTerm: number;
      readonly keepsLog: boolean;
    }
  /** The beginning of its log is gone, up to and including this index. */
  | { readonly type: 'compacted'; readonly member: PeerId; readonly index: number }
  | { readonly type: 'committed'; readonly member: PeerId; readonly commitIndex: number }
  /** Its state machine took the entry in. What it may pass over: entries that are no commands, on every member alike. */
  | { readonly type: 'applied'; readonly member: PeerId; readonly entry: LogEntry }
  /** Its state machine is what a snapshot held, of this index. */
  | { readonly type: 'restored'; readonly member: PeerId; readonly appliedIndex: number }
  /** A hash over its whole state, taken just when `appliedIndex` was applied. */
  | { readonly type: 'stateHash'; readonly member: PeerId; readonly appliedIndex: number; readonly hash: string };

/** What a member remembers if it crashes now. */
export interface DurableState {
  readonly term: number;
  readonly votedFor: PeerId | undefined;
  readonly log: LogView;
}

/** One member at one moment. */
export interface MemberState extends DurableState {
  readonly id: PeerId;
  /** Of one that is down: `follower`, and what is durable everywhere else here. */
  readonly role: 'follower' | 'preCandidate' | 'candidate' | 'leader';
  readonly commitIndex: number;
  /** The active one: the newest in its log or snapshot, committed or not. */
  readonly configuration: Configuration;
  /** That as of commitIndex. */
  readonly committedConfiguration: Configuration;
  readonly durable: DurableState;
}

/**
 * All members that there are at one moment, those that are down included. One whose disk is lost for ever is left out: it cannot
 * vote again, so no quorum may count on it.
 */
export interface GlobalState {
  readonly members: readonly MemberState[];
}
