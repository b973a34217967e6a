// The front door of storage for any runtime: the contract, the memory reference, and file storage over any Disk.
// The file system itself is at `@raftkv/storage/node`, the suite that every adapter passes at `@raftkv/storage/conformance`.
export { createMemoryStore, openMemoryStorage } from './memory.ts';
export { MemoryCopyStore } from './memory-copy.ts';
export { MemoryOutbox } from './memory-outbox.ts';
export { openDiskStorage } from './open-disk-storage.ts';
export { MemoryDisk } from './memory-disk.ts';
export { drawStoreId } from './identity-file.ts';

export type {
  LogBatch,
  SnapshotReader,
  SnapshotWriter,
  Storage,
  StorageIdentity,
  StorageStatistics,
  StoredState,
} from './storage.ts';
export type { CopyOwner, CopyStorage, OpenCopyOptions } from './copy-storage.ts';
export type { OutboxStep } from './memory-outbox.ts';
export type {
  FoundWrite,
  KeptWrite,
  OutboxChange,
  OutboxLane,
  OutboxStorage,
  WriteFailure,
  WriteMark,
} from './outbox-storage.ts';
export type { Disk, DiskFile } from './disk.ts';
export type { FileStorageOptions } from './file-storage.ts';
export type { RequestedIdentity } from './identity-file.ts';
export type { MemoryStorageOptions, MemoryStore } from './memory.ts';
export type { CrashPolicy, DiskOperation } from './memory-disk.ts';
export type { ChunkCompression } from './snapshot-file.ts';
