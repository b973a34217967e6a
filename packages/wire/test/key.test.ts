// Keys and ranges as users write them.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyFrom, keyToBytes, keyToString, prefixEnd, rangeFrom } from '../src/index.ts';
import { key } from './arbitraries.ts';

const encoder = new TextEncoder();

describe('a key', () => {
  it('made of text is its UTF-8, a byte a unit', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect([...keyToBytes(keyFrom(text))]).toEqual([...encoder.encode(text)]);
        expect(keyToString(keyFrom(text))).toBe(text);
      }),
    );
  });

  it('made of bytes holds just these', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        expect(keyToBytes(keyFrom(bytes))).toEqual(bytes);
      }),
    );
    const long = Uint8Array.from({ length: 10_000 }, (_, i) => i * 7);
    expect(keyToBytes(keyFrom(long))).toEqual(long);
  });

  it('orders as its bytes do', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        const order = Buffer.compare(encoder.encode(a), encoder.encode(b));
        expect(keyFrom(a) < keyFrom(b)).toBe(order < 0);
      }),
    );
  });

  it('is not made of half a surrogate pair', () => {
    for (const text of ['\ud83d', 'a\ude00', '\ud83d\ud83d\ude00', 'é\ud800x']) {
      expect(() => keyFrom(text)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
    }
    expect(keyFrom('😀')).toBe('\xf0\x9f\x98\x80');
  });

  it('keeps a byte order mark', () => {
    expect(keyToString(keyFrom('\ufeffa'))).toBe('\ufeffa');
  });
});

describe('a range', () => {
  const within = (range: { from: string; to: string | undefined }, k: string) =>
    k >= range.from && (range.to === undefined || k < range.to);

  it('of a prefix holds the keys that begin with it and no others', () => {
    const prefix = fc
      .array(fc.constantFrom('a', '\xfe', '\xff', '\0'), { maxLength: 3 })
      .map((units) => units.join(''));
    const probe = fc
      .array(fc.constantFrom('a', 'b', '\xfe', '\xff', '\0'), { maxLength: 5 })
      .map((units) => units.join(''));
    fc.assert(
      fc.property(prefix, probe, (p, k) => {
        const range = rangeFrom({ prefix: keyToBytes(p) });
        expect(within(range, k)).toBe(k.startsWith(p));
      }),
      { numRuns: 2000 },
    );
    expect(prefixEnd('\xff\xff')).toBeUndefined();
    expect(prefixEnd('a\xff')).toBe('b');
  });

  it('between bounds holds what the bounds say', () => {
    fc.assert(
      fc.property(key, key, key, (a, b, k) => {
        const [low, high, probe] = [keyToBytes(a), keyToBytes(b), k];
        expect(within(rangeFrom({ gt: low }), probe)).toBe(probe > a);
        expect(within(rangeFrom({ gte: low }), probe)).toBe(probe >= a);
        expect(within(rangeFrom({ lt: high }), probe)).toBe(probe < b);
        expect(within(rangeFrom({ lte: high }), probe)).toBe(probe <= b);
      }),
    );
  });

  it('prefers the inclusive lower and the exclusive upper bound where both are given', () => {
    expect(rangeFrom({ gte: 'a', gt: 'b', lt: 'y', lte: 'z' })).toEqual({ from: 'a', to: 'y' });
    expect(rangeFrom({ all: true })).toEqual({ from: '', to: undefined });
    expect(rangeFrom({})).toEqual({ from: '', to: undefined });
  });
});
