// A replica in a browser: the observer's parts on the browser's own storage, locks and channels.
import type { LiveKv, UserKey } from '@raftkv/client';
import { openSharedReplica, resideFirst } from '@raftkv/observer/web';
import { deleteIndexedDbCopy } from '@raftkv/storage/web';
import type { ForgetOptions, ReplicaOptions } from '../replica-options.ts';
import { checkedName, ownName, placeFor, presentPage } from './place.ts';
import { residenceAt } from './residence-at.ts';

/**
 * A copy of the store beside the page, and a `Kv` over it. Answers once what is stored has been read, or another tab feeds this one, or a second has passed;
 * `replica` tells how far the copy has come, and until it is whole reads are answered by the cluster. Throws `invalid_argument` for options that make
 * no sense.
 *
 * @example
 * ```ts
 * const kv = await openReplica({ endpoints: [location.host] });
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
  const page = presentPage();
  const place = placeFor(options);
  if (place.isAlone) place.name = await ownName(place, page);
  return openSharedReplica<Value, K>({
    ...options,
    page,
    reside: (assembly) => resideFirst(assembly, residenceAt(place, page)),
  });
}

/**
 * Removes what this browser keeps of a shared replica. A tab that has it open goes on in memory, and says so in its status.
 *
 * @throws RaftkvError `storage_locked` if a tab that does not answer is in the way
 */
export async function forgetReplica(options: ForgetOptions = {}): Promise<void> {
  await deleteIndexedDbCopy(checkedName(options.name));
}
