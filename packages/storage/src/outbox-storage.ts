// The contract of what keeps own writes until they are settled. They stand in lanes, one for each life of a tab, so that what a tab left is found whole and
// in order by another. What is in here exists nowhere else: nothing is ever thrown away by itself. `memory-outbox.ts` is the reference.

/** A write as it was made. It never changes, but for the cluster: that is known when it is first sent. */
export interface KeptWrite {
  /** Its place in the lane, from 1; later ones have higher numbers. */
  readonly number: number;
  /** By the clock of the device, in milliseconds since 1970: the order of writes of several lanes. */
  readonly keptAt: number;
  /** Of the cluster that it is meant for; empty while none has answered. */
  readonly clusterId: string;
  /** It is shown before it is committed. */
  readonly isShown: boolean;
  /** In wire's format, without the stamp of a session. */
  readonly command: Uint8Array;
}

/** What became of a write: it is there before the write is first sent, and changes when it is refused. */
export interface WriteMark {
  /** The session and the place in it under which it is sent; 0 and 0: it was never sent. */
  readonly clientId: number;
  readonly sequence: number;
  /** It is over, and waits for its app to hear of it. */
  readonly failure: WriteFailure | undefined;
}

export interface WriteFailure {
  readonly code: string;
  readonly message: string;
  readonly isDefinite: boolean;
}

export interface FoundWrite extends KeptWrite {
  readonly mark: WriteMark | undefined;
}

export type OutboxChange =
  /** `replaces`: the number of one that goes at the same time. */
  | { readonly type: 'keep'; readonly write: KeptWrite; readonly replaces: number | undefined }
  /** `write`: the same one, which takes its place in this step. */
  | { readonly type: 'mark'; readonly number: number; readonly mark: WriteMark; readonly write?: KeptWrite | undefined }
  | { readonly type: 'forget'; readonly number: number };

export interface OutboxStorage {
  /** What a write that was kept survives: `strict`, everything but the loss of the device's storage; `memory`: nothing. */
  readonly mode: 'strict' | 'memory';
  /** The names of all lanes. */
  lanes(): Promise<readonly string[]>;
  /**
   * Opens a lane, or makes it, and takes it from whoever had it: the next change of that one, however late, fails with `storage_locked`. Throws
   * `storage_corrupt` and `unsupported_version` for what it cannot read; it is left as it is.
   */
  take(lane: string): Promise<OutboxLane>;
  /** Idempotent. What was begun ends. */
  close(): void;
}

export interface OutboxLane {
  /** What was in it when it was taken, in order. */
  readonly found: readonly FoundWrite[];
  /**
   * Resolves when all of these are kept; after a rejection none is, but for `storage_failed`, where nobody knows. `storage_locked`: it was taken;
   * `storage_missing`: it was deleted from outside; `storage_full`.
   */
  commit(changes: readonly OutboxChange[]): Promise<void>;
  /** Deletes the lane, if nothing is in it and nobody has taken it. */
  drop(): Promise<void>;
}
