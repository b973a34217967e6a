// The layout of answers: entries, results of commands and of reads. They travel inside server frames only, and nest as transactions do.
import type {
  BatchResult,
  CommandError,
  CommandErrorCode,
  CommandResult,
  DeleteResult,
  GetResult,
  KeyValue,
  PutResult,
  ScanResult,
  TxnOpResult,
  TxnResult,
} from '@raftkv/kv';
import { maxNesting } from './operation.ts';
import type { Reader } from './reader.ts';
import type { Writer } from './writer.ts';

const putTag = 1;
const deleteTag = 2;
const getTag = 3;
const scanTag = 4;
const batchTag = 5;
const txnTag = 6;
const compactTag = 7;
const sessionTag = 8;
const errorTag = 9;

const commandErrorCodes: readonly CommandErrorCode[] = [
  'compacted',
  'future_revision',
  'duplicate_key',
  'session_expired',
  'session_stale',
  'session_overflow',
  'invalid_argument',
];

export type AnyResult = CommandResult | GetResult | ScanResult;

export function writeResult(writer: Writer, result: AnyResult): void {
  switch (result.type) {
    case 'put':
      writer.array(3);
      writer.uint(putTag);
      writer.uint(result.revision);
      return writeOptionalEntry(writer, result.previous);
    case 'delete':
      writer.array(4);
      writer.uint(deleteTag);
      writer.uint(result.revision);
      writer.uint(result.deleted);
      return result.previous === undefined ? writer.nil() : writeEntries(writer, result.previous);
    case 'get':
      writer.array(3);
      writer.uint(getTag);
      writer.uint(result.revision);
      return writeOptionalEntry(writer, result.entry);
    case 'scan':
      return writeScan(writer, result);
    case 'batch':
      writer.array(3);
      writer.uint(batchTag);
      writer.uint(result.revision);
      return writeResults(writer, result.results);
    case 'txn':
      writer.array(4);
      writer.uint(txnTag);
      writer.uint(result.revision);
      writer.bool(result.succeeded);
      return writeResults(writer, result.results);
    case 'compact':
      writer.array(2);
      writer.uint(compactTag);
      return writer.uint(result.revision);
    case 'session':
      writer.array(2);
      writer.uint(sessionTag);
      return writer.uint(result.clientId);
    case 'error':
      return writeCommandError(writer, result);
  }
}

export function readResult(reader: Reader): AnyResult {
  return readNested(reader, maxNesting + 1);
}

function readNested(reader: Reader, depthLeft: number): AnyResult {
  const count = reader.array();
  const tag = reader.uint();
  if (count !== elementsOf(tag)) reader.fail(`result ${tag} has ${count} elements`);
  switch (tag) {
    case putTag: {
      const revision = reader.uint();
      return { type: 'put', revision, previous: readOptionalEntry(reader) };
    }
    case deleteTag: {
      const revision = reader.uint();
      const deleted = reader.uint();
      return { type: 'delete', revision, deleted, previous: reader.nil() ? undefined : readEntries(reader) };
    }
    case getTag: {
      const revision = reader.uint();
      return { type: 'get', revision, entry: readOptionalEntry(reader) };
    }
    case scanTag:
      return readScan(reader);
    case batchTag:
      return readBatch(reader, depthLeft);
    case txnTag:
      return readTxn(reader, depthLeft);
    case compactTag:
      return { type: 'compact', revision: reader.uint() };
    case sessionTag:
      return { type: 'session', clientId: reader.positive() };
    default:
      return readCommandError(reader);
  }
}

function elementsOf(tag: number): number {
  switch (tag) {
    case putTag:
    case getTag:
    case batchTag:
      return 3;
    case deleteTag:
    case txnTag:
    case errorTag:
      return 4;
    case scanTag:
      return 5;
    case compactTag:
    case sessionTag:
      return 2;
    default:
      return -1;
  }
}

function writeScan(writer: Writer, result: ScanResult): void {
  writer.array(5);
  writer.uint(scanTag);
  writer.uint(result.revision);
  writer.bool(result.more);
  writer.optionalUint(result.count);
  writeEntries(writer, result.entries);
}

function readScan(reader: Reader): ScanResult {
  const revision = reader.uint();
  const more = reader.bool();
  const count = reader.optionalUint();
  return { type: 'scan', revision, entries: readEntries(reader), more, count };
}

function readBatch(reader: Reader, depthLeft: number): BatchResult {
  const revision = reader.uint();
  const results = readResults(reader, depthLeft);
  for (const { type } of results) {
    if (type !== 'put' && type !== 'delete') reader.fail('a batch answers with puts and deletes');
  }
  return { type: 'batch', revision, results: results as (PutResult | DeleteResult)[] };
}

function readTxn(reader: Reader, depthLeft: number): TxnResult {
  const revision = reader.uint();
  const succeeded = reader.bool();
  const results = readResults(reader, depthLeft);
  for (const { type } of results) {
    if (type === 'batch' || type === 'compact' || type === 'session' || type === 'error') {
      reader.fail('what is in a transaction cannot have this result');
    }
  }
  return { type: 'txn', revision, succeeded, results: results as TxnOpResult[] };
}

function writeResults(writer: Writer, results: readonly TxnOpResult[]): void {
  writer.array(results.length);
  for (const result of results) writeResult(writer, result);
}

function readResults(reader: Reader, depthLeft: number): AnyResult[] {
  if (depthLeft === 0) reader.fail('results nest too deep');
  const results: AnyResult[] = [];
  for (let left = reader.array(); left > 0; left -= 1) results.push(readNested(reader, depthLeft - 1));
  return results;
}

function writeCommandError(writer: Writer, error: CommandError): void {
  writer.array(4);
  writer.uint(errorTag);
  writer.uint(commandErrorCodes.indexOf(error.code));
  writer.text(error.message);
  writer.optionalUint(error.compactedRevision);
}

function readCommandError(reader: Reader): CommandError {
  const code = commandErrorCodes[reader.small(commandErrorCodes.length - 1)]!;
  const message = reader.text();
  return { type: 'error', code, message, compactedRevision: reader.optionalUint() };
}

/** Five elements: key, value, revision, createRevision, version. */
function writeFields(writer: Writer, entry: KeyValue): void {
  writer.key(entry.key);
  writer.bin(entry.value);
  writer.uint(entry.revision);
  writer.uint(entry.createRevision);
  writer.uint(entry.version);
}

function readFields(reader: Reader): KeyValue {
  const key = reader.key();
  const value = reader.bin();
  const revision = reader.uint();
  const createRevision = reader.uint();
  return { key, value, revision, createRevision, version: reader.uint() };
}

export function writeOptionalEntry(writer: Writer, entry: KeyValue | undefined): void {
  if (entry === undefined) return writer.nil();
  writer.array(5);
  writeFields(writer, entry);
}

export function readOptionalEntry(reader: Reader): KeyValue | undefined {
  return reader.nil() ? undefined : readEntry(reader);
}

export function writeEntry(writer: Writer, entry: KeyValue): void {
  writer.array(5);
  writeFields(writer, entry);
}

export function readEntry(reader: Reader): KeyValue {
  reader.tuple(5);
  return readFields(reader);
}

/** One array of five elements an entry, without an array around each. */
export function writeEntries(writer: Writer, entries: readonly KeyValue[]): void {
  writer.array(entries.length * 5);
  for (const entry of entries) writeFields(writer, entry);
}

export function readEntries(reader: Reader): KeyValue[] {
  const count = reader.array();
  if (count % 5 !== 0) reader.fail('an entry has five elements');
  const entries: KeyValue[] = [];
  for (let left = count; left > 0; left -= 5) entries.push(readFields(reader));
  return entries;
}
