// Where a member in a tab keeps its storage: for good in one strict database of IndexedDB, in which its identity, its votes and its log live and go together;
// or in the memory of the page, for a member that ends with it. What cannot last is refused for one that is to last.
import type { HomePlace } from '@raftkv/server';
import { createMemoryStore, openMemoryStorage } from '@raftkv/storage';
import type { Storage } from '@raftkv/storage';
import { openIndexedDbStorage } from '@raftkv/storage/web';
import type { IndexedDbStorageOptions } from '@raftkv/storage/web';
import { RaftkvError } from '@raftkv/wire';
import { askToKeep, findPrivateWindow } from '../lasting.ts';
import type { TabPage } from './page-life.ts';

export interface LastingPlaceOptions {
  readonly name: string;
  readonly page: TabPage;
  readonly onFailure: (error: RaftkvError) => void;
  /** From a tab that has it, and does not answer. The first time only: who was robbed since must not rob again. */
  readonly steal: boolean;
}

/** @throws RaftkvError `unsupported` where the page keeps nothing that lasts, or where nothing keeps two tabs from being one member */
export async function lastingPlace({ name, page, onFailure, steal }: LastingPlaceOptions): Promise<HomePlace> {
  if (page.locks === undefined) {
    throw refusal('this page has no Web Locks: it must come from a secure context (https, or this machine)');
  }
  await expectLasting();
  let isToSteal = steal;
  const open = async (options: Pick<IndexedDbStorageOptions, 'create' | 'identity'>): Promise<Storage> => {
    const how = { durability: 'strict', steal: isToSteal, onFailure } as const;
    const storage = await openIndexedDbStorage({ ...options, ...how, name: `member.${name}` });
    isToSteal = false;
    return storage;
  };
  return {
    label: `the storage of member "${name}" in this browser`,
    reopen: async () => {
      try {
        return await open({ create: false });
      } catch (error) {
        if (RaftkvError.from(error).code === 'storage_missing') return undefined;
        throw error;
      }
    },
    create: (identity) => open({ create: true, identity }),
  };
}

/** For as long as the page lives: a storage that was closed is found again, by the same page alone. */
export function passingPlace(name: string): HomePlace {
  const store = createMemoryStore();
  return {
    label: `the memory of member "${name}"`,
    reopen: async () => (store.identity === undefined ? undefined : openMemoryStorage({ create: false, store })),
    create: async (identity) => openMemoryStorage({ create: true, identity, store }),
  };
}

async function expectLasting(): Promise<void> {
  const found = await findPrivateWindow();
  if (found !== undefined) throw refusal('this is a private window, whose data go with it', found.cause);
  // A wish. Granted or not, it changes nothing of what is promised.
  askToKeep();
}

function refusal(reason: string, cause?: unknown): RaftkvError {
  return new RaftkvError(
    'unsupported',
    `a member that is to last cannot be kept here: ${reason}; storage: 'memory' makes one that ends with the page`,
    { cause },
  );
}
