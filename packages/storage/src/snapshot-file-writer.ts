// Writes one snapshot file: fills chunks, deflates them where it pays, and ends with the footer. Whether the file ever counts is decided
// elsewhere (`file-storage.ts`).
import { crc32c } from '@raftkv/wire';
import { putUint53, viewOf } from './file-format.ts';
import { encodeHeader, snapshotChunkBytes, trailerBytes } from './snapshot-file.ts';
import type { SnapshotMeta } from '@raftkv/raft';
import type { DiskFile } from './disk.ts';
import type { ChunkCompression } from './snapshot-file.ts';

/** Synced this often while it is written, so that the last sync is short and the log's syncs are not held up behind it. */
const syncEveryBytes = 8 * 1024 * 1024;

const sampleBytes = 4 * 1024;

/** Fills chunks and writes them out. Calls are taken one after the other. */
export class SnapshotFileWriter {
  totalBytes = 0;
  readonly #file: DiskFile;
  readonly #compression: ChunkCompression | undefined;
  readonly #buffer = new Uint8Array(snapshotChunkBytes);
  readonly #table: number[] = [];
  #seed: number;
  #buffered = 0;
  #offset: number;
  #syncedOffset = 0;

  private constructor(file: DiskFile, headerBytes: number, seed: number, compression: ChunkCompression | undefined) {
    this.#file = file;
    this.#offset = headerBytes;
    this.#seed = seed;
    this.#compression = compression;
  }

  static async start(
    file: DiskFile,
    number: number,
    meta: SnapshotMeta,
    compression: ChunkCompression | undefined,
  ): Promise<SnapshotFileWriter> {
    const header = encodeHeader(number, meta);
    await file.write(0, header);
    return new SnapshotFileWriter(file, header.length, crc32c(header), compression);
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let from = 0; from < bytes.length;) {
      const part = bytes.subarray(from, from + snapshotChunkBytes - this.#buffered);
      this.#buffer.set(part, this.#buffered);
      this.#buffered += part.length;
      this.totalBytes += part.length;
      from += part.length;
      if (this.#buffered === snapshotChunkBytes) await this.#flushChunk();
    }
  }

  /** Writes the rest and the footer, syncs and closes; returns the snapshot's checksum. */
  async finish(): Promise<number> {
    if (this.#buffered > 0) await this.#flushChunk();
    const footer = new Uint8Array(this.#table.length * 4 + trailerBytes);
    const view = viewOf(footer);
    for (let i = 0; i < this.#table.length; i += 1) view.setUint32(i * 4, this.#table[i]!, true);
    putUint53(view, footer.length - 16, this.totalBytes);
    view.setUint32(footer.length - 8, this.#table.length / 2, true);
    const checksum = crc32c(footer.subarray(0, -4), this.#seed);
    view.setUint32(footer.length - 4, checksum, true);
    await this.#file.write(this.#offset, footer);
    await this.#file.sync();
    await this.#file.close();
    return checksum;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** What is compressed already would cost the members of one machine more than everything else about a snapshot: a piece of it tells. */
  async #isWorthDeflating(raw: Uint8Array): Promise<boolean> {
    if (this.#compression === undefined) return false;
    if (raw.length < sampleBytes * 4) return true;
    const from = (raw.length - sampleBytes) >>> 1;
    const sample = await this.#compression.deflate(raw.slice(from, from + sampleBytes));
    return sample.length <= sampleBytes - (sampleBytes >>> 3);
  }

  async #flushChunk(): Promise<void> {
    const raw = this.#buffer.subarray(0, this.#buffered);
    const deflated = (await this.#isWorthDeflating(raw)) ? await this.#compression?.deflate(raw) : undefined;
    // A chunk as long as its content is stored as it is.
    const stored = deflated !== undefined && deflated.length < raw.length ? deflated : raw;
    await this.#file.write(this.#offset, stored);
    this.#table.push(stored.length, crc32c(stored));
    this.#offset += stored.length;
    this.#buffered = 0;
    if (this.#offset - this.#syncedOffset < syncEveryBytes) return;
    await this.#file.sync();
    this.#syncedOffset = this.#offset;
  }
}
