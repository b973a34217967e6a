// Kept writes in IndexedDB, strict: a change is acknowledged when the browser has forced it to the medium. Each transaction that writes into a lane compares
// the lane's head, so that of two tabs which both believe to have it only the one that took it last can.
import { promisifyRequest } from 'idb-keyval';
import { RaftkvError } from '@raftkv/wire';
import type { FoundWrite, OutboxChange, OutboxLane, OutboxStorage } from '../outbox-storage.ts';
import { Database } from './database.ts';
import { databaseNameOf, outboxPrefix } from './database-name.ts';
import {
  databaseIdKey,
  headKeyOf,
  keysOfWrite,
  markKeyOf,
  openHead,
  openMark,
  openWrite,
  sealHead,
  sealMark,
  sealWrite,
  writeKeyOf,
  writeKeys,
} from './outbox-records.ts';

/** Of the layout in `docs/indexeddb-outbox-format.md`. */
const formatVersion = 1;

export interface IndexedDbOutboxOptions {
  /** Which writes of this origin; 1 to 128 characters. */
  readonly name: string;
  /** How long the browser may take to open the database. At the limit `storage_failed`, or `storage_locked` if a tab is in the way. Default 10 s. */
  readonly openTimeoutMilliseconds?: number;
}

/**
 * Opens what is kept in this origin, or makes it. Several tabs have it open together; each has lanes of its own.
 *
 * @throws RaftkvError `storage_locked`, `storage_full`, `storage_failed`, `unsupported_version`, and `unsupported` where the browser lets a page keep nothing
 * @example
 * const storage = await openIndexedDbOutbox({ name: 'todo' });
 */
export async function openIndexedDbOutbox(options: IndexedDbOutboxOptions): Promise<OutboxStorage> {
  return new IndexedDbOutbox(options, await openDatabase(options));
}

function openDatabase({ name, openTimeoutMilliseconds = 10_000 }: IndexedDbOutboxOptions): Promise<Database> {
  const place = { name: databaseNameOf(name, outboxPrefix), formatVersion, openTimeoutMilliseconds };
  // Whether it is still there is seen at the next change.
  return Database.open({ ...place, durability: 'strict', onLost: () => {} }, (store) => {
    store.put(drawToken(), databaseIdKey);
  });
}

function drawToken(): string {
  return crypto.getRandomValues(new Uint32Array(4)).join('-');
}

class IndexedDbOutbox implements OutboxStorage {
  readonly mode = 'strict';
  readonly #options: IndexedDbOutboxOptions;
  #database: Database;

  constructor(options: IndexedDbOutboxOptions, database: Database) {
    this.#options = options;
    this.#database = database;
  }

  async lanes(): Promise<readonly string[]> {
    const keys = await this.#transact('readonly', (store) => promisifyRequest(store.getAllKeys()));
    return keys.flatMap((key) => (Array.isArray(key) && key.length === 1 ? [key[0] as string] : []));
  }

  async take(name: string): Promise<OutboxLane> {
    const token = drawToken();
    const [found, databaseId] = await this.#transact('readwrite', async (store) => {
      const [id, head, keys, values] = await Promise.all([
        promisifyRequest<unknown>(store.get(databaseIdKey)),
        promisifyRequest<unknown>(store.get(headKeyOf(name))),
        promisifyRequest(store.getAllKeys(writeKeys(name))),
        promisifyRequest<unknown[]>(store.getAll(writeKeys(name))),
      ]);
      if (head !== undefined) openHead(name, head, this.#database.label);
      const writes = decodeLane(name, keys, values, this.#database.label);
      store.put(sealHead(name, { token }), headKeyOf(name));
      return [writes, id];
    });
    return new IndexedDbLane(() => this.#database, { name, token, databaseId }, found);
  }

  close(): void {
    this.#database.close();
  }

  /** A database that somebody has deleted is made anew: what was in it is of no use to anybody any more. */
  async #transact<T>(mode: IDBTransactionMode, body: (store: IDBObjectStore) => T | PromiseLike<T>): Promise<T> {
    try {
      return await this.#database.transact(mode, body);
    } catch (error) {
      if (!(error instanceof RaftkvError) || error.code !== 'storage_missing') throw error;
      this.#database.close();
      this.#database = await openDatabase(this.#options);
      return this.#database.transact(mode, body);
    }
  }
}

/** What a lane is known by. */
interface LaneId {
  readonly name: string;
  readonly token: string;
  readonly databaseId: unknown;
}

class IndexedDbLane implements OutboxLane {
  readonly found: readonly FoundWrite[];
  /** The one that is open now. */
  readonly #database: () => Database;
  readonly #id: LaneId;

  constructor(database: () => Database, id: LaneId, found: readonly FoundWrite[]) {
    this.#database = database;
    this.#id = id;
    this.found = found;
  }

  async commit(changes: readonly OutboxChange[]): Promise<void> {
    await this.#database().transact('readwrite', async (store) => {
      const mayWrite = this.#expectOurs(store);
      // All at once: a head that is not ours aborts them before any can be complete.
      for (const change of changes) apply(store, this.#id.name, change);
      await mayWrite;
      store.transaction.commit?.();
    });
  }

  async drop(): Promise<void> {
    const { name } = this.#id;
    await this.#database().transact('readwrite', async (store) => {
      const [keys] = await Promise.all([promisifyRequest(store.getAllKeys(writeKeys(name))), this.#expectOurs(store)]);
      if (keys.some((key) => isWriteKey(key))) return;
      store.delete(headKeyOf(name));
      // Marks of writes that are gone: they mean nothing.
      if (keys.length > 0) store.delete(writeKeys(name));
    });
  }

  /** A lane that is not there was emptied by another tab, unless the whole database is another. */
  async #expectOurs(store: IDBObjectStore): Promise<void> {
    const { name, token, databaseId } = this.#id;
    const [id, head] = await Promise.all([
      promisifyRequest<unknown>(store.get(databaseIdKey)),
      promisifyRequest<unknown>(store.get(headKeyOf(name))),
    ]);
    const { label } = this.#database();
    const place = `lane ${name} of ${label}`;
    if (id !== databaseId) throw new RaftkvError('storage_missing', `${place} was deleted`);
    if (head === undefined || openHead(name, head, label).token !== token) {
      throw new RaftkvError('storage_locked', `${place} was taken over by another opener`);
    }
  }
}

function apply(store: IDBObjectStore, lane: string, change: OutboxChange): void {
  if (change.type === 'mark') {
    store.put(sealMark(lane, change.number, change.mark), markKeyOf(lane, change.number));
    if (change.write !== undefined) store.put(sealWrite(lane, change.write), writeKeyOf(lane, change.number));
    return;
  }
  const gone = change.type === 'forget' ? change.number : change.replaces;
  if (gone !== undefined) store.delete(keysOfWrite(lane, gone));
  if (change.type === 'keep') store.put(sealWrite(lane, change.write), writeKeyOf(lane, change.write.number));
}

/** Of all writes with their marks, in the order of their keys. A mark without a write is left of one that is gone. */
function decodeLane(
  lane: string,
  keys: readonly IDBValidKey[],
  values: readonly unknown[],
  place: string,
): FoundWrite[] {
  const marks = new Map<number, unknown>();
  for (const [i, key] of keys.entries())
    if ((key as unknown[]).length === 3) marks.set((key as number[])[1]!, values[i]);
  return keys.flatMap((key, i) => {
    const [, number] = key as [string, number];
    if (!isWriteKey(key)) return [];
    const mark = marks.has(number) ? openMark(lane, number, marks.get(number), place) : undefined;
    return [{ ...openWrite(lane, number, values[i], place), mark }];
  });
}

function isWriteKey(key: IDBValidKey): boolean {
  return Array.isArray(key) && key.length === 2;
}
