// One segment file of the log: its name, its header block and how it is made ready. A segment has its full length, zeros and a
// durable name before the first frame goes into it, so that appending changes no file metadata.
import { crc32c } from '@raftkv/wire';
import { drawBytes } from './draw-bytes.ts';
import type { DrawBytes } from './draw-bytes.ts';
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
  /** Made from a released segment: what stands behind its frames are remains under another salt, not zeros. */
  readonly isRecycled: boolean;
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
  view.setUint32(32, header.isRecycled ? 1 : 0, true);
  view.setUint32(36, owner.length, true);
  bytes.set(owner, 40);
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
  const owner = new TextDecoder().decode(block.subarray(40, 40 + view.getUint32(36, true)));
  if (identity !== undefined && owner !== ownerOf(identity)) {
    throw corrupt(path, 40, `it belongs to store ${owner}, the identity file says ${ownerOf(identity)}`);
  }
  return { number, segmentBytes, salt: view.getUint32(12, true), isRecycled: view.getUint32(32, true) === 1 };
}

function ownerOf(identity: StorageIdentity): string {
  return `${identity.clusterId}/${identity.storeId}`;
}

export interface NewSegment {
  readonly disk: Disk;
  readonly identity: StorageIdentity;
  readonly number: number;
  readonly segmentBytes: number;
  /** A released segment of the same size, durably under this other name, to be made into the new one. */
  readonly spareName?: string | undefined;
  /** For the salt. Default: the platform's. */
  readonly draw?: DrawBytes | undefined;
}

export interface OpenSegment extends SegmentHeader {
  readonly file: DiskFile;
}

/** Makes a segment, durable under its name, and leaves it open for writing. Replaces an unused one of that number. */
export async function createSegment(options: NewSegment): Promise<OpenSegment> {
  const { disk, identity, number, segmentBytes, spareName } = options;
  const name = segmentName(number);
  const salt = viewOf((options.draw ?? drawBytes)(4)).getUint32(0, true);
  const header: SegmentHeader = { number, segmentBytes, salt, isRecycled: spareName !== undefined };
  const temporary = spareName ?? `${name}.tmp`;
  const file = await (spareName === undefined ? disk.create(temporary) : disk.open(spareName, 'write'));
  try {
    await file.write(0, encodeSegmentHeader(header, identity));
    if (spareName === undefined) await writeZeros(file, segmentHeaderBytes, segmentBytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(temporary, name);
  await disk.syncDirectory();
  return { ...header, file: await disk.open(name, 'write') };
}

/** What a released segment is called until it is made into a new one. Of no meaning after a restart. */
export function spareSegmentName(number: number): string {
  return `spare-${String(number).padStart(16, '0')}`;
}

/** Writes zeros from `start` to `end`, piece by piece, syncing between pieces. The last piece is for the caller to sync. */
export async function writeZeros(file: DiskFile, start: number, end: number): Promise<void> {
  const zeros = new Uint8Array(Math.min(zeroPieceBytes, end - start));
  for (let offset = start; offset < end; offset += zeros.length) {
    if (offset > start) await file.sync();
    await file.write(offset, zeros.subarray(0, Math.min(zeros.length, end - offset)));
  }
}
