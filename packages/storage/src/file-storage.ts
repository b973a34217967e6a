// The Storage over a Disk: one directory with an identity, a segmented log, snapshots and notes. It decides what is
// written in which order; the formats are in the files beside it. `node/` opens it over the file system, the simulator over a MemoryDisk.
import { RaftkvError, encodeLogBatch } from '@raftkv/wire';
import { frameTypes } from './frame.ts';
import { LogOutline } from './log-outline.ts';
import { encodeMark } from './mark.ts';
import { checkNote, readNote, writeNote } from './note-file.ts';
import { snapshotName } from './snapshot-file.ts';
import { makeSnapshotIntake } from './snapshot-intake.ts';
import { SnapshotFileReader } from './snapshot-file-reader.ts';
import { SnapshotFileWriter } from './snapshot-file-writer.ts';
import type { SnapshotMeta } from '@raftkv/raft';
import type { Disk } from './disk.ts';
import type { DrawBytes } from './draw-bytes.ts';
import type { RequestedIdentity } from './identity-file.ts';
import type { SnapshotMark } from './mark.ts';
import type { OpenedStore } from './open-store.ts';
import type { ChunkCompression } from './snapshot-file.ts';
import type { SnapshotIntake } from './snapshot-intake.ts';
import type { Wal } from './wal.ts';
import type { LogBatch, SnapshotReader, SnapshotWriter, Storage, StorageStatistics, StoredState } from './storage.ts';

export interface FileStorageOptions {
  readonly disk: Disk;
  /** Whose storage this is. Needed to create one; checked when one is there. */
  readonly identity?: RequestedIdentity;
  /** May an empty directory become a new store? False: an empty one is `storage_missing`, so that a lost disk is noticed. */
  readonly create: boolean;
  /** False: appends are acknowledged before they are durable. They are still ordered and checksummed. Default true. */
  readonly syncWrites?: boolean;
  /** Full size of a log segment, from 16 KiB to 1 GiB. Default 16 MiB. */
  readonly segmentBytes?: number;
  /** Bytes of batches that may wait for the disk. At the limit `append` rejects with `busy`, takes nothing and goes on. Default 256 MiB. */
  readonly maxQueuedBytes?: number;
  /** For the chunks of snapshots; chunks that do not get smaller are stored as they are. */
  readonly compression?: ChunkCompression;
  /** For the store id and the salts of segments. Default: the platform's randomness. */
  readonly draw?: DrawBytes;
  /** Monotonic milliseconds, for the times in the statistics. Default `performance.now`. */
  readonly now?: () => number;
  /** Called once, with the error that stopped the storage. */
  readonly onFailure?: (error: RaftkvError) => void;
  /** Called at the end of `close`; releases the lock. */
  readonly onClosed?: () => Promise<void>;
}

interface LatestSnapshot extends SnapshotMark {
  readonly bytes: number;
}

export class FileStorage implements Storage {
  readonly #options: FileStorageOptions;
  readonly #wal: Wal;
  readonly #outline: LogOutline;
  #loaded: StoredState | undefined;
  #latest: LatestSnapshot | undefined;
  #nextSnapshotNumber: number;
  /** Snapshots that are being written or committed. */
  readonly #intakes = new Set<SnapshotIntake>();
  /** While a snapshot that resets the log is committed, appends wait here: they belong behind the reset. */
  #gate: Promise<void> | undefined;
  /** Commits, compactions and notes, one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(options: FileStorageOptions, opened: OpenedStore, wal: Wal) {
    const { log, snapshot, identity } = opened;
    this.#options = options;
    this.#wal = wal;
    this.#outline = new LogOutline(log);
    this.#latest = snapshot;
    this.#nextSnapshotNumber = opened.nextSnapshotNumber;
    this.#loaded = {
      identity,
      hardState: log.hardState,
      snapshot: snapshot?.meta,
      entries: log.entries,
      compactedIndex: log.compactedIndex,
      compactedTerm: log.compactedTerm,
      repairs: opened.repairs,
    };
  }

  async load(): Promise<StoredState> {
    this.#assertUsable();
    const loaded = this.#loaded;
    if (loaded === undefined) throw new RaftkvError('invalid_argument', 'load() is for once, right after opening');
    // The entries are the caller's now; this storage does not hold them.
    this.#loaded = undefined;
    return loaded;
  }

  append(batch: LogBatch): Promise<void> {
    try {
      this.#assertUsable();
      return this.#append(batch);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** A batch that waited at the gate was taken before: a close that came meanwhile does not turn it away. */
  #append(batch: LogBatch): Promise<void> {
    if (this.#gate !== undefined) return this.#gate.then(() => this.#append(batch));
    this.#outline.check(batch.entries);
    const payload = encodeLogBatch(batch);
    this.#wal.checkRoom(payload.length);
    this.#outline.append(batch);
    const entryCount = batch.entries.length;
    const lastIndex = entryCount > 0 ? this.#outline.lastIndex : 0;
    return this.#wal.append({ type: frameTypes.batch, payload, lastIndex, entryCount });
  }

  async createSnapshot(meta: SnapshotMeta): Promise<SnapshotWriter> {
    this.#assertUsable();
    // In turn, so that a close waits for the file and knows of it.
    return this.#inTurn(async () => {
      this.#assertUsable();
      const number = this.#nextSnapshotNumber;
      this.#nextSnapshotNumber += 1;
      const temporary = `${snapshotName(number)}.tmp`;
      const { disk, compression } = this.#options;
      const file = await this.#guard(async () => {
        return SnapshotFileWriter.start(await disk.create(temporary), number, meta, compression);
      });
      const intake = makeSnapshotIntake({
        file,
        assertUsable: () => this.#assertUsable(),
        guard: (action) => this.#guard(action),
        commit: async (resetLog) => {
          try {
            await this.#commit({ file, number, meta, temporary, resetLog });
          } finally {
            this.#intakes.delete(intake);
          }
        },
        onCommit: (resetLog, committed) => {
          if (resetLog) this.#holdAppends(committed);
        },
        discard: async () => {
          this.#intakes.delete(intake);
          await file.close();
          if (this.#wal.failure === undefined) await this.#guard(() => disk.unlink(temporary));
        },
      });
      this.#intakes.add(intake);
      return intake;
    });
  }

  #holdAppends(committed: Promise<void>): void {
    const gate = Promise.allSettled([this.#gate, committed]).then(() => undefined);
    this.#gate = gate;
    void gate.then(() => {
      if (this.#gate === gate) this.#gate = undefined;
    });
  }

  /** T31: the file is durable under its name → the log's mark names it, durably → only then older files go. */
  async #commit(snapshot: FinishedSnapshot): Promise<void> {
    const { disk } = this.#options;
    const { number, meta, temporary, resetLog, file } = snapshot;
    const { lastIncludedIndex, lastIncludedTerm } = meta;
    const checksum = await file.finish();
    await this.#inTurn(async () => {
      const previous = this.#latest;
      // T32: a snapshot that was overtaken by a newer one is covered by it.
      if (previous !== undefined && lastIncludedIndex < previous.lastIncludedIndex) return disk.unlink(temporary);
      if (!resetLog) await this.#checkJoins(snapshot);
      await disk.rename(temporary, snapshotName(number));
      await disk.syncDirectory();
      this.#latest = { number, lastIncludedIndex, lastIncludedTerm, checksum, bytes: file.totalBytes };
      if (resetLog) this.#outline.reset(lastIncludedIndex, lastIncludedTerm);
      await this.#writeMark(resetLog);
      if (previous !== undefined) await disk.unlink(snapshotName(previous.number));
      await disk.syncDirectory();
    });
  }

  async #checkJoins({ meta, temporary }: FinishedSnapshot): Promise<void> {
    try {
      this.#outline.checkCovers(meta.lastIncludedIndex, meta.lastIncludedTerm);
    } catch (error) {
      await this.#options.disk.unlink(temporary);
      throw error;
    }
  }

  /** Writes all small state to the log, durably, and releases segments that nothing needs any more. */
  async #writeMark(isReset: boolean): Promise<void> {
    const { compactedIndex, compactedTerm, hardState } = this.#outline;
    const snapshot = this.#latest;
    // A reset makes all entries void, so every segment but the one in use can go.
    const firstSegment = this.#wal.firstNeededSegment(isReset ? Number.MAX_SAFE_INTEGER : compactedIndex);
    const payload = encodeMark({ isReset, compactedIndex, compactedTerm, firstSegment, snapshot, hardState });
    await this.#wal.append({ type: frameTypes.mark, payload, lastIndex: isReset ? -1 : 0, entryCount: 0 });
    await this.#wal.release(firstSegment);
  }

  async openSnapshot(): Promise<SnapshotReader | undefined> {
    this.#assertUsable();
    // In turn, so that the file is not unlinked between choosing and opening it.
    return this.#inTurn(async () => {
      const latest = this.#latest;
      if (latest === undefined) return undefined;
      const { disk, compression } = this.#options;
      return SnapshotFileReader.open({ disk, number: latest.number, compression });
    });
  }

  async compact(index: number): Promise<void> {
    this.#assertUsable();
    await this.#inTurn(async () => {
      this.#assertUsable();
      const covered = this.#latest?.lastIncludedIndex ?? 0;
      if (this.#outline.compact(index, covered) === undefined) return;
      await this.#guard(() => this.#writeMark(false));
    });
  }

  async getNote(name: string): Promise<Uint8Array | undefined> {
    this.#assertUsable();
    checkNote(name, undefined);
    return this.#inTurn(() => readNote(this.#options.disk, name));
  }

  async setNote(name: string, value: Uint8Array): Promise<void> {
    this.#assertUsable();
    checkNote(name, value);
    const kept = value.slice();
    await this.#inTurn(() => this.#guard(() => writeNote(this.#options.disk, name, kept)));
  }

  statistics(): StorageStatistics {
    const { syncs, batches, entries, syncMilliseconds, lastSyncMilliseconds, maxSyncMilliseconds } =
      this.#wal.statistics;
    return {
      logBytes: this.#wal.logBytes,
      segments: this.#wal.segmentCount,
      snapshotBytes: this.#latest?.bytes ?? 0,
      syncs,
      batches,
      entries,
      syncMilliseconds,
      lastSyncMilliseconds,
      maxSyncMilliseconds,
      isSynced: this.#options.syncWrites ?? true,
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** @throws the RaftkvError that stopped the storage on its last steps: what was not synced before may be lost. */
  async #close(): Promise<void> {
    const failedBefore = this.#wal.failure;
    try {
      await this.#turn;
      // A refusal of the disk in here stops the log, and is told below.
      await Promise.allSettled([...this.#intakes].map((intake) => intake.end()));
      await this.#gate;
      await this.#turn;
      await this.#wal.close();
    } finally {
      await this.#options.onClosed?.();
    }
    if (failedBefore === undefined && this.#wal.failure !== undefined) throw this.#wal.failure;
  }

  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(action);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  /** T38: whatever the disk refuses stops the whole storage. Refusals of the caller's words do not. */
  async #guard<T>(action: () => Promise<T>): Promise<T> {
    if (this.#wal.failure !== undefined) throw this.#wal.failure;
    try {
      return await action();
    } catch (error) {
      const failure = RaftkvError.from(error, 'storage_failed');
      if (failure.code !== 'invalid_argument') this.#wal.fail(failure);
      throw failure;
    }
  }

  #assertUsable(): void {
    if (this.#wal.failure !== undefined) throw this.#wal.failure;
    if (this.#closing !== undefined) throw new RaftkvError('closed', 'this storage was closed');
  }
}

interface FinishedSnapshot {
  readonly file: SnapshotFileWriter;
  readonly number: number;
  readonly meta: SnapshotMeta;
  readonly temporary: string;
  readonly resetLog: boolean;
}
