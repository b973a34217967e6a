// A replica of its own: fed by the cluster, kept in memory or in a store that the caller brings.
import type { LiveKv, UserKey } from '@raftkv/client';
import { ReplicaAssembly } from './assembly.ts';
import type { ReplicaOptions } from './assembly.ts';
import type { Inflate } from './inflate.ts';
import type { CopyStore } from './journal.ts';

export interface OpenReplicaOptions<Value = unknown> extends ReplicaOptions<Value> {
  /** Where the copy is kept from one start to the next. Default: nowhere, it is fetched at each start. */
  readonly store?: CopyStore;
  /** For what the feed deflated. Default: the platform's DecompressionStream. */
  readonly inflate?: Inflate;
}

/**
 * A copy of the store beside the caller, and a `Kv` over it. Answers once what is stored has been read; `replica` tells how far the copy has come, and
 * until it is whole reads are answered by the cluster. Throws `invalid_argument` for options that make no sense.
 *
 * @example
 * ```ts
 * const kv = await openReplica({ endpoints: ['127.0.0.1:8080'] });
 * const users = kv.live.scan({ prefix: 'user/' });
 * users.subscribe(() => console.log(users.getSnapshot().data));
 * kv.mutate([{ type: 'put', key: 'user/1', value: 'Ada' }]);
 * ```
 */
export async function openReplica<Value = unknown, K extends UserKey = string>(
  options: OpenReplicaOptions<Value>,
): Promise<LiveKv<Value, K>> {
  const assembly: ReplicaAssembly<Value, K> = new ReplicaAssembly<Value, K>(options, {
    inflate: options.inflate,
    onOnline: (isOnline) => {
      if (isOnline) assembly.followCluster();
      else assembly.unfollow();
    },
  });
  if (options.store !== undefined) await assembly.keep(options.store);
  assembly.followCluster();
  return assembly.kv.keepWrites(options.outbox);
}
