// `openReplica` for Node: a copy in memory, fed over the `ws` package.
import { webSocketDial } from '@raftkv/client';
import { nodeWebSocket } from '@raftkv/transport/node';
import { openReplica as openReplicaAnywhere } from '../open-replica.ts';
import type { ReplicaOptions } from '../replica-options.ts';

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
export const openReplica = ((options: ReplicaOptions) =>
  openReplicaAnywhere({ dial: webSocketDial(nodeWebSocket()), ...options })) as typeof openReplicaAnywhere;
