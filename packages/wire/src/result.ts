// The layout of answers: entries, results of commands and of reads. They travel inside server frames only, and nest as transactions do.
import type {
  BatchResult,
  CommandError,
  CommandErrorCode,
  CommandResult,
  GetResult,
  KeyValue,
  PutResult,
  ScanResult,
  TxnOpResult,
} from '@raftkv/kv';
import { bool, boxed, fields, list, nesting, oneOf, optional, positive, tagged, text, uint } from './layout.ts';
import type { Layout, Variant } from './layout.ts';

const codes: readonly CommandErrorCode[] = [
  'compacted',
  'future_revision',
  'duplicate_key',
  'session_expired',
  'session_stale',
  'session_overflow',
  'invalid_argument',
];

export type AnyResult = CommandResult | GetResult | ScanResult;

/** Five elements. By hand, since scans and snapshots have thousands of them. */
export const entry: Layout<KeyValue> = {
  size: 5,
  write(writer, value) {
    writer.key(value.key);
    writer.bin(value.value);
    writer.uint(value.revision);
    writer.uint(value.createRevision);
    writer.uint(value.version);
  },
  read(reader) {
    const key = reader.key();
    const value = reader.bin();
    const revision = reader.uint();
    const createRevision = reader.uint();
    return { key, value, revision, createRevision, version: reader.uint() };
  },
};
/** One array of five elements an entry. */
export const entries = list(entry);
export const optionalEntry = optional(boxed(entry));

/** By hand, since most answers are these two. */
const put: Layout<Omit<PutResult, 'type'>> = {
  size: 2,
  /** @server */
  write(writer, { revision, previous }, walk) {
    writer.uint(revision);
    optionalEntry.write(writer, previous, walk);
  },
  read: (reader, walk): PutResult => ({
    type: 'put',
    revision: reader.uint(),
    previous: optionalEntry.read(reader, walk),
  }),
};
const get: Layout<Omit<GetResult, 'type'>> = {
  size: 2,
  /** @server */
  write(writer, found, walk) {
    writer.uint(found.revision);
    optionalEntry.write(writer, found.entry, walk);
  },
  read: (reader, walk): GetResult => ({
    type: 'get',
    revision: reader.uint(),
    entry: optionalEntry.read(reader, walk),
  }),
};

const writes: { readonly [T in 'put' | 'delete']: Variant<Extract<AnyResult, { readonly type: T }>> } = {
  put: [1, put],
  delete: [2, fields({ revision: uint, deleted: uint, previous: optional(entries) })],
};
const reads: { readonly [T in 'get' | 'scan']: Variant<Extract<AnyResult, { readonly type: T }>> } = {
  get: [3, get],
  scan: [4, fields({ revision: uint, more: bool, count: optional(uint), entries })],
};
const txnOpResults: Layout<readonly TxnOpResult[]> = list<TxnOpResult>({
  size: 1,
  /** @server */
  write: (writer, value, walk) => txnOpResult.write(writer, value, walk),
  read: (reader, walk) => txnOpResult.read(reader, walk),
});
const txn: Variant<Extract<AnyResult, { readonly type: 'txn' }>> = [
  6,
  nesting(fields({ revision: uint, succeeded: bool, results: txnOpResults })),
];
const txnOpResult: Layout<TxnOpResult> = tagged<TxnOpResult>('result', { ...writes, ...reads, txn });

export const result: Layout<AnyResult> = tagged<AnyResult>('result', {
  ...writes,
  ...reads,
  batch: [5, fields<Omit<BatchResult, 'type'>>({ revision: uint, results: list(tagged('result', writes)) })],
  txn,
  compact: [7, fields({ revision: uint })],
  session: [8, fields({ clientId: positive })],
  error: [
    9,
    fields<Omit<CommandError, 'type'>>({ code: oneOf(codes), message: text, compactedRevision: optional(uint) }),
  ],
});
