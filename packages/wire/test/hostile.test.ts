// Bytes that nobody vouches for, at every codec: a value or a RaftkvError, and nothing else.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  RaftkvError,
  decodeCommand,
  decodeConfiguration,
  deflateCompression,
  encodeCommand,
  encodeConfiguration,
} from '../src/index.ts';
import { codecs } from './codecs.ts';

/** A value or a RaftkvError: anything else that is thrown fails the test. */
function tolerate(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): void {
  try {
    decode(bytes);
  } catch (error) {
    if (!(error instanceof RaftkvError)) throw error;
    expect(error.code).not.toBe('internal');
  }
}

const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  // Heads that matter more often than chance has it: arrays, binary and text of every width, extensions, maps.
  fc
    .tuple(
      fc.constantFrom(0x01, 0x02, 0x10, 0x11, 0x81),
      fc.array(
        fc.oneof(
          fc.nat(255),
          fc.constantFrom(0x91, 0x92, 0x93, 0x94, 0xc4, 0xc5, 0xc6, 0xd9, 0xdb, 0xdc, 0xdd, 0xc7, 0xd4, 0xdf, 0xff, 0),
        ),
        { maxLength: 100 },
      ),
    )
    .map(([first, rest]) => Uint8Array.from([first, ...rest])),
);

describe('hostile bytes', () => {
  for (const { name, values, encode, decode } of codecs) {
    it(`give ${name} or a RaftkvError when they are random`, () => {
      fc.assert(
        fc.property(anyBytes, (bytes) => tolerate(decode, bytes)),
        { numRuns: 800 },
      );
    });

    it(`are refused when ${name} is cut anywhere`, () => {
      fc.assert(
        fc.property(values, fc.nat(), (value, at) => {
          const bytes = encode(value as never);
          const cut = bytes.subarray(0, at % bytes.length);
          tolerate(decode, cut);
          // A frame cut between two messages is a shorter frame; every single value is refused.
          if (!name.endsWith('frame')) expect(() => decode(cut)).toThrow(RaftkvError);
        }),
        { numRuns: 100 },
      );
    });

    it(`give ${name} or a RaftkvError when bits are flipped`, () => {
      fc.assert(
        fc.property(values, fc.array(fc.nat(), { minLength: 1, maxLength: 4 }), (value, flips) => {
          const bytes = Uint8Array.from(encode(value as never));
          for (const flip of flips) {
            const bit = flip % (bytes.length * 8);
            bytes[bit >>> 3]! ^= 1 << (bit & 7);
          }
          tolerate(decode, bytes);
        }),
        { numRuns: 200 },
      );
    });

    it(`with anything appended are not ${name}`, () => {
      fc.assert(
        fc.property(values, (value) => {
          const bytes = encode(value as never);
          const longer = new Uint8Array(bytes.length + 1);
          longer.set(bytes);
          longer[bytes.length] = 0xc1;
          if (bytes[0] === 0x11) return; // DEFLATE ends itself; what follows is not looked at.
          expect(() => decode(longer)).toThrow(RaftkvError);
        }),
        { numRuns: 50 },
      );
    });
  }

  it('give a command or a RaftkvError when a deflated one of many pieces is cut, flipped or overwritten', () => {
    let state = 1;
    const value = Uint8Array.from({ length: 60_000 }, () => ((state = (state * 48271) % 0x7fffffff) >>> 8) & 0x3f);
    const command = { type: 'put', key: 'k', value } as const;
    const bytes = encodeCommand({ session: undefined, command }, { packer: deflateCompression.packer() });
    expect(bytes.subarray(0, 1)).toEqual(Uint8Array.of(0x11));
    expect(bytes.length).toBeGreaterThan(2 * 16 * 1024);
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(fc.nat(), damage, fc.boolean(), (length, edits, isCut) => {
        if (isCut) return tolerate(decodeCommand, bytes.subarray(0, length % bytes.length));
        const damaged = Uint8Array.from(bytes);
        for (const [at, byte] of edits) damaged[at % bytes.length] = byte;
        tolerate(decodeCommand, damaged);
      }),
      { numRuns: 200 },
    );
  });

  it('that claim four billion elements or bytes allocate nothing', () => {
    const claims = [
      [0x01, 0xdd, 0xff, 0xff, 0xff, 0xff],
      [0x01, 0x93, 0x02, 0x01, 0xc6, 0xff, 0xff, 0xff, 0xff, 1, 2, 3],
      [0x10, 0x92, 0xc0, 0x92, 0x04, 0xdd, 0xff, 0xff, 0xff, 0xfe],
      [0x01, 0x93, 0x01, 0xdd, 0x7f, 0xff, 0xff, 0xff],
      [0x01, 0x98, 0x05, 0xdb, 0xff, 0xff, 0xff, 0xff],
    ];
    for (const { decode } of codecs) {
      for (const claim of claims) expect(() => decode(Uint8Array.from(claim))).toThrow(RaftkvError);
    }
  });

  it('of a configuration are bounded: members, ids, names and addresses', () => {
    const none = { votersOutgoing: [], learners: [], learnersNext: [], members: [] };
    const ids = Array.from({ length: 64 }, (_, i) => `m${i}`);
    const most = {
      ...none,
      voters: ids,
      members: [{ id: 'i'.repeat(64), name: 'n'.repeat(320), address: '', storeId: 's' }],
    };
    const bytes = encodeConfiguration(most);
    expect(decodeConfiguration(bytes)).toEqual(most);
    const [first] = most.members;
    for (const over of [
      { ...none, voters: [...ids, 'm64'] },
      { ...none, voters: ['i'.repeat(65)] },
      { ...none, voters: ids, members: Array.from({ length: 65 }, () => first!) },
      { ...most, members: [{ ...first!, name: 'n'.repeat(321) }] },
      { ...most, members: [{ ...first!, storeId: 's'.repeat(65) }] },
    ]) {
      expect(() => encodeConfiguration(over)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
    }
    // The same from somebody who does not keep to it: one more voter, one more character of an id.
    const voters = [0x02, 0x95, 0xdd, 0, 0, 0, 65, ...Array.from({ length: 65 }, () => [0xa1, 0x61]).flat()];
    const id = [0x02, 0x95, 0x91, 0xd9, 65, ...Array.from({ length: 65 }, () => 0x61)];
    for (const claim of [voters, id]) {
      const whole = Uint8Array.from([...claim, 0x90, 0x90, 0x90, 0x90]);
      expect(() => decodeConfiguration(whole)).toThrow(/longer than 64/);
    }
  });

  it('that nest without end do not overflow the stack', () => {
    const deep = new Uint8Array(1_000_000).fill(0x91);
    for (const first of [0x01, 0x10, 0x81]) {
      deep[0] = first;
      for (const { decode } of codecs) expect(() => decode(deep)).toThrow(RaftkvError);
    }
  });

  it('of an unknown version are named as such', () => {
    for (const { decode } of codecs) {
      expect(() => decode(Uint8Array.from([0x7e, 0x90]))).toThrow(
        expect.objectContaining({ code: 'unsupported_version' }),
      );
    }
  });

  it('that are not there at all are refused', () => {
    for (const { decode } of codecs)
      expect(() => decode(new Uint8Array())).toThrow(expect.objectContaining({ code: 'bad_frame' }));
  });
});
