// The front door of the state machine: what is not named here is private.
export { InvariantError } from './assert.ts';
export { SnapshotFormatError } from './bytes.ts';
export { ContentHash } from './content-hash.ts';
export { StoreRestore } from './restore.ts';
export { Store } from './store.ts';

export type { StoreSnapshot } from './snapshot.ts';
export type { StoreOptions } from './options.ts';
export type { StoreStatistics } from './store.ts';
export type { Change, ChangeEvent, DeleteEvent, PutEvent } from './change.ts';
export type {
  BatchCommand,
  BatchResult,
  CloseSessionCommand,
  Command,
  CommandEnvelope,
  CommandError,
  CommandErrorCode,
  CommandResult,
  CompactCommand,
  CompactResult,
  Compare,
  CompareOperator,
  DeleteOp,
  DeleteRangeOp,
  DeleteResult,
  GetOp,
  GetResult,
  KeepAliveCommand,
  Key,
  KeyRange,
  KeyValue,
  OpenSessionCommand,
  PutOp,
  PutResult,
  ScanOp,
  ScanOptions,
  ScanResult,
  SessionResult,
  SessionStamp,
  TxnCommand,
  TxnOp,
  TxnOpResult,
  TxnResult,
} from './command.ts';
