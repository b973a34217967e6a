// The records of a database as bytes, and their keys. Each says in its first bytes what version and kind it is, carries a checksum and
// its own name, so that no damage and no mix-up goes unseen; `docs/indexeddb-format.md` has every byte. Written by `write-queue.ts`.
import {
  RaftkvError,
  bin,
  boxed,
  decodeLogBatch,
  decodeVersioned,
  encodeVersioned,
  fields,
  hardState,
  list,
  optional,
  positive,
  snapshotMeta,
  snapshotMetaV1,
  snapshotMetaV2,
  text,
  uint,
} from '@raftkv/wire';
import type { Format, Layout } from '@raftkv/wire';
import type { HardState, SnapshotMeta } from '@raftkv/raft';
import { corrupt, decodeSmallFile, encodeSmallFile } from '../file-format.ts';
import type { FileKind } from '../file-format.ts';
import type { LogBatch, StorageIdentity } from '../storage.ts';

/** A key, the name that the record carries in itself, and what it holds. */
export interface RecordKey<T> {
  readonly key: IDBValidKey;
  readonly label: string;
  readonly kind: FileKind;
  /** By version, where there is more than one. */
  readonly content: Format<T>;
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

/** Numbers sort before strings, strings before arrays: log chunks first, snapshot chunks last. */
export const allLogKeys = (): IDBKeyRange => IDBKeyRange.bound(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
export const logKeysBefore = (sequence: number): IDBKeyRange =>
  IDBKeyRange.bound(Number.NEGATIVE_INFINITY, sequence, false, true);
export const allSnapshotKeys = (): IDBKeyRange => IDBKeyRange.lowerBound([]);
export const snapshotKeys = (number: number): IDBKeyRange => IDBKeyRange.bound([number], [number, []]);

export const identityKey: RecordKey<StorageIdentity> = named('identity', 'idt', {
  clusterId: text,
  memberId: text,
  memberName: text,
  storeId: text,
});
export const fenceKey: RecordKey<Fence> = named('fence', 'fnc', {
  epoch: uint,
  token: text,
  lastSequence: uint,
  writes: uint,
});
/** Version 1 is from before the members of a configuration had records, version 2 from before they told what they are. */
export const markKey: RecordKey<Mark> = {
  key: 'mark',
  label: 'mark',
  kind: 'mrk',
  content: [markWith(snapshotMetaV1), markWith(snapshotMetaV2), markWith(snapshotMeta)],
};
const batches = list(bin);
/** Batches, each as `encodeLogBatch` made it. */
export const logKey = (sequence: number): RecordKey<readonly Uint8Array[]> => ({
  key: sequence,
  label: `log ${sequence}`,
  kind: 'log',
  content: batches,
});
export const noteKey = (name: string): RecordKey<Uint8Array> => {
  const label = `note ${name}`;
  return { key: label, label, kind: 'not', content: bin };
};
export const snapshotKey = (number: number, position: number): RecordKey<Uint8Array> => ({
  key: [number, position],
  label: `snapshot ${number} chunk ${position}`,
  kind: 'snp',
  content: bin,
});

function markWith(meta: Layout<SnapshotMeta>): Layout<Mark> {
  return boxed(
    fields<Mark>({
      compactedIndex: uint,
      compactedTerm: uint,
      firstSequence: uint,
      hardState: optional(hardState),
      nextSequence: uint,
      snapshot: optional(boxed(fields<SnapshotPointer>({ number: uint, meta, bytes: uint, chunkBytes: positive }))),
    }),
  );
}

function named<T>(
  label: string,
  kind: FileKind,
  table: { readonly [Name in keyof T]-?: Layout<T[Name]> },
): RecordKey<T> {
  return { key: label, label, kind, content: boxed(fields<T>(table)) };
}

/** `capacityBytes`: about how large it becomes. */
export function encodeRecord<T>({ kind, label, content }: RecordKey<T>, value: T, capacityBytes = 256): Uint8Array {
  return encodeSmallFile(kind, encodeVersioned(labelled(content), { label, content: value }, capacityBytes));
}

/**
 * What the record holds; bytes are views over it. Throws `storage_corrupt` or `unsupported_version`, with `place` (the database) and the record. What does
 * not decode although its checksum is right was not written by this program.
 */
export function decodeRecord<T>({ kind, label, content }: RecordKey<T>, value: unknown, place: string): T {
  const path = `${place}/${label}`;
  if (value === undefined) throw corrupt(path, 0, 'the record is missing');
  if (!(value instanceof Uint8Array)) throw corrupt(path, 0, 'it is no byte array');
  const body = decodeSmallFile(kind, value, path);
  const found = decoded(path, () => decodeVersioned(labelled(content), body, 'a record'));
  if (found.label !== label) throw corrupt(path, 16, 'it is another record');
  return found.content;
}

/** The entries' data are views over the record. */
export function decodeLogChunk(sequence: number, value: unknown, place: string): LogBatch[] {
  const key = logKey(sequence);
  const found = decodeRecord(key, value, place);
  return decoded(`${place}/${key.label}`, () => found.map((batch) => decodeLogBatch(batch)));
}

interface Labelled<T> {
  readonly label: string;
  readonly content: T;
}

function labelled<T>(format: Format<T>): Format<Labelled<T>> {
  const label = (content: Layout<T>): Layout<Labelled<T>> => fields<Labelled<T>>({ label: text, content });
  if ('write' in format) return label(format);
  const [first, ...later] = format;
  return [first && label(first), ...later.map(label)];
}

function decoded<T>(path: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    const { code, message } = RaftkvError.from(error);
    if (code === 'unsupported_version') throw new RaftkvError(code, `${path}: ${message}`);
    throw corrupt(path, 16, `it does not decode (${message})`);
  }
}
