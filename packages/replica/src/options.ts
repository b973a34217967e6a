// The replica's options with their defaults, and its status.
import type { Configuration, ConfigurationStatus, RaftOptions, RaftStatus } from '@raftkv/raft';
import type { Storage, StorageStatistics, StoredState } from '@raftkv/storage';
import type { Transport } from '@raftkv/transport';
import type { RaftkvError } from '@raftkv/wire';
import type { Clock } from './clock.ts';
import type { FlightRecorder } from './flight-recorder.ts';
import type { StateMachine } from './state-machine.ts';

export interface ReplicaOptions {
  readonly raft: RaftOptions;
  /** The founding configuration; used only where the storage does not know better. */
  readonly configuration: Configuration;
  /** For a member that joined: the index as of which that is committed. Default 0: a founder. */
  readonly configurationIndex?: number;
  readonly storage: Storage;
  /** What `storage.load()` answered. */
  readonly stored: StoredState;
  readonly transport: Transport;
  readonly stateMachine: StateMachine;
  readonly clock: Clock;
  /** Length of one tick of the core. Default 30 ms. */
  readonly tickMilliseconds?: number;
  /** How long a proposal or a read may take before it fails with `timeout`. Default 5,000 ms. */
  readonly requestTimeoutMilliseconds?: number;
  /** Entries applied since the last snapshot before another is taken. Default 10,000. */
  readonly snapshotThreshold?: number;
  /** Entries kept behind a snapshot for followers that lag; more if one that answers still needs them. Default: the snapshot threshold. */
  readonly retainedEntries?: number;
  /** Most bytes of log kept in memory for them when a snapshot was taken. Default 100 MB. */
  readonly retainedBytes?: number;
  /** Bytes of snapshots a second that are read and sent to followers, all of them together; chunks wait for their turn. Default 100 MB. */
  readonly snapshotBytesPerSecond?: number;
  /** Most proposals and reads open at once; above it they are refused as `busy`. Default 100,000. */
  readonly maxOpenRequests?: number;
  /** Records what the core was given, to be played again elsewhere. Default: nobody does. */
  readonly recorder?: FlightRecorder;
  /** Told once if the replica had to stop: storage failed, or an invariant broke. The owner must end the process. */
  readonly onHalt: (error: RaftkvError) => void;
  /** Role, leader or term changed. */
  readonly onRoleChange?: (status: RaftStatus) => void;
  /** The active or the committed configuration changed; told first when the replica starts. */
  readonly onConfiguration?: (status: ConfigurationStatus) => void;
  /** For the log: snapshots taken and installed, and the like. */
  readonly onEvent?: (event: ReplicaEvent) => void;
}

/** The limits with every default filled in. */
export type ReplicaLimits = Required<
  Pick<
    ReplicaOptions,
    | 'tickMilliseconds'
    | 'requestTimeoutMilliseconds'
    | 'snapshotThreshold'
    | 'retainedEntries'
    | 'retainedBytes'
    | 'snapshotBytesPerSecond'
    | 'maxOpenRequests'
  >
>;

export function limitsOf(options: ReplicaOptions): ReplicaLimits {
  const snapshotThreshold = options.snapshotThreshold ?? 10_000;
  return {
    tickMilliseconds: options.tickMilliseconds ?? 30,
    requestTimeoutMilliseconds: options.requestTimeoutMilliseconds ?? 5_000,
    snapshotThreshold,
    retainedEntries: options.retainedEntries ?? snapshotThreshold,
    retainedBytes: options.retainedBytes ?? 100_000_000,
    snapshotBytesPerSecond: options.snapshotBytesPerSecond ?? 100_000_000,
    maxOpenRequests: options.maxOpenRequests ?? 100_000,
  };
}

export type ReplicaEvent =
  | { readonly type: 'snapshotTaken'; readonly index: number; readonly bytes: number; readonly milliseconds: number }
  | { readonly type: 'snapshotInstalled'; readonly index: number }
  | { readonly type: 'snapshotFailed'; readonly index: number; readonly reason: string };

export interface ReplicaStatus {
  readonly raft: RaftStatus;
  readonly storage: StorageStatistics;
  readonly appliedIndex: number;
  readonly openProposals: number;
  readonly openReads: number;
  readonly maxStallMilliseconds: number;
  readonly halted: RaftkvError | undefined;
}
