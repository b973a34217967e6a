// A replica that all tabs of an origin share: its parts, its tenancy and the life of the page put together. What it runs on is handed in; the door
// brings the browser's own.
import type { LiveKv, UserKey } from '@raftkv/client';
import { ReplicaAssembly } from '../assembly.ts';
import type { ReplicaOptions } from '../assembly.ts';
import { TabFeeder } from '../tab-feeder.ts';
import { guardUnload, watchPage } from './page.ts';
import type { Page } from './page.ts';
import { Tenancy } from './tenancy.ts';
import type { TenancyOptions } from './tenancy.ts';

export interface SharedReplicaOptions<Value = unknown>
  extends ReplicaOptions<Value>, Pick<TenancyOptions, 'name' | 'store' | 'openPort'> {
  readonly page: Page;
  /** No other tab has this name: it is a replica of this tab's own. Default false. */
  readonly isAlone?: boolean;
}

/**
 * Answers once this tab holds the replica and has read what is stored, or is fed by the one that holds it; after a second in any case. Throws
 * `invalid_argument` for options that make no sense.
 */
export async function openSharedReplica<Value = unknown, K extends UserKey = string>(
  options: SharedReplicaOptions<Value>,
): Promise<LiveKv<Value, K>> {
  const { page, isAlone = false, name, store, openPort } = options;
  const { locks } = page;
  let isSuspended = false;
  const join = (): void => {
    if (!assembly.isOnline || isSuspended) return;
    if (tenancy !== undefined) tenancy.join();
    else assembly.followCluster();
  };
  const leave = (): Promise<void> => {
    if (tenancy !== undefined) return tenancy.leave();
    assembly.unfollow();
    return Promise.resolve();
  };
  const assembly: ReplicaAssembly<Value, K> = new ReplicaAssembly<Value, K>(options, {
    onTaken: (message) => feeder.taken(message),
    onStorageFailed: (error) => tenancy?.storageFailed(error),
    onOnline: (isOnline) => {
      if (isOnline) join();
      else void leave();
    },
    onClose: () => {
      forgetPage();
      return leave();
    },
  });
  const feeder = new TabFeeder(assembly, assembly.ranges, assembly.settings.clock.now);
  assembly.observer.subscribe((changed) => {
    if (changed === undefined) feeder.replaced();
  });
  const tenancy =
    locks === undefined
      ? undefined
      : new Tenancy(assembly as unknown as ReplicaAssembly<never, never>, feeder, {
          name,
          heldAs: isAlone ? 'alone' : 'holder',
          store,
          locks,
          openPort,
          isVisible: () => page.document.visibilityState === 'visible',
          clock: assembly.settings.clock,
        });
  const guard = guardUnload(page);
  assembly.kv.replica.subscribe(() => {
    tenancy?.changed();
    const { phase, unsentWrites } = assembly.status;
    // Own writes that wait live in this page alone.
    guard(unsentWrites > 0 && phase !== 'closed');
  });
  const forgetPage = watchPage(page, {
    onSuspend: () => {
      isSuspended = true;
      void leave();
      // Sockets would keep the page out of the cache, or be dead when it is back.
      assembly.client.setOnline(false);
    },
    onResume: () => {
      isSuspended = false;
      if (assembly.isOnline) assembly.client.setOnline(true);
      join();
    },
  });
  // Without locks nobody can tell who holds: each tab is on its own, and the one that opened the store last keeps its copy there.
  if (tenancy === undefined && store !== undefined) await assembly.keep(store);
  join();
  await tenancy?.settled;
  return assembly.kv;
}
