// RaftState: every field of the core with its meaning and invariant. It is one record; the modules beside it
// hold the functions that read and change it, and each part names its only writer. Nothing here acts.
import type { Configuration, PeerId, SnapshotMeta } from './entry.ts';
import type { Message } from './message.ts';
import type { ResolvedOptions } from './options.ts';
import type { Progress } from './progress.ts';
import type {
  ConfigurationStatus,
  ProposalResult,
  ReadState,
  Role,
  SnapshotRead,
  SnapshotWrite,
  SoftState,
  TransferResult,
} from './ready.ts';
import type { RaftLog } from './log.ts';

/** One numbered write that the driver has not reported durable yet. */
export interface PendingWrite {
  readonly readyNumber: number;
  /** Last index that it makes durable, 0 for none. Lowered when a truncation overtakes it. */
  lastIndex: number;
  readonly term: number;
  readonly votedFor: PeerId | undefined;
}

/** What is on disk, what is on its way there. Writer: durability.ts. */
export interface Durability {
  /** Entries up to here were given to storage. Invariant: persistedIndex <= handedIndex <= last index. */
  handedIndex: number;
  /** Entries up to here are durable *as they stand in the log now*. */
  persistedIndex: number;
  handedTerm: number;
  handedVotedFor: PeerId | undefined;
  handedCommitIndex: number;
  durableTerm: number;
  durableVotedFor: PeerId | undefined;
  /** Oldest first. */
  writes: PendingWrite[];
}

/** Messages of the next Ready. Writer: durability.ts. */
export interface Outbox {
  /** Leave with the next Ready. */
  messages: Message[];
  /** Leave once term and vote are durable. Invariant: all of the current term. */
  held: Message[];
}

/** What this follower owes its leader for AppendEntries. Writer: replication.ts; cleared by role.ts at a new term. */
export interface Acknowledgement {
  /** Highest index known to agree with the leader of this term. Invariant: commitIndex <= verifiedIndex <= last index. */
  verifiedIndex: number;
  /** Last index of the newest request that waits for an answer. */
  requestedIndex: number;
  isOwed: boolean;
  /** Highest matchIndex answered in this term. */
  sentIndex: number;
  /** The tick of the last answer: within it, nobody asks because an answer was lost. */
  sentTick: number;
}

/** Committed entries on their way through the state machine. Writer: commit.ts. */
export interface Application {
  /** Last index handed out. Invariant: appliedIndex <= handedOutIndex <= min(commitIndex, persistedIndex). */
  handedOutIndex: number;
  appliedIndex: number;
  /** What was handed out and is not applied yet, oldest first. */
  batches: { readonly lastIndex: number; readonly bytes: number }[];
  outstandingBytes: number;
  /** Leader: bytes of the entries after handedOutIndex that are committed. */
  waitingBytes: number;
}

/** A snapshot that this member is receiving. Writer: snapshot.ts. */
export interface IncomingSnapshot {
  readonly transferId: number;
  readonly from: PeerId;
  readonly term: number;
  readonly meta: SnapshotMeta;
  /** Next byte wanted. */
  offset: number;
  /** A chunk is with the driver. */
  isWriting: boolean;
  /** The last chunk was taken in: from here on the log stands still until the driver says how it went. */
  isFinal: boolean;
  /** The last chunk, while it waits for the log's writes to drain. */
  finalWrite: SnapshotWrite | undefined;
}

export interface SnapshotState {
  /** The latest durable one, own or received. */
  latest: SnapshotMeta | undefined;
  /** Received and durable; to be handed to the state machine by the next Ready. */
  restored: SnapshotMeta | undefined;
  /** Index of the last received one that was installed, 0 for none. */
  installedIndex: number;
  incoming: IncomingSnapshot | undefined;
  nextTransferId: number;
  /** Transfers whose chunks the driver has not answered, in order. */
  answersDue: number[];
  reads: SnapshotRead[];
  writes: SnapshotWrite[];
}

/** A request for reads that another member forwarded. */
export interface RemoteRead {
  readonly from: PeerId;
  readonly requestId: number;
}

/** One round of §6.4: all reads of one turn, confirmed by one exchange of heartbeats. */
export interface ReadRound {
  readonly token: number;
  readonly index: number;
  readonly tick: number;
  readonly contexts: readonly number[];
  readonly remote: readonly RemoteRead[];
}

/** Reads that a follower forwarded as one request. */
export interface ForwardedReads {
  readonly requestId: number;
  readonly tick: number;
  readonly contexts: readonly number[];
}

/** Open reads. Writer: read-index.ts. */
export interface Reads {
  /** The newest token given out. Never reset, so never reused by this process. */
  lastToken: number;
  /** Own reads that no round or request has taken yet, and the tick of the oldest of them. */
  incoming: number[];
  incomingRemote: RemoteRead[];
  incomingTick: number;
  /** Leader: open rounds, oldest first. */
  rounds: ReadRound[];
  /** Follower: open requests, oldest first. */
  forwarded: ForwardedReads[];
  /** Invariant: the number of contexts and remote requests in all of the above. */
  openCount: number;
  states: ReadState[];
}

/** Proposals that a follower forwarded as one request. */
export interface ForwardedProposals {
  readonly requestId: number;
  readonly tick: number;
  readonly contexts: readonly number[];
  readonly bytes: number;
}

/** Proposals on their way. Writer: proposals.ts. */
export interface Proposals {
  results: ProposalResult[];
  /** Follower: what the next Ready forwards; parallel arrays. */
  queuedContexts: number[];
  queuedData: Uint8Array[];
  /** Follower: forwarded and not answered, oldest first. */
  forwarded: ForwardedProposals[];
  /** Bytes queued and forwarded. */
  openBytes: number;
  /** Leader: bytes of the entries after commitIndex. */
  uncommittedBytes: number;
}

/** A hand-over of leadership that is under way (§3.10). Writer: transfer.ts. */
export interface Transfer {
  /** The caller's number for it; undefined: it is the leader's own idea. */
  context: number | undefined;
  readonly target: PeerId;
  /** Of the leadership that is handed over. */
  readonly term: number;
  deadlineTick: number;
  /** The tick at which the target was last told to campaign; -1: not yet. */
  toldTick: number;
}

/** How much this member should lead. Writers: priority.ts, hand-over.ts; topPriority also follow.ts, isNeeded election.ts and role.ts. */
export interface Standing {
  priority: number;
  /** Until then it serves badly, and tells priority 0. */
  unwellUntilTick: number;
  /** The tick of the last complaint. */
  unwellSinceTick: number;
  /** Complaints in a row: each lasts twice as long as the one before. */
  unwellCount: number;
  /** Leader: what it tells its followers. Follower: what it was told, until it has waited for it. */
  topPriority: number;
  /** A candidate had to be refused because this member's log is ahead of its, and no leader was heard since. */
  isNeeded: boolean;
  /** Leader: it does not go by its own idea before that. */
  restUntilTick: number;
  /** Leader: commitIndex as of the last tick. */
  settledIndex: number;
}

/** Leader: how far the own disk is behind what the others commit. Writer: hand-over.ts. */
export interface DiskWatch {
  /** Committed, and not durable here since `markTick`; 0 for none. */
  markIndex: number;
  markTick: number;
  /** Ticks in which it was behind by half an election timeout, less those in which it was not. */
  slowTicks: number;
}

/** Reads under a lease. Writer: lease.ts. */
export interface Lease {
  /** Voter: the tick at which a leader was last heard, or of the own start. */
  promiseTick: number;
  /** Leader: when heartbeats of which token left, oldest first, one a tick. */
  rounds: { readonly token: number; readonly tick: number }[];
  /** Leader: reads are served before this tick. */
  untilTick: number;
  /** Leader: until the end of this leadership there is no lease. */
  isVoid: boolean;
}

export interface HeldConfiguration {
  /** Of its entry; or of the end of the snapshot that speaks of it. */
  readonly index: number;
  readonly configuration: Configuration;
}

/** Which configurations hold and held. Writer: configuration-history.ts. */
export interface Membership {
  /** From the one as of the latest snapshot on, ascending: all configuration entries of the log. Empty for one who has joined and not heard yet. */
  history: HeldConfiguration[];
  /** What a joining member was told: committed as of an index that its log has yet to reach. It holds until the log knows better. */
  told: HeldConfiguration | undefined;
  /** As last handed out. */
  handedOut: ConfigurationStatus | undefined;
  /** Leader: no voter any more, and has begun to hand over. */
  isRetiring: boolean;
}

export interface RaftState {
  readonly id: PeerId;
  readonly options: ResolvedOptions;
  /** The generator's state (random.ts). */
  random: number;
  /** Ticks since construction; the core's only clock. */
  tickCount: number;
  /** Number of the last Ready handed out. */
  readyNumber: number;
  /** Number of the last forwarded request, reads and proposals alike; starts at a random one. */
  lastRequestId: number;

  // Figure 3.1. Writer: role.ts alone (votedFor also by election.ts through it).
  role: Role;
  /** Invariant: never decreases. */
  term: number;
  /** Invariant: within a term it changes at most once, from undefined. */
  votedFor: PeerId | undefined;
  leaderId: PeerId | undefined;

  // Timers. Writers: role.ts (reset), election.ts, replication.ts.
  /** Follower and candidates: since the leader was heard or the role changed. Leader: since the last check-quorum. */
  electionElapsedTicks: number;
  /** Drawn from [electionTimeoutTicks, 2 × electionTimeoutTicks) at each role change. */
  electionDeadlineTicks: number;
  heartbeatElapsedTicks: number;
  /** Leader: for how long others have committed what the own disk has not, without its getting on. Reset by durability.ts too. */
  outpacedTicks: number;

  /** Answers in the present election or pre-election, by voter. */
  votes: Map<PeerId, boolean>;
  /** The active one. Writer: configuration-history.ts. */
  configuration: Configuration;
  membership: Membership;
  log: RaftLog;
  /** Invariant: never decreases; <= last index. Writer: commit.ts (and snapshot.ts at an install). */
  commitIndex: number;

  durability: Durability;
  outbox: Outbox;
  acknowledgement: Acknowledgement;
  application: Application;
  snapshot: SnapshotState;
  reads: Reads;
  proposals: Proposals;
  standing: Standing;
  disk: DiskWatch;
  lease: Lease;
  transfer: Transfer | undefined;
  /** For the next Ready. */
  transferResults: TransferResult[];

  /** Leader: the other members, and for a while those that were removed. Empty otherwise. */
  followers: Progress[];
  progress: Map<PeerId, Progress>;

  /** As last handed out. */
  softState: SoftState;
}

/** What an empty list is handed out as, so that an idle Ready allocates nothing. */
export const NOTHING: readonly never[] = [];
