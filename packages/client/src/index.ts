// The front door of the client.
export { bytes, json, text } from './codec.ts';
export { connect } from './connect.ts';
export { dialEndpoint, webSocketDial } from './dial.ts';
export { schemaCodec, validated } from './schema.ts';
export { RaftkvError } from '@raftkv/wire';

export type { ClusterKv, Members, NewMember } from './admin.ts';
export type { Clock } from './clock.ts';
export type { Codec } from './codec.ts';
export type { DeleteEvent, Entry, PutEvent, UserKey, WatchEvent } from './entry.ts';
export type {
  BatchOp,
  BatchOpResult,
  BatchResult,
  Condition,
  DeleteOptions,
  DeleteRangeResult,
  DeleteResult,
  EndpointStatus,
  PutOptions,
  PutResult,
  ReadOptions,
  RequestOptions,
  ScanOptions,
  TxnOp,
  TxnOpResult,
  TxnResult,
  WatchOptions,
} from './requests.ts';
export type { Kv } from './kv.ts';
export type {
  Live,
  LiveEntry,
  LiveKv,
  LiveScanOptions,
  LiveSource,
  MutateOptions,
  OutboxStatus,
  ReadState,
  ReplicaStatus,
  Write,
  WriteOutbox,
  WriteState,
  WriteStatus,
} from './live.ts';
export type { ConnectOptions, Dial } from './options.ts';
export type { StandardSchema } from './schema.ts';
export type { Page, Scan } from './scan.ts';
export type { Txn } from './txn.ts';
export type { Watch, WatchChange } from './watch.ts';
export type { ClusterMember, ClusterMembers, MemberPlan } from '@raftkv/wire';
export type { FoundEntry, KeyInput, MemberLink, NodeStatus, RangeInput, ReadLevel } from '@raftkv/wire';
