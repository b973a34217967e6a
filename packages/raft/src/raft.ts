// The facade of the core: `step(input)` any number of times, then `takeReady()` once. The state is one record
// (state.ts), the rules are functions in the modules beside it.
import type { RaftCheckpoint } from './checkpoint.ts';
import type { Configuration, PeerId } from './entry.ts';
import type { Input } from './input.ts';
import type { RaftInitialState, RaftOptions } from './options.ts';
import type { RaftState } from './state.ts';
import type { ConfigurationStatus, Ready, Role } from './ready.ts';
import { configurationAt, configurationStatus } from './configuration-history.ts';
import { createState } from './initial-state.ts';
import { hasLease } from './lease.ts';
import { stateFrom, takeCheckpoint } from './checkpoint.ts';
import { hasReady, takeReady } from './take-ready.ts';
import { isUnwell } from './priority.ts';
import { lastIndexOf, lastTermOf, termAt } from './log.ts';
import { resolveOptions } from './options.ts';
import { step } from './step.ts';

/** How far a follower is, as its leader sees it. */
export interface ProgressStatus {
  readonly matchIndex: number;
  readonly nextIndex: number;
  readonly state: 'probe' | 'replicate' | 'snapshot';
  /** The lastIncludedIndex of the snapshot that is on its way to it. */
  readonly transferIndex: number | undefined;
  readonly isLearner: boolean;
  /** As it told last; 0 also while it serves badly, and before it has told. */
  readonly priority: number;
  /** Answered in the present or the last check-quorum round: within one or two election timeouts. */
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
  /** The active one, and the index of its entry (or of the snapshot that it came with). */
  readonly configuration: Configuration;
  readonly configurationIndex: number;
  /** The newest one that is known to be committed. The same as the active one, but while a change is under way. */
  readonly committedConfiguration: Configuration;
  readonly committedConfigurationIndex: number;
  /** Leader only: the others. */
  readonly progress: ReadonlyMap<PeerId, ProgressStatus>;
  readonly uncommittedBytes: number;
  readonly logBytes: number;
  readonly pendingReads: number;
  readonly priority: number;
  /** Serves badly for now, and would rather not lead. */
  readonly isUnwell: boolean;
  /** Leader: to whom it is handing over. */
  readonly transferTo: PeerId | undefined;
  /** Leader: reads are served under a lease at this moment. */
  readonly hasLease: boolean;
}

/** The record behind a Raft: for invariants.ts alone. The front door does not name it. */
export let stateOf: (raft: Raft) => RaftState;

/**
 * One member's consensus, without I/O. Deterministic: the same options, initial state, inputs and takeReady calls give
 * the same Readys. After any method has thrown (InvariantError) the instance must not be used again.
 *
 * @example
 * ```ts
 * const raft = new Raft({ id: 'a', seed: 1 }, initial);
 * raft.step({ type: 'propose', context: 1, data });
 * while (raft.hasReady()) {
 *   const ready = raft.takeReady();
 *   transport.sendAll(ready.messages);
 *   // once storage has made ready.hardState and ready.entries durable:
 *   raft.step({ type: 'persisted', readyNumber: ready.number });
 * }
 * ```
 */
export class Raft {
  readonly #state: RaftState;

  /**
   * Throws InvariantError if the options, or the stored parts taken together, make no sense. From a checkpoint of a core of the same version it
   * goes on with the options that one had; of `options` only the codec counts then.
   */
  constructor(options: RaftOptions, initial: RaftInitialState | RaftCheckpoint) {
    this.#state =
      'state' in initial
        ? stateFrom(initial, resolveOptions(options).configurationCodec)
        : createState(options, initial);
  }

  /** Takes one input in. Throws InvariantError on a bug, or if the driver breaks the order that ready.ts asks for; never on a message's content. */
  step(input: Input): void {
    step(this.#state, input);
  }

  /** Whether takeReady would hand out anything. Exact, and without effect. */
  hasReady(): boolean {
    return hasReady(this.#state);
  }

  /** Takes everything that is to be done now; see ready.ts for what the driver owes. */
  takeReady(): Ready {
    return takeReady(this.#state);
  }

  /** The term of the entry at `index`, if it is still known here (the compaction point included). */
  termAt(index: number): number | undefined {
    return termAt(this.#state.log, index);
  }

  /**
   * The configuration as of `index`, which a snapshot that ends there must carry; at or after the latest snapshot. Undefined if this
   * member has joined and its log has not told it yet: then there can be no snapshot of its own.
   */
  configurationAt(index: number): Configuration | undefined {
    return configurationAt(this.#state, index);
  }

  /** A copy of everything: a core made from it goes on from here. */
  checkpoint(): RaftCheckpoint {
    return takeCheckpoint(this.#state);
  }

  /** The active and the committed configuration, as Ready.configuration tells them. */
  configurationStatus(): ConfigurationStatus {
    return configurationStatus(this.#state);
  }

  status(): RaftStatus {
    const { log, snapshot } = this.#state;
    const { active, activeIndex, committed, committedIndex } = configurationStatus(this.#state);
    return {
      id: this.#state.id,
      role: this.#state.role,
      term: this.#state.term,
      votedFor: this.#state.votedFor,
      leaderId: this.#state.leaderId,
      commitIndex: this.#state.commitIndex,
      appliedIndex: this.#state.application.appliedIndex,
      persistedIndex: this.#state.durability.persistedIndex,
      firstIndex: log.compactedIndex + 1,
      lastIndex: lastIndexOf(log),
      lastTerm: lastTermOf(log),
      snapshotIndex: snapshot.latest?.lastIncludedIndex ?? 0,
      configuration: active,
      configurationIndex: activeIndex,
      committedConfiguration: committed,
      committedConfigurationIndex: committedIndex,
      progress: progressStatus(this.#state),
      uncommittedBytes: this.#state.proposals.uncommittedBytes,
      logBytes: log.bytes,
      pendingReads: this.#state.reads.openCount,
      priority: this.#state.standing.priority,
      isUnwell: isUnwell(this.#state),
      transferTo: this.#state.role === 'leader' ? this.#state.transfer?.target : undefined,
      hasLease: hasLease(this.#state),
    };
  }

  static {
    stateOf = (raft) => raft.#state;
  }
}

function progressStatus({ followers }: RaftState): Map<PeerId, ProgressStatus> {
  const statuses = new Map<PeerId, ProgressStatus>();
  for (const { id, matchIndex, nextIndex, state, transfer, isLearner, priority, ...progress } of followers) {
    const transferIndex = transfer?.meta.lastIncludedIndex;
    const isRecentlyActive = progress.isRecentlyActive || progress.wasActive;
    statuses.set(id, { matchIndex, nextIndex, state, transferIndex, isLearner, priority, isRecentlyActive });
  }
  return statuses;
}
