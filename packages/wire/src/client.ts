// The messages between a client and a server on `/ws`, as values. A frame carries many of them; both directions are
// pipelined: answers come in any order and name their request by `id`, chosen by the client, unique among its open ones.
import type { ChangeEvent, CommandResult, GetResult, Key, KeyRange, ScanOptions, ScanResult } from '@raftkv/kv';
import type { ErrorCode } from './error.ts';
import type { FeedChanges, FeedSnapshot, ObserveRequest } from './feed.ts';
import type { MemberTraits } from './traits.ts';

/** `linearizable`: as of now, confirmed with a quorum. `session`: at least `minRevision`. `local`: whatever the asked node has applied. */
export type ReadLevel = 'linearizable' | 'session' | 'local';

/** First message of a client. The server answers `welcome`, or an `error` with id 0 and closes. */
export interface ClientHello {
  readonly type: 'hello';
  readonly versions: readonly number[];
  /** Refuse to talk to another cluster (16 hexadecimal digits). */
  readonly clusterId?: string;
}
export interface ServerWelcome {
  readonly type: 'welcome';
  readonly version: number;
  readonly clusterId: string;
  readonly memberId: string;
  readonly memberName: string;
  readonly limits: {
    readonly maxFrameBytes: number;
    readonly maxCommandBytes: number;
    readonly maxInflightRequests: number;
  };
  readonly leader: string | undefined;
  readonly members: readonly MemberAddress[];
}
export interface MemberAddress {
  readonly id: string;
  readonly name: string;
  /** "host:port". */
  readonly address: string;
}
/** Who is a member, as this node knows it, changed. Unasked, from version 2 on. */
export interface MembersNotice {
  readonly type: 'members';
  readonly members: readonly MemberAddress[];
}
/** The leader, as this node knows it, changed. Unasked. */
export interface LeaderNotice {
  readonly type: 'leader';
  readonly leader: string | undefined;
}

/** `command` is what encodeCommand made; it goes to the log as it is. */
export interface WriteRequest {
  readonly type: 'write';
  readonly id: number;
  readonly command: Uint8Array;
}
export interface GetRequest {
  readonly type: 'get';
  readonly id: number;
  readonly key: Key;
  readonly level: ReadLevel;
  readonly minRevision: number;
  readonly revision?: number;
}
export interface ScanRequest {
  readonly type: 'scan';
  readonly id: number;
  readonly range: KeyRange;
  readonly level: ReadLevel;
  readonly minRevision: number;
  readonly options: ScanOptions;
}
/** Open a watch: the answer is `watchCreated` with this id, then `watchEvents` with it, until `cancel` or `watchCancelled`. */
export interface WatchRequest {
  readonly type: 'watch';
  readonly id: number;
  readonly range: KeyRange;
  /** First revision wanted; 0 = what comes after now. */
  readonly from: number;
  readonly previous: boolean;
  /** Ask for `watchProgress` while idle. */
  readonly progress: boolean;
}
/** Flow control: the client has consumed events up to `revision`; the server keeps at most a window unconsumed. */
export interface WatchConsumed {
  readonly type: 'watchConsumed';
  readonly id: number;
  readonly bytes: number;
}
export interface CancelRequest {
  readonly type: 'cancel';
  readonly id: number;
}
export interface StatusRequest {
  readonly type: 'status';
  readonly id: number;
}
export interface PingMessage {
  readonly type: 'ping';
  readonly id: number;
}
/** About members and the leader, from version 2 of the protocol on: what encodeAdminRequest made. Answered by `adminResult`, or an `error`. */
export interface AdminMessage {
  readonly type: 'admin';
  readonly id: number;
  readonly request: Uint8Array;
}

export type ClientMessage =
  | ClientHello
  | WriteRequest
  | GetRequest
  | ScanRequest
  | WatchRequest
  | WatchConsumed
  | CancelRequest
  | StatusRequest
  | PingMessage
  | ObserveRequest
  | AdminMessage;

export interface ResultMessage {
  readonly type: 'result';
  readonly id: number;
  readonly result: CommandResult | GetResult | ScanResult;
}
export interface ErrorMessage {
  readonly type: 'error';
  readonly id: number;
  readonly code: ErrorCode;
  readonly message: string;
  readonly definite: boolean;
  readonly compactedRevision?: number;
  readonly leader?: string;
}
export interface WatchCreated {
  readonly type: 'watchCreated';
  readonly id: number;
  /** Events come from this revision on. */
  readonly revision: number;
}
/** Whole revisions only: one revision is never split over two messages. */
export interface WatchEvents {
  readonly type: 'watchEvents';
  readonly id: number;
  readonly changes: readonly { readonly revision: number; readonly events: readonly ChangeEvent[] }[];
}
/** Everything up to and including `revision` was delivered. */
export interface WatchProgress {
  readonly type: 'watchProgress';
  readonly id: number;
  readonly revision: number;
}
export interface WatchCancelled {
  readonly type: 'watchCancelled';
  readonly id: number;
  readonly code: ErrorCode;
  readonly message: string;
  readonly compactedRevision?: number;
}
export interface StatusMessage {
  readonly type: 'statusResult';
  readonly id: number;
  readonly status: NodeStatus;
}
export interface PongMessage {
  readonly type: 'pong';
  readonly id: number;
}

/** What encodeAdminResult made. */
export interface AdminAnswer {
  readonly type: 'adminResult';
  readonly id: number;
  readonly result: Uint8Array;
}

export type ServerMessage =
  | ServerWelcome
  | LeaderNotice
  | ResultMessage
  | ErrorMessage
  | WatchCreated
  | WatchEvents
  | WatchProgress
  | WatchCancelled
  | StatusMessage
  | PongMessage
  | FeedSnapshot
  | FeedChanges
  | MembersNotice
  | AdminAnswer;

/** How one member reaches another. */
export interface MemberLink {
  /** What carries it: "websocket", "webrtc", "broadcast" (between tabs of one origin), or what a later build says. Undefined: not known. */
  readonly kind: string | undefined;
  /** `relayed`: through a relay, for want of a direct way. */
  readonly path: 'direct' | 'relayed';
  /** Smoothed. Undefined: not measured yet. */
  readonly roundTripMilliseconds: number | undefined;
}

/** What one node says of itself and of the cluster as it sees it. */
export interface NodeStatus {
  readonly clusterId: string;
  readonly memberId: string;
  readonly name: string;
  readonly version: string;
  readonly phase: 'founding' | 'running' | 'stopped';
  readonly role: 'follower' | 'preCandidate' | 'candidate' | 'leader';
  readonly term: number;
  readonly leaderId: string | undefined;
  readonly leader: string | undefined;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly lastIndex: number;
  readonly firstIndex: number;
  readonly snapshotIndex: number;
  readonly revision: number;
  readonly compactedRevision: number;
  readonly keys: number;
  readonly dataBytes: number;
  readonly syncWrites: boolean;
  readonly uptimeSeconds: number;
  /** Linearizable reads are served under leases, which count on clocks. Absent: they are not. */
  readonly leaseReads?: boolean;
  readonly members: readonly (MemberAddress & {
    readonly isLearner: boolean;
    readonly isReachable: boolean;
    /** Leader only. */
    readonly matchIndex: number | undefined;
    /** Absent: not connected, the node itself, or, told to others, no link of the node is other than a direct WebSocket. */
    readonly link?: MemberLink | undefined;
  } & MemberTraits)[];
}
