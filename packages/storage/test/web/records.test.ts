// The mark of an IndexedDB storage in both versions of its record. That databases are opened, fenced and read is for the browser's suites.
import {
  boxed,
  encodeVersioned,
  fields,
  hardState,
  optional,
  positive,
  snapshotMetaV1,
  text,
  uint,
} from '@raftkv/wire';
import { describe, expect, it } from 'vitest';
import { encodeSmallFile } from '../../src/file-format.ts';
import { decodeRecord, encodeRecord, markKey } from '../../src/web/records.ts';
import type { Mark } from '../../src/web/records.ts';

const plain = { voters: ['a', 'b'], votersOutgoing: [], learners: ['c'] };
const mark: Mark = {
  compactedIndex: 5,
  compactedTerm: 2,
  firstSequence: 3,
  hardState: { term: 4, votedFor: 'a', commitIndex: 9 },
  nextSequence: 7,
  snapshot: {
    number: 1,
    meta: { lastIncludedIndex: 8, lastIncludedTerm: 2, configuration: plain },
    bytes: 300,
    chunkBytes: 61_440,
  },
};

describe('the mark of a database', () => {
  it('keeps the whole configuration of its snapshot', () => {
    const configuration = {
      voters: ['a', 'b'],
      votersOutgoing: ['b', 'd'],
      learners: ['c'],
      learnersNext: ['d'],
      members: [{ id: 'a', name: 'n', address: 'h:1', storeId: 's' }],
    };
    const snapshot = { ...mark.snapshot!, meta: { ...mark.snapshot!.meta, configuration } };
    const joint: Mark = { ...mark, snapshot };
    expect(decodeRecord(markKey, encodeRecord(markKey, joint), 'db')).toEqual(joint);
  });

  it('of version 1, from before members had records, is still read', () => {
    const pointer = boxed(
      fields<NonNullable<Mark['snapshot']>>({ number: uint, meta: snapshotMetaV1, bytes: uint, chunkBytes: positive }),
    );
    const content = boxed(
      fields<Mark>({
        compactedIndex: uint,
        compactedTerm: uint,
        firstSequence: uint,
        hardState: optional(hardState),
        nextSequence: uint,
        snapshot: optional(pointer),
      }),
    );
    const first = fields<{ readonly label: string; readonly content: Mark }>({ label: text, content });
    const bytes = encodeSmallFile('mrk', encodeVersioned(first, { label: 'mark', content: mark }, 256));
    expect(decodeRecord(markKey, bytes, 'db')).toEqual(mark);
  });

  it('of a later version is refused as such', () => {
    const bytes = encodeSmallFile('mrk', Uint8Array.of(4, 0x92));
    expect(() => decodeRecord(markKey, bytes, 'db')).toThrow(expect.objectContaining({ code: 'unsupported_version' }));
  });
});
