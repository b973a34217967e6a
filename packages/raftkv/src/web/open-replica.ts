// A replica in a browser: the observer's parts on the browser's own storage, locks and channels.
import type { LiveKv, UserKey } from '@raftkv/client';
import type { CopyStore } from '@raftkv/observer';
import { openSharedReplica } from '@raftkv/observer/web';
import type { Page } from '@raftkv/observer/web';
import { deleteIndexedDbCopy, openIndexedDbCopy } from '@raftkv/storage/web';
import type { Durability } from '@raftkv/storage/web';
import { RaftkvError } from '@raftkv/wire';
import { defaultReplicaName } from '../replica-options.ts';
import type { ForgetOptions, ReplicaOptions } from '../replica-options.ts';
import { claimTabName } from './tab-name.ts';

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
  const { storage = 'relaxed', replica = 'shared' } = options;
  if (!['relaxed', 'strict', 'memory'].includes(storage)) {
    throw new RaftkvError('invalid_argument', `storage is ${storage}; there are relaxed, strict, memory`);
  }
  if (!['shared', 'per-tab'].includes(replica)) {
    throw new RaftkvError('invalid_argument', `replica is ${replica}; there are shared, per-tab`);
  }
  const page = presentPage();
  const isAlone = replica === 'per-tab';
  const shared = checkedName(options.name);
  const name = isAlone ? await claimTabName(shared, page.locks) : shared;
  return openSharedReplica<Value, K>({
    ...options,
    name,
    isAlone,
    // Without locks a tab never finds its own again.
    store: storage === 'memory' || (isAlone && page.locks === undefined) ? undefined : indexedDbStore(name, storage),
    page,
    openPort: (portName) => new BroadcastChannel(portName),
  });
}

/** What is there of a page: an insecure context has no locks, and a worker is never hidden or put away. */
function presentPage(): Page & { readonly locks: LockManager | undefined } {
  const { navigator, document } = globalThis as Partial<typeof globalThis>;
  const locks = navigator?.locks as LockManager | undefined;
  return {
    window: globalThis,
    document: document ?? Object.assign(new EventTarget(), { visibilityState: 'visible' as const }),
    locks,
  };
}

/**
 * Removes what this browser keeps of a shared replica. A tab that has it open goes on in memory, and says so in its status.
 *
 * @throws RaftkvError `storage_locked` if a tab that does not answer is in the way
 */
export async function forgetReplica(options: ForgetOptions = {}): Promise<void> {
  await deleteIndexedDbCopy(checkedName(options.name));
}

function checkedName(name: string = defaultReplicaName): string {
  if (typeof name === 'string' && /^[^/]{1,80}$/.test(name)) return name;
  throw new RaftkvError('invalid_argument', 'the name of a replica has 1 to 80 characters, none of them a slash');
}

/** Whoever opens it has the lock of the replica, or nobody has: so it takes the copy from whoever is left over. */
function indexedDbStore(name: string, durability: Durability): CopyStore {
  return {
    mode: durability,
    open: (options) => openIndexedDbCopy({ ...options, name, durability }),
    wipe: () => deleteIndexedDbCopy(name),
  };
}
