// The front door of the observer in a browser. It needs a browser's events and locks, and is handed its storage and channels: the door of raftkv does.
export { HolderLock } from './holder-lock.ts';
export { openSharedReplica } from './open-shared-replica.ts';
export { resideFirst } from './reside-first.ts';
export { resideHere } from './reside-here.ts';
export { serveReplica } from './serve-replica.ts';
export { guardUnload, watchPage } from './page.ts';
export { placeOf } from './place-of.ts';
export { WorkerResidence } from './worker-residence.ts';

export type { SharedReplicaOptions } from './open-shared-replica.ts';
export type { Page, PageWatcher } from './page.ts';
export type { AnyAssembly, Residence, ResidenceOptions } from './residence.ts';
export type { ServedReplica } from './serve-replica.ts';
export type { StartedWorker, WorkerResidenceOptions } from './worker-residence.ts';
export type { TravellingOptions, WorkerPort, WorkerScope } from './worker-talk.ts';
