// Where a replica lives: what follows the cluster or another tab for it, keeps its copy and feeds others. Here that is this thread, with the tenancy of
// the origin; `worker-residence.ts` has it in a worker. The life of the page, which both have to know of, is in `open-shared-replica.ts`. Whether what tabs
// say to each other is there at once (`reside-here.ts`) or comes later (`reside-first.ts`) is for the caller to choose.
import type { FeedMessage } from '@raftkv/client/parts';
import type { RaftkvError } from '@raftkv/wire';
import type { ReplicaAssembly } from '../assembly.ts';
import type { Page } from './page.ts';
import { Tenancy } from './tenancy.ts';
import type { TenancyOptions } from './tenancy.ts';

export interface Residence {
  /** Resolves once the copy is what it can be for now, or a second after the first `join`. */
  readonly settled: Promise<void> | undefined;
  /** Follows from now on. Idempotent. */
  join(): void;
  /** Follows nobody, holds nothing. What matters is done when it returns; the rest when it resolves. */
  leave(isForEver?: boolean): Promise<void>;
  /** The copy took this in. */
  taken?(message: FeedMessage): void;
  storageFailed?(error: RaftkvError): void;
  /** Something of the status changed. */
  changed?(): void;
}

export interface ResidenceOptions extends Omit<TenancyOptions, 'locks'> {
  /** Undefined in an insecure context. */
  readonly locks: Page['locks'];
}

export type AnyAssembly = ReplicaAssembly<never, never>;

/** In this thread. `share` gives a tenancy what it needs to talk with other tabs, now or later. */
export function reside(assembly: AnyAssembly, options: ResidenceOptions, share: (tenancy: Tenancy) => void): Residence {
  const { locks, store } = options;
  if (locks !== undefined) {
    const tenancy = new Tenancy(assembly, options as TenancyOptions);
    share(tenancy);
    return tenancy;
  }
  // Nobody can tell who holds: each tab is on its own, and the one that opened the store last keeps its copy there.
  const settled = store && assembly.keep(store);
  return {
    settled,
    join: async () => {
      await settled;
      assembly.followCluster();
    },
    leave: async () => assembly.unfollow(),
  };
}
