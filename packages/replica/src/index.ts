// The front door of the replica.
export type { Clock } from './clock.ts';
export type { StateMachine, StateMachineRestore, StateMachineSnapshot } from './state-machine.ts';
