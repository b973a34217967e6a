// One segment file of the log: its name, its header block and how it is made ready. A segment has its full length, zeros and a
// durable name before the first frame goes into it, so that appending changes no file metadata.
import { crc32c } from '@raftkv/wire';
import { checkKind, corrupt, getUint53, putKind, putUint53, viewOf } from './file-format.ts';
import type { Disk, DiskFile } from './disk.ts';
import type { StorageIdentity } from './storage.ts';

/** Frames begin after this many bytes: the header never shares a block with data that is rewritten. */
export const segmentHeaderBytes = 4096;
/** Zeros are written in pieces of this size, so that the log's own syncs are not held up long. */
const zeroPieceBytes = 1024 * 1024;

export interface SegmentHeader {
  readonly number: number;
  readonly segmentBytes: number;
  /** Random; seeds the checksums of all frames, so that bytes of another segment are never taken for frames of this one. */
  readonly salt: number;
}

export function segmentName(number: number): string {
  return `log-${String(number).padStart(16, '0')}`;
}

export function parseSegmentName(name: string): number | undefined {
  const match = /^log-(\d{16})$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

function encodeSegmentHeader(header: SegmentHeader, identity: StorageIdentity): Uint8Array {
  const bytes = new Uint8Array(segmentHeaderBytes);
  const view = viewOf(bytes);
  putKind(bytes, 'log');
  view.setUint32(12, header.salt, true);
  putUint53(view, 16, header.number);
  putUint53(view, 24, header.segmentBytes);
  const owner = new TextEncoder().encode(ownerOf(identity));
  view.setUint32(32, owner.length, true);
  bytes.set(owner, 36);
  view.setUint32(8, crc32c(bytes.subarray(12)), true);
  return bytes;
}

/** @throws RaftkvError `storage_corrupt`, `unsupported_version`, or `storage_corrupt` naming both stores if it is another store's. */
export function decodeSegmentHeader(
  bytes: Uint8Array,
  path: string,
  identity: StorageIdentity | undefined,
): SegmentHeader {
  if (bytes.length < segmentHeaderBytes) throw corrupt(path, bytes.length, 'it is shorter than its header');
  const block = bytes.subarray(0, segmentHeaderBytes);
  checkKind(block, 'log', path);
  const view = viewOf(block);
  if (view.getUint32(8, true) !== crc32c(block.subarray(12)))
    throw corrupt(path, 8, 'the checksum of its header is off');
  const number = getUint53(view, 16);
  const segmentBytes = getUint53(view, 24);
  if (number === undefined || segmentBytes === undefined) throw corrupt(path, 16, 'its header makes no sense');
  if (segmentName(number) !== path.slice(path.lastIndexOf('/') + 1)) {
    throw corrupt(path, 16, `its header says that it is ${segmentName(number)}`);
  }
  if (segmentBytes !== bytes.length) {
    throw corrupt(path, bytes.length, `it has ${bytes.length} bytes, its header says ${segmentBytes}`);
  }
  const owner = new TextDecoder().decode(block.subarray(36, 36 + view.getUint32(32, true)));
  if (identity !== undefined && owner !== ownerOf(identity)) {
    throw corrupt(path, 36, `it belongs to store ${owner}, the identity file says ${ownerOf(identity)}`);
  }
  return { number, segmentBytes, salt: view.getUint32(12, true) };
}

function ownerOf(identity: StorageIdentity): string {
  return `${identity.clusterId}/${identity.storeId}`;
}

export interface NewSegment {
  readonly disk: Disk;
  readonly identity: StorageIdentity;
  readonly number: number;
  readonly segmentBytes: number;
}

export interface OpenSegment extends SegmentHeader {
  readonly file: DiskFile;
}

/** Makes a segment of zeros, durable under its name, and leaves it open for writing. Replaces an unused one of that number. */
export async function createSegment({ disk, identity, number, segmentBytes }: NewSegment): Promise<OpenSegment> {
  const name = segmentName(number);
  const header: SegmentHeader = { number, segmentBytes, salt: crypto.getRandomValues(new Uint32Array(1))[0]! };
  const fresh = await disk.create(`${name}.tmp`);
  try {
    await fresh.write(0, encodeSegmentHeader(header, identity));
    await writeZeros(fresh, segmentHeaderBytes, segmentBytes);
    await fresh.sync();
  } finally {
    await fresh.close();
  }
  await disk.rename(`${name}.tmp`, name);
  await disk.syncDirectory();
  return { ...header, file: await disk.open(name, 'write') };
}

/** Writes zeros from `start` to `end`, piece by piece, syncing between pieces. The last piece is for the caller to sync. */
export async function writeZeros(file: DiskFile, start: number, end: number): Promise<void> {
  const zeros = new Uint8Array(Math.min(zeroPieceBytes, end - start));
  for (let offset = start; offset < end; offset += zeros.length) {
    if (offset > start) await file.sync();
    await file.write(offset, zeros.subarray(0, Math.min(zeros.length, end - offset)));
  }
}
