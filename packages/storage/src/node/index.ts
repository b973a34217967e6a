// The front door of storage on Node: what is not named here is private.
export { hasFileStorage, openFileStorage } from './file-storage.ts';
export { NodeDisk } from './disk.ts';
export { zlibCompression } from './compression.ts';

export type { NodeFileStorageOptions } from './file-storage.ts';
