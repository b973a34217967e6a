// What all files of a store have in common: the first byte is the version of the format, the next seven say which
// kind of file it is, and numbers are little-endian. Used by the codecs of the single files; `docs/disk-format.md` has every byte.
import { RaftkvError, crc32c } from '@raftkv/wire';

/** `mrk` and `fnc` are records of a browser's database. */
export type FileKind = 'log' | 'snp' | 'idt' | 'not' | 'mrk' | 'fnc';

const formatVersion = 1;

/** Version, kind, checksum of what follows, length of what follows. */
const smallHeaderBytes = 16;

export function putKind(target: Uint8Array, kind: FileKind): void {
  target[0] = formatVersion;
  new TextEncoder().encodeInto(`rkv-${kind}`, target.subarray(1, 8));
}

/** Throws `unsupported_version` for a file of this kind from the future, `storage_corrupt` for anything else. */
export function checkKind(bytes: Uint8Array, kind: FileKind, path: string): void {
  const found = new TextDecoder().decode(bytes.subarray(1, 8));
  if (found !== `rkv-${kind}`) throw corrupt(path, 0, `this is not a raftkv file of kind "${kind}"`);
  if (bytes[0] !== formatVersion) {
    throw new RaftkvError(
      'unsupported_version',
      `${path} has format version ${bytes[0]}; this program reads version ${formatVersion}`,
    );
  }
}

export function corrupt(path: string, offset: number, why: string): RaftkvError {
  return new RaftkvError('storage_corrupt', `${path} is damaged at byte ${offset}: ${why}`);
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Safe integers only (T50): 2^53 - 1 is the largest index, term or sequence. */
export function putUint53(view: DataView, offset: number, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw new RaftkvError('invalid_argument', `${value} is not a count`);
  view.setUint32(offset, value >>> 0, true);
  view.setUint32(offset + 4, Math.floor(value / 0x1_0000_0000), true);
}

/** Undefined if the number is beyond 2^53 - 1: the bytes are damaged or hostile. */
export function getUint53(view: DataView, offset: number): number | undefined {
  const high = view.getUint32(offset + 4, true);
  return high > 0x1f_ffff ? undefined : high * 0x1_0000_0000 + view.getUint32(offset, true);
}

/** A small file of one checked body (identity, notes). */
export function encodeSmallFile(kind: FileKind, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(smallHeaderBytes + body.length);
  putKind(bytes, kind);
  bytes.set(body, smallHeaderBytes);
  viewOf(bytes).setUint32(12, body.length, true);
  viewOf(bytes).setUint32(8, crc32c(bytes.subarray(12)), true);
  return bytes;
}

/** The body of a small file; throws `storage_corrupt` or `unsupported_version`. */
export function decodeSmallFile(kind: FileKind, bytes: Uint8Array, path: string): Uint8Array {
  if (bytes.length < smallHeaderBytes) throw corrupt(path, bytes.length, 'it is too short');
  checkKind(bytes, kind, path);
  const view = viewOf(bytes);
  if (view.getUint32(12, true) !== bytes.length - smallHeaderBytes) throw corrupt(path, 12, 'its length is off');
  if (view.getUint32(8, true) !== crc32c(bytes.subarray(12))) throw corrupt(path, 8, 'its checksum is off');
  return bytes.subarray(smallHeaderBytes);
}
