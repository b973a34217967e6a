// The answers that sessions keep, to snapshot bytes and back. Both ends of each kind stand side by side; an answer can be as large as a
// scan, so both are generators that pause between entries.
import type { CommandErrorCode, CommandResult, KeyValue, TxnOpResult } from './command.ts';
import type { ByteFeed, ChunkWriter, Parsing } from './bytes.ts';
import { readBlob, readGroup, readString, SnapshotFormatError } from './bytes.ts';
import { maxKeyBytes, maxTxnDepth, maxValueBytes } from './limits.ts';

type AnyResult = CommandResult | TxnOpResult;

/** Positions are the format: append only. */
const kinds = ['put', 'delete', 'batch', 'txn', 'compact', 'session', 'error', 'get', 'scan'] as const;
const errorCodes = [
  'compacted',
  'future_revision',
  'duplicate_key',
  'session_expired',
  'session_stale',
  'session_overflow',
  'invalid_argument',
] as const satisfies readonly CommandErrorCode[];
const maxMessageBytes = 4096;

/** Yields whenever the writer has a full chunk. */
export function* writeResult(writer: ChunkWriter, result: AnyResult): Parsing<void> {
  writer.byte(kinds.indexOf(result.type));
  switch (result.type) {
    case 'put':
    case 'get': {
      const entry = result.type === 'put' ? result.previous : result.entry;
      writer.uint(result.revision);
      writer.byte(entry === undefined ? 0 : 1);
      if (entry !== undefined) writeEntry(writer, entry);
      return;
    }
    case 'delete':
      writer.uint(result.revision);
      writer.uint(result.deleted);
      writer.byte(result.previous === undefined ? 0 : 1);
      if (result.previous !== undefined) yield* writeEntries(writer, result.previous);
      return;
    case 'scan':
      writer.uint(result.revision);
      writer.byte((result.more ? 1 : 0) | (result.count === undefined ? 0 : 2));
      if (result.count !== undefined) writer.uint(result.count);
      yield* writeEntries(writer, result.entries);
      return;
    case 'batch':
    case 'txn':
      writer.uint(result.revision);
      writer.byte(result.type === 'txn' && result.succeeded ? 1 : 0);
      writer.uint(result.results.length);
      for (const inner of result.results) {
        yield* writeResult(writer, inner);
        if (writer.isFull) yield;
      }
      return;
    case 'compact':
      writer.uint(result.revision);
      return;
    case 'session':
      writer.uint(result.clientId);
      return;
    case 'error':
      writer.byte(errorCodes.indexOf(result.code));
      writer.uint(result.compactedRevision === undefined ? 0 : result.compactedRevision + 1);
      writer.string(result.message);
  }
}

/** Yields when it needs more bytes. */
export function* readResult(feed: ByteFeed): Parsing<CommandResult> {
  const result = yield* readAny(feed, 0);
  if (result.type === 'get' || result.type === 'scan') throw new SnapshotFormatError('an answer is of no known kind');
  return result;
}

function* readAny(feed: ByteFeed, depth: number): Parsing<AnyResult> {
  const { kind, number } = yield* readGroup(feed, (from) => ({ kind: kinds[from.byte()], number: from.uint() }));
  if (kind === undefined) throw new SnapshotFormatError('an answer is of no known kind');
  switch (kind) {
    case 'put': {
      const previous = (yield* readFlags(feed, 1)) === 1 ? yield* readEntry(feed) : undefined;
      return previous === undefined ? { type: 'put', revision: number } : { type: 'put', revision: number, previous };
    }
    case 'get': {
      const entry = (yield* readFlags(feed, 1)) === 1 ? yield* readEntry(feed) : undefined;
      return { type: 'get', revision: number, entry };
    }
    case 'delete': {
      const deleted = yield* readUint(feed);
      if ((yield* readFlags(feed, 1)) === 0) return { type: 'delete', revision: number, deleted };
      return { type: 'delete', revision: number, deleted, previous: yield* readEntries(feed) };
    }
    case 'scan': {
      const flags = yield* readFlags(feed, 3);
      const count = (flags & 2) === 0 ? undefined : yield* readUint(feed);
      const result = {
        type: 'scan',
        revision: number,
        entries: yield* readEntries(feed),
        more: (flags & 1) === 1,
      } as const;
      return count === undefined ? result : { ...result, count };
    }
    case 'batch':
    case 'txn':
      return yield* readCompound(feed, kind, number, depth);
    case 'compact':
      return { type: 'compact', revision: number };
    case 'session':
      return { type: 'session', clientId: number };
    case 'error':
      // The number of this kind begins with the code, which is a single byte.
      return yield* readError(feed, number);
  }
}

function* readCompound(feed: ByteFeed, type: 'batch' | 'txn', revision: number, depth: number): Parsing<AnyResult> {
  if (depth >= maxTxnDepth) throw new SnapshotFormatError('an answer is nested too deep');
  const succeeded = (yield* readFlags(feed, type === 'txn' ? 1 : 0)) === 1;
  let missing = yield* readUint(feed);
  const results: TxnOpResult[] = [];
  for (; missing > 0; missing--) {
    const inner = yield* readAny(feed, depth + 1);
    if (inner.type === 'batch' || inner.type === 'compact' || inner.type === 'session' || inner.type === 'error') {
      throw new SnapshotFormatError(`an answer of kind ${inner.type} stands within another`);
    }
    results.push(inner);
  }
  if (type === 'txn') return { type, revision, succeeded, results };
  const writes = results.map((inner) => {
    if (inner.type === 'put' || inner.type === 'delete') return inner;
    throw new SnapshotFormatError(`an answer of kind ${inner.type} stands within a batch`);
  });
  return { type, revision, results: writes };
}

function* readError(feed: ByteFeed, codeNumber: number): Parsing<CommandResult> {
  const code = errorCodes[codeNumber];
  if (code === undefined) throw new SnapshotFormatError('a refusal is of no known code');
  const compacted = yield* readUint(feed);
  const message = yield* readString(feed, yield* readLength(feed, maxMessageBytes));
  return compacted === 0
    ? { type: 'error', code, message }
    : { type: 'error', code, message, compactedRevision: compacted - 1 };
}

function* writeEntries(writer: ChunkWriter, entries: readonly KeyValue[]): Parsing<void> {
  writer.uint(entries.length);
  for (const entry of entries) {
    writeEntry(writer, entry);
    if (writer.isFull) yield;
  }
}

function* readEntries(feed: ByteFeed): Parsing<KeyValue[]> {
  const entries: KeyValue[] = [];
  for (let missing = yield* readUint(feed); missing > 0; missing--) entries.push(yield* readEntry(feed));
  return entries;
}

function writeEntry(writer: ChunkWriter, entry: KeyValue): void {
  writer.string(entry.key);
  writer.uint(entry.revision);
  writer.uint(entry.createRevision);
  writer.uint(entry.version);
  writer.blob(entry.value);
}

function* readEntry(feed: ByteFeed): Parsing<KeyValue> {
  const key = yield* readString(feed, yield* readLength(feed, maxKeyBytes));
  const head = yield* readGroup(feed, (from) => ({
    revision: from.uint(),
    createRevision: from.uint(),
    version: from.uint(),
    length: from.uint(),
  }));
  const { revision, createRevision, version, length } = head;
  if (length > maxValueBytes) throw new SnapshotFormatError('a value is too large');
  const value = yield* readBlob(feed, length);
  return { key, value, revision, createRevision, version };
}

function* readUint(feed: ByteFeed): Parsing<number> {
  return yield* readGroup(feed, (from) => from.uint());
}

function* readLength(feed: ByteFeed, limit: number): Parsing<number> {
  const length = yield* readUint(feed);
  if (length > limit) throw new SnapshotFormatError('a byte string is too long');
  return length;
}

function* readFlags(feed: ByteFeed, known: number): Parsing<number> {
  const flags = yield* readGroup(feed, (from) => from.byte());
  if ((flags & ~known) !== 0) throw new SnapshotFormatError('an answer has unknown flags');
  return flags;
}
