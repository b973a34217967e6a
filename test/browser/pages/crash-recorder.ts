// Watches IndexedDB from below a storage: writes down each transaction that wrote, as it was committed, and makes a chosen one fail after
// a chosen request. It knows nothing of records or of storages; the page `crashes.ts` decides what is watched, and what fails.

export type RecordedRequest =
  | { readonly type: 'createStore'; readonly name: string }
  | { readonly type: 'put'; readonly key: IDBValidKey; readonly value: Uint8Array }
  | { readonly type: 'delete'; readonly range: IDBValidKey | IDBKeyRange };

export interface RecordedTransaction {
  readonly mode: IDBTransactionMode;
  readonly durability: IDBTransactionDurability;
  /** What it changed, in order. */
  readonly changes: readonly RecordedRequest[];
  /** All that was asked, reads too. */
  readonly requestCount: number;
}

/**
 * Which transaction fails, counted from 0 among those that write, and after which of its requests, counted from 1. `refused`: the
 * browser carries these out, refuses the next one, and rolls all back. `aborted`: it is aborted when these were carried out, as a browser does
 * that loses its storage process, and so is each further attempt. `abortedOnce`: the next attempt gets through.
 */
export interface Doom {
  readonly transaction: number;
  readonly afterRequest: number;
  readonly how: 'refused' | 'aborted' | 'abortedOnce';
}

/** Faults of a storage that the enumeration must find: it takes for complete what was only sent off, or what was aborted. */
export type Lie = 'completeWhenSent' | 'completeWhenAborted';

export interface WatchOptions {
  readonly doom?: Doom | undefined;
  readonly lie?: Lie | undefined;
  /** Called on `complete`, before the storage hears of it. */
  readonly onCommitted?: () => void;
}

interface Open {
  readonly changes: RecordedRequest[];
  readonly isDoomed: boolean;
  requestCount: number;
}

export class Recorder {
  /** In the order in which they were committed. */
  readonly committed: RecordedTransaction[] = [];
  readonly #options: WatchOptions;
  readonly #open = new Map<IDBTransaction, Open>();
  /** How often a transaction was made to fail. */
  failures = 0;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  begin(transaction: IDBTransaction): void {
    const { mode } = transaction;
    if (mode === 'readonly') return;
    const { doom, lie, onCommitted } = this.#options;
    // One at a time: whichever comes now is the next to be committed, also when it is tried again.
    const isDoomed = doom?.transaction === this.committed.length && (doom.how !== 'abortedOnce' || this.failures === 0);
    const open: Open = { changes: [], isDoomed, requestCount: 0 };
    this.#open.set(transaction, open);
    transaction.addEventListener('complete', ({ isTrusted }) => {
      if (!isTrusted) return;
      const { durability } = transaction;
      this.committed.push({ mode, durability, changes: open.changes, requestCount: open.requestCount });
      onCommitted?.();
    });
    if (lie !== 'completeWhenAborted') return;
    transaction.addEventListener('abort', () => transaction.dispatchEvent(new Event('complete')));
  }

  /** Called when a request was made. */
  request(store: IDBObjectStore, request: IDBRequest | undefined, change: RecordedRequest | undefined): void {
    const { transaction } = store;
    const open = this.#open.get(transaction);
    if (open === undefined) return;
    if (change !== undefined) open.changes.push(change);
    if (request === undefined) return;
    open.requestCount += 1;
    const { doom } = this.#options;
    if (!open.isDoomed || open.requestCount !== doom?.afterRequest) return;
    this.failures += 1;
    // This record is there since the first request that there was.
    if (doom.how === 'refused') store.add(new Uint8Array(), 'identity');
    else request.addEventListener('success', () => transaction.abort());
  }

  /** Whether the browser may be told that nothing more comes. It need not be, and a transaction that is to fail must stay open for it. */
  mayCommit(transaction: IDBTransaction): boolean {
    return this.#open.get(transaction)?.isDoomed !== true;
  }

  afterCommit(transaction: IDBTransaction): void {
    if (this.#options.lie === 'completeWhenSent') transaction.dispatchEvent(new Event('complete'));
  }
}

const recorders = new Map<string, Recorder>();

/** Watches the database of this name while `action` runs. */
export async function watching<T>(name: string, recorder: Recorder, action: () => Promise<T>): Promise<T> {
  recorders.set(name, recorder);
  try {
    return await action();
  } finally {
    recorders.delete(name);
  }
}

/** Once for the page. */
export function watchDatabases(): void {
  const { transaction, createObjectStore } = IDBDatabase.prototype;
  IDBDatabase.prototype.transaction = function (...words) {
    const made = transaction.apply(this, words);
    recorders.get(this.name)?.begin(made);
    return made;
  };
  // Only in the transaction that makes a database, which nobody asks for.
  IDBDatabase.prototype.createObjectStore = function (name, options) {
    const store = createObjectStore.call(this, name, options);
    const recorder = recorders.get(this.name);
    recorder?.begin(store.transaction);
    recorder?.request(store, undefined, { type: 'createStore', name });
    return store;
  };
  const { commit } = IDBTransaction.prototype;
  IDBTransaction.prototype.commit = function () {
    const recorder = recorders.get(this.db.name);
    if (recorder?.mayCommit(this) === false) return;
    commit.call(this);
    recorder?.afterCommit(this);
  };
  watchRequests();
}

function watchRequests(): void {
  const { put } = IDBObjectStore.prototype;
  IDBObjectStore.prototype.put = function (value: Uint8Array, key) {
    const request = put.call(this, value, key);
    tell(this, request, { type: 'put', key: key!, value: value.slice() });
    return request;
  };
  const remove = IDBObjectStore.prototype.delete;
  IDBObjectStore.prototype.delete = function (range) {
    const request = remove.call(this, range);
    tell(this, request, { type: 'delete', range });
    return request;
  };
  const { get, getAll, getAllKeys } = IDBObjectStore.prototype;
  IDBObjectStore.prototype.get = function (query) {
    const request = get.call(this, query);
    tell(this, request, undefined);
    return request;
  };
  IDBObjectStore.prototype.getAll = function (...words) {
    const request = getAll.apply(this, words);
    tell(this, request, undefined);
    return request;
  };
  IDBObjectStore.prototype.getAllKeys = function (...words) {
    const request = getAllKeys.apply(this, words);
    tell(this, request, undefined);
    return request;
  };
}

function tell(store: IDBObjectStore, request: IDBRequest, change: RecordedRequest | undefined): void {
  recorders.get(store.transaction.db.name)?.request(store, request, change);
}
