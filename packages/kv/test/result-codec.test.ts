// Every kind of answer that a session can keep, to bytes and back, with all that is optional in it present and absent.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CommandErrorCode, CommandResult, KeyValue, TxnOpResult } from '../src/index.ts';
import { ByteFeed, ChunkWriter, SnapshotFormatError } from '../src/bytes.ts';
import { readResult, writeResult } from '../src/result-codec.ts';
import { key, value } from './arbitrary.ts';

const number = fc.oneof(fc.constantFrom(0, 1, Number.MAX_SAFE_INTEGER), fc.maxSafeNat());
const entry: fc.Arbitrary<KeyValue> = fc.record({
  key,
  value,
  revision: number,
  createRevision: number,
  version: number,
});
const entries = fc.array(entry, { maxLength: 3 });
const codes: readonly CommandErrorCode[] = [
  'compacted',
  'future_revision',
  'duplicate_key',
  'session_expired',
  'session_stale',
  'session_overflow',
  'invalid_argument',
];

const put = fc.record(
  { type: fc.constant('put' as const), revision: number, previous: entry },
  { requiredKeys: ['type', 'revision'] },
);
const remove = fc.record(
  { type: fc.constant('delete' as const), revision: number, deleted: number, previous: entries },
  { requiredKeys: ['type', 'revision', 'deleted'] },
);
const get = fc.record({
  type: fc.constant('get' as const),
  revision: number,
  entry: fc.option(entry, { nil: undefined }),
});
const scan = fc.record(
  { type: fc.constant('scan' as const), revision: number, entries, more: fc.boolean(), count: number },
  { requiredKeys: ['type', 'revision', 'entries', 'more'] },
);
function txn(depth: number): fc.Arbitrary<Extract<TxnOpResult, { type: 'txn' }>> {
  const plain: fc.Arbitrary<TxnOpResult> = fc.oneof(put, remove, get, scan);
  const result = depth <= 1 ? plain : fc.oneof(plain, txn(depth - 1));
  return fc.record({
    type: fc.constant('txn' as const),
    revision: number,
    succeeded: fc.boolean(),
    results: fc.array(result, { maxLength: 3 }),
  });
}
const refusal = fc.record(
  {
    type: fc.constant('error' as const),
    code: fc.constantFrom(...codes),
    message: fc.constantFrom('', 'words'),
    compactedRevision: fc.integer({ min: 0, max: 300 }),
  },
  { requiredKeys: ['type', 'code', 'message'] },
);
const result: fc.Arbitrary<CommandResult> = fc.oneof(
  put,
  remove,
  txn(3),
  fc.record({
    type: fc.constant('batch' as const),
    revision: number,
    results: fc.array(fc.oneof(put, remove), { maxLength: 3 }),
  }),
  fc.record({ type: fc.constant('compact' as const), revision: number }),
  fc.record({ type: fc.constant('session' as const), clientId: number }),
  refusal,
);

function encode(answer: Parameters<typeof writeResult>[1]): Uint8Array {
  const writer = new ChunkWriter(100);
  const steps = writeResult(writer, answer);
  while (steps.next().done !== true);
  writer.finish();
  return Buffer.concat(writer.takeFull());
}

function decode(bytes: Uint8Array): CommandResult {
  const feed = new ByteFeed();
  feed.push(bytes);
  const step = readResult(feed).next();
  if (step.done !== true) throw new Error('bytes are missing');
  return step.value;
}

describe('an answer', () => {
  it('comes back from its bytes as it was', () => {
    fc.assert(
      fc.property(result, (answer) => {
        const back = decode(encode(answer));
        // toEqual, since fast-check makes objects without a prototype; what is absent must be absent again, so the names are compared too.
        expect(back).toEqual(answer);
        expect(Object.keys(back).toSorted()).toEqual(Object.keys(answer).toSorted());
      }),
      { seed: 12, numRuns: 500 },
    );
  });

  it('is refused where its kind has no place', () => {
    const session = { type: 'session', clientId: 1 } as const;
    const read = { type: 'get', revision: 1, entry: undefined } as const;
    const write = { type: 'put', revision: 1 } as const;
    const within = (inner: unknown): CommandResult => ({
      type: 'txn',
      revision: 1,
      succeeded: true,
      results: [inner as TxnOpResult],
    });
    expect(decode(encode(within(read)))).toStrictEqual(within(read));
    expect(() => decode(encode(read))).toThrow(SnapshotFormatError);
    expect(() => decode(encode(within(session)))).toThrow(SnapshotFormatError);
    expect(() => decode(encode(within({ type: 'batch', revision: 1, results: [write] })))).toThrow(SnapshotFormatError);
    expect(() => decode(encode({ type: 'batch', revision: 1, results: [read] as never }))).toThrow(SnapshotFormatError);
    expect(() => decode(Uint8Array.of(9, 0))).toThrow(SnapshotFormatError);
    expect(() => decode(Uint8Array.of(6, 7, 0, 0))).toThrow(SnapshotFormatError);
    let deep: CommandResult = within(write);
    for (let depth = 2; depth <= 8; depth++) deep = within(deep);
    expect(decode(encode(deep))).toStrictEqual(deep);
    expect(() => decode(encode(within(deep)))).toThrow(SnapshotFormatError);
  });
});
