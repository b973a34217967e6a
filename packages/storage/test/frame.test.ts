// A frame is read back as it was written, and as nothing at all after any change or under another salt.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { viewOf } from '../src/file-format.ts';
import { FrameGroup } from '../src/frame-group.ts';
import { frameBytes, frameTypes, readFrameHeader, readFramePayload, sealFrame } from '../src/frame.ts';

const salts = fc.nat(0xffff_ffff);
const payloads = fc.uint8Array({ maxLength: 100 });

function makeFrame(payload: Uint8Array, salt: number, sequence: number): Uint8Array {
  const group = new FrameGroup();
  group.add({ type: frameTypes.batch, payload, lastIndex: 0, entryCount: 0 });
  const seal = { type: frameTypes.batch, payloadBytes: payload.length, sequence, floor: sequence - 1, salt };
  sealFrame(group.bytes, group.view, 0, seal);
  return group.bytes.slice(0, group.length);
}

function read(bytes: Uint8Array, salt: number): Uint8Array | undefined {
  const header = readFrameHeader(bytes, viewOf(bytes), 0, salt);
  return header === undefined ? undefined : readFramePayload(bytes, 0, header, salt);
}

describe('a frame', () => {
  it('comes back as it was written', () => {
    fc.assert(
      fc.property(payloads, salts, fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (payload, salt, sequence) => {
        const bytes = makeFrame(payload, salt, sequence);
        expect(bytes.length).toBe(frameBytes(payload.length));
        expect(bytes.length % 8).toBe(0);
        expect(readFrameHeader(bytes, viewOf(bytes), 0, salt)).toMatchObject({ sequence, floor: sequence - 1 });
        expect(read(bytes, salt)).toEqual(payload);
      }),
      { seed: 1 },
    );
  });

  it('is nothing after a flip of any bit, padding and header included', () => {
    const bytes = makeFrame(new Uint8Array([1, 2, 3]), 42, 7);
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const damaged = bytes.slice();
      damaged[bit >>> 3]! ^= 1 << (bit & 7);
      expect(read(damaged, 42), `bit ${bit}`).toBe(undefined);
    }
  });

  it('is nothing under another salt, when it is cut, and in any bytes at all', () => {
    const bytes = makeFrame(new Uint8Array(20), 42, 7);
    for (let salt = 0; salt < 42; salt += 1) expect(read(bytes, salt)).toBe(undefined);
    for (let length = 0; length < bytes.length; length += 1)
      expect(read(bytes.subarray(0, length), 42)).toBe(undefined);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), salts, (noise, salt) => read(noise, salt) === undefined),
      { seed: 2, numRuns: 2000 },
    );
  });

  it('reuses its buffer without leaking what stood there into the padding', () => {
    const group = new FrameGroup();
    group.add({ type: frameTypes.batch, payload: new Uint8Array(64).fill(0xff), lastIndex: 0, entryCount: 0 });
    group.recycle();
    group.add({ type: frameTypes.batch, payload: new Uint8Array(1), lastIndex: 0, entryCount: 0 });
    expect([...group.bytes.subarray(32, group.length)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  });
});
