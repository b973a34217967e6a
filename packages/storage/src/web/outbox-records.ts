// The records of kept writes as values of IndexedDB, and their keys: of each lane a head, the writes as they were made, and small marks beside them that
// change. `docs/indexeddb-outbox-format.md` has every byte.
import { bin, bool, boxed, decodeVersioned, encodeVersioned, fields, optional, text, uint } from '@raftkv/wire';
import type { KeptWrite, WriteFailure, WriteMark } from '../outbox-storage.ts';
import { seal, unsealed } from './sealed.ts';
import type { Sealed } from './sealed.ts';

/** Who may write in a lane: drawn by each opener. */
export interface LaneHead {
  readonly token: string;
}

const headLayout = fields<LaneHead>({ token: text });
const writeLayout = fields<KeptWrite>({ number: uint, keptAt: uint, clusterId: text, isShown: bool, command: bin });
const markLayout = fields<WriteMark>({
  clientId: uint,
  sequence: uint,
  failure: optional(boxed(fields<WriteFailure>({ code: text, message: text, isDefinite: bool }))),
});

/** Drawn when the database was made: one that was deleted and made anew has another. */
export const databaseIdKey = 'database';

/** A head sorts before the writes of its lane, and a write before its mark. */
export const headKeyOf = (lane: string): [string] => [lane];
export const writeKeyOf = (lane: string, number: number): [string, number] => [lane, number];
export const markKeyOf = (lane: string, number: number): [string, number, string] => [lane, number, 'mark'];

/** All of a lane but its head. */
export function writeKeys(lane: string): IDBKeyRange {
  return IDBKeyRange.bound([lane, -Infinity], [lane, []], false, true);
}

/** A write and its mark. */
export function keysOfWrite(lane: string, number: number): IDBKeyRange {
  return IDBKeyRange.bound([lane, number], [lane, number, []], false, true);
}

export function sealHead(lane: string, head: LaneHead): Sealed {
  return seal(headKeyOf(lane), encodeVersioned(headLayout, head, 64));
}

/** Throws `storage_corrupt` or `unsupported_version`, as do the others. */
export function openHead(lane: string, value: unknown, place: string): LaneHead {
  return decodeVersioned(headLayout, ...unsealed(headKeyOf(lane), value, place));
}

export function sealWrite(lane: string, write: KeptWrite): Sealed {
  return seal(writeKeyOf(lane, write.number), encodeVersioned(writeLayout, write, write.command.length + 64));
}

export function openWrite(lane: string, number: number, value: unknown, place: string): KeptWrite {
  return decodeVersioned(writeLayout, ...unsealed(writeKeyOf(lane, number), value, place));
}

export function sealMark(lane: string, number: number, mark: WriteMark): Sealed {
  return seal(markKeyOf(lane, number), encodeVersioned(markLayout, mark, 64));
}

export function openMark(lane: string, number: number, value: unknown, place: string): WriteMark {
  return decodeVersioned(markLayout, ...unsealed(markKeyOf(lane, number), value, place));
}
