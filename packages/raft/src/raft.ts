// The facade of the core: `step(input)` any number of times, then `takeReady()` once.
import type { Configuration, PeerId } from './entry.ts';
import type { Input } from './input.ts';
import type { RaftInitialState, RaftOptions } from './options.ts';
import type { Ready, Role } from './ready.ts';

/** How far a follower is, as its leader sees it. */
export interface ProgressStatus {
  readonly matchIndex: number;
  readonly nextIndex: number;
  readonly state: 'probe' | 'replicate' | 'snapshot';
  readonly isLearner: boolean;
  /** Answered since the last check-quorum round. */
  readonly isRecentlyActive: boolean;
}

/** A copy of what is worth showing. */
export interface RaftStatus {
  readonly id: PeerId;
  readonly role: Role;
  readonly term: number;
  readonly votedFor: PeerId | undefined;
  readonly leaderId: PeerId | undefined;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly persistedIndex: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
  readonly snapshotIndex: number;
  readonly configuration: Configuration;
  /** Leader only: the others. */
  readonly progress: ReadonlyMap<PeerId, ProgressStatus>;
  readonly uncommittedBytes: number;
  readonly logBytes: number;
  readonly pendingReads: number;
}

export class Raft {
  constructor(options: RaftOptions, initial: RaftInitialState) {
    void options;
    void initial;
  }

  step(input: Input): void {
    void input;
    throw new Error('being built');
  }

  /** Whether takeReady would hand out anything. */
  hasReady(): boolean {
    return false;
  }

  takeReady(): Ready {
    throw new Error('being built');
  }

  /** The term of the entry at `index`, if it is still known here (the compaction point included). */
  termAt(index: number): number | undefined {
    void index;
    return undefined;
  }

  status(): RaftStatus {
    throw new Error('being built');
  }
}
