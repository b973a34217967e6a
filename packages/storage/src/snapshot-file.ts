// A snapshot file: header, chunks of equal size (each may be deflated), then a footer with every chunk's length and checksum. The
// footer's own checksum is the snapshot's: it is what the log's mark names. Written under a temporary name; `file-storage.ts` commits it.
import { RaftkvError, crc32c, decodeSnapshotMeta, encodeSnapshotMeta } from '@raftkv/wire';
import { checkKind, corrupt, getUint53, putKind, putUint53, viewOf } from './file-format.ts';
import type { SnapshotMeta } from '@raftkv/raft';
import type { Disk, DiskFile } from './disk.ts';

/** Raw DEFLATE, synchronous or not; `Compression` of wire is one. */
export interface ChunkCompression {
  deflate(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
  inflate(bytes: Uint8Array, maxBytes: number): Uint8Array | Promise<Uint8Array>;
}

/** A chunk is the unit of checksum, compression and reading; small enough that none of these holds up the event loop. */
export const snapshotChunkBytes = 256 * 1024;
/** Synced this often while it is written, so that the last sync is short and the log's syncs are not held up behind it. */
const syncEveryBytes = 8 * 1024 * 1024;
const fixedHeaderBytes = 32;
const maxHeaderBytes = 1024 * 1024;
const trailerBytes = 16;

export function snapshotName(number: number): string {
  return `snapshot-${String(number).padStart(16, '0')}`;
}

export function parseSnapshotName(name: string): number | undefined {
  const match = /^snapshot-(\d{16})$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

function encodeHeader(number: number, meta: SnapshotMeta): Uint8Array {
  const encoded = encodeSnapshotMeta(meta);
  const bytes = new Uint8Array(fixedHeaderBytes + encoded.length);
  const view = viewOf(bytes);
  putKind(bytes, 'snp');
  view.setUint32(12, encoded.length, true);
  putUint53(view, 16, number);
  view.setUint32(24, snapshotChunkBytes, true);
  bytes.set(encoded, fixedHeaderBytes);
  view.setUint32(8, crc32c(bytes.subarray(12)), true);
  return bytes;
}

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

  async #flushChunk(): Promise<void> {
    const raw = this.#buffer.subarray(0, this.#buffered);
    const deflated = await this.#compression?.deflate(raw);
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

interface StoredChunk {
  readonly offset: number;
  readonly storedBytes: number;
  readonly checksum: number;
}

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

  private constructor(file: DiskFile, path: string, layout: Layout, compression: ChunkCompression | undefined) {
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

interface Layout {
  readonly meta: SnapshotMeta;
  readonly totalBytes: number;
  readonly checksum: number;
  readonly chunks: readonly StoredChunk[];
}

async function readLayout(file: DiskFile, path: string, number: number): Promise<Layout> {
  const size = await file.size();
  const header = await readHeader(file, path, size, number);
  const trailer = viewOf(await readPart(file, path, size - trailerBytes, trailerBytes));
  const totalBytes = getUint53(trailer, 0);
  const count = trailer.getUint32(8, true);
  const footerStart = size - trailerBytes - count * 8;
  if (totalBytes === undefined || footerStart < header.length || count !== Math.ceil(totalBytes / snapshotChunkBytes)) {
    throw corrupt(path, size - trailerBytes, 'the end of the snapshot makes no sense');
  }
  const footer = await readPart(file, path, footerStart, size - footerStart);
  const view = viewOf(footer);
  const checksum = view.getUint32(footer.length - 4, true);
  if (crc32c(footer.subarray(0, -4), crc32c(header)) !== checksum) {
    throw corrupt(path, footerStart, 'the checksum of the snapshot is off');
  }
  const chunks: StoredChunk[] = [];
  let offset = header.length;
  for (let i = 0; i < count; i += 1) {
    const storedBytes = view.getUint32(i * 8, true);
    chunks.push({ offset, storedBytes, checksum: view.getUint32(i * 8 + 4, true) });
    offset += storedBytes;
  }
  if (offset !== footerStart) throw corrupt(path, footerStart, 'the chunks of the snapshot do not add up');
  return { meta: decodeMeta(header, path), totalBytes, checksum, chunks };
}

async function readHeader(file: DiskFile, path: string, size: number, number: number): Promise<Uint8Array> {
  const fixed = await readPart(file, path, 0, fixedHeaderBytes);
  checkKind(fixed, 'snp', path);
  const length = fixedHeaderBytes + viewOf(fixed).getUint32(12, true);
  if (length > Math.min(maxHeaderBytes, size)) throw corrupt(path, 12, 'the header of the snapshot makes no sense');
  const header = await readPart(file, path, 0, length);
  const view = viewOf(header);
  if (view.getUint32(8, true) !== crc32c(header.subarray(12)))
    throw corrupt(path, 8, 'the checksum of its header is off');
  if (getUint53(view, 16) !== number) throw corrupt(path, 16, 'it is another snapshot');
  if (view.getUint32(24, true) !== snapshotChunkBytes) throw corrupt(path, 24, 'its chunks have an unknown size');
  return header;
}

function decodeMeta(header: Uint8Array, path: string): SnapshotMeta {
  try {
    return decodeSnapshotMeta(header.subarray(fixedHeaderBytes));
  } catch (error) {
    throw corrupt(path, fixedHeaderBytes, `what it covers does not decode (${RaftkvError.from(error).message})`);
  }
}

async function readPart(file: DiskFile, path: string, offset: number, length: number): Promise<Uint8Array> {
  const part = new Uint8Array(length);
  if (offset < 0 || (await file.read(offset, part)) !== length)
    throw corrupt(path, Math.max(0, offset), 'it is too short');
  return part;
}
