// The records of a copy's database as bytes, and their keys: one head, and chunks of packed records. Each carries its version and kind, a checksum and its
// own key, so that no damage and no mix-up goes unseen; `docs/indexeddb-copy-format.md` has every byte.
import { corrupt, decodeSmallFile, encodeSmallFile, viewOf } from '../file-format.ts';
import type { CopyOwner } from '../copy-storage.ts';

/** Who may write, and what counts. Every transaction that writes compares the one that is there and puts the next one. */
export interface CopyHead {
  readonly owner: CopyOwner;
  /** One more with each opening. */
  readonly epoch: number;
  /** Drawn at each opening. */
  readonly token: string;
  /** Transactions that wrote, ever: a database that was put back to an older state is told by it. */
  readonly writes: number;
  /** The chunks with which the list begins are [group, 0] to [group, pages - 1]; 0 for none. */
  readonly group: number;
  readonly pages: number;
  /** What follows are the chunks [0, first] to [0, next - 1]. */
  readonly first: number;
  readonly next: number;
}

export const headKey = 'head';
const chunkHeadBytes = 16;

/** The chunks of a group from one position to before another. */
export function chunkKeys(group: number, from: number, to: number): IDBKeyRange {
  return IDBKeyRange.bound([group, from], [group, to], false, true);
}

export function encodeHead(head: CopyHead): Uint8Array {
  return encodeSmallFile('cph', new TextEncoder().encode(JSON.stringify(head)));
}

/** Throws `storage_corrupt` or `unsupported_version`. */
export function decodeHead(value: unknown, place: string): CopyHead {
  return JSON.parse(new TextDecoder().decode(bodyOf('cph', value, `${place}/head`))) as CopyHead;
}

export function encodeChunk(group: number, position: number, records: readonly Uint8Array[]): Uint8Array {
  const bytes = records.reduce((sum, record) => sum + 4 + record.length, chunkHeadBytes);
  const body = new Uint8Array(bytes);
  const view = viewOf(body);
  view.setFloat64(0, group, true);
  view.setFloat64(8, position, true);
  let at = chunkHeadBytes;
  for (const record of records) {
    view.setUint32(at, record.length, true);
    body.set(record, at + 4);
    at += 4 + record.length;
  }
  return encodeSmallFile('cpc', body);
}

/** The records are views over the chunk. Throws `storage_corrupt` or `unsupported_version`. */
export function decodeChunk(group: number, position: number, value: unknown, place: string): Uint8Array[] {
  const path = `${place}/chunk ${group} ${position}`;
  const body = bodyOf('cpc', value, path);
  const view = viewOf(body);
  if (body.length < chunkHeadBytes || view.getFloat64(0, true) !== group || view.getFloat64(8, true) !== position) {
    throw corrupt(path, 16, 'it is another record');
  }
  const records: Uint8Array[] = [];
  for (let at = chunkHeadBytes; at < body.length;) {
    const end = at + 4 + view.getUint32(at, true);
    records.push(body.subarray(at + 4, end));
    at = end;
  }
  return records;
}

function bodyOf(kind: 'cph' | 'cpc', value: unknown, path: string): Uint8Array {
  if (value instanceof Uint8Array) return decodeSmallFile(kind, value, path);
  throw corrupt(path, 0, value === undefined ? 'the record is missing' : 'it is no byte array');
}
