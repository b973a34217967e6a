// Takes this member's own snapshots: when, and how far the log is then compacted. The state machine hands out a frozen
// view, so writes go on while the chunks are made one at a time and stored. At most one at a time; called by the replica.
import type { SnapshotMeta } from '@raftkv/raft';
import type { Storage } from '@raftkv/storage';
import type { StateMachine } from './state-machine.ts';

export interface SnapshotPolicy {
  readonly snapshotThreshold: number;
}

export interface TakenSnapshot {
  readonly meta: SnapshotMeta;
  readonly bytes: number;
}

export class Snapshotter {
  readonly #storage: Storage;
  readonly #stateMachine: StateMachine;
  readonly #policy: SnapshotPolicy;
  #isRunning = false;
  #isCancelled = false;
  #lastBytes = 0;
  #bytesSince = 0;

  constructor(storage: Storage, stateMachine: StateMachine, policy: SnapshotPolicy) {
    this.#storage = storage;
    this.#stateMachine = stateMachine;
    this.#policy = policy;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Counts what was applied, to weigh the log's growth against the cost of a snapshot. */
  countApplied(bytes: number): void {
    this.#bytesSince += bytes;
  }

  /**
   * Past the threshold of entries, and the log has grown by at least the size of the last snapshot: so writing snapshots
   * costs at most as much again as writing the log, however large the state is. The log alone decides after ten thresholds.
   */
  isDue(entriesSinceSnapshot: number): boolean {
    if (this.#isRunning || entriesSinceSnapshot < this.#policy.snapshotThreshold) return false;
    return this.#bytesSince >= this.#lastBytes || entriesSinceSnapshot >= this.#policy.snapshotThreshold * 10;
  }

  /** The state machine must stand exactly at `meta.lastIncludedIndex` when this is called. Undefined: cancelled. */
  async take(meta: SnapshotMeta): Promise<TakenSnapshot | undefined> {
    this.#isRunning = true;
    this.#isCancelled = false;
    const view = this.#stateMachine.snapshot();
    const bytesAtStart = this.#bytesSince;
    try {
      const writer = await this.#storage.createSnapshot(meta);
      let bytes = 0;
      const chunks = view.chunks();
      for (let step = chunks.next(); step.done !== true; step = chunks.next()) {
        if (this.#isCancelled) {
          await writer.abort();
          return undefined;
        }
        bytes += step.value.length;
        await writer.write(step.value);
      }
      if (this.#isCancelled) {
        await writer.abort();
        return undefined;
      }
      await writer.commit();
      this.#lastBytes = bytes;
      this.#bytesSince -= bytesAtStart;
      return { meta, bytes };
    } finally {
      view.release();
      this.#isRunning = false;
    }
  }

  /** A snapshot from the leader is about to replace the state: ours is of no use. */
  cancel(): void {
    this.#isCancelled = true;
  }

  /** A snapshot of `bytes` was installed. */
  installed(bytes: number): void {
    this.#lastBytes = bytes;
    this.#bytesSince = 0;
  }
}
