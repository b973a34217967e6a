// The messages that members exchange, one interface each, requests beside their responses. A message
// is a plain value; `wire` gives it bytes and validates what comes in. Terms, indexes, offsets and
// tokens are non-negative safe integers.
import type { Entry, PeerId, SnapshotMeta } from './entry.ts';

interface Envelope {
  readonly from: PeerId;
  readonly to: PeerId;
  /** The sender's term; for the pre-vote pair see there. */
  readonly term: number;
}

/** §9.6: "would you vote for me in `term`?" — `term` is the sender's current term plus one. */
export interface PreVoteRequest extends Envelope {
  readonly type: 'preVoteRequest';
  readonly lastIndex: number;
  readonly lastTerm: number;
}
/** A grant echoes the term that was asked about; a refusal carries the responder's own term. */
export interface PreVoteResponse extends Envelope {
  readonly type: 'preVoteResponse';
  readonly granted: boolean;
}

/** §3.4 RequestVote. */
export interface VoteRequest extends Envelope {
  readonly type: 'voteRequest';
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** The leader asked for this election (§3.10), so that it is heard is no reason to ignore it. Absent: no. */
  readonly isTransfer?: boolean;
}
export interface VoteResponse extends Envelope {
  readonly type: 'voteResponse';
  readonly granted: boolean;
}

/** §3.5 AppendEntries that carries entries, probes a follower, or brings it a newer commit index. */
export interface AppendRequest extends Envelope {
  readonly type: 'appendRequest';
  readonly prevLogIndex: number;
  readonly prevLogTerm: number;
  readonly leaderCommit: number;
  readonly entries: readonly Entry[];
}
/**
 * Accepted: `matchIndex` is the last index that is durable here and known to agree with the leader.
 * Rejected: `conflictIndex`/`conflictTerm` tell where to look next, one term at a time (§3.5, the
 * paragraph on fast backtracking), and `rejectedIndex` is the `prevLogIndex` that did not match.
 */
export interface AppendResponse extends Envelope {
  readonly type: 'appendResponse';
  readonly success: boolean;
  readonly matchIndex: number;
  readonly rejectedIndex: number;
  readonly conflictIndex: number;
  readonly conflictTerm: number;
}

/**
 * A heartbeat apart from AppendEntries, so that it never carries a log position: `commitIndex` is
 * capped by what the receiver is known to match, and `readToken` numbers the ReadIndex round (§6.4)
 * that an answer confirms (0 = none).
 */
export interface HeartbeatRequest extends Envelope {
  readonly type: 'heartbeatRequest';
  readonly commitIndex: number;
  readonly readToken: number;
  /** The highest priority among the followers that answer; who has less waits longer. Absent: 1, everybody's default. */
  readonly topPriority?: number;
}
export interface HeartbeatResponse extends Envelope {
  readonly type: 'heartbeatResponse';
  readonly readToken: number;
  /** The responder's own. Absent: 1. */
  readonly priority?: number;
  /** It gives no vote for so many ticks from the request on, which is what leases are counted on. Absent: it promises nothing. */
  readonly promisedTicks?: number;
}

/** §3.10: the leader wants the receiver to campaign at once, without a pre-vote. */
export interface TimeoutNowRequest extends Envelope {
  readonly type: 'timeoutNowRequest';
}

/** §5.2 InstallSnapshot, one chunk. `offset` counts bytes from the start of the snapshot. */
export interface InstallSnapshotRequest extends Envelope {
  readonly type: 'installSnapshotRequest';
  readonly meta: SnapshotMeta;
  readonly offset: number;
  readonly data: Uint8Array;
  readonly done: boolean;
}
/** `offset` is the next byte the follower wants; `done` once the whole snapshot is durable there. */
export interface InstallSnapshotResponse extends Envelope {
  readonly type: 'installSnapshotResponse';
  readonly lastIncludedIndex: number;
  readonly offset: number;
  readonly done: boolean;
  /** The follower could not use the snapshot (checksum, disk): start over later. */
  readonly failed: boolean;
}

/** A follower forwards its readers' request to the leader; `requestId` is the follower's own. */
export interface ReadIndexRequest extends Envelope {
  readonly type: 'readIndexRequest';
  readonly requestId: number;
}
/** `index` is undefined when the receiver is no leader or lost its leadership meanwhile. */
export interface ReadIndexResponse extends Envelope {
  readonly type: 'readIndexResponse';
  readonly requestId: number;
  readonly index: number | undefined;
}

/** A follower forwards proposals to the leader as one batch. */
export interface ProposeRequest extends Envelope {
  readonly type: 'proposeRequest';
  readonly requestId: number;
  readonly proposals: readonly Uint8Array[];
}
/**
 * `accepted` proposals, in order, became the entries from `firstIndex` on in `entryTerm`; the others were
 * refused with `reason` and are in nobody's log.
 */
export interface ProposeResponse extends Envelope {
  readonly type: 'proposeResponse';
  readonly requestId: number;
  readonly accepted: number;
  readonly firstIndex: number;
  readonly entryTerm: number;
  readonly reason: RefusalReason | undefined;
}

/**
 * Why a proposal, a read or a transfer was refused; each means "definitely not done" (a transfer may still come about). The last three are about
 * members: `unsafe` = the voters that answer now would be no quorum of the new configuration; `not-ready` = the learner to promote lags, or the
 * target of a transfer does not answer or has not taken over in time; `invalid` = it makes no sense.
 */
export type RefusalReason = 'no-leader' | 'busy' | 'stopped' | 'unsafe' | 'not-ready' | 'invalid';

export type Message =
  | PreVoteRequest
  | PreVoteResponse
  | VoteRequest
  | VoteResponse
  | AppendRequest
  | AppendResponse
  | HeartbeatRequest
  | HeartbeatResponse
  | TimeoutNowRequest
  | InstallSnapshotRequest
  | InstallSnapshotResponse
  | ReadIndexRequest
  | ReadIndexResponse
  | ProposeRequest
  | ProposeResponse;
