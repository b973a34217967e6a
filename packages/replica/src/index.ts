// The front door of the replica.
export { FlightRecorder } from './flight-recorder.ts';
export { FlightPlayer } from './flight-player.ts';
export { replayFlight } from './flight-replay.ts';
export { Replica } from './replica.ts';
export { restoreLatest } from './restore-latest.ts';

export type { Clock } from './clock.ts';
export type { FlightStep } from './flight-player.ts';
export type { FlightRecorderOptions, FlightSink } from './flight-recorder.ts';
export type { ReplayOptions, ReplayResult } from './flight-replay.ts';
export type { ReplicaEvent, ReplicaOptions, ReplicaStatus } from './options.ts';
export type { ProposalCallback } from './proposals.ts';
export type { ReadCallback } from './reads.ts';
export type { StateMachine, StateMachineRestore, StateMachineSnapshot } from './state-machine.ts';
