// Keeping writes, as the option of a replica: opens the storage, or does without, and shows what is in it.
import { RaftkvError } from '@raftkv/wire';
import type { UserKey } from '@raftkv/client';
import type { OutboxStorage } from '@raftkv/storage';
import type { KeepWrites, OutboxHost, WriteKeeper } from '../keep-writes.ts';
import { Keeper } from './keeper.ts';
import type { KeeperOptions } from './options.ts';

/** @example `await openReplica({ endpoints, outbox: keepWrites({ open, fallback, locks, clock }) })` */
export function keepWrites(options: KeeperOptions): KeepWrites {
  return async <Value, K extends UserKey>(host: OutboxHost<Value, K>): Promise<WriteKeeper<Value, K>> => {
    let storage: OutboxStorage = options.fallback;
    let error: RaftkvError | undefined;
    try {
      storage = await options.open();
    } catch (thrown) {
      error = RaftkvError.from(thrown, 'storage_failed');
    }
    const keeper = new Keeper(host, options, storage, error);
    await keeper.open();
    return keeper;
  };
}
