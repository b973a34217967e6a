// A replica outside the browser, for any runtime that has WebSocket: a copy of its own, in memory.
import { openReplica as openCopy } from '@raftkv/observer';
import type { LiveKv, UserKey } from '@raftkv/client';
import type { ForgetOptions, ReplicaOptions } from './replica-options.ts';

/**
 * A copy of the store beside the caller, and a `Kv` over it. Answers at once; `replica` tells how far the copy has come, and until it is whole reads are
 * answered by the cluster. Throws `invalid_argument` for options that make no sense.
 *
 * @example
 * ```ts
 * const kv = await openReplica({ endpoints: ['127.0.0.1:8080'] });
 * const users = kv.live.scan({ prefix: 'user/' });
 * users.subscribe(() => console.log(users.getSnapshot().data));
 * kv.mutate([{ type: 'put', key: 'user/1', value: 'Ada' }]);
 * ```
 */
export function openReplica<Value = unknown>(
  options: ReplicaOptions<Value> & { readonly keys: 'bytes' },
): Promise<LiveKv<Value, Uint8Array>>;
export function openReplica<Value = unknown>(options: ReplicaOptions<Value>): Promise<LiveKv<Value>>;
export async function openReplica<Value, K extends UserKey>(options: ReplicaOptions<Value>): Promise<LiveKv<Value, K>> {
  return openCopy<Value, K>({ ...options, store: undefined });
}

/** Removes what a browser keeps of a replica. Elsewhere there is nothing. */
export async function forgetReplica(_options: ForgetOptions = {}): Promise<void> {}
