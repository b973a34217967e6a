// Takes this member's own snapshots: when, and how far the log is then compacted. The state machine hands out a frozen
// view, so writes go on while the chunks are made one at a time and stored. At most one at a time; called by the replica.
import type { SnapshotMeta } from '@raftkv/raft';
import type { Storage } from '@raftkv/storage';
import type { StateMachine } from './state-machine.ts';

export interface SnapshotPolicy {
  readonly snapshotThreshold: number;
  readonly retainedBytes: number;
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
   * Past the threshold of entries, and the log has grown by twice the size of the last snapshot, so that writing snapshots costs at most
   * half as much again as writing the log; but a log that is larger than the state and `retainedBytes` is due in any case, however few its
   * entries are, since it is held in memory, and so is one of ten thresholds.
   */
  isDue(entriesSinceSnapshot: number): boolean {
    const { snapshotThreshold, retainedBytes } = this.#policy;
    if (this.#isRunning || entriesSinceSnapshot === 0) return false;
    if (this.#bytesSince >= Math.max(this.#lastBytes, retainedBytes, 1)) return true;
    if (entriesSinceSnapshot < snapshotThreshold) return false;
    return this.#bytesSince >= 2 * this.#lastBytes || entriesSinceSnapshot >= snapshotThreshold * 10;
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
      // A snapshot of the leader was installed meanwhile: the books are about that one now, and storage has dropped this one.
      if (this.#isCancelled) return undefined;
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
