// Every codec gives back what it was given, and writes what other implementations of MessagePack can read.
import fc from 'fast-check';
import { Unpackr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { codecs } from './codecs.ts';

describe('what was encoded', () => {
  for (const { name, values, encode, decode } of codecs) {
    it(`comes back as it was: ${name}`, () => {
      fc.assert(
        fc.property(values, (value) => {
          expect(decode(encode(value as never))).toEqual(value);
        }),
        { numRuns: name.includes('compressed') ? 20 : 150 },
      );
    });

    it(`comes back the same from the middle of a larger buffer: ${name}`, () => {
      fc.assert(
        fc.property(values, (value) => {
          const bytes = encode(value as never);
          const around = new Uint8Array(bytes.length + 20).fill(0x93);
          around.set(bytes, 7);
          expect(decode(around.subarray(7, 7 + bytes.length))).toEqual(value);
        }),
        { numRuns: 20 },
      );
    });

    it(`is MessagePack that a stranger can read after the first byte: ${name}`, () => {
      const stranger = new Unpackr({ useRecords: false, int64AsType: 'number' });
      fc.assert(
        fc.property(values, (value) => {
          const bytes = encode(value as never);
          if (bytes[0] === 0x11 || bytes.length === 1) return;
          for (const part of stranger.unpackMultiple(bytes.subarray(1)) as unknown[]) {
            expect(Array.isArray(part)).toBe(true);
          }
        }),
        { numRuns: 20 },
      );
    });
  }
});
