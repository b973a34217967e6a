// What tabs of a room tell each other: it comes back as it was, and what makes no sense is refused with a code, never with another exception.
import { encodeConfiguration } from '@raftkv/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toHex } from '../../src/room/hex.ts';
import { decodeRoomMessage, encodeRoomMessage } from '../../src/room/room-message.ts';
import type { RoomMessage, TabReport } from '../../src/room/room-message.ts';

const lineage = { epoch: 2, before: ['c0'], agreedAt: [{ index: 9, term: 2, revision: 7 }] };
const configuration = toHex(encodeConfiguration({ voters: ['m2'], votersOutgoing: [], learners: ['m1'] }));
const messages: readonly RoomMessage[] = [
  {
    type: 'report',
    domain: 'p1',
    isVisible: true,
    forMilliseconds: 3,
    upMilliseconds: 5,
    isMobile: false,
    isEphemeral: true,
    isLeaving: false,
    storeId: 's1',
    clusterId: 'c1',
    lineage,
    memberId: 'm1',
    isLeader: true,
    members: [{ id: 'm1', word: 'w1', role: 'voter', domain: 'p1', votedBefore: true }],
    logEnd: { term: 3, index: 9 },
    isGoingOn: true,
    yieldsTo: 'w2',
  },
  { type: 'admitted', clusterId: 'c1', memberId: 'm1', configuration, configurationIndex: 7, lineage },
  { type: 'farewell', voice: undefined },
  {
    type: 'farewell',
    voice: { memberId: 'm1', term: 1, lastTerm: 1, lastIndex: 9, committedConfigurationIndex: 4 },
  },
];
const text = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

describe('a word between tabs of a room', () => {
  it('comes back as it was', () => {
    for (const message of messages) expect(decodeRoomMessage(encodeRoomMessage(message))).toEqual(message);
  });

  it('of an older build says nothing of what that does not know', () => {
    const theirs = { id: 'm1', word: 'w1', role: 'voter', domain: 'p1' };
    const { logEnd, isGoingOn, yieldsTo, ...older } = messages[0] as TabReport;
    expect({ logEnd, isGoingOn, yieldsTo }).toEqual({ logEnd: { term: 3, index: 9 }, isGoingOn: true, yieldsTo: 'w2' });
    expect(decodeRoomMessage(text({ version: 1, ...older, members: [theirs] }))).toEqual({
      ...older,
      members: [{ ...theirs, votedBefore: false }],
      logEnd: { term: 0, index: 0 },
      isGoingOn: false,
      yieldsTo: undefined,
    });
  });

  it('that lets somebody in names a configuration, and one with that member', () => {
    const admitted = { version: 1, ...messages.find(({ type }) => type === 'admitted') };
    const other = toHex(encodeConfiguration({ voters: ['m2'], votersOutgoing: [], learners: [] }));
    for (const wrong of [other, '00ff', 'zz', '']) {
      expect(() => decodeRoomMessage(text({ ...admitted, configuration: wrong }))).toThrow(
        expect.objectContaining({ code: 'bad_frame' }),
      );
    }
  });

  it('of another version is refused as such', () => {
    expect(() => decodeRoomMessage(text({ version: 2, type: 'farewell' }))).toThrow(
      expect.objectContaining({ code: 'unsupported_version' }),
    );
  });

  it('in which any field is something else is refused', () => {
    const codes = new Set<string>();
    fc.assert(
      fc.property(fc.constantFrom(...messages), fc.nat(20), fc.jsonValue(), (message, at, junk) => {
        const fields: Record<string, unknown> = { version: 1, ...message };
        const names = Object.keys(fields);
        fields[names[at % names.length]!] = junk;
        try {
          decodeRoomMessage(text(fields));
        } catch (error) {
          codes.add((error as { readonly code: string }).code);
        }
      }),
    );
    expect([...codes].toSorted()).toEqual(['bad_frame', 'unsupported_version']);
    const refused = expect.objectContaining({ code: 'bad_frame' });
    for (const [name, value] of [
      ['lineage', { epoch: 0, before: [] }],
      ['lineage', { epoch: 2, before: ['c0'], agreedAt: [lineage.agreedAt[0], lineage.agreedAt[0]] }],
      ['lineage', { epoch: 2, before: ['c0'], agreedAt: [{ index: 9, term: 2, revision: '7' }] }],
      ['members', [{ id: 'm' }]],
      ['upMilliseconds', -1],
      ['storeId', 'x'.repeat(65)],
    ] as const) {
      expect(() => decodeRoomMessage(text({ version: 1, ...messages[0], [name]: value }))).toThrow(refused);
    }
  });

  it('is bytes of anybody: random ones are refused with a code', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(() => decodeRoomMessage(bytes)).toThrow(expect.objectContaining({ code: expect.any(String) }));
      }),
    );
    expect(() => decodeRoomMessage(new Uint8Array(65 * 1024))).toThrow(
      expect.objectContaining({ code: 'frame_too_large' }),
    );
  });
});
