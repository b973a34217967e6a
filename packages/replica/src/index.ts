// The front door of the replica.
export { Replica } from './replica.ts';

export type { Clock } from './clock.ts';
export type { ReplicaEvent, ReplicaOptions, ReplicaStatus } from './options.ts';
export type { ProposalCallback } from './proposals.ts';
export type { ReadCallback } from './reads.ts';
export type { StateMachine, StateMachineRestore, StateMachineSnapshot } from './state-machine.ts';
