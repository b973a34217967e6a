// Keeps a copy: the batches that came, in order, and now and then the whole copy in the place of those before it. Forgetting is harmless here (the feed
// has everything), so what cannot be read is fetched again; but it is said.
import { RaftkvError } from '@raftkv/wire';
import type { CopyOwner, CopyStorage, OpenCopyOptions } from '@raftkv/storage';
import { breathe } from './breathe.ts';
import type { CopyClock } from './breathe.ts';
import type { Copy } from './copy.ts';
import { CopyReader, encodeBatch, encodeCopy, freeze } from './copy-records.ts';
import type { FrozenCopy, StoredBatch } from './copy-records.ts';
import type { Inflate } from './inflate.ts';

/** Where a copy is kept, as its owner hands it over. */
export interface CopyStore {
  readonly mode: 'strict' | 'relaxed' | 'memory';
  /** Rejects with `storage_missing` where there is none and no `owner`. */
  open(options: OpenCopyOptions): Promise<CopyStorage>;
  /** Removes what is kept. */
  wipe(): Promise<void>;
}

export interface JournalOptions {
  /** Which keys, in words of the owner's. */
  readonly scope: string;
  readonly isOfAllKeys: boolean;
  readonly inflate: Inflate;
  readonly clock: CopyClock;
  /** Nothing more is kept: a write failed, or the store is gone. Told once. */
  readonly onFailure: (error: RaftkvError) => void;
}

export interface LoadedJournal {
  readonly journal: Journal;
  readonly copy: Copy | undefined;
}

/** The batches may grow to this, or to the size of the copy if that is more, before the copy is written as a whole. */
const minLogBytes = 512 * 1024;
/** After so much work in one go the page gets its turn. */
const sliceMilliseconds = 8;

export class Journal {
  readonly #options: JournalOptions;
  #storage: CopyStorage | undefined;
  /** What was begun and whoever closes waits for. */
  #tail: Promise<unknown> = Promise.resolve();
  /** The copy that replaces everything, while it is being written. */
  #gate: Promise<void> | undefined;
  #logBytes = 0;
  #copyBytes = 0;
  #isWriting = false;
  #isLoaded = false;
  #failure: RaftkvError | undefined;
  #isClosed = false;

  private constructor(options: JournalOptions) {
    this.#options = options;
  }

  get owner(): CopyOwner {
    return this.#storage!.owner;
  }

  /**
   * Opens a store and reads the copy that it holds, if any. Rejects with `storage_identity` if that is another replica's or of other keys, `storage_corrupt`
   * or `unsupported_version` if it cannot be read; then the storage is closed.
   */
  static async load(store: CopyStore, owner: CopyOwner | undefined, options: JournalOptions): Promise<LoadedJournal> {
    const journal = new Journal(options);
    const onFailure = (error: RaftkvError): void => journal.#fail(error);
    const storage = await store.open(owner === undefined ? { onFailure } : { owner, onFailure });
    journal.#storage = storage;
    try {
      checkOwner(storage.owner, owner ?? { ...storage.owner, scope: options.scope });
      const copy = await journal.#read(storage);
      if (journal.#failure !== undefined) throw journal.#failure;
      journal.#isLoaded = true;
      return { journal, copy };
    } catch (error) {
      await storage.close().catch(() => {});
      throw error;
    }
  }

  /** Appends one batch; resolves when it is kept as well as this storage keeps anything, or failed. */
  append(batch: StoredBatch): Promise<void> {
    if (this.#failure !== undefined || this.#isClosed) return Promise.resolve();
    const record = encodeBatch(batch);
    this.#logBytes += record.length;
    const write = (): Promise<void> => this.#storage!.append(record);
    // Batches are handed over without waiting for the one before. Only a copy that replaces everything holds up those after it.
    const done = (this.#gate === undefined ? write() : this.#gate.then(write)).catch((error: unknown) =>
      this.#fail(error),
    );
    this.#tail = Promise.all([this.#tail, done]);
    return done;
  }

  /** A copy was fetched as a whole: it takes the place of everything. Batches that come meanwhile follow it. */
  replace(copy: Copy): Promise<void> {
    if (this.#failure !== undefined || this.#isClosed) return Promise.resolve();
    const frozen = freeze(copy);
    const done = this.#tail.then(() => this.#write(frozen)).catch((error: unknown) => this.#fail(error));
    this.#gate = done;
    this.#tail = done;
    this.#logBytes = 0;
    void done.then(() => {
      if (this.#gate === done) this.#gate = undefined;
    });
    return done;
  }

  /** Writes the copy as a whole if the batches have outgrown it. The copy must stand where the last batch leads to. */
  consider(copy: Copy): void {
    // While everything is being replaced, batches wait that are in this copy already.
    if (this.#isWriting || this.#failure !== undefined || this.#isClosed || this.#gate !== undefined) return;
    if (this.#logBytes < Math.max(minLogBytes, this.#copyBytes)) return;
    this.#isWriting = true;
    this.#logBytes = 0;
    void this.#write(freeze(copy))
      .catch((error: unknown) => this.#fail(error))
      .then(() => (this.#isWriting = false));
  }

  /** Waits for what was begun, but for a copy that only saves room: it can be made another time. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#tail;
    await this.#storage?.close().catch(() => {});
  }

  async #write(frozen: FrozenCopy): Promise<void> {
    let bytes = 0;
    function* counted(): Generator<Uint8Array, void, undefined> {
      for (const record of encodeCopy(frozen)) {
        bytes += record.length;
        yield record;
      }
    }
    await this.#storage!.replace(counted());
    this.#copyBytes = bytes;
  }

  /** One failed write, and nothing after it is worth keeping: there would be a gap. */
  #fail(error: unknown): void {
    if (this.#failure !== undefined || this.#isClosed) return;
    this.#failure = RaftkvError.from(error, 'storage_failed');
    if (this.#isLoaded) this.#options.onFailure(this.#failure);
  }

  async #read(storage: CopyStorage): Promise<Copy | undefined> {
    const reader = new CopyReader(this.#options);
    const { clock } = this.#options;
    let since = clock.now();
    for await (const record of storage.load()) {
      if (await reader.take(record)) this.#logBytes += record.length;
      else this.#copyBytes += record.length;
      if (clock.now() - since < sliceMilliseconds) continue;
      await breathe(clock);
      since = clock.now();
    }
    return reader.finish();
  }
}

function checkOwner(found: CopyOwner, wanted: CopyOwner): void {
  if (found.scope !== wanted.scope) {
    throw new RaftkvError('storage_identity', 'what is stored is a copy of other keys');
  }
  if (found.clusterId === wanted.clusterId && found.replicaId === wanted.replicaId) return;
  throw new RaftkvError(
    'storage_identity',
    `what is stored is a copy of cluster ${found.clusterId} by ${found.replicaId}, not of ${wanted.clusterId} by ${wanted.replicaId}`,
  );
}
