// The contract between the replica and what it replicates. The replica is its only caller; `server` binds `kv` to it.
import type { Entry } from '@raftkv/raft';

export interface StateMachineSnapshot {
  /** Chunks of the state as it was when `snapshot()` was called, made lazily, so that writes go on meanwhile. */
  chunks(): Iterator<Uint8Array>;
  release(): void;
}

/** Builds a state beside the present one; nothing is visible until `install`, which swaps it in whole (T33). */
export interface StateMachineRestore {
  /** Chunks in order, however they are cut. Throws on bytes that are not a snapshot. */
  write(chunk: Uint8Array): void;
  /** Throws unless what was written is one whole, valid snapshot. Once, after the last chunk. */
  verify(): void;
  /** The new state takes the place of the old one. After `verify`. */
  install(): void;
}

export interface StateMachine {
  /** Carries out one committed command. Deterministic and synchronous. What it returns goes to the proposer on this member; it must not throw on hostile data. */
  apply(entry: Entry): unknown;
  /** Called once after each run of `apply` calls, with the last index applied: the moment to notify watchers. */
  afterApply(index: number): void;
  snapshot(): StateMachineSnapshot;
  restore(): StateMachineRestore;
}
