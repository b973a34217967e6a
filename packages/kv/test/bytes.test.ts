// Numbers, byte strings and blobs through the chunk writer and back, wherever the bytes are cut, and the checksum over them.
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteFeed, ChunkWriter, readBlob, readGroup, readString, SnapshotFormatError } from '../src/bytes.ts';
import { extendChecksum } from '../src/checksum.ts';

function written(chunkBytes: number, write: (writer: ChunkWriter) => void): Uint8Array[] {
  const writer = new ChunkWriter(chunkBytes);
  write(writer);
  writer.finish();
  return [...writer.takeFull()];
}

describe('what ChunkWriter writes', () => {
  it('ByteFeed reads back, wherever it is cut', () => {
    const item = fc.oneof(
      fc.record({ type: fc.constant('uint' as const), value: fc.oneof(fc.maxSafeNat(), fc.nat(200)) }),
      fc.record({
        type: fc.constant('string' as const),
        value: fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
      }),
      fc.record({ type: fc.constant('blob' as const), value: fc.uint8Array({ maxLength: 200 }) }),
    );
    fc.assert(
      fc.property(
        fc.array(item, { maxLength: 12 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 40 }),
        (items, out, into) => {
          const bytes = Buffer.concat(
            written(out, (writer) => {
              for (const each of items) {
                if (each.type === 'uint') writer.uint(each.value);
                else if (each.type === 'string') writer.string(each.value);
                else writer.blob(each.value);
              }
            }),
          );
          const feed = new ByteFeed();
          const read: unknown[] = [];
          const parsing = (function* () {
            for (const each of items) {
              const number = yield* readGroup(feed, (from) => from.uint());
              if (each.type === 'uint') read.push(number);
              else read.push(yield* each.type === 'string' ? readString(feed, number) : readBlob(feed, number));
            }
            return feed.checksum();
          })();
          let step = parsing.next();
          for (let at = 0; at < bytes.length && step.done !== true; at += into) {
            feed.push(bytes.subarray(at, at + into));
            step = parsing.next();
            if (step.done !== true) feed.settle();
          }
          expect(read).toEqual(items.map((each) => each.value));
          expect(step.value).toBe(bytes.readUInt32LE(bytes.length - 4));
        },
      ),
      { seed: 3, numRuns: 100 },
    );
  });

  it('does not depend on the size of the chunks', () => {
    const write = (writer: ChunkWriter): void => {
      for (let at = 0; at < 50; at++) {
        writer.uint(at ** 9);
        writer.blob(new Uint8Array(at));
      }
    };
    expect(Buffer.concat(written(7, write))).toEqual(Buffer.concat(written(100_000, write)));
  });
});

describe('ByteFeed', () => {
  it.each([
    ['longer than need be', [0x80, 0x00]],
    ['above 2^53', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]],
    ['endless', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]],
  ])('refuses a number that is %s', (_title, bytes) => {
    const feed = new ByteFeed();
    feed.push(Uint8Array.from(bytes));
    expect(() => feed.uint()).toThrow(SnapshotFormatError);
  });

  it('reads the largest number', () => {
    const feed = new ByteFeed();
    for (const chunk of written(100, (writer) => writer.uint(Number.MAX_SAFE_INTEGER))) feed.push(chunk);
    expect(feed.uint()).toBe(Number.MAX_SAFE_INTEGER);
  });
});

describe('extendChecksum', () => {
  it('is CRC-32, in one go or in pieces', () => {
    expect(extendChecksum(0, Buffer.from('123456789'), 0, 9)).toBe(0xcbf43926);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, cut) => {
        const middle = Math.min(cut, bytes.length);
        const pieces = extendChecksum(extendChecksum(0, bytes, 0, middle), bytes, middle, bytes.length);
        expect(pieces).toBe(crc32(bytes));
      }),
      { seed: 4 },
    );
  });
});
