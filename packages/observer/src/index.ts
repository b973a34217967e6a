// The front door of the observer: a copy of the store beside an app. The parts below the line are for composition roots that share one copy
// among several tabs.
export { openReplica } from './open-replica.ts';

export type { OpenReplicaOptions } from './open-replica.ts';
export type { CopyLender, LentCopy, ReplicaOptions } from './assembly.ts';
export type { CopyStore } from './journal.ts';
export type { CommandOptions, CommandRequest, KeepWrites, OutboxHost, WriteKeeper } from './keep-writes.ts';
