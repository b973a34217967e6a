// What calls take and give besides keys and values: their options, operations, conditions and results. Types alone.
import type { CompareOperator } from '@raftkv/kv';
import type { KeyInput, NodeStatus, RangeInput, ReadLevel } from '@raftkv/wire';
import type { Entry, UserKey } from './entry.ts';

export interface RequestOptions {
  /** Ends the call with `cancelled`. A write that was sent may happen nevertheless; the error says so. */
  readonly signal?: AbortSignal;
  /** Instead of the client's own request timeout. */
  readonly timeoutMilliseconds?: number;
}

export interface ReadOptions extends RequestOptions {
  /**
   * `linearizable` (default): as of now, confirmed with a quorum, by any node. `session`: at least everything that this client has
   * written or seen. `local`: whatever the asked node has.
   */
  readonly level?: ReadLevel;
  /** Read as of this revision, if it is still retained. */
  readonly revision?: number;
}

export interface PutOptions extends RequestOptions {
  /** Only if the key's entry still has this revision; else `condition_failed`. */
  readonly ifRevision?: number;
  /** Only if the key does not exist; else `condition_failed`. */
  readonly ifAbsent?: boolean;
}
export interface DeleteOptions extends RequestOptions {
  /** Only if the key's entry still has this revision; else `condition_failed`. */
  readonly ifRevision?: number;
}

export interface PutResult<Value, K extends UserKey> {
  readonly revision: number;
  readonly previous: Entry<Value, K> | undefined;
}
export interface DeleteResult<Value, K extends UserKey> {
  /** Whether the key existed. */
  readonly deleted: boolean;
  readonly revision: number;
  /** With `returnPrevious`. */
  readonly previous: Entry<Value, K> | undefined;
}
export interface DeleteRangeResult<Value, K extends UserKey> {
  /** How many keys existed. */
  readonly deleted: number;
  readonly revision: number;
  /** With `returnPrevious`, in the order of the keys; else empty. */
  readonly previous: readonly Entry<Value, K>[];
}

export interface ScanOptions extends ReadOptions {
  /** Most entries in all. Default: all there are. */
  readonly limit?: number;
  readonly reverse?: boolean;
  /** Leave the values out: each is undefined. */
  readonly keysOnly?: boolean;
  /** Most entries a page. Default 1,000; pages also end when they hold many bytes. */
  readonly pageSize?: number;
}

export type BatchOp<Value> =
  | { readonly type: 'put'; readonly key: KeyInput; readonly value: Value; readonly returnPrevious?: boolean }
  | { readonly type: 'delete'; readonly key: KeyInput; readonly returnPrevious?: boolean }
  | { readonly type: 'deleteRange'; readonly range: RangeInput; readonly returnPrevious?: boolean };

export type BatchOpResult<Value, K extends UserKey> =
  | ({ readonly type: 'put' } & PutResult<Value, K>)
  | ({ readonly type: 'delete' } & DeleteRangeResult<Value, K>);

export interface BatchResult<Value, K extends UserKey> {
  readonly revision: number;
  /** One for each operation, in order. */
  readonly results: readonly BatchOpResult<Value, K>[];
}

/**
 * What must hold for a transaction's `then`: about one key, or about every existing key of `range`. A missing key has
 * revision, createRevision and version 0. `operator` default 'equal'.
 */
export type Condition<Value> = ({ readonly key: KeyInput } | { readonly range: RangeInput }) & {
  readonly operator?: CompareOperator;
} & (
    | { readonly value: Value }
    | { readonly revision: number }
    | { readonly createRevision: number }
    | { readonly version: number }
    | { readonly exists: boolean }
  );

export type TxnOp<Value> =
  | BatchOp<Value>
  | { readonly type: 'get'; readonly key: KeyInput; readonly revision?: number }
  | {
      readonly type: 'scan';
      readonly range: RangeInput;
      readonly limit?: number;
      readonly reverse?: boolean;
      readonly keysOnly?: boolean;
    }
  | {
      readonly type: 'txn';
      readonly if?: readonly Condition<Value>[];
      readonly then?: readonly TxnOp<Value>[];
      readonly else?: readonly TxnOp<Value>[];
    };

export type TxnOpResult<Value, K extends UserKey> =
  | BatchOpResult<Value, K>
  | { readonly type: 'get'; readonly entry: Entry<Value, K> | undefined }
  | { readonly type: 'scan'; readonly entries: readonly Entry<Value, K>[]; readonly more: boolean }
  | ({ readonly type: 'txn' } & TxnResult<Value, K>);

export interface TxnResult<Value, K extends UserKey> {
  /** Whether all conditions held, so that `then` was carried out rather than `else`. */
  readonly succeeded: boolean;
  readonly revision: number;
  /** One for each operation of the branch, in order. */
  readonly results: readonly TxnOpResult<Value, K>[];
}

export interface WatchOptions {
  /** First revision wanted. Default: what comes after now, and no later than what this client writes from now on. */
  readonly from?: number;
  /** Also give what was there before each event, where it is still retained. */
  readonly previous?: boolean;
  /** Ends the watch, in order. */
  readonly signal?: AbortSignal;
}

export interface EndpointStatus {
  readonly endpoint: string;
  readonly status: NodeStatus | undefined;
  /** Why there is no status. */
  readonly error: Error | undefined;
}
