// A replica that all tabs of an origin share: its parts, the place where it lives and the life of the page put together. What it runs on is handed in;
// the door brings the browser's own.
import type { LiveKv, UserKey } from '@raftkv/client';
import { ReplicaAssembly } from '../assembly.ts';
import type { AssemblyHooks, ReplicaOptions } from '../assembly.ts';
import { guardUnload, watchPage } from './page.ts';
import type { Page } from './page.ts';
import type { AnyAssembly, Residence } from './residence.ts';

export interface SharedReplicaOptions<Value = unknown> extends ReplicaOptions<Value> {
  readonly page: Page;
  /** Where it lives. */
  readonly reside: (assembly: AnyAssembly) => Residence;
  readonly show?: AssemblyHooks['show'];
}

/**
 * Answers once this tab holds the replica and has read what is stored, or is fed by the one that holds it; after a second in any case. Throws
 * `invalid_argument` for options that make no sense.
 */
export async function openSharedReplica<Value = unknown, K extends UserKey = string>(
  options: SharedReplicaOptions<Value>,
): Promise<LiveKv<Value, K>> {
  const { page, reside, show } = options;
  let isSuspended = false;
  const join = (): void => {
    if (assembly.isOnline && !isSuspended) residence.join();
  };
  const assembly: ReplicaAssembly<Value, K> = new ReplicaAssembly<Value, K>(options, {
    onTaken: (message) => residence.taken?.(message),
    onStorageFailed: (error) => residence.storageFailed?.(error),
    onOnline: (isOnline) => {
      if (isOnline) join();
      else void residence.leave();
    },
    onClose: () => {
      forgetPage();
      return residence.leave(true);
    },
    show,
  });
  const residence = reside(assembly as unknown as AnyAssembly);
  const guard = guardUnload(page);
  assembly.kv.replica.subscribe(() => {
    residence.changed?.();
    const { phase, unsentWrites } = assembly.status;
    // Own writes that wait live in this page alone, but for those that are kept.
    guard(unsentWrites > (assembly.kv.outbox?.waiting ?? 0) && phase !== 'closed');
  });
  const forgetPage = watchPage(page, {
    onSuspend: () => {
      isSuspended = true;
      void residence.leave();
      // Sockets would keep the page out of the cache, or be dead when it is back.
      assembly.client.setOnline(false);
    },
    onResume: () => {
      isSuspended = false;
      if (assembly.isOnline) assembly.client.setOnline(true);
      join();
    },
  });
  join();
  await residence.settled;
  return assembly.kv.keepWrites(options.outbox);
}
