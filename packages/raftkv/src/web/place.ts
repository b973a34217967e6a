// Which replica of this browser is meant, in words that a worker can be told; and what there is of a page. Storage has no part in this: a page whose
// replica lives in a worker does not load it.
import { RaftkvError } from '@raftkv/wire';
import { placeOf } from '@raftkv/observer/web';
import type { Page } from '@raftkv/observer/web';
import { defaultReplicaName } from '../replica-options.ts';
import type { ReplicaOptions } from '../replica-options.ts';

export interface Place {
  /** Of a replica that is alone, to be replaced by one that nobody else has. */
  name: string;
  readonly isAlone: boolean;
  readonly storage: 'relaxed' | 'strict' | 'memory';
}

export interface PresentPage extends Page {
  readonly locks: LockManager | undefined;
}

/** Throws `invalid_argument` for what makes no sense. */
export function placeFor({
  name,
  storage = 'relaxed',
  replica = 'shared',
}: Pick<ReplicaOptions, 'name' | 'storage' | 'replica'>): Place {
  if (!['relaxed', 'strict', 'memory'].includes(storage)) {
    throw new RaftkvError('invalid_argument', `storage is ${storage}; there are relaxed, strict, memory`);
  }
  if (!['shared', 'per-tab'].includes(replica)) {
    throw new RaftkvError('invalid_argument', `replica is ${replica}; there are shared, per-tab`);
  }
  return { name: checkedName(name), isAlone: replica === 'per-tab', storage };
}

export function checkedName(name: string = defaultReplicaName): string {
  if (typeof name === 'string' && /^[^/]{1,80}$/.test(name)) return name;
  throw new RaftkvError('invalid_argument', 'the name of a replica has 1 to 80 characters, none of them a slash');
}

/**
 * A name that begins with that of the place and that no other living tab has. Loaded when it is needed, since hardly any page asks for it; `connect_failed`
 * where it cannot be.
 */
export async function ownName({ name }: Place, { locks }: PresentPage): Promise<string> {
  const { claimTabName } = await import('./tab-name.ts').catch((error: unknown) => {
    throw RaftkvError.from(error, 'connect_failed');
  });
  return claimTabName(name, locks, (replica) => placeOf(replica, 'holder'));
}

/** What is there of a page: an insecure context has no locks, and a worker is never hidden or put away. */
export function presentPage(): PresentPage {
  const { navigator, document } = globalThis as Partial<typeof globalThis>;
  const locks = navigator?.locks as LockManager | undefined;
  return {
    window: globalThis,
    document: document ?? Object.assign(new EventTarget(), { visibilityState: 'visible' as const }),
    locks,
  };
}
