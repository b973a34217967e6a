// The interface that users hold, and what each call promises. `client.ts` implements it over connections; a replica in the same
// process offers the same.
import type { KeyInput, NodeStatus, RangeInput } from '@raftkv/wire';
import type { Entry, UserKey } from './entry.ts';
import type {
  BatchOp,
  BatchResult,
  DeleteOptions,
  DeleteRangeResult,
  DeleteResult,
  EndpointStatus,
  PutOptions,
  PutResult,
  ReadOptions,
  RequestOptions,
  ScanOptions,
  WatchOptions,
} from './requests.ts';
import type { Scan } from './scan.ts';
import type { Txn } from './txn.ts';
import type { Watch } from './watch.ts';

/**
 * A linearizable key-value store. Keys are text (standing for its UTF-8) or bytes. Every call rejects with a RaftkvError; of a failed
 * write its `definite` says whether it certainly did not happen (true) or may have (false). Writes are carried out exactly once,
 * however often they had to be sent.
 */
export interface Kv<Value = unknown, K extends UserKey = string> {
  /** The value of a key; undefined if there is none. */
  get<T extends Value = Value>(key: KeyInput, options?: ReadOptions): Promise<T | undefined>;
  /** The value with its revision and version; undefined if there is none. */
  getEntry<T extends Value = Value>(key: KeyInput, options?: ReadOptions): Promise<Entry<T, K> | undefined>;
  /**
   * The revision at which it was written. With `ifRevision` or `ifAbsent` it rejects with `condition_failed` if something else is there; a write
   * with `definite: false` may have happened, and reading tells.
   *
   * @example
   * ```ts
   * const revision = await kv.put('user/1', { name: 'Ada' });
   * await kv.put('user/1', { name: 'Ada L.' }, { ifRevision: revision });
   * ```
   */
  put(key: KeyInput, value: Value, options?: PutOptions & { readonly returnPrevious?: false }): Promise<number>;
  put(
    key: KeyInput,
    value: Value,
    options: PutOptions & { readonly returnPrevious: true },
  ): Promise<PutResult<Value, K>>;
  /** Deleting what does not exist is no error. */
  delete(
    key: KeyInput,
    options?: DeleteOptions & { readonly returnPrevious?: boolean },
  ): Promise<DeleteResult<Value, K>>;
  /** Deletes every key of a range, at one revision; `deleted` is how many there were. `{ all: true }` means all. */
  deleteRange(
    range: RangeInput,
    options?: RequestOptions & { readonly returnPrevious?: boolean },
  ): Promise<DeleteRangeResult<Value, K>>;
  /** The entries of a range, in the order of the keys' bytes: one consistent view, fetched page by page as it is consumed. */
  scan<T extends Value = Value>(range: RangeInput & ScanOptions): Scan<T, K>;
  /** How many keys a range holds; no values travel. */
  count(range: RangeInput & ReadOptions): Promise<number>;
  /** Puts and deletes that take effect together, at one revision. A key may occur once. */
  batch(ops: readonly BatchOp<Value>[], options?: RequestOptions): Promise<BatchResult<Value, K>>;
  /** Builds a transaction: `kv.txn().if(…).then(…).else(…).commit()`. */
  txn(): Txn<Value, K>;
  /** The changes of a range, revision by revision, exactly once and in order, across reconnects. */
  watch<T extends Value = Value>(range: RangeInput, options?: WatchOptions): Watch<T, K>;
  /** Forgets history below `revision`: reads and watches from before it answer `compacted`. */
  compact(revision: number, options?: RequestOptions): Promise<void>;
  /** What one node says of itself and the cluster. Default: any that answers. */
  status(options?: RequestOptions & { readonly endpoint?: string }): Promise<NodeStatus>;
  /** The same of every endpoint, with the error of those that do not answer. */
  statusOfAll(options?: RequestOptions): Promise<readonly EndpointStatus[]>;
  /** The highest revision that this client has written or seen: what level `session` reads at least. */
  readonly revision: number;
  /** Ends open calls and watches with `closed`, then the session and the connections. Idempotent. */
  close(): Promise<void>;
}
