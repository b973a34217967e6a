// Reads one snapshot file: from any offset, chunk by chunk, each verified when it is read.
import { RaftkvError, crc32c } from '@raftkv/wire';
import { corrupt } from './file-format.ts';
import { readLayout, snapshotChunkBytes, snapshotName } from './snapshot-file.ts';
import type { SnapshotMeta } from '@raftkv/raft';
import type { Disk, DiskFile } from './disk.ts';
import type { ChunkCompression, SnapshotLayout, StoredChunk } from './snapshot-file.ts';

export interface SnapshotFileOptions {
  readonly disk: Disk;
  readonly number: number;
  readonly compression: ChunkCompression | undefined;
}

/** Reads one snapshot file. Header and footer are verified on opening, each chunk when it is read. */
export class SnapshotFileReader {
  readonly meta: SnapshotMeta;
  readonly totalBytes: number;
  readonly checksum: number;
  readonly #file: DiskFile;
  readonly #path: string;
  readonly #chunks: readonly StoredChunk[];
  readonly #compression: ChunkCompression | undefined;
  #cachedPosition = -1;
  #cached = new Uint8Array(0);

  private constructor(file: DiskFile, path: string, layout: SnapshotLayout, compression: ChunkCompression | undefined) {
    this.#file = file;
    this.#path = path;
    this.meta = layout.meta;
    this.totalBytes = layout.totalBytes;
    this.checksum = layout.checksum;
    this.#chunks = layout.chunks;
    this.#compression = compression;
  }

  /** @throws RaftkvError `storage_corrupt` with file and offset, or `unsupported_version` */
  static async open({ disk, number, compression }: SnapshotFileOptions): Promise<SnapshotFileReader> {
    const name = snapshotName(number);
    const path = `${disk.label}/${name}`;
    const file = await disk.open(name, 'read');
    try {
      return new SnapshotFileReader(file, path, await readLayout(file, path, number), compression);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Reads every chunk and checks it; does not inflate. */
  async verify(): Promise<void> {
    for (let position = 0; position < this.#chunks.length; position += 1) await this.#readStored(position);
  }

  async read(offset: number, maxBytes: number): Promise<Uint8Array> {
    const length = Math.max(0, Math.min(maxBytes, this.totalBytes - offset));
    const result = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const position = Math.floor((offset + done) / snapshotChunkBytes);
      const chunk = await this.#readChunk(position);
      const start = offset + done - position * snapshotChunkBytes;
      const part = chunk.subarray(start, start + length - done);
      result.set(part, done);
      done += part.length;
    }
    return result;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #readChunk(position: number): Promise<Uint8Array> {
    if (position === this.#cachedPosition) return this.#cached;
    const stored = await this.#readStored(position);
    const rawBytes = Math.min(snapshotChunkBytes, this.totalBytes - position * snapshotChunkBytes);
    const raw = stored.length === rawBytes ? stored : await this.#inflate(position, stored, rawBytes);
    this.#cachedPosition = position;
    this.#cached = raw;
    return raw;
  }

  async #readStored(position: number): Promise<Uint8Array<ArrayBuffer>> {
    const { offset, storedBytes, checksum } = this.#chunks[position]!;
    const stored = new Uint8Array(storedBytes);
    const count = await this.#file.read(offset, stored);
    if (count === storedBytes && crc32c(stored) === checksum) return stored;
    throw corrupt(this.#path, offset, `chunk ${position} of the snapshot does not match its checksum`);
  }

  async #inflate(position: number, stored: Uint8Array, rawBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#compression === undefined) {
      throw new RaftkvError('unsupported', `${this.#path} is compressed; open the storage with a compression`);
    }
    const raw = await this.#compression.inflate(stored, rawBytes);
    if (raw.length === rawBytes) return new Uint8Array(raw);
    throw corrupt(this.#path, this.#chunks[position]!.offset, `chunk ${position} inflates to ${raw.length} bytes`);
  }
}
