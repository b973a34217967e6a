// The front door of storage for any runtime: the contract. File storage is at `@raftkv/storage/node`.
export type {
  LogBatch,
  SnapshotReader,
  SnapshotWriter,
  Storage,
  StorageIdentity,
  StorageStatistics,
  StoredState,
} from './storage.ts';
