// The contract of what keeps an observer's copy: a list of records, of which the beginning can be replaced. It may forget, since the feed has everything:
// so it promises less than a member's storage, and is a fraction of its size. `memory-copy.ts` is the reference.
import type { RaftkvError } from '@raftkv/wire';

/** Whose copy it is, and of what. It is written when the storage is made, and never changes. */
export interface CopyOwner {
  readonly clusterId: string;
  readonly replicaId: string;
  /** Which keys, in words of the owner's. */
  readonly scope: string;
}

export interface OpenCopyOptions {
  /** Whose a new one becomes; one that is there keeps the owner that it has. Without it none is `storage_missing`. */
  readonly owner?: CopyOwner;
  /** Called once, with the error that stopped the storage, whether or not anything was being written. */
  readonly onFailure?: (error: RaftkvError) => void;
}

/** Whoever opens it takes it from whoever had it. After a rejected write it is dead: each later call rejects with the same error. */
export interface CopyStorage {
  readonly owner: CopyOwner;
  /** Everything that is kept, in order. Before the first write. */
  load(): AsyncIterable<Uint8Array>;
  /**
   * Resolves when it is kept. Records are kept in call order, a later one never without the earlier; many calls may be open at once. The storage holds
   * on to the bytes.
   */
  append(record: Uint8Array): Promise<void>;
  /**
   * These take the place of all that was appended before this call; what is appended later follows them. Until it resolves, all of the old or all of the new is
   * found again, never a mixture. One that a later call has overtaken resolves without effect.
   */
  replace(records: Iterable<Uint8Array>): Promise<void>;
  /** Lets what was begun end, but for `replace`, which rejects. Idempotent. */
  close(): Promise<void>;
}
