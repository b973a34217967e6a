// The payloads of feeds: what goes in comes out, and bytes that nobody vouches for give a value or a RaftkvError.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Change } from '@raftkv/kv';
import {
  RaftkvError,
  decodeClientFrame,
  decodeFeedChanges,
  decodeFeedEntries,
  decodeServerFrame,
  encodeFeedChanges,
  encodeFeedEntries,
  encodeServerFrame,
  feedBytes,
} from '../src/index.ts';
import { feedChanges, feedEntries } from './arbitraries.ts';

const payloads = [
  { name: 'changes', values: feedChanges, encode: encodeFeedChanges, decode: decodeFeedChanges },
  { name: 'entries', values: feedEntries, encode: encodeFeedEntries, decode: decodeFeedEntries },
] as const;

function tolerate(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): void {
  try {
    decode(bytes);
  } catch (error) {
    if (!(error instanceof RaftkvError)) throw error;
    expect(['bad_frame', 'unsupported_version']).toContain(error.code);
  }
}

describe('the payload of a feed', () => {
  for (const { name, values, encode, decode } of payloads) {
    it(`gives back its ${name}, also from the middle of a frame`, () => {
      fc.assert(
        fc.property(values as fc.Arbitrary<never[]>, (value) => {
          const bytes = encode(value);
          expect(decode(bytes)).toEqual(value);
          const message = { type: 'feedChanges', id: 1, isDeflated: false, revision: 2, index: 3 } as const;
          const frame = encodeServerFrame([{ ...message, hash: undefined, payload: bytes }]);
          const [decoded] = decodeServerFrame(frame);
          expect(decode((decoded as { payload: Uint8Array }).payload)).toEqual(value);
        }),
      );
    });

    it(`is a list or a RaftkvError when the ${name} are random, cut or flipped`, () => {
      const damage = fc.record({ cut: fc.nat(), flips: fc.array(fc.nat(), { maxLength: 3 }) });
      fc.assert(
        fc.property(values as fc.Arbitrary<never[]>, damage, fc.uint8Array(), (value, { cut, flips }, noise) => {
          const bytes = Uint8Array.from(encode(value));
          const length = 1 + (cut % bytes.length);
          if (length < bytes.length) expect(() => decode(bytes.subarray(0, length))).toThrow(RaftkvError);
          expect(() => decode(Uint8Array.from([...bytes, 0x90]))).toThrow(RaftkvError);
          for (const flip of flips) bytes[(flip >>> 3) % bytes.length]! ^= 1 << (flip & 7);
          tolerate(decode, bytes);
          tolerate(decode, Uint8Array.from([1, ...noise]));
        }),
        { numRuns: 400 },
      );
    });

    it(`without a byte holds no ${name}; of another version it is refused`, () => {
      expect(decode(new Uint8Array())).toEqual([]);
      expect(() => decode(Uint8Array.of(2, 0x90))).toThrow(expect.objectContaining({ code: 'unsupported_version' }));
    });

    it(`that claims four billion ${name} allocates nothing`, () => {
      expect(() => decode(Uint8Array.of(1, 0xdd, 0xff, 0xff, 0xff, 0xff))).toThrow(RaftkvError);
    });
  }

  it('leaves out what was there before', () => {
    const entry = { key: 'k', value: Uint8Array.of(1), revision: 3, createRevision: 2, version: 2 };
    const change: Change = { revision: 3, events: [{ type: 'put', entry, previous: { ...entry, revision: 2 } }] };
    expect(decodeFeedChanges(encodeFeedChanges([change]))[0]!.events[0]!.previous).toBeUndefined();
  });

  it('is refused when revisions or keys are not in order, or an event lies about its revision', () => {
    const put = (key: string, revision: number): Change['events'][number] => ({
      type: 'put',
      entry: { key, value: new Uint8Array(), revision, createRevision: 1, version: 1 },
      previous: undefined,
    });
    const lies: Change[][] = [
      [
        { revision: 3, events: [put('a', 3)] },
        { revision: 3, events: [put('b', 3)] },
      ],
      [{ revision: 3, events: [put('a', 4)] }],
      [{ revision: 3, events: [put('', 3)] }],
      [{ revision: 0, events: [] }],
      [{ revision: 3, events: [{ type: 'delete', key: 'a', revision: 2, previous: undefined }] }],
    ];
    for (const lie of lies) {
      expect(() => decodeFeedChanges(encodeFeedChanges(lie))).toThrow(expect.objectContaining({ code: 'bad_frame' }));
    }
    const entry = { key: 'b', value: new Uint8Array(), revision: 2, createRevision: 2, version: 1 };
    for (const keys of [['b', 'a'], ['a', 'a'], ['']]) {
      const entries = keys.map((key) => ({ ...entry, key }));
      expect(() => decodeFeedEntries(encodeFeedEntries(entries))).toThrow(
        expect.objectContaining({ code: 'bad_frame' }),
      );
    }
  });
});

describe('a message of a feed', () => {
  it('is refused with flags that are not its own, half a range, or a hash that is none', () => {
    const changes = (flags: number, hash: readonly number[] = [0xc0]): Uint8Array =>
      Uint8Array.from([1, 0x97, 12, 7, flags, 9, 9, ...hash, 0xc4, 0]);
    expect(decodeServerFrame(changes(4))).toMatchObject([{ type: 'feedChanges', isDeflated: true }]);
    for (const flags of [1, 2, 5, 8]) expect(() => decodeServerFrame(changes(flags))).toThrow(RaftkvError);
    expect(() => decodeServerFrame(changes(0, [0xa1, 0x61]))).toThrow(/16 hexadecimal/);
    const observe = (...ranges: number[]): Uint8Array => Uint8Array.from([1, 0x94, 10, 7, 0, ...ranges]);
    expect(decodeClientFrame(observe(0x90))).toEqual([{ type: 'observe', id: 7, from: 0, ranges: [] }]);
    expect(() => decodeClientFrame(observe(0x91, 0xc4, 0))).toThrow(/items have 2 each/);
  });

  it('counts its payload and something for itself', () => {
    expect(feedBytes({ payload: new Uint8Array() })).toBe(64);
    expect(feedBytes({ payload: new Uint8Array(100) })).toBe(164);
  });
});
