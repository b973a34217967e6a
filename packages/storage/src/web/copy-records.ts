// The records of a copy's database as values of IndexedDB, and their keys: one head, and chunks of packed records. Each carries its version and a
// checksum of its key and of its bytes, so that no damage and no mix-up goes unseen; `docs/indexeddb-copy-format.md` has every byte.
import { bin, boxed, decodeVersioned, encodeVersioned, fields, list, text, uint } from '@raftkv/wire';
import type { CopyOwner } from '../copy-storage.ts';
import { seal, unsealed } from './sealed.ts';
import type { Sealed } from './sealed.ts';

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

/** Where a record is: the head's, or that of the chunk at this position of a group. */
export type RecordKey = 'head' | readonly [group: number, position: number];

export const headKey = 'head';

const headLayout = fields<CopyHead>({
  owner: boxed(fields<CopyOwner>({ clusterId: text, replicaId: text, scope: text })),
  epoch: uint,
  token: text,
  writes: uint,
  group: uint,
  pages: uint,
  first: uint,
  next: uint,
});
const chunkLayout = list(bin);

/** The chunks of a group from one position to before another. */
export function chunkKeys(group: number, from: number, to: number): IDBKeyRange {
  return IDBKeyRange.bound([group, from], [group, to], false, true);
}

export function sealHead(head: CopyHead): Sealed {
  return seal(headKey, encodeVersioned(headLayout, head, 256));
}

/** Throws `storage_corrupt` or `unsupported_version`. */
export function openHead(value: unknown, place: string): CopyHead {
  return decodeVersioned(headLayout, ...unsealed(headKey, value, place));
}

export function sealChunk(key: RecordKey, records: readonly Uint8Array[]): Sealed {
  const bytes = records.reduce((sum, record) => sum + 5 + record.length, 8);
  return seal(key, encodeVersioned(chunkLayout, records, bytes));
}

/** The records are views over the chunk. Throws `storage_corrupt` or `unsupported_version`. */
export function openChunk(key: RecordKey, value: unknown, place: string): readonly Uint8Array[] {
  return decodeVersioned(chunkLayout, ...unsealed(key, value, place));
}
