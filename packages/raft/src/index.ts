// The front door of the core: what is not named here is private.
export { Raft } from './raft.ts';
export { InvariantError, assert, unreachable } from './assert.ts';

export type { ProgressStatus, RaftStatus } from './raft.ts';
export type { LeaseOptions, RaftInitialState, RaftOptions } from './options.ts';
export type { RaftCheckpoint } from './checkpoint.ts';
export type {
  Configuration,
  ConfigurationCodec,
  Entry,
  EntryKind,
  HardState,
  Member,
  MemberChange,
  NewMember,
  PeerId,
  SnapshotMeta,
} from './entry.ts';
export type {
  Applied,
  Campaign,
  ClockGap,
  Compact,
  Input,
  Persisted,
  Propose,
  ProposeConfiguration,
  ReadIndex,
  Receive,
  SnapshotChunk,
  SetPriority,
  SnapshotPersisted,
  Tick,
  TransferLeadership,
  Unreachable,
  Unwell,
} from './input.ts';
export type {
  ConfigurationStatus,
  ProposalResult,
  ReadState,
  Ready,
  Role,
  SnapshotRead,
  SnapshotWrite,
  SoftState,
  TransferResult,
} from './ready.ts';
export type {
  AppendRequest,
  AppendResponse,
  HeartbeatRequest,
  HeartbeatResponse,
  InstallSnapshotRequest,
  InstallSnapshotResponse,
  Message,
  PreVoteRequest,
  PreVoteResponse,
  ProposeRequest,
  ProposeResponse,
  ReadIndexRequest,
  ReadIndexResponse,
  RefusalReason,
  TimeoutNowRequest,
  VoteRequest,
  VoteResponse,
} from './message.ts';
