// A place of this browser as a replica lives there: its storage, its locks and its channels. For whichever thread has the replica.
import type { CopyStore } from '@raftkv/observer';
import type { ResidenceOptions } from '@raftkv/observer/web';
import { deleteIndexedDbCopy, openIndexedDbCopy } from '@raftkv/storage/web';
import type { Durability } from '@raftkv/storage/web';
import type { Place, PresentPage } from './place.ts';

export function residenceAt({ name, isAlone, storage }: Place, { locks, document }: PresentPage): ResidenceOptions {
  return {
    name,
    isAlone,
    // Without locks a tab never finds its own again.
    store: storage === 'memory' || (isAlone && locks === undefined) ? undefined : indexedDbStore(name, storage),
    locks,
    openPort: (portName) => new BroadcastChannel(portName),
    isVisible: () => document.visibilityState === 'visible',
  };
}

/** Whoever opens it has the lock of the replica, or nobody has: so it takes the copy from whoever is left over. */
function indexedDbStore(name: string, durability: Durability): CopyStore {
  return {
    mode: durability,
    open: (options) => openIndexedDbCopy({ ...options, name, durability }),
    wipe: () => deleteIndexedDbCopy(name),
  };
}
