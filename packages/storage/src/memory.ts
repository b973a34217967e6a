// The reference implementation of the contract: everything in plain arrays, durable one turn of the event loop later.
// It survives `close` inside its MemoryStore, so that a test can open it again; it models no crash (`memory-disk.ts` does).
import { RaftkvError } from '@raftkv/wire';
import { checkIdentity, makeIdentity } from './identity-file.ts';
import { LogOutline } from './log-outline.ts';
import { checkNote } from './note-file.ts';
import type { Entry, HardState, SnapshotMeta } from '@raftkv/raft';
import type { RequestedIdentity } from './identity-file.ts';
import type {
  LogBatch,
  SnapshotReader,
  SnapshotWriter,
  Storage,
  StorageIdentity,
  StorageStatistics,
  StoredState,
} from './storage.ts';

/** What outlives a closed MemoryStorage, as a directory outlives a closed file storage. */
export interface MemoryStore {
  identity: StorageIdentity | undefined;
  isLocked: boolean;
  hardState: HardState | undefined;
  entries: Entry[];
  compactedIndex: number;
  compactedTerm: number;
  snapshot: { readonly meta: SnapshotMeta; readonly bytes: Uint8Array } | undefined;
  readonly notes: Map<string, Uint8Array>;
}

export function createMemoryStore(): MemoryStore {
  return {
    identity: undefined,
    isLocked: false,
    hardState: undefined,
    entries: [],
    compactedIndex: 0,
    compactedTerm: 0,
    snapshot: undefined,
    notes: new Map(),
  };
}

export interface MemoryStorageOptions {
  readonly identity?: RequestedIdentity;
  readonly create: boolean;
  /** Open again what an earlier storage left here; by default a new store. */
  readonly store?: MemoryStore;
}

/**
 * Opens a storage in memory by the same rules as file storage.
 *
 * @throws RaftkvError `storage_missing`, `storage_identity` or `storage_locked`
 * @example
 * const storage = openMemoryStorage({ create: true, identity: { clusterId: 'c', memberId: 'm', memberName: 'node1' } });
 */
export function openMemoryStorage(options: MemoryStorageOptions): Storage {
  const store = options.store ?? createMemoryStore();
  if (store.isLocked) throw new RaftkvError('storage_locked', 'this memory store is open already');
  if (store.identity === undefined) {
    if (!options.create || options.identity === undefined) {
      throw new RaftkvError('storage_missing', 'this memory store is empty; pass create: true and an identity');
    }
    store.identity = makeIdentity(options.identity);
  }
  checkIdentity(store.identity, options.identity, 'this memory store');
  store.isLocked = true;
  return new MemoryStorage(store, store.identity);
}

class MemoryStorage implements Storage {
  readonly #store: MemoryStore;
  readonly #identity: StorageIdentity;
  readonly #outline: LogOutline;
  #isClosed = false;
  #isLoaded = false;
  #batches = 0;
  #entries = 0;

  constructor(store: MemoryStore, identity: StorageIdentity) {
    this.#store = store;
    this.#identity = identity;
    this.#outline = new LogOutline(store);
  }

  async load(): Promise<StoredState> {
    this.#assertOpen();
    if (this.#isLoaded) throw new RaftkvError('invalid_argument', 'load() is for once, right after opening');
    this.#isLoaded = true;
    const { hardState, snapshot, entries, compactedIndex, compactedTerm } = this.#store;
    return {
      identity: this.#identity,
      hardState,
      snapshot: snapshot?.meta,
      entries: [...entries],
      compactedIndex,
      compactedTerm,
      repairs: [],
    };
  }

  async append(batch: LogBatch): Promise<void> {
    this.#assertOpen();
    this.#outline.check(batch.entries);
    this.#outline.append(batch);
    const { entries, compactedIndex } = this.#store;
    const first = batch.entries[0];
    if (first !== undefined) entries.length = first.index - compactedIndex - 1;
    for (const entry of batch.entries) entries.push(entry);
    if (batch.hardState !== undefined) this.#store.hardState = batch.hardState;
    this.#batches += 1;
    this.#entries += batch.entries.length;
  }

  async createSnapshot(meta: SnapshotMeta): Promise<SnapshotWriter> {
    this.#assertOpen();
    const chunks: Uint8Array[] = [];
    let isOver = false;
    const assertWritable = (): void => {
      this.#assertOpen();
      if (isOver) throw new RaftkvError('invalid_argument', 'this snapshot was committed or aborted');
    };
    return {
      write: async (chunk) => {
        assertWritable();
        chunks.push(chunk.slice());
      },
      commit: async (options) => {
        assertWritable();
        isOver = true;
        this.#commit(meta, join(chunks), options?.resetLog === true);
      },
      abort: async () => {
        isOver = true;
      },
    };
  }

  #commit(meta: SnapshotMeta, bytes: Uint8Array, resetLog: boolean): void {
    const store = this.#store;
    // A snapshot that is overtaken by a newer one is covered by it.
    if (store.snapshot !== undefined && meta.lastIncludedIndex < store.snapshot.meta.lastIncludedIndex) return;
    if (resetLog) {
      this.#outline.reset(meta.lastIncludedIndex, meta.lastIncludedTerm);
      store.entries = [];
      store.compactedIndex = meta.lastIncludedIndex;
      store.compactedTerm = meta.lastIncludedTerm;
    } else {
      this.#outline.checkCovers(meta.lastIncludedIndex, meta.lastIncludedTerm);
    }
    store.snapshot = { meta, bytes };
  }

  async openSnapshot(): Promise<SnapshotReader | undefined> {
    this.#assertOpen();
    const snapshot = this.#store.snapshot;
    if (snapshot === undefined) return undefined;
    return {
      meta: snapshot.meta,
      totalBytes: snapshot.bytes.length,
      read: async (offset, maxBytes) => snapshot.bytes.slice(offset, offset + maxBytes),
      close: async () => undefined,
    };
  }

  async compact(index: number): Promise<void> {
    this.#assertOpen();
    const store = this.#store;
    const covered = store.snapshot?.meta.lastIncludedIndex ?? 0;
    const term = this.#outline.compact(index, covered);
    if (term === undefined) return;
    store.entries = store.entries.slice(index - store.compactedIndex);
    store.compactedIndex = index;
    store.compactedTerm = term;
  }

  async getNote(name: string): Promise<Uint8Array | undefined> {
    this.#assertOpen();
    checkNote(name, undefined);
    return this.#store.notes.get(name)?.slice();
  }

  async setNote(name: string, value: Uint8Array): Promise<void> {
    this.#assertOpen();
    checkNote(name, value);
    this.#store.notes.set(name, value.slice());
  }

  statistics(): StorageStatistics {
    let logBytes = 0;
    for (const entry of this.#store.entries) logBytes += entry.data.length;
    return {
      logBytes,
      segments: 0,
      snapshotBytes: this.#store.snapshot?.bytes.length ?? 0,
      syncs: 0,
      batches: this.#batches,
      entries: this.#entries,
      syncMilliseconds: 0,
      lastSyncMilliseconds: 0,
      maxSyncMilliseconds: 0,
      isSynced: true,
    };
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#store.isLocked = false;
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new RaftkvError('closed', 'this storage was closed');
  }
}

function join(chunks: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const chunk of chunks) length += chunk.length;
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}
