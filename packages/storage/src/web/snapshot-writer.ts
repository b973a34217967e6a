// Takes one snapshot in and cuts it into records beside the latest one, where nobody sees them until the mark points at them. Handed out by
// `indexeddb-storage.ts`, which decides what a commit means.
import { RaftkvError } from '@raftkv/wire';
import type { SnapshotWriter } from '../storage.ts';
import { encodeRecord, snapshotKey } from './records.ts';
import type { KeyedRecord } from './write-queue.ts';

/** Kept below 64 KiB, where browsers begin to move values into files of their own. */
export const snapshotChunkBytes = 60 * 1024;

export interface SnapshotTarget {
  readonly number: number;
  /** Throws when the storage is dead or closed. */
  readonly assertUsable: () => void;
  readonly save: (records: readonly KeyedRecord[]) => Promise<void>;
  /** Called at once: what is asked for later is written later. `rest` are the records that are not saved yet. */
  readonly commit: (rest: readonly KeyedRecord[], bytes: number, resetLog: boolean) => Promise<void>;
  /** Removes what was saved. */
  readonly discard: () => Promise<void>;
}

export class IndexedDbSnapshotWriter implements SnapshotWriter {
  readonly #target: SnapshotTarget;
  readonly #buffer = new Uint8Array(snapshotChunkBytes);
  #buffered = 0;
  #bytes = 0;
  #position = 0;
  #isOver = false;

  constructor(target: SnapshotTarget) {
    this.#target = target;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#assertWritable();
    const records: KeyedRecord[] = [];
    let offset = 0;
    while (offset < chunk.length) {
      const part = chunk.subarray(offset, offset + snapshotChunkBytes - this.#buffered);
      this.#buffer.set(part, this.#buffered);
      this.#buffered += part.length;
      offset += part.length;
      if (this.#buffered === snapshotChunkBytes) records.push(this.#takeRecord());
    }
    this.#bytes += chunk.length;
    if (records.length > 0) await this.#target.save(records);
  }

  async commit(options?: { readonly resetLog?: boolean }): Promise<void> {
    this.#assertWritable();
    this.#isOver = true;
    const rest = this.#buffered > 0 ? [this.#takeRecord()] : [];
    await this.#target.commit(rest, this.#bytes, options?.resetLog === true);
  }

  async abort(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await this.#target.discard();
  }

  #takeRecord(): KeyedRecord {
    const key = snapshotKey(this.#target.number, this.#position);
    const record = encodeRecord(key, this.#buffer.subarray(0, this.#buffered), this.#buffered + 128);
    this.#position += 1;
    this.#buffered = 0;
    return [key.key, record];
  }

  #assertWritable(): void {
    this.#target.assertUsable();
    if (this.#isOver) throw new RaftkvError('invalid_argument', 'this snapshot was committed or aborted');
  }
}
