// The Storage over IndexedDB: decides what each call writes, in which order. Opened by `open-storage.ts`; the queue of `write-queue.ts` is the
// only thing that writes, so whatever is asked for becomes durable in call order.
import { RaftkvError, encodeLogBatch } from '@raftkv/wire';
import type { SnapshotMeta } from '@raftkv/raft';
import { LogOutline } from '../log-outline.ts';
import { checkNote } from '../note-file.ts';
import type { LogBatch, SnapshotReader, SnapshotWriter, Storage, StorageStatistics, StoredState } from '../storage.ts';
import type { Database } from './database.ts';
import type { LogChunks } from './log-chunks.ts';
import { encodeRecord, noteKey, snapshotKeys } from './records.ts';
import type { SnapshotPointer } from './records.ts';
import { IndexedDbSnapshotReader } from './snapshot-reader.ts';
import { IndexedDbSnapshotWriter, snapshotChunkBytes } from './snapshot-writer.ts';
import type { KeyedRecord, WriteQueue } from './write-queue.ts';

export interface OpenedDatabase {
  readonly database: Database;
  readonly queue: WriteQueue;
  readonly chunks: LogChunks;
  readonly state: StoredState;
  readonly snapshot: SnapshotPointer | undefined;
  readonly nextSnapshotNumber: number;
  /** Whether an append is forced to the medium before it is acknowledged. */
  readonly isSynced: boolean;
  /** Gives the lock back. */
  readonly release: () => Promise<void>;
}

export class IndexedDbStorage implements Storage {
  readonly isInTab = true;
  readonly #opened: OpenedDatabase;
  readonly #queue: WriteQueue;
  readonly #outline: LogOutline;
  #loaded: StoredState | undefined;
  /** The latest snapshot that was committed, durable or on its way. */
  #planned: SnapshotPointer | undefined;
  /** The latest durable one. */
  #latest: SnapshotPointer | undefined;
  #nextSnapshotNumber: number;
  readonly #writers = new Set<IndexedDbSnapshotWriter>();
  /** How many readers each snapshot has; and which snapshots are to go when they have none. */
  readonly #readers = new Map<number, number>();
  readonly #replaced = new Set<number>();
  #closing: Promise<void> | undefined;

  constructor(opened: OpenedDatabase) {
    this.#opened = opened;
    this.#queue = opened.queue;
    this.#outline = new LogOutline(opened.state);
    this.#loaded = opened.state;
    this.#planned = opened.snapshot;
    this.#latest = opened.snapshot;
    this.#nextSnapshotNumber = opened.nextSnapshotNumber;
  }

  async load(): Promise<StoredState> {
    this.#assertUsable();
    const loaded = this.#loaded;
    if (loaded === undefined) throw new RaftkvError('invalid_argument', 'load() is for once, right after opening');
    // The entries are the caller's now; this storage does not hold them.
    this.#loaded = undefined;
    return loaded;
  }

  async append(batch: LogBatch): Promise<void> {
    this.#assertUsable();
    this.#outline.check(batch.entries);
    const payload = encodeLogBatch(batch);
    this.#queue.checkRoom(payload.length);
    this.#outline.append(batch);
    const entryCount = batch.entries.length;
    await this.#queue.add({
      type: 'batch',
      payload,
      entryCount,
      lastIndex: entryCount > 0 ? this.#outline.lastIndex : 0,
    });
  }

  async createSnapshot(meta: SnapshotMeta): Promise<SnapshotWriter> {
    this.#assertUsable();
    const number = this.#nextSnapshotNumber;
    this.#nextSnapshotNumber += 1;
    const writer = new IndexedDbSnapshotWriter({
      number,
      assertUsable: () => this.#assertUsable(),
      save: (records) => this.#queue.add({ type: 'records', records }),
      commit: (rest, bytes, resetLog) => {
        this.#writers.delete(writer);
        return this.#commit({ number, meta, bytes, chunkBytes: snapshotChunkBytes }, rest, resetLog);
      },
      discard: async () => {
        this.#writers.delete(writer);
        if (this.#queue.failure === undefined) await this.#deleteSnapshot(number);
      },
    });
    this.#writers.add(writer);
    return writer;
  }

  /** T31: the chunks, then in one transaction the mark that points at them (and voids the log), and only then the older chunks go. */
  async #commit(pointer: SnapshotPointer, rest: readonly KeyedRecord[], resetLog: boolean): Promise<void> {
    const { lastIncludedIndex, lastIncludedTerm } = pointer.meta;
    // T32: a snapshot that was overtaken by a newer one is covered by it.
    if (this.#planned !== undefined && lastIncludedIndex < this.#planned.meta.lastIncludedIndex) {
      return this.#deleteSnapshot(pointer.number);
    }
    if (resetLog) this.#outline.reset(lastIncludedIndex, lastIncludedTerm);
    else await this.#checkJoins(pointer);
    this.#planned = pointer;
    await this.#writeMark(resetLog, rest);
    const previous = this.#latest;
    this.#latest = pointer;
    if (previous !== undefined) this.#replace(previous.number);
  }

  async #checkJoins({ number, meta }: SnapshotPointer): Promise<void> {
    try {
      this.#outline.checkCovers(meta.lastIncludedIndex, meta.lastIncludedTerm);
    } catch (error) {
      await this.#deleteSnapshot(number);
      throw error;
    }
  }

  #writeMark(isReset: boolean, records: readonly KeyedRecord[]): Promise<void> {
    const { compactedIndex, compactedTerm, hardState } = this.#outline;
    const state = { compactedIndex, compactedTerm, hardState, snapshot: this.#planned };
    return this.#queue.add({ type: 'mark', isReset, records, state });
  }

  /** Deletes a snapshot now or when its last reader is closed. If the tab dies before that, the next opening does. */
  #replace(number: number): void {
    if (this.#readers.has(number)) this.#replaced.add(number);
    else if (this.#queue.failure === undefined) void this.#deleteSnapshot(number).catch(() => undefined);
  }

  #deleteSnapshot(number: number): Promise<void> {
    return this.#queue.add({ type: 'delete', range: snapshotKeys(number) });
  }

  async openSnapshot(): Promise<SnapshotReader | undefined> {
    this.#assertUsable();
    const pointer = this.#latest;
    if (pointer === undefined) return undefined;
    const { number } = pointer;
    this.#readers.set(number, (this.#readers.get(number) ?? 0) + 1);
    return new IndexedDbSnapshotReader({
      pointer,
      place: this.#opened.database.label,
      read: (keys) => {
        this.#assertUsable();
        return this.#queue.read(keys);
      },
      onClose: () => this.#closeReader(number),
    });
  }

  #closeReader(number: number): void {
    const left = this.#readers.get(number)! - 1;
    if (left > 0) {
      this.#readers.set(number, left);
      return;
    }
    this.#readers.delete(number);
    if (this.#replaced.delete(number) && this.#closing === undefined) this.#replace(number);
  }

  async compact(index: number): Promise<void> {
    this.#assertUsable();
    const covered = this.#planned?.meta.lastIncludedIndex ?? 0;
    if (this.#outline.compact(index, covered) !== undefined) await this.#writeMark(false, []);
  }

  async getNote(name: string): Promise<Uint8Array | undefined> {
    this.#assertUsable();
    checkNote(name, undefined);
    const [value] = await this.#queue.read([noteKey(name)]);
    return value?.slice();
  }

  async setNote(name: string, value: Uint8Array): Promise<void> {
    this.#assertUsable();
    checkNote(name, value);
    const key = noteKey(name);
    await this.#queue.add({ type: 'records', records: [[key.key, encodeRecord(key, value, value.length + 128)]] });
  }

  async proveOwner(): Promise<void> {
    this.#assertUsable();
    await this.#queue.proveOwner();
  }

  statistics(): StorageStatistics {
    const { chunks, isSynced } = this.#opened;
    return {
      ...this.#queue.statistics,
      logBytes: chunks.bytes,
      segments: chunks.count,
      snapshotBytes: this.#latest?.bytes ?? 0,
      isSynced,
    };
  }

  /** The handle was taken away: whether the data are still there, and ours, is found out at once and not at the next write. */
  probe(): void {
    if (this.#closing === undefined) void this.#queue.add({ type: 'records', records: [] }).catch(() => undefined);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** @throws the RaftkvError that stopped the storage on its last steps. */
  async #close(): Promise<void> {
    const { database, release } = this.#opened;
    const failedBefore = this.#queue.failure;
    try {
      // A refusal in here stops the queue, and is told below.
      await Promise.allSettled([...this.#writers].map((writer) => writer.abort()));
      await this.#queue.settled();
    } finally {
      database.close();
      await release();
    }
    if (failedBefore === undefined && this.#queue.failure !== undefined) throw this.#queue.failure;
  }

  #assertUsable(): void {
    if (this.#queue.failure !== undefined) throw this.#queue.failure;
    if (this.#closing !== undefined) throw new RaftkvError('closed', 'this storage was closed');
  }
}
