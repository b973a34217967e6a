// The builder of a transaction. It collects; `commit` sends it as one command.
import { RaftkvError } from '@raftkv/wire';
import type { UserKey } from './entry.ts';
import type { TxnParts } from './txn-command.ts';
import type { Condition, RequestOptions, TxnOp, TxnResult } from './requests.ts';

/**
 * If all conditions hold then one list of operations, else another, atomically, at one revision.
 *
 * @example
 * ```ts
 * const { succeeded } = await kv
 *   .txn()
 *   .if({ key: 'lock', exists: false })
 *   .then({ type: 'put', key: 'lock', value: me })
 *   .else({ type: 'get', key: 'lock' })
 *   .commit();
 * ```
 */
export class Txn<Value = unknown, K extends UserKey = string> {
  readonly #commit: (parts: TxnParts<Value>, options: RequestOptions) => Promise<TxnResult<Value, K>>;
  readonly #if: Condition<Value>[] = [];
  readonly #then: TxnOp<Value>[] = [];
  readonly #else: TxnOp<Value>[] = [];

  constructor(commit: (parts: TxnParts<Value>, options: RequestOptions) => Promise<TxnResult<Value, K>>) {
    this.#commit = commit;
  }

  /** Adds conditions; all of all calls must hold. */
  if(...conditions: readonly Condition<Value>[]): this {
    this.#if.push(...conditions);
    return this;
  }

  /** Adds operations for when they hold. Awaiting the builder itself, which looks for this very name, is refused with an explanation. */
  then(...ops: readonly TxnOp<Value>[]): this {
    if (ops.some((op) => typeof op === 'function')) {
      throw new RaftkvError('invalid_argument', 'a transaction is sent with commit(), not by awaiting it');
    }
    this.#then.push(...ops);
    return this;
  }

  /** Adds operations for when one of them does not. */
  else(...ops: readonly TxnOp<Value>[]): this {
    this.#else.push(...ops);
    return this;
  }

  /** Sends it. May be called again, for another try. */
  commit(options: RequestOptions = {}): Promise<TxnResult<Value, K>> {
    return this.#commit({ if: [...this.#if], then: [...this.#then], else: [...this.#else] }, options);
  }
}
