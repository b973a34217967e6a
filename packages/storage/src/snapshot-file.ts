// A snapshot file: header, chunks of equal size (each may be deflated), then a footer with every chunk's length and checksum. The
// footer's own checksum is the snapshot's: it is what the log's mark names. Written under a temporary name; `file-storage.ts` commits it.
import { RaftkvError, crc32c, decodeSnapshotMeta, encodeSnapshotMeta } from '@raftkv/wire';
import { checkKind, corrupt, getUint53, putKind, putUint53, viewOf } from './file-format.ts';
import type { SnapshotMeta } from '@raftkv/raft';
import type { DiskFile } from './disk.ts';

/** Raw DEFLATE, synchronous or not; `Compression` of wire is one. */
export interface ChunkCompression {
  deflate(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
  inflate(bytes: Uint8Array, maxBytes: number): Uint8Array | Promise<Uint8Array>;
}

/** A chunk is the unit of checksum, compression and reading; small enough that none of these holds up the event loop. */
export const snapshotChunkBytes = 256 * 1024;
const fixedHeaderBytes = 32;
const maxHeaderBytes = 1024 * 1024;
export const trailerBytes = 16;

export function snapshotName(number: number): string {
  return `snapshot-${String(number).padStart(16, '0')}`;
}

export function parseSnapshotName(name: string): number | undefined {
  const match = /^snapshot-(\d{16})$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

export function encodeHeader(number: number, meta: SnapshotMeta): Uint8Array {
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

export interface StoredChunk {
  readonly offset: number;
  readonly storedBytes: number;
  readonly checksum: number;
}

export interface SnapshotLayout {
  readonly meta: SnapshotMeta;
  readonly totalBytes: number;
  readonly checksum: number;
  readonly chunks: readonly StoredChunk[];
}

/** Reads and verifies header and footer. */
export async function readLayout(file: DiskFile, path: string, number: number): Promise<SnapshotLayout> {
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
