// What storage keeps, as bytes: batches of the log, hard states, snapshot positions and configurations. Each begins with its
// format's version. How records are framed, checksummed and placed in files is the business of `storage`.
import type { Configuration, Entry, HardState, SnapshotMeta } from '@raftkv/raft';
import {
  entriesSizeHint,
  readConfiguration,
  readEntries,
  readSnapshotMeta,
  writeConfiguration,
  writeEntries,
  writeSnapshotMeta,
} from './entry.ts';
import { RaftkvError } from './error.ts';
import { Reader } from './reader.ts';
import { Writer } from './writer.ts';

const recordVersion = 1;

/** One atomic append: what storage's LogBatch holds. */
export interface LogRecord {
  readonly hardState: HardState | undefined;
  /** Consecutive. */
  readonly entries: readonly Entry[];
}

/** One record: version, then [hard state or nil, first index, entries]. Entries must be consecutive (else `internal`). */
export function encodeLogBatch(batch: LogRecord): Uint8Array {
  const writer = new Writer(64 + entriesSizeHint(batch.entries));
  writer.byte(recordVersion);
  writer.array(3);
  if (batch.hardState === undefined) writer.nil();
  else writeHardState(writer, batch.hardState);
  const firstIndex = batch.entries[0]?.index ?? 0;
  writer.uint(firstIndex);
  writeEntries(writer, batch.entries, firstIndex);
  return writer.finish();
}

/** The data of the entries are views over `bytes`. Throws `bad_frame` or `unsupported_version`. */
export function decodeLogBatch(bytes: Uint8Array): LogRecord {
  const reader = open(bytes);
  reader.tuple(3);
  const hardState = reader.nil() ? undefined : readHardState(reader);
  const firstIndex = reader.uint();
  const entries = readEntries(reader, firstIndex);
  if (entries.length > 0 && firstIndex === 0) reader.fail('entries begin at index 1');
  reader.expectEnd();
  return { hardState, entries };
}

export function encodeHardState(hardState: HardState): Uint8Array {
  const writer = new Writer(48);
  writer.byte(recordVersion);
  writeHardState(writer, hardState);
  return writer.finish();
}

export function decodeHardState(bytes: Uint8Array): HardState {
  const reader = open(bytes);
  const hardState = readHardState(reader);
  reader.expectEnd();
  return hardState;
}

export function encodeSnapshotMeta(meta: SnapshotMeta): Uint8Array {
  const writer = new Writer(256);
  writer.byte(recordVersion);
  writer.array(5);
  writeSnapshotMeta(writer, meta);
  return writer.finish();
}

export function decodeSnapshotMeta(bytes: Uint8Array): SnapshotMeta {
  const reader = open(bytes);
  reader.tuple(5);
  const meta = readSnapshotMeta(reader);
  reader.expectEnd();
  return meta;
}

/** The data of an entry of kind `configuration`. */
export function encodeConfiguration(configuration: Configuration): Uint8Array {
  const writer = new Writer(256);
  writer.byte(recordVersion);
  writer.array(3);
  writeConfiguration(writer, configuration);
  return writer.finish();
}

export function decodeConfiguration(bytes: Uint8Array): Configuration {
  const reader = open(bytes);
  reader.tuple(3);
  const configuration = readConfiguration(reader);
  reader.expectEnd();
  return configuration;
}

function open(bytes: Uint8Array): Reader {
  const reader = new Reader(bytes);
  const version = reader.byte();
  if (version !== recordVersion) {
    throw new RaftkvError('unsupported_version', `a record of version ${version}, which is not known here`);
  }
  return reader;
}

function writeHardState(writer: Writer, hardState: HardState): void {
  writer.array(3);
  writer.uint(hardState.term);
  writer.optionalText(hardState.votedFor);
  writer.uint(hardState.commitIndex);
}

function readHardState(reader: Reader): HardState {
  reader.tuple(3);
  const term = reader.uint();
  const votedFor = reader.optionalText();
  return { term, votedFor, commitIndex: reader.uint() };
}
