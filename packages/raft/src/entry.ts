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

/** What the others need to know of one member. Words that the core carries, and does not read but for the id. */
export interface Member {
  readonly id: PeerId;
  /** What people call it; no two members have the same. */
  readonly name: string;
  /** Where it is found; no two members have the same. */
  readonly address: string;
  /** The identity of its storage, by which one that came back without it is told; undefined while it is not known. */
  readonly storeId: string | undefined;
  /** What the driver means to do with it (a learner that is to be promoted, or to take another's place), so that the next leader goes on with it. */
  readonly plan?: string | undefined;
  /** What it runs in. Undefined: a process of Node. */
  readonly kind?: 'tab' | undefined;
  /** Members of one failure domain fail together: that of a tab is its browser profile, which has drawn this word. Undefined: a domain of its own. */
  readonly domain?: string | undefined;
}

/**
 * Who counts. Joint (§4.3): while `votersOutgoing` is not empty, decisions need a majority of both sets. Arrays are sorted
 * and hold no id twice; learners are in neither set of voters. At most 64 ids in all.
 */
export interface Configuration {
  readonly voters: readonly PeerId[];
  readonly votersOutgoing: readonly PeerId[];
  readonly learners: readonly PeerId[];
  /** Outgoing voters that become learners when the joint configuration is left. Default none. */
  readonly learnersNext?: readonly PeerId[];
  /** A record for each of the ids above that one is known of, sorted by id. Default none. */
  readonly members?: readonly Member[];
}

/** How a configuration becomes the data of an entry and comes back. Pure; `decode` throws on what is none. `wire` has one. */
export interface ConfigurationCodec {
  encode(configuration: Configuration): Uint8Array;
  decode(data: Uint8Array): Configuration;
}

/** What `add` says of a member; its id is assigned by the log. */
export type NewMember = Omit<Member, 'id'>;

/** One part of a change of members. All parts of one input take effect together. */
export type MemberChange =
  /** Its id is the index of the entry, as 16 hexadecimal digits, the first two of which count the members that one change adds. Never used twice. */
  | { readonly type: 'add'; readonly member: NewMember; readonly as: 'learner' | 'voter' }
  /** A learner becomes a voter. `storeId` completes its record. */
  | { readonly type: 'promote'; readonly id: PeerId; readonly storeId?: string }
  /** A voter becomes a learner. */
  | { readonly type: 'demote'; readonly id: PeerId }
  | { readonly type: 'remove'; readonly id: PeerId }
  /**
   * Corrects or makes its record, which takes a name and an address. What is not given stays, an empty plan takes it away; a `storeId` that is known never
   * changes, nor does what a member is.
   */
  | {
      readonly type: 'update';
      readonly id: PeerId;
      readonly name?: string;
      readonly address?: string;
      readonly storeId?: string;
      readonly plan?: string;
      readonly kind?: 'tab' | undefined;
      readonly domain?: string | undefined;
    };

/** What a snapshot replaces: everything up to and including `lastIncludedIndex` (§5.1). */
export interface SnapshotMeta {
  readonly lastIncludedIndex: number;
  readonly lastIncludedTerm: number;
  /** The configuration as of `lastIncludedIndex`. */
  readonly configuration: Configuration;
}
