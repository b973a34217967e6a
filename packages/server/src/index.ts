// The front door of the server for any runtime.
export type { KvNode, ReadOptions, Watcher } from './node-api.ts';
