// One entry of a copy's own log: a batch of changes as the feed sent it, compressed or not, with where it leads to. Formats here begin with
// their version; what does not decode is damage, since the storage below has its own checksums.
import { RaftkvError } from '@raftkv/wire';
import type { Position } from './copy.ts';

const version = 1;
const headBytes = 18;

export interface StoredBatch extends Position {
  readonly isDeflated: boolean;
  readonly payload: Uint8Array;
}

/** u8 version, u8 flags (1 = deflated), f64 revision, f64 index (both little-endian, whole numbers), then the payload. */
export function encodeStoredBatch({ revision, index, isDeflated, payload }: StoredBatch): Uint8Array {
  const bytes = new Uint8Array(headBytes + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, version);
  view.setUint8(1, isDeflated ? 1 : 0);
  view.setFloat64(2, revision, true);
  view.setFloat64(10, index, true);
  bytes.set(payload, headBytes);
  return bytes;
}

/** Throws `unsupported_version` or `storage_corrupt`. */
export function decodeStoredBatch(bytes: Uint8Array): StoredBatch {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length > 0 && view.getUint8(0) !== version) {
    throw new RaftkvError(
      'unsupported_version',
      `a stored batch of version ${view.getUint8(0)}, which is not known here`,
    );
  }
  if (bytes.length < headBytes || view.getUint8(1) > 1)
    throw new RaftkvError('storage_corrupt', 'a stored batch is damaged');
  const revision = view.getFloat64(2, true);
  const index = view.getFloat64(10, true);
  if (!Number.isSafeInteger(revision) || !Number.isSafeInteger(index) || revision < 1 || index < 0) {
    throw new RaftkvError('storage_corrupt', `a stored batch leads to revision ${revision}, index ${index}`);
  }
  return { revision, index, isDeflated: view.getUint8(1) === 1, payload: bytes.subarray(headBytes) };
}
