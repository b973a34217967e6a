// Cutting large frames and joining them again, and what hostile parts come to.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PartJoiner, cutPart, isPart } from '../src/parts.ts';

function cut(frame: Uint8Array, maxPartBytes: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let offset = 0; offset < frame.length;) {
    const { part, nextOffset } = cutPart(frame, offset, maxPartBytes);
    parts.push(part);
    offset = nextOffset;
  }
  return parts;
}

function codeOf(body: () => unknown): string {
  try {
    body();
    return 'none';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('the parts of a frame', () => {
  it('join to the same frame, whatever its size, and none passes the limit', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 500 }), fc.integer({ min: 6, max: 80 }), (frame, limit) => {
        const joiner = new PartJoiner(500);
        const parts = cut(frame, limit);
        expect(parts.every((part) => part.length <= limit && isPart(part))).toBe(true);
        for (const part of parts.slice(0, -1)) expect(joiner.add(part)).toBe(undefined);
        expect(joiner.add(parts.at(-1)!)).toEqual(frame);
      }),
      { seed: 1 },
    );
  });

  it('join frame after frame', () => {
    const joiner = new PartJoiner(100);
    for (const fill of [1, 2, 3]) {
      const frame = new Uint8Array(50).fill(fill);
      const joined = cut(frame, 20).map((part) => joiner.add(part));
      expect(joined.at(-1)).toEqual(frame);
    }
  });

  it('are refused when too large a frame is announced, before memory is taken for it', () => {
    expect(codeOf(() => new PartJoiner(100).add(Uint8Array.of(0xf0, 0xff, 0xff, 0xff, 0xff, 1)))).toBe(
      'frame_too_large',
    );
    expect(codeOf(() => new PartJoiner(100).add(Uint8Array.of(0xf0, 0, 0, 0, 101, 1)))).toBe('frame_too_large');
    expect(codeOf(() => new PartJoiner(100).add(Uint8Array.of(0xf0, 0, 0, 0, 100, 1)))).toBe('none');
  });

  it('are refused when they do not add up', () => {
    const first = Uint8Array.of(0xf0, 0, 0, 0, 3, 7);
    const hostile: Uint8Array[][] = [
      [Uint8Array.of(0xf1, 1)],
      [Uint8Array.of(0xf0)],
      [Uint8Array.of(0xf0, 0, 0, 0, 3)],
      [Uint8Array.of(0xf0, 0, 0, 0, 0, 1)],
      [Uint8Array.of(0xf0, 0, 0, 0, 1, 1, 1)],
      [first, first],
      [first, Uint8Array.of(0xf1)],
      [first, Uint8Array.of(0xf1, 1, 2, 3)],
    ];
    for (const parts of hostile) {
      const joiner = new PartJoiner(100);
      expect(codeOf(() => parts.map((part) => joiner.add(part)))).toBe('bad_frame');
    }
  });
});
