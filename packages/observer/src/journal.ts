// Keeps a copy through the Storage contract as it is: a log of the batches that came, numbered without gaps, and now and then the whole copy as a
// snapshot. Forgetting is harmless here (the feed has everything), so what cannot be read is fetched again; but it is said.
import { RaftkvError, decodeFeedChanges, defaultLimits } from '@raftkv/wire';
import type { Storage, StoredState } from '@raftkv/storage';
import { Copy } from './copy.ts';
import { CopyReader, encodeCopy, freeze } from './copy-snapshot.ts';
import type { FrozenCopy } from './copy-snapshot.ts';
import type { Inflate } from './inflate.ts';
import { decodeStoredBatch, encodeStoredBatch } from './stored-batch.ts';
import type { StoredBatch } from './stored-batch.ts';

/** Where a copy is kept, as its owner hands it over. */
export interface CopyStore {
  readonly mode: 'strict' | 'relaxed' | 'memory';
  /** Rejects with `storage_missing` where there is none and `create` is not set. */
  open(options: {
    readonly create: boolean;
    readonly identity?: { readonly clusterId: string; readonly memberId: string; readonly memberName: string };
  }): Promise<Storage>;
  /** Removes what is kept. */
  wipe(): Promise<void>;
}

export interface JournalOptions {
  /** Which keys, in words of the owner's. */
  readonly scope: string;
  readonly isOfAllKeys: boolean;
  readonly inflate: Inflate;
  /** A write failed: nothing more is kept. Told once. */
  readonly onFailure: (error: RaftkvError) => void;
}

export interface LoadedJournal {
  readonly journal: Journal;
  readonly copy: Copy | undefined;
  readonly clusterId: string;
}

/** The log may grow to this, or to the size of the copy if that is more, before the copy is written as a whole. */
const minLogBytes = 512 * 1024;
const readBytes = 256 * 1024;
const scopeNote = 'scope';
/** After so much work in one go the page gets its turn. */
const sliceMilliseconds = 8;

export class Journal {
  readonly #storage: Storage;
  readonly #options: JournalOptions;
  readonly #replicaId: string;
  /** What must happen in order: batches, and the copy that replaces all before it. */
  #tail: Promise<unknown> = Promise.resolve();
  /** The copy that replaces everything, while it is being written. */
  #gate: Promise<void> | undefined;
  #sequence: number;
  #logBytes = 0;
  #copyBytes = 0;
  #isWriting = false;
  #isFailed = false;
  #isClosed = false;

  private constructor(storage: Storage, state: StoredState, options: JournalOptions) {
    this.#storage = storage;
    this.#options = options;
    this.#replicaId = state.identity.memberId;
    this.#sequence = Math.max(state.entries.at(-1)?.index ?? 0, state.snapshot?.lastIncludedIndex ?? 0);
    for (const { data } of state.entries) this.#logBytes += data.length;
  }

  get replicaId(): string {
    return this.#replicaId;
  }

  /**
   * Takes over an open storage and reads the copy that it holds, if any. Rejects with `storage_identity` if that is of other keys,
   * `storage_corrupt` or `unsupported_version` if it cannot be read; then the storage is closed.
   */
  static async load(storage: Storage, options: JournalOptions): Promise<LoadedJournal> {
    try {
      const state = await storage.load();
      const journal = new Journal(storage, state, options);
      await journal.#checkScope(state);
      const copy = await journal.#readCopy(state);
      return { journal, copy, clusterId: state.identity.clusterId };
    } catch (error) {
      await storage.close().catch(() => {});
      throw error;
    }
  }

  /** Appends one batch; resolves when it is kept as well as this storage keeps anything, or failed. */
  append(batch: StoredBatch): Promise<void> {
    if (this.#isFailed || this.#isClosed) return Promise.resolve();
    const data = encodeStoredBatch(batch);
    this.#sequence += 1;
    this.#logBytes += data.length;
    const entry = { index: this.#sequence, term: 1, kind: 'command' as const, data };
    return this.#inOrder(() => this.#storage.append({ hardState: undefined, entries: [entry] }));
  }

  /** A copy was fetched as a whole: it takes the place of everything. Batches that come meanwhile follow it. */
  replace(copy: Copy): Promise<void> {
    if (this.#isFailed || this.#isClosed) return Promise.resolve();
    const frozen = freeze(copy);
    this.#sequence += 1;
    this.#logBytes = 0;
    const sequence = this.#sequence;
    const before = this.#tail;
    const done = before.then(() => this.#write(frozen, sequence, true)).catch((error: unknown) => this.#fail(error));
    this.#gate = done;
    this.#tail = done;
    return done;
  }

  /** Writes the copy as a whole if the log has outgrown it. The copy must stand where the last batch leads to. */
  consider(copy: Copy): void {
    if (this.#isWriting || this.#isFailed || this.#isClosed) return;
    if (this.#logBytes < Math.max(minLogBytes, this.#copyBytes)) return;
    const frozen = freeze(copy);
    const sequence = this.#sequence;
    this.#isWriting = true;
    this.#logBytes = 0;
    // Not before the batches in it are kept; those after it may pass.
    const begun = this.#tail.then(() => this.#write(frozen, sequence, false));
    begun.then(() => this.#storage.compact(sequence)).catch((error: unknown) => this.#fail(error));
    void begun.catch(() => {}).then(() => (this.#isWriting = false));
  }

  /** Waits for what was begun, then lets the storage go. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#tail.catch(() => {});
    await this.#storage.close().catch(() => {});
  }

  /**
   * Batches are handed over without waiting for the one before: the storage makes one transaction of all that wait. Only a copy that replaces
   * everything holds up those after it.
   */
  #inOrder(work: () => Promise<void>): Promise<void> {
    const begun = this.#gate === undefined ? work() : this.#gate.then(work);
    const done = begun.catch((error: unknown) => this.#fail(error));
    this.#tail = Promise.all([this.#tail, done]);
    return done;
  }

  async #write(frozen: FrozenCopy, sequence: number, isReplacement: boolean): Promise<void> {
    const configuration = { voters: [], votersOutgoing: [], learners: [this.#replicaId] };
    const writer = await this.#storage.createSnapshot({
      lastIncludedIndex: sequence,
      lastIncludedTerm: 1,
      configuration,
    });
    let bytes = 0;
    let since = performance.now();
    try {
      for (const chunk of encodeCopy(frozen)) {
        bytes += chunk.length;
        await writer.write(chunk);
        // One that only saves room can be made another time; without one that replaces everything there is nothing.
        if (this.#isClosed && !isReplacement) return await writer.abort();
        if (performance.now() - since < sliceMilliseconds) continue;
        await breathe();
        since = performance.now();
      }
    } catch (error) {
      await writer.abort().catch(() => {});
      throw error;
    }
    await writer.commit({ resetLog: isReplacement });
    this.#copyBytes = bytes;
  }

  /** One failed write, and nothing after it is worth keeping: there would be a gap. */
  #fail(error: unknown): void {
    if (this.#isFailed || this.#isClosed) return;
    this.#isFailed = true;
    this.#options.onFailure(RaftkvError.from(error, 'storage_failed'));
  }

  /** Which keys a store holds is written down before anything else, once. */
  async #checkScope(state: StoredState): Promise<void> {
    const note = await this.#storage.getNote(scopeNote);
    if (note === undefined) {
      if (state.snapshot !== undefined || state.entries.length > 0) {
        throw new RaftkvError('storage_corrupt', 'the stored copy does not say which keys it holds');
      }
      return this.#storage.setNote(scopeNote, encodeText(this.#options.scope));
    }
    if (new TextDecoder().decode(note) !== this.#options.scope) {
      throw new RaftkvError('storage_identity', 'what is stored is a copy of other keys');
    }
  }

  async #readCopy(state: StoredState): Promise<Copy | undefined> {
    let copy = state.snapshot === undefined ? undefined : await this.#readSnapshot();
    let since = performance.now();
    for (const entry of state.entries) {
      if (entry.index <= (state.snapshot?.lastIncludedIndex ?? 0)) continue;
      copy ??= new Copy(this.#options);
      const batch = decodeStoredBatch(entry.data);
      const payload = batch.isDeflated
        ? await this.#options.inflate(batch.payload, defaultLimits.maxFrameBytes)
        : batch.payload;
      copy.applyChanges(decodeFeedChanges(payload));
      copy.moveTo(batch);
      if (performance.now() - since < sliceMilliseconds) continue;
      await breathe();
      since = performance.now();
    }
    return copy;
  }

  async #readSnapshot(): Promise<Copy> {
    const reader = await this.#storage.openSnapshot();
    if (reader === undefined) throw new RaftkvError('storage_corrupt', 'a stored copy was listed but cannot be opened');
    try {
      const copy = new CopyReader(this.#options);
      for (let offset = 0; offset < reader.totalBytes;) {
        const chunk = await reader.read(offset, readBytes);
        if (chunk.length === 0) break;
        copy.write(chunk);
        offset += chunk.length;
      }
      this.#copyBytes = reader.totalBytes;
      return copy.finish();
    } finally {
      await reader.close();
    }
  }
}

function encodeText(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Lets whatever else is due happen. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
