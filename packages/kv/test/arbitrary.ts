// Random commands over a handful of keys, so that they meet each other, and helpers to carry them out and compare.
import fc from 'fast-check';
import type {
  BatchCommand,
  Command,
  CommandEnvelope,
  Compare,
  DeleteOp,
  DeleteRangeOp,
  GetOp,
  KeyRange,
  PutOp,
  ScanOp,
  ScanOptions,
  SessionStamp,
  StoreOptions,
  StoreSnapshot,
  TxnCommand,
  TxnOp,
} from '../src/index.ts';

export const keys = ['\0', 'a', 'a\0', 'ab', 'b', 'c', '\xff', '\xff\xff'] as const;

export const key = fc.constantFrom(...keys);
export const value = fc.uint8Array({ maxLength: 6 });
/** Open-ended, empty and upside-down ones too. */
export const range: fc.Arbitrary<KeyRange> = fc.record({
  from: fc.oneof(fc.constant(''), key),
  to: fc.oneof(fc.constant(undefined), key),
});
const revision = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 12 }) },
);
const flag = fc.boolean();

export const scanOptions: fc.Arbitrary<ScanOptions> = fc.record(
  {
    limit: fc.integer({ min: 0, max: 4 }),
    reverse: flag,
    keysOnly: flag,
    countOnly: fc.constantFrom(false, false, true),
    withCount: flag,
    maxBytes: fc.integer({ min: 0, max: 20 }),
    revision,
  },
  { requiredKeys: [] },
);

const put: fc.Arbitrary<PutOp> = fc.record(
  { type: fc.constant('put' as const), key, value, returnPrevious: flag },
  { requiredKeys: ['type', 'key', 'value'] },
);
const remove: fc.Arbitrary<DeleteOp> = fc.record({ type: fc.constant('delete' as const), key, returnPrevious: flag });
const removeRange: fc.Arbitrary<DeleteRangeOp> = fc.record({
  type: fc.constant('deleteRange' as const),
  range,
  returnPrevious: flag,
});
const get: fc.Arbitrary<GetOp> = fc.record({ type: fc.constant('get' as const), key, revision });
const scan: fc.Arbitrary<ScanOp> = fc
  .tuple(range, scanOptions)
  .map(([within, options]) => ({ type: 'scan', range: within, ...options }));

const compare: fc.Arbitrary<Compare> = fc.oneof(
  fc.record(
    {
      key,
      range,
      operator: fc.constantFrom('equal' as const, 'notEqual' as const, 'greater' as const, 'less' as const),
      target: fc.constantFrom('revision' as const, 'createRevision' as const, 'version' as const),
      number: fc.integer({ min: 0, max: 4 }),
    },
    { requiredKeys: ['key', 'operator', 'target', 'number'] },
  ),
  fc.record(
    {
      key,
      range,
      operator: fc.constantFrom('equal' as const, 'notEqual' as const, 'greater' as const, 'less' as const),
      target: fc.constant('value' as const),
      value,
    },
    { requiredKeys: ['key', 'operator', 'target', 'value'] },
  ),
  fc.record(
    {
      key,
      range,
      operator: fc.constantFrom('equal' as const, 'notEqual' as const),
      target: fc.constant('exists' as const),
      exists: flag,
    },
    { requiredKeys: ['key', 'operator', 'target', 'exists'] },
  ),
);

/** Transactions nested up to `depth` levels. */
function txn(depth: number): fc.Arbitrary<TxnCommand> {
  const plain: fc.Arbitrary<TxnOp> = fc.oneof(put, put, remove, removeRange, get, scan);
  const op = depth <= 1 ? plain : fc.oneof({ weight: 5, arbitrary: plain }, { weight: 1, arbitrary: txn(depth - 1) });
  return fc.record({
    type: fc.constant('txn' as const),
    compare: fc.array(compare, { maxLength: 2 }),
    then: fc.array(op, { maxLength: 3 }),
    otherwise: fc.array(op, { maxLength: 3 }),
  });
}

const batch: fc.Arbitrary<BatchCommand> = fc.record({
  type: fc.constant('batch' as const),
  ops: fc.array(fc.oneof(put, put, remove, removeRange), { maxLength: 4 }),
});

/** Sessions are opened at low indexes in these runs, so small numbers name some that exist and some that do not. */
const clientId = fc.integer({ min: 1, max: 12 });

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: put },
  { weight: 3, arbitrary: remove },
  { weight: 1, arbitrary: removeRange },
  { weight: 3, arbitrary: batch },
  { weight: 4, arbitrary: txn(3) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('compact' as const), revision: fc.integer({ min: 0, max: 20 }) }),
  },
  { weight: 2, arbitrary: fc.constant<Command>({ type: 'openSession' }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constantFrom('keepAlive' as const, 'closeSession' as const), clientId }),
  },
);

const stamp: fc.Arbitrary<SessionStamp> = fc.record({
  clientId,
  sequence: fc.integer({ min: 1, max: 9 }),
  ackFloor: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 6 })),
});

export const envelope: fc.Arbitrary<CommandEnvelope> = fc.record({
  session: fc.oneof(fc.constant(undefined), stamp),
  command,
});

/** Tight limits, so that short runs meet all of them. */
export const options: fc.Arbitrary<Required<StoreOptions>> = fc.record({
  retainedRevisions: fc.constantFrom(1, 2, 3, 5, 8, 1000),
  retainedBytes: fc.constantFrom(1, 600, 1300, 1_000_000),
  maxSessions: fc.constantFrom(1, 2, 3, 100),
  maxSessionAnswers: fc.constantFrom(1, 3, 100),
  maxSessionAnswerBytes: fc.constantFrom(60, 150, 1_000_000),
  maxAnswerBytes: fc.constantFrom(40, 90, 200, 1_000_000),
});

export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

/** The snapshot's bytes in one piece; releases it. */
export function drain(snapshot: StoreSnapshot, chunkBytes?: number): Buffer {
  const bytes = Buffer.concat([...snapshot.chunks(chunkBytes)]);
  snapshot.release();
  return bytes;
}
