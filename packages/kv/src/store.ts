// The multi-version store: `apply` is the only writer; reads, the change feed and snapshots look at what it made.
import type { Change } from './change.ts';
import type {
  CommandEnvelope,
  CommandError,
  CommandResult,
  GetResult,
  Key,
  KeyRange,
  ScanOptions,
  ScanResult,
} from './command.ts';

export interface StoreOptions {
  /** How many of the newest revisions stay readable and watchable. Part of the replicated state: the same on every member. Default 10,000. */
  readonly retainedRevisions?: number;
  /** Most sessions; opening one more evicts the least recently used (by log index). Same on every member. Default 10,000. */
  readonly maxSessions?: number;
  /** Most answers kept for one session above its ackFloor; above it writes are refused with `session_overflow`. Default 16,384. */
  readonly maxSessionAnswers?: number;
}

export interface StoreStatistics {
  readonly keys: number;
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly sessions: number;
  /** Older versions and tombstones kept for the retained window. */
  readonly historyVersions: number;
  readonly revision: number;
  readonly compactedRevision: number;
  readonly appliedIndex: number;
  readonly applied: Readonly<Record<string, number>>;
}

/** One consistent view of the whole state, cheap to take, unaffected by later writes. Call `release` when done. */
export interface StoreSnapshot {
  readonly appliedIndex: number;
  readonly revision: number;
  /** Encoded lazily, in order; two replicas at the same applied index give the same bytes. `chunkBytes` default 256 KiB. */
  chunks(chunkBytes?: number): IterableIterator<Uint8Array>;
  release(): void;
}

export class Store {
  constructor(options: StoreOptions = {}) {
    void options;
  }
  /** The newest revision; 1 = the empty store. */
  get revision(): number {
    return 1;
  }
  /** Reads and watches below this answer `compacted`. */
  get compactedRevision(): number {
    return 0;
  }
  get appliedIndex(): number {
    return 0;
  }
  /** Carries out the entry at `index` (which must be greater than the last one applied; gaps are entries that are not commands). */
  apply(index: number, envelope: CommandEnvelope): CommandResult {
    void index;
    void envelope;
    throw new Error('being built');
  }
  get(key: Key, options?: { readonly revision?: number }): GetResult | CommandError {
    void key;
    void options;
    throw new Error('being built');
  }
  scan(range: KeyRange, options?: ScanOptions): ScanResult | CommandError {
    void range;
    void options;
    throw new Error('being built');
  }
  /** The changes from revision `from` on, oldest first, of at most `limit` revisions; those that touch `range` if given, each with just the events in it. */
  changes(
    from: number,
    options?: { readonly range?: KeyRange; readonly limit?: number },
  ): { readonly changes: readonly Change[]; readonly nextRevision: number } | CommandError {
    void from;
    void options;
    throw new Error('being built');
  }
  statistics(): StoreStatistics {
    throw new Error('being built');
  }
  snapshot(): StoreSnapshot {
    throw new Error('being built');
  }
}

/** Rebuilds a Store from the chunks of a StoreSnapshot, however they are cut. Throws SnapshotFormatError on hostile bytes; no Store exists until `finish`. */
export class StoreRestore {
  constructor(options: StoreOptions = {}) {
    void options;
  }
  write(chunk: Uint8Array): void {
    void chunk;
    throw new Error('being built');
  }
  finish(): Store {
    throw new Error('being built');
  }
}
