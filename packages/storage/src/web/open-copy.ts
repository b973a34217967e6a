// Opening a copy of this origin: the database, made or found, then one transaction that raises the fence and deletes what does not count any more.
// Called by the composition root of a tab that holds the replica.
import { promisifyRequest } from 'idb-keyval';
import type { CopyStorage, OpenCopyOptions } from '../copy-storage.ts';
import { chunkKeys, headKey, openHead, sealHead } from './copy-records.ts';
import type { CopyHead } from './copy-records.ts';
import { Database } from './database.ts';
import type { Durability } from './database.ts';
import { copyPrefix, databaseNameOf } from './database-name.ts';
import { IndexedDbCopy } from './indexeddb-copy.ts';

/** Of the layout in `docs/indexeddb-copy-format.md`. What is older is thrown away: the feed has everything. */
const formatVersion = 2;

export interface IndexedDbCopyOptions extends OpenCopyOptions {
  /** Which copy of this origin; 1 to 128 characters. */
  readonly name: string;
  /** `relaxed`: a power cut may take the last writes, a crash of the tab or the browser none. */
  readonly durability: Durability;
  /** How long the browser may take to open the database. At the limit `storage_failed`, or `storage_locked` if a tab is in the way. Default 10 s. */
  readonly openTimeoutMilliseconds?: number;
}

/**
 * Opens a copy in IndexedDB, or makes one if there is none and `owner` is given, and takes it from whoever has it open: the next write of that tab, however
 * late, fails with `storage_locked`.
 *
 * @throws RaftkvError `storage_missing`, `storage_locked`, `storage_corrupt`, `storage_full`, `storage_failed`, `unsupported_version`, and `unsupported`
 * where the browser lets a page keep nothing
 * @example
 * const copy = await openIndexedDbCopy({ name: 'todo', durability: 'relaxed', owner });
 */
export async function openIndexedDbCopy(options: IndexedDbCopyOptions): Promise<CopyStorage> {
  const { name, durability, openTimeoutMilliseconds = 10_000, owner, onFailure } = options;
  let copy: IndexedDbCopy | undefined;
  const database = await Database.open(
    {
      name: databaseNameOf(name, copyPrefix),
      formatVersion,
      durability,
      openTimeoutMilliseconds,
      onLost: () => copy?.probe(),
    },
    owner && ((store) => void store.put(sealHead(emptyHead(owner)), headKey)),
  );
  try {
    const token = crypto.getRandomValues(new Uint32Array(4)).join('-');
    const head = await database.transact('readwrite', async (store) => {
      const found = openHead(await promisifyRequest<unknown>(store.get(headKey)), database.label);
      const raised = { ...found, token, epoch: found.epoch + 1, writes: found.writes + 1 };
      store.put(sealHead(raised), headKey);
      // What a replacement that was not finished, or not cleared up after, has left.
      const { group, first, next } = found;
      store.delete(chunkKeys(0, -Infinity, first));
      store.delete(chunkKeys(0, next, Infinity));
      if (group > 1) store.delete(IDBKeyRange.bound([1], [group], false, true));
      store.delete(IDBKeyRange.lowerBound([group + 1]));
      return raised;
    });
    copy = new IndexedDbCopy(database, head, onFailure);
    return copy;
  } catch (error) {
    database.close();
    throw error;
  }
}

function emptyHead(owner: CopyHead['owner']): CopyHead {
  return { owner, epoch: 0, token: '', writes: 0, group: 0, pages: 0, first: 0, next: 0 };
}
