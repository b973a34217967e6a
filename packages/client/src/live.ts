// What a framework binding needs of a store that lives beside it: snapshots that are immutable and stay the same object until they
// change, a way to hear of changes, and writes as handles that tell how far they have come. Types only; `live/` implements them over a
// LiveSource, and a replica is one.
import type { KeyInput, RangeInput, RaftkvError } from '@raftkv/wire';
import type { Entry, UserKey } from './entry.ts';
import type { Kv } from './kv.ts';
import type { BatchOp, BatchResult, Condition } from './requests.ts';

/** One value over time. All bindings (React, Vue, Svelte, signals) are thin layers over this; they hand its functions on without their object. */
export interface Live<T> {
  /** Calls back after the snapshot changed, once for each applied batch. Answers the function that ends it. */
  subscribe(onChange: () => void): () => void;
  /** Immutable, and the same object until something in it changed. */
  getSnapshot(): T;
  /** What a server renders, and a client before it has hydrated: always the pending snapshot. */
  getServerSnapshot(): T;
}

/** Two axes: what is known (`status`, `data`) and what is being done about it (`fetchStatus`). */
export interface ReadState<T> {
  readonly status: 'pending' | 'success' | 'error';
  readonly data: T | undefined;
  readonly error: RaftkvError | undefined;
  /** `paused`: the copy cannot be brought up to date now (offline, or no node answers). */
  readonly fetchStatus: 'idle' | 'fetching' | 'paused';
  /** `local`: own writes that are not committed yet are part of `data`; `confirmed`: all of it is committed. */
  readonly source: 'local' | 'confirmed';
  /** Own writes in `data` that are not committed, or not applied here yet. */
  readonly pendingWrites: number;
  /** The revision of the copy when `data` last changed. */
  readonly revision: number;
}

/**
 * A row of a live query: an entry, and whether an own write that is not committed yet made it what it is. While it is pending its revisions and
 * version are those of what is committed (0 if nothing is).
 */
export interface LiveEntry<Value = unknown, K extends UserKey = string> extends Entry<Value, K> {
  readonly isPending: boolean;
}

/**
 * `local`: shown here, not sent yet (or waiting for a connection); `sent`: on its way; `committed`: agreed and durable on a majority;
 * `refused`: it certainly did not happen, and is no longer shown; `unknown`: it may have happened (its time ran out).
 */
export type WriteStatus = 'local' | 'sent' | 'committed' | 'refused' | 'unknown';

export interface WriteState {
  readonly status: WriteStatus;
  /** With `refused` and `unknown`. */
  readonly error: RaftkvError | undefined;
  /** With `committed`: the revision at which it took effect. */
  readonly revision: number | undefined;
  /** It is kept on this device and survives the page; see `LiveKv.outbox`. */
  readonly kept?: boolean;
}

/** A write that was begun. */
export interface Write<Result> {
  readonly id: number;
  /** The keys that it names (text, or bytes with `keys: 'bytes'`; of a deleteRange none). */
  readonly keys: readonly UserKey[];
  readonly state: Live<WriteState>;
  /** Resolves once committed; rejects with the error of `refused` or `unknown`. Nobody need listen. */
  readonly committed: Promise<Result>;
}

export interface MutateOptions<Value = unknown> {
  /**
   * What must hold when its turn comes, or it is `refused` with `condition_failed`; the error's `found` then tells what is there instead. A write that
   * is not committed yet changes no revision: a second one to the same key, under the same revision, is refused for the first.
   */
  readonly if?: readonly Condition<Value>[];
  /** Show it at once, before it is agreed. Default true. */
  readonly optimistic?: boolean;
  /** Default: none. It waits, in order, until the cluster can be reached. With one it is not kept: it is meant now or not at all. */
  readonly timeoutMilliseconds?: number;
}

/** How the kept writes of this tab are doing, those of tabs that are gone and that it took over included. */
export interface OutboxStatus {
  /** `strict`: kept in IndexedDB, forced to the medium. `memory`: nothing can be kept, see `error`; writes wait in this page alone, as without an outbox. */
  readonly storage: 'strict' | 'memory';
  /** What is wrong with the storage: `unsupported` in a private window or an insecure page, `storage_full`, `storage_failed`, `storage_corrupt`, … */
  readonly error: RaftkvError | undefined;
  /** Kept writes that are not settled. */
  readonly waiting: number;
  /** Kept writes that were refused or are of unknown outcome, until they are made again or discarded. */
  readonly undecided: number;
  /** Of both, with what surrounds them. */
  readonly bytes: number;
}

/** The kept writes of a replica that was opened with `outbox`: what to do about those that did not end well. */
export interface WriteOutbox {
  readonly status: Live<OutboxStatus>;
  /**
   * Makes the operations of a write that was refused or is of unknown outcome again, as a new write after all others, under the conditions that `options`
   * give (none by default); it takes the place of the old one, on the disk at once. Throws `not_found` for a write that is not kept here or still on its way.
   */
  retry(write: Write<unknown>, options?: MutateOptions): Write<unknown>;
  /**
   * Forgets such a write, or takes back one that waits and was never sent, which is then `refused` (`cancelled`). Rejects with `not_found` for one that is
   * not kept here, or was sent.
   */
  discard(write: Write<unknown>): Promise<void>;
}

export interface LiveScanOptions {
  readonly limit?: number;
  readonly reverse?: boolean;
}

/** How the copy beside the app is doing. */
export interface ReplicaStatus {
  readonly replicaId: string;
  readonly role: 'observer';
  /** `holder`: this tab feeds from the cluster and stores; `attached`: fed by the holder; `alone`: a copy of its own (`per-tab`, Node). */
  readonly tenancy: 'holder' | 'attached' | 'alone';
  /** `loading`: reading what is stored; `syncing`: the first copy is on its way; `ready`: reads work; `failed`: see `error`. */
  readonly phase: 'loading' | 'syncing' | 'ready' | 'failed' | 'closed';
  readonly connection: 'connecting' | 'online' | 'offline';
  readonly storage: 'strict' | 'relaxed' | 'memory';
  /** The last thing that went wrong with storage or feed and still matters, in plain words with its code. */
  readonly error: RaftkvError | undefined;
  readonly clusterId: string | undefined;
  readonly leader: string | undefined;
  /** Everything up to this revision is here. */
  readonly revision: number;
  /** The log index that the feeding node had applied. */
  readonly index: number;
  /** Content hash of the copy at `revision`; undefined for a copy of some ranges. */
  readonly hash: string | undefined;
  readonly keys: number;
  /** Own writes that are not committed yet. */
  readonly unsentWrites: number;
  /** Copies that were fetched as a whole since opening, and how many of those because hashes did not agree. */
  readonly snapshots: number;
  readonly divergences: number;
  /** Where it is kept and fed, if a worker was asked for; `page`: none could be had, and `threadError` says why. */
  readonly thread?: 'worker' | 'page';
  readonly threadError?: RaftkvError;
}

/** A Kv with its copy beside it: what the hooks need. `openReplica` answers one. */
export interface LiveKv<Value = unknown, K extends UserKey = string> extends Kv<Value, K> {
  readonly live: {
    /** One key. The same object for the same key while somebody is subscribed, and shortly after. */
    get<T extends Value = Value>(key: KeyInput): Live<ReadState<LiveEntry<T, K> | null>>;
    /** The rows of a range, in the order of the keys' bytes. */
    scan<T extends Value = Value>(
      range: RangeInput,
      options?: LiveScanOptions,
    ): Live<ReadState<readonly LiveEntry<T, K>[]>>;
  };
  readonly replica: Live<ReplicaStatus>;
  /** Puts and deletes that take effect together; writes to the same key keep their order, also over an offline spell. Waits while offline. */
  mutate(ops: readonly BatchOp<Value>[], options?: MutateOptions<Value>): Write<BatchResult<Value, K>>;
  /** Own writes in flight and the last ones that were refused or of unknown outcome, oldest first. */
  readonly writes: Live<readonly Write<unknown>[]>;
  /** Of a replica that was opened with `outbox`. */
  readonly outbox?: WriteOutbox;
  /** Cuts this tab off (no sockets, no feed) or connects it again: for tests, demos and "work offline" switches. */
  setOnline(isOnline: boolean): void;
}

/** What the Live core needs of a copy: synchronous reads and one call per applied batch. An observer implements it. */
export interface LiveSource<Value = unknown, K extends UserKey = string> {
  /** False until the first copy is whole: live queries are `pending` until then. */
  readonly isReady: boolean;
  readonly revision: number;
  readonly fetchStatus: 'idle' | 'fetching' | 'paused';
  readonly error: RaftkvError | undefined;
  /** The same object until the key changes. */
  getEntry(key: string): Entry<Value, K> | undefined;
  /** The keys of a range in order, as one-byte strings (one character a byte; `keyFrom` of `@raftkv/wire` makes them). */
  scanKeys(
    range: { readonly from: string; readonly to: string | undefined },
    options: { readonly limit: number | undefined; readonly reverse: boolean },
  ): readonly string[];
  /** After each applied batch with the keys that changed (`undefined`: everything may have, as after a snapshot), and when `isReady`, `fetchStatus` or `error` changed (no keys). */
  subscribe(listener: (changedKeys: readonly string[] | undefined) => void): () => void;
}
