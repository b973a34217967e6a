// One database of the browser: opens it, opens it again when its handle dies, and runs transactions with the wanted durability over
// idb-keyval's idea of a store. It knows nothing of what the records mean; `open-storage.ts` and `write-queue.ts` say what is read and written.
import { RaftkvError } from '@raftkv/wire';
import { databaseError, isDeadHandle } from './database-error.ts';
import type { UseStore } from 'idb-keyval';

/**
 * `strict`: a write is acknowledged when the browser has forced it to the medium. `relaxed`: when the operating system has it, which
 * outlives the tab and the browser, but not a power cut.
 */
export type Durability = 'strict' | 'relaxed';

const storeName = 'records';
/** Before each further attempt with a new handle. A browser that restarts its storage process takes a moment. */
const retryPauseMilliseconds: readonly number[] = [0, 50, 250, 1000];

export interface DatabaseOptions {
  readonly name: string;
  /** Of the layout. A later one is refused by the browser with VersionError; of an earlier one nothing is left. */
  readonly formatVersion: number;
  readonly durability: Durability;
  readonly openTimeoutMilliseconds: number;
  /** Called when the browser took the handle away while nothing was asked: somebody deletes or upgrades, or the data were cleared. */
  readonly onLost: () => void;
}

/** Called in the transaction that makes the database, so that a database that is there is never without its first records. */
export type FillDatabase = (store: IDBObjectStore) => void;

export class Database {
  readonly #options: DatabaseOptions;
  #handle: IDBDatabase | undefined;
  #opening: Promise<IDBDatabase> | undefined;
  #isClosed = false;

  private constructor(options: DatabaseOptions) {
    this.#options = options;
  }

  /** @throws RaftkvError `storage_missing` if there is none and `fill` is undefined. */
  static async open(options: DatabaseOptions, fill: FillDatabase | undefined): Promise<Database> {
    const database = new Database(options);
    const { name } = options;
    await retrying(name, () => database.#open(fill));
    return database;
  }

  get label(): string {
    return labelOf(this.#options.name);
  }

  /**
   * Runs `body` in one transaction and resolves with its result on `complete`, never earlier. A handle that turns out to be dead is
   * replaced, and all is done again: so `body` must be the same each time. If it rejects, the transaction is aborted.
   */
  async transact<T>(mode: IDBTransactionMode, body: (store: IDBObjectStore) => T | PromiseLike<T>): Promise<T> {
    return retrying(this.#options.name, async () => {
      this.#assertOpen();
      try {
        return await this.#useStore(mode, (store) => settle(store, body));
      } catch (error) {
        if (isDeadHandle(error)) this.#drop(this.#handle);
        throw error;
      }
    });
  }

  /** Lets running transactions end. */
  close(): void {
    this.#isClosed = true;
    this.#drop(this.#handle);
  }

  readonly #useStore: UseStore = async (mode, callback) => {
    const handle = this.#handle ?? (await this.#open(undefined));
    // Used in the turn that makes it: Safari ends a transaction that is empty at the end of a microtask.
    return callback(
      handle.transaction(storeName, mode, { durability: this.#options.durability }).objectStore(storeName),
    );
  };

  #open(fill: FillDatabase | undefined): Promise<IDBDatabase> {
    this.#opening ??= openHandle(this.#options, fill)
      .then((handle) => this.#take(handle))
      .finally(() => {
        this.#opening = undefined;
      });
    return this.#opening;
  }

  #take(handle: IDBDatabase): IDBDatabase {
    if (this.#isClosed) {
      handle.close();
      this.#assertOpen();
    }
    // Whoever wants to delete or upgrade waits for us: let go at once. What is running still ends.
    handle.addEventListener('versionchange', () => this.#lose(handle));
    // The browser cut the connection: data cleared, or its storage died.
    handle.addEventListener('close', () => this.#lose(handle));
    this.#handle = handle;
    return handle;
  }

  #lose(handle: IDBDatabase): void {
    const wasOurs = this.#handle === handle;
    this.#drop(handle);
    if (wasOurs && !this.#isClosed) this.#options.onLost();
  }

  #drop(handle: IDBDatabase | undefined): void {
    handle?.close();
    if (this.#handle === handle) this.#handle = undefined;
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new RaftkvError('closed', `${this.label} was closed`);
  }
}

export function labelOf(name: string): string {
  return `IndexedDB "${name}"`;
}

/** The browser's factory. Reading the property throws where a page may keep nothing at all. */
export function databaseFactory(): IDBFactory {
  let factory: IDBFactory | undefined;
  try {
    factory = globalThis.indexedDB;
  } catch (error) {
    throw databaseError(error, 'opening', 'IndexedDB');
  }
  if (factory === undefined) throw new RaftkvError('unsupported', 'this runtime has no IndexedDB');
  return factory;
}

/** Tries again with a new handle while only the handle is to blame. */
async function retrying<T>(name: string, action: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await action();
    } catch (error) {
      const pause = retryPauseMilliseconds[attempt];
      if (!isDeadHandle(error) || pause === undefined) throw databaseError(error, 'using', labelOf(name));
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

/** The body's result once the transaction is complete; the reason once it is aborted. */
async function settle<T>(store: IDBObjectStore, body: (store: IDBObjectStore) => T | PromiseLike<T>): Promise<T> {
  const { transaction } = store;
  const { db } = transaction;
  let onClose = (): void => undefined;
  try {
    return await new Promise<T>((resolve, reject) => {
      let refusal: unknown;
      const result = (async () => body(store))();
      result.catch((error: unknown) => {
        refusal = error;
        abort(transaction);
      });
      // Not idb-keyval's promise: an error of a request reaches the transaction before its own reason is known.
      transaction.addEventListener('complete', () => resolve(result));
      // A refusal of the body itself says more than the abort that it led to.
      transaction.addEventListener('abort', () =>
        reject(refusal instanceof RaftkvError ? refusal : (transaction.error ?? refusal)),
      );
      // The browser cut the connection. It should have ended the transaction before; Chromium was seen to forget that, and then it never ends.
      onClose = () => reject(new DOMException('the browser closed the connection', 'AbortError'));
      db.addEventListener('close', onClose);
    });
  } finally {
    db.removeEventListener('close', onClose);
  }
}

function abort(transaction: IDBTransaction): void {
  try {
    transaction.abort();
  } catch {
    // It has ended already.
  }
}

async function openHandle(options: DatabaseOptions, fill: FillDatabase | undefined): Promise<IDBDatabase> {
  const { name, formatVersion, openTimeoutMilliseconds } = options;
  const request = databaseFactory().open(name, formatVersion);
  let refusal: unknown;
  let isBlocked = false;
  request.onblocked = () => {
    isBlocked = true;
  };
  request.onupgradeneeded = () => {
    try {
      // Nothing was there that counts: a new database, or one that vanished and must not come back empty.
      if (fill === undefined) throw missing(name);
      const { result } = request;
      if (result.objectStoreNames.length > 0) result.deleteObjectStore(storeName);
      fill(result.createObjectStore(storeName));
    } catch (error) {
      refusal = error;
      request.transaction?.abort();
    }
  };
  return new Promise((resolve, reject) => {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      reject(notOpened(name, openTimeoutMilliseconds, isBlocked));
    }, openTimeoutMilliseconds);
    request.onsuccess = () => {
      clearTimeout(timer);
      if (isLate) request.result.close();
      else resolve(request.result);
    };
    request.addEventListener('error', () => {
      clearTimeout(timer);
      reject(refusal ?? request.error);
    });
  });
}

function missing(name: string): RaftkvError {
  return new RaftkvError(
    'storage_missing',
    `${labelOf(name)} is not there: it was never created, or was deleted or cleared; pass create: true and an identity to begin anew`,
  );
}

function notOpened(name: string, milliseconds: number, isBlocked: boolean): RaftkvError {
  const what = `${labelOf(name)} did not open within ${milliseconds} ms`;
  return isBlocked
    ? new RaftkvError('storage_locked', `${what}: another tab holds an older version of it open`)
    : new RaftkvError('storage_failed', `${what}: another tab may hold up its deletion, or the browser hangs`);
}
