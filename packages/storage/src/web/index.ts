// The front door of storage in a browser: what is not named here is private.
export { openIndexedDbStorage } from './open-storage.ts';
export { deleteIndexedDbStorage } from './delete-storage.ts';

export type { IndexedDbStorageOptions } from './open-storage.ts';
export type { Durability } from './database.ts';
