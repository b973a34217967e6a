// The front door of the observer in a browser. It needs a browser's events and locks, and is handed its storage and channels: the door of raftkv does.
export { openSharedReplica } from './open-shared-replica.ts';
export { placeOf } from './tab-talk.ts';

export type { SharedReplicaOptions } from './open-shared-replica.ts';
export type { Page } from './page.ts';
