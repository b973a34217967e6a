// What is vouched for: the same for the same content however it came, another one for any other; and laid out as the README says, so that releases agree.
import { createHash } from 'node:crypto';
import type { Change, KeyValue } from '@raftkv/kv';
import { expect, it } from 'vitest';
import { StateDigest, decodeFeedChanges, digestOfChanges, encodeFeedChanges } from '../src/index.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function entry(key: string, value: string, parts: Partial<KeyValue> = {}): KeyValue {
  return { key, value: Buffer.from(value), revision: 5, createRevision: 3, version: 2, ...parts };
}
const put = (made: KeyValue): Change['events'][number] => ({ type: 'put', entry: made, previous: undefined });

function stateOf(...entries: KeyValue[]): string {
  const digest = new StateDigest();
  for (const each of entries) digest.add(each);
  return hex(digest.finish());
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}
const text = (value: string): Buffer => Buffer.concat([u64(value.length), Buffer.from(value, 'latin1')]);
const laidOut = ({ key, value, revision, createRevision, version }: KeyValue): Buffer =>
  Buffer.concat([text(key), u64(revision), u64(createRevision), u64(version), u64(value.length), value]);

it('is laid out as documented', () => {
  const [one, two] = [entry('a', 'x', { revision: 2 ** 40 }), entry('b\u00ff', 'y'.repeat(20_000))];
  const state = createHash('sha256').update(Buffer.concat([text('raftkv state 1'), laidOut(one), laidOut(two)]));
  expect(stateOf(one, two)).toBe(state.digest('hex'));
  const changes: Change[] = [
    { revision: 7, events: [put(one), { type: 'delete', key: 'l', revision: 7, previous: one }] },
    { revision: 8, events: [] },
  ];
  const parts = [text('raftkv changes 1'), u64(6), u64(8), u64(7), u64(2), u64(1), laidOut(one), u64(2), text('l')];
  const wanted = createHash('sha256').update(Buffer.concat(parts)).digest('hex');
  expect(hex(digestOfChanges(6, 8, changes))).toBe(wanted);
  expect(hex(digestOfChanges(6, 8, changes, createHash('sha256') as never))).toBe(wanted);
});

it('differs for each thing that an entry is, for the order, and for where one entry ends', () => {
  const plain = entry('ab', 'cd');
  const others = [
    [entry('ab', 'ce')],
    [entry('a', 'bcd')],
    [entry('abc', 'd')],
    [entry('ab', 'cd', { revision: 6 })],
    [entry('ab', 'cd', { createRevision: 4 })],
    [entry('ab', 'cd', { version: 3 })],
    [],
    [plain, plain],
  ].map((entries) => stateOf(...entries));
  expect(new Set([stateOf(plain), ...others]).size).toBe(others.length + 1);
});

it('of changes differs for the bounds, for what is left out and for what becomes of a key', () => {
  const change = { revision: 7, events: [put(entry('a', 'x', { revision: 7 }))] };
  const gone: Change = { revision: 7, events: [{ type: 'delete', key: 'a', revision: 7, previous: undefined }] };
  const digests = [
    digestOfChanges(6, 7, [change]),
    digestOfChanges(5, 7, [change]),
    digestOfChanges(6, 8, [change]),
    digestOfChanges(6, 7, []),
    digestOfChanges(6, 7, [gone]),
    digestOfChanges(6, 7, [change, change]),
  ].map(hex);
  expect(new Set(digests).size).toBe(digests.length);
});

it('of changes is the same before and after they travelled', () => {
  const changes: Change[] = [
    { revision: 7, events: [put(entry('a', 'x', { revision: 7 })), put(entry('b', '', { revision: 7 }))] },
    { revision: 9, events: [{ type: 'delete', key: 'a', revision: 9, previous: entry('a', 'x') }] },
  ];
  expect(hex(digestOfChanges(6, 9, decodeFeedChanges(encodeFeedChanges(changes))))).toBe(
    hex(digestOfChanges(6, 9, changes)),
  );
});
