// The front door of the core: what is not named here is private.
export { Raft } from './raft.ts';
export { InvariantError, assert, unreachable } from './assert.ts';

export type { ProgressStatus, RaftStatus } from './raft.ts';
export type { RaftInitialState, RaftOptions } from './options.ts';
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
  Compact,
  Input,
  Persisted,
  Propose,
  ReadIndex,
  Receive,
  SnapshotChunk,
  SnapshotPersisted,
  Tick,
  Unreachable,
} from './input.ts';
export type { ProposalResult, ReadState, Ready, Role, SnapshotRead, SnapshotWrite, SoftState } from './ready.ts';
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
  VoteRequest,
  VoteResponse,
} from './message.ts';
