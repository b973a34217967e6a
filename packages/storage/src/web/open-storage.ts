// Opening a storage of this origin: the lock, then the database, made or found, then in one transaction all that it holds is read and checked
// and the fence is raised. What is refused is left as it was found. Called by the composition root of a tab.
import { RaftkvError } from '@raftkv/wire';
import { checkIdentity, makeIdentity } from '../identity-file.ts';
import type { RequestedIdentity } from '../identity-file.ts';
import type { Storage } from '../storage.ts';
import { Database, databaseFactory } from './database.ts';
import type { Durability } from './database.ts';
import { databaseNameOf } from './database-name.ts';
import { IndexedDbStorage } from './indexeddb-storage.ts';
import { LogChunks } from './log-chunks.ts';
import { readDatabase } from './read-database.ts';
import type { FoundDatabase } from './read-database.ts';
import { encodeRecord, fenceKey, identityKey, logKeysBefore, markKey, snapshotKeys } from './records.ts';
import type { Fence } from './records.ts';
import { takeWebLock } from './web-lock.ts';
import { WriteQueue } from './write-queue.ts';

/** Of the layout in `docs/indexeddb-format.md`. There is none before it: one that comes after must read it. */
const formatVersion = 1;

export interface IndexedDbStorageOptions {
  /** Which storage of this origin; 1 to 128 characters. Each replica has its own. */
  readonly name: string;
  /** Whose storage this is. Needed to create one; checked when one is there. */
  readonly identity?: RequestedIdentity;
  /** May a new storage be made? False: none is `storage_missing`, so that data that were cleared or evicted are noticed. */
  readonly create: boolean;
  /** `strict`: acknowledged when forced to the medium. `relaxed`: a power cut may take the last writes, a crash of the tab or the browser none. Default `strict`. */
  readonly durability?: Durability;
  /** Take the storage from a tab that holds it, as when that tab is frozen: its next write, however late, fails with `storage_locked`. Default false. */
  readonly steal?: boolean;
  /** How long a tab that has the storage is waited for; a page that was just left needs a moment. At the limit `storage_locked`. Default 1 s. */
  readonly lockWaitMilliseconds?: number;
  /** How long the browser may take to open the database. At the limit `storage_failed`, or `storage_locked` if a tab is in the way. Default 10 s. */
  readonly openTimeoutMilliseconds?: number;
  /** Bytes of batches that may wait. At the limit `append` rejects with `busy`, takes nothing and goes on. Default 64 MiB. */
  readonly maxQueuedBytes?: number;
  /** Called once, with the error that stopped the storage: also when another tab deleted it or took it over. */
  readonly onFailure?: (error: RaftkvError) => void;
}

/**
 * Opens, or with `create: true` creates, a storage in IndexedDB, and holds its Web Lock until `close`.
 *
 * @throws RaftkvError `storage_missing`, `storage_identity`, `storage_locked`, `storage_corrupt`, `storage_full`, `storage_failed`,
 * `unsupported_version`, and `unsupported` where the browser lets a page keep nothing
 * @example
 * const storage = await openIndexedDbStorage({ name: 'todo', create: true, identity, durability: 'relaxed' });
 */
export async function openIndexedDbStorage(options: IndexedDbStorageOptions): Promise<Storage> {
  const name = databaseNameOf(options.name);
  databaseFactory();
  let stolen: RaftkvError | undefined;
  let onStolen = (error: RaftkvError): void => void (stolen = error);
  // Who was robbed while it was opening would otherwise raise the fence over that of the one that has it now.
  const checkOwner = (): void => {
    if (stolen !== undefined) throw stolen;
  };
  const release = await takeWebLock({
    name,
    steal: options.steal ?? false,
    waitMilliseconds: options.lockWaitMilliseconds ?? 1000,
    onStolen: (error) => onStolen(error),
  });
  try {
    const opened = await openDatabase(name, options, { release, checkOwner });
    onStolen = opened.onStolen;
    checkOwner();
    return opened.storage;
  } catch (error) {
    await release();
    throw error;
  }
}

async function openDatabase(
  name: string,
  options: IndexedDbStorageOptions,
  { release, checkOwner }: { readonly release: () => Promise<void>; readonly checkOwner: () => void },
): Promise<{ storage: Storage; onStolen: (error: RaftkvError) => void }> {
  const { durability = 'strict', openTimeoutMilliseconds = 10_000 } = options;
  let storage: IndexedDbStorage | undefined;
  const database = await Database.open(
    { name, formatVersion, durability, openTimeoutMilliseconds, onLost: () => storage?.probe() },
    options.create ? (store) => fillDatabase(store, options.identity) : undefined,
  );
  try {
    const token = crypto.getRandomValues(new Uint32Array(4)).join('-');
    const found = await database.transact('readwrite', async (store) => {
      const read = await readDatabase(store, database.label);
      checkIdentity(read.state.identity, options.identity, database.label);
      checkOwner();
      store.put(encodeRecord(fenceKey, raised(read.fence, token)), fenceKey.key);
      return read;
    });
    const chunks = new LogChunks(found.chunks, found.fence.lastSequence + 1);
    const queue = new WriteQueue({
      database,
      chunks,
      fence: raised(found.fence, token),
      maxQueuedBytes: options.maxQueuedBytes ?? 64 * 1024 * 1024,
      onFailure: (error) => options.onFailure?.(error),
    });
    await removeLeftovers(queue, found);
    const { state, mark, nextSnapshotNumber } = found;
    const isSynced = durability === 'strict';
    const { snapshot } = mark;
    storage = new IndexedDbStorage({
      database,
      queue,
      chunks,
      state,
      snapshot,
      nextSnapshotNumber,
      isSynced,
      release,
    });
    return { storage, onStolen: (error) => queue.fail(error) };
  } catch (error) {
    database.close();
    throw error;
  }
}

function raised(fence: Fence, token: string): Fence {
  return { ...fence, token, epoch: fence.epoch + 1, writes: fence.writes + 1 };
}

/** The first records, in the transaction that makes the database: so one without them is damaged, never half made. */
function fillDatabase(store: IDBObjectStore, requested: RequestedIdentity | undefined): void {
  if (requested === undefined) {
    throw new RaftkvError('storage_missing', 'there is no storage of this name; to make one, pass an identity');
  }
  store.put(encodeRecord(identityKey, makeIdentity(requested)), identityKey.key);
  store.put(encodeRecord(fenceKey, { epoch: 0, token: '', lastSequence: 0, writes: 0 }), fenceKey.key);
  const log = { compactedIndex: 0, compactedTerm: 0, firstSequence: 1, nextSequence: 1 };
  store.put(encodeRecord(markKey, { ...log, hardState: undefined, snapshot: undefined }), markKey.key);
}

/** Chunks that no mark points at: of a snapshot that was not committed, or that was to be deleted when the tab went. */
async function removeLeftovers(queue: WriteQueue, { leftovers, mark }: FoundDatabase): Promise<void> {
  const ranges = leftovers.snapshots.map(snapshotKeys);
  if (leftovers.hasLog) ranges.push(logKeysBefore(mark.firstSequence));
  await Promise.all(ranges.map((range) => queue.add({ type: 'delete', range })));
}
