// The front door of storage in a browser: what is not named here is private.
export { openIndexedDbStorage } from './open-storage.ts';
export { openIndexedDbCopy } from './open-copy.ts';
export { openIndexedDbOutbox } from './indexeddb-outbox.ts';
export { deleteIndexedDbCopy, deleteIndexedDbOutbox, deleteIndexedDbStorage } from './delete-storage.ts';
export { copyPrefix } from './database-name.ts';

export type { IndexedDbCopyOptions } from './open-copy.ts';
export type { IndexedDbOutboxOptions } from './indexeddb-outbox.ts';
export type { IndexedDbStorageOptions } from './open-storage.ts';
export type { Durability } from './database.ts';
