// The records of a database as bytes, and their keys. Each says in its first bytes what version and kind it is, carries a checksum and
// its own name, so that no damage and no mix-up goes unseen; `docs/indexeddb-format.md` has every byte. Written by `write-queue.ts`.
import {
  RaftkvError,
  decodeHardState,
  decodeLogBatch,
  decodeSnapshotMeta,
  encodeHardState,
  encodeSnapshotMeta,
} from '@raftkv/wire';
import type { HardState, SnapshotMeta } from '@raftkv/raft';
import { corrupt, decodeSmallFile, encodeSmallFile, getUint53, putUint53, viewOf } from '../file-format.ts';
import type { FileKind } from '../file-format.ts';
import type { LogBatch, StorageIdentity } from '../storage.ts';
import { parseIdentity } from '../identity-file.ts';

/** A key and the name that the record carries in itself. */
export interface RecordKey {
  readonly key: IDBValidKey;
  readonly label: string;
  readonly kind: FileKind;
}

/** Numbers sort before strings, strings before arrays: log chunks first, snapshot chunks last. */
export const allLogKeys = (): IDBKeyRange => IDBKeyRange.bound(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
export const logKeysBefore = (sequence: number): IDBKeyRange =>
  IDBKeyRange.bound(Number.NEGATIVE_INFINITY, sequence, false, true);
export const allSnapshotKeys = (): IDBKeyRange => IDBKeyRange.lowerBound([]);
export const snapshotKeys = (number: number): IDBKeyRange => IDBKeyRange.bound([number], [number, []]);

export const identityKey: RecordKey = { key: 'identity', label: 'identity', kind: 'idt' };
export const markKey: RecordKey = { key: 'mark', label: 'mark', kind: 'mrk' };
export const fenceKey: RecordKey = { key: 'fence', label: 'fence', kind: 'fnc' };
export const logKey = (sequence: number): RecordKey => ({ key: sequence, label: `log ${sequence}`, kind: 'log' });
export const noteKey = (name: string): RecordKey => ({ key: `note ${name}`, label: `note ${name}`, kind: 'not' });
export const snapshotKey = (number: number, position: number): RecordKey => ({
  key: [number, position],
  label: `snapshot ${number} chunk ${position}`,
  kind: 'snp',
});

const maxNameCharacters = 128;

/** The database of a storage; its own prefix, since all code of the origin shares one list of names. */
export function databaseNameOf(name: string): string {
  if (name.length === 0 || name.length > maxNameCharacters) {
    throw new RaftkvError('invalid_argument', `the name of a storage has 1 to ${maxNameCharacters} characters`);
  }
  return `raftkv/${name}`;
}

export function encodeRecord({ kind, label }: RecordKey, payload: Uint8Array): Uint8Array {
  const name = new TextEncoder().encode(label);
  const body = new Uint8Array(1 + name.length + payload.length);
  body[0] = name.length;
  body.set(name, 1);
  body.set(payload, 1 + name.length);
  return encodeSmallFile(kind, body);
}

/** What the record holds, as a view. Throws `storage_corrupt` or `unsupported_version`, with `place` (the database) and the record. */
export function decodeRecord({ kind, label }: RecordKey, value: unknown, place: string): Uint8Array {
  const path = `${place}/${label}`;
  if (value === undefined) throw corrupt(path, 0, 'the record is missing');
  if (!(value instanceof Uint8Array)) throw corrupt(path, 0, 'it is no byte array');
  const body = decodeSmallFile(kind, value, path);
  const end = 1 + (body[0] ?? 0);
  if (new TextDecoder().decode(body.subarray(1, end)) !== label) throw corrupt(path, 16, 'it is another record');
  return body.subarray(end);
}

/** Who may write, and how far it came. Every write compares it and replaces it. */
export interface Fence {
  /** One more with each opening. */
  readonly epoch: number;
  /** Drawn at each opening. */
  readonly token: string;
  /** Of the chunks of the log; a database that holds fewer has lost some. */
  readonly lastSequence: number;
  /** Transactions that wrote, ever: a database that was put back to an older state is told by it. */
  readonly writes: number;
}

export function encodeFence({ epoch, token, lastSequence, writes }: Fence): Uint8Array {
  return encodeRecord(fenceKey, join([numbers(epoch, lastSequence, writes), new TextEncoder().encode(token)]));
}

export function decodeFence(value: unknown, place: string): Fence {
  return decodeFields(fenceKey, value, place, (fields) => {
    const [epoch, lastSequence, writes] = readNumbers(fields[0], 3);
    return { epoch, lastSequence, writes, token: new TextDecoder().decode(fields[1]) };
  });
}

/** Which snapshot is the latest: its chunks are the records [number, 0], [number, 1], … */
export interface SnapshotPointer {
  readonly number: number;
  readonly meta: SnapshotMeta;
  readonly bytes: number;
  /** Of each chunk but the last. */
  readonly chunkBytes: number;
}

/** The small state that is not in the log's chunks: where the log begins, and the latest snapshot. */
export interface Mark {
  readonly compactedIndex: number;
  readonly compactedTerm: number;
  /** Chunks before it do not count any more. */
  readonly firstSequence: number;
  /** As of the chunks before `nextSequence`; later ones may carry a newer one. */
  readonly hardState: HardState | undefined;
  readonly nextSequence: number;
  readonly snapshot: SnapshotPointer | undefined;
}

export function encodeMark(mark: Mark): Uint8Array {
  const { compactedIndex, compactedTerm, firstSequence, nextSequence, hardState, snapshot } = mark;
  const fields = [
    numbers(compactedIndex, compactedTerm, firstSequence, nextSequence),
    hardState === undefined ? nothing : encodeHardState(hardState),
  ];
  if (snapshot !== undefined) {
    fields.push(numbers(snapshot.number, snapshot.bytes, snapshot.chunkBytes), encodeSnapshotMeta(snapshot.meta));
  }
  return encodeRecord(markKey, join(fields));
}

export function decodeMark(value: unknown, place: string): Mark {
  return decodeFields(markKey, value, place, (fields) => {
    const [compactedIndex, compactedTerm, firstSequence, nextSequence] = readNumbers(fields[0], 4);
    const hardState = fields[1]!.length === 0 ? undefined : decodeHardState(fields[1]!);
    return { compactedIndex, compactedTerm, firstSequence, nextSequence, hardState, snapshot: readPointer(fields) };
  });
}

function readPointer(fields: readonly Uint8Array[]): SnapshotPointer | undefined {
  if (fields.length === 2) return undefined;
  const [number, bytes, chunkBytes] = readNumbers(fields[2], 3);
  if (chunkBytes === 0) throw new RaftkvError('bad_frame', 'chunks of no bytes');
  return { number, bytes, chunkBytes, meta: decodeSnapshotMeta(fields[3]!) };
}

/** One chunk of the log: batches, each as `encodeLogBatch` made it. */
export function encodeLogChunk(sequence: number, batches: readonly Uint8Array[]): Uint8Array {
  return encodeRecord(logKey(sequence), join(batches));
}

/** The entries' data are views over the record. */
export function decodeLogChunk(sequence: number, value: unknown, place: string): LogBatch[] {
  return decodeFields(logKey(sequence), value, place, (fields) => fields.map((field) => decodeLogBatch(field)));
}

export function encodeIdentity(identity: StorageIdentity): Uint8Array {
  return encodeRecord(identityKey, new TextEncoder().encode(JSON.stringify(identity)));
}

export function decodeIdentity(value: unknown, place: string): StorageIdentity {
  return parseIdentity(decodeRecord(identityKey, value, place), `${place}/${identityKey.label}`);
}

const nothing = new Uint8Array(0);

/** A record of fields; what does not decode although its checksum is right was not written by this program. */
function decodeFields<T>(
  key: RecordKey,
  value: unknown,
  place: string,
  decode: (fields: readonly Uint8Array[]) => T,
): T {
  const payload = decodeRecord(key, value, place);
  try {
    return decode(split(payload));
  } catch (error) {
    const { code, message } = RaftkvError.from(error);
    const path = `${place}/${key.label}`;
    if (code === 'unsupported_version') throw new RaftkvError(code, `${path}: ${message}`);
    throw corrupt(path, 16, `it does not decode (${message})`);
  }
}

/** Fields, each behind its length (32 bits). */
function join(fields: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const field of fields) length += 4 + field.length;
  const bytes = new Uint8Array(length);
  const view = viewOf(bytes);
  let offset = 0;
  for (const field of fields) {
    view.setUint32(offset, field.length, true);
    bytes.set(field, offset + 4);
    offset += 4 + field.length;
  }
  return bytes;
}

function split(bytes: Uint8Array): Uint8Array[] {
  const view = viewOf(bytes);
  const fields: Uint8Array[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    const length = offset + 4 <= bytes.length ? view.getUint32(offset, true) : Number.POSITIVE_INFINITY;
    if (offset + 4 + length > bytes.length) throw new RaftkvError('bad_frame', 'a field is longer than its record');
    fields.push(bytes.subarray(offset + 4, offset + 4 + length));
    offset += 4 + length;
  }
  return fields;
}

function numbers(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(8 * values.length);
  const view = viewOf(bytes);
  for (const [i, value] of values.entries()) putUint53(view, 8 * i, value);
  return bytes;
}

type Numbers<Count extends number> = Count extends 3 ? [number, number, number] : [number, number, number, number];

function readNumbers<Count extends 3 | 4>(field: Uint8Array | undefined, count: Count): Numbers<Count> {
  if (field?.length !== 8 * count) throw new RaftkvError('bad_frame', `${count} numbers are missing`);
  const view = viewOf(field);
  return Array.from({ length: count }, (_, i) => {
    const value = getUint53(view, 8 * i);
    if (value === undefined) throw new RaftkvError('bad_frame', 'a number is too large');
    return value;
  }) as Numbers<Count>;
}
