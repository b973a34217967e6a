// Reads one snapshot from its records, in pieces from any offset, each record checked. Handed out by `indexeddb-storage.ts`, which keeps the
// records until the reader is closed.
import type { SnapshotMeta } from '@raftkv/raft';
import type { SnapshotReader } from '../storage.ts';
import { snapshotKey } from './records.ts';
import type { RecordKey, SnapshotPointer } from './records.ts';
import { corrupt } from '../file-format.ts';

export interface SnapshotReaderOptions {
  readonly pointer: SnapshotPointer;
  /** The database, for errors. */
  readonly place: string;
  /** What these records hold; rejects when the storage is dead or closed. */
  readonly read: (keys: readonly RecordKey<Uint8Array>[]) => Promise<(Uint8Array | undefined)[]>;
  readonly onClose: () => void;
}

export class IndexedDbSnapshotReader implements SnapshotReader {
  readonly #options: SnapshotReaderOptions;
  #isClosed = false;

  constructor(options: SnapshotReaderOptions) {
    this.#options = options;
  }

  get meta(): SnapshotMeta {
    return this.#options.pointer.meta;
  }

  get totalBytes(): number {
    return this.#options.pointer.bytes;
  }

  async read(offset: number, maxBytes: number): Promise<Uint8Array> {
    const { bytes, chunkBytes } = this.#options.pointer;
    const length = Math.max(0, Math.min(maxBytes, bytes - offset));
    const piece = new Uint8Array(length);
    if (length === 0) return piece;
    const first = Math.floor(offset / chunkBytes);
    const last = Math.floor((offset + length - 1) / chunkBytes);
    for (const [i, chunk] of (await this.#chunks(first, last)).entries()) {
      // Where this chunk begins, seen from the piece.
      const start = (first + i) * chunkBytes - offset;
      const part = chunk.subarray(Math.max(0, -start), Math.min(chunk.length, length - start));
      piece.set(part, Math.max(0, start));
    }
    return piece;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#options.onClose();
  }

  async #chunks(first: number, last: number): Promise<Uint8Array[]> {
    const { pointer, place, read } = this.#options;
    const keys = Array.from({ length: last - first + 1 }, (_, i) => snapshotKey(pointer.number, first + i));
    const chunks = await read(keys);
    return keys.map(({ label }, i) => {
      const chunk = chunks[i];
      const expected = Math.min(pointer.chunkBytes, pointer.bytes - (first + i) * pointer.chunkBytes);
      if (chunk?.length === expected) return chunk;
      throw corrupt(`${place}/${label}`, 12, `it holds ${chunk?.length ?? 0} bytes, not ${expected}`);
    });
  }
}
