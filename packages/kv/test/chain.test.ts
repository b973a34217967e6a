// Lies that a right checksum does not give away, one by one: each must be refused, and the truth beside it must not.
import { describe, expect, it } from 'vitest';
import type { KeyRecord } from '../src/record.ts';
import { SnapshotFormatError } from '../src/bytes.ts';
import { buildLog, checkLink, checkVersion } from '../src/chain.ts';

function put(
  revision: number,
  createRevision = revision,
  version = revision - createRevision + 1,
  order = 0,
): KeyRecord {
  const entry = { key: 'k', value: new Uint8Array(0), revision, createRevision, version };
  return { key: 'k', entry, revision, order, previous: undefined };
}

function tombstone(revision: number, order = 0): KeyRecord {
  return { key: 'k', entry: undefined, revision, order, previous: undefined };
}

describe('checkVersion', () => {
  it.each<[string, KeyRecord, boolean]>([
    ['a creation', put(5), true],
    ['a later write', put(7, 5, 2), true],
    ['a write at each revision since', put(7, 5, 3), true],
    ['a tombstone', tombstone(9), true],
    ['of revision 1, which is the empty store', put(1), false],
    ['above the newest revision', put(10), false],
    ['a tombstone above the newest revision', tombstone(10), false],
    ['created after it was written', put(5, 6, 1), false],
    ['created at revision 1', put(5, 1, 2), false],
    ['version 1, yet created before', put(7, 5, 1), false],
    ['version 2, yet created just now', put(5, 5, 2), false],
    ['version 0', put(5, 4, 0), false],
    ['more writes than revisions', put(7, 5, 4), false],
  ])('%s', (_title, record, isTrue) => {
    const check = (): void => checkVersion(record, 9);
    if (isTrue) expect(check).not.toThrow();
    else expect(check).toThrow(SnapshotFormatError);
  });
});

describe('checkLink, compacted at 4', () => {
  it.each<[string, KeyRecord, KeyRecord | undefined, boolean]>([
    ['an overwrite', put(7, 5, 2), put(5), true],
    ['an overwrite of what was there at the compacted revision', put(7, 3, 3), put(4, 3, 2), true],
    ['a delete', tombstone(7), put(5), true],
    ['a creation after a delete', put(7), tombstone(5), true],
    ['a first creation', put(7), undefined, true],
    ['the oldest version', put(3), undefined, true],
    ['a delete at the compacted revision', tombstone(4), undefined, true],
    ['a delete below the compacted revision', tombstone(3), undefined, false],
    ['anything behind the compacted revision', put(4, 3, 2), put(3), false],
    ['an overwrite of nothing', put(7, 5, 2), undefined, false],
    ['a delete of nothing', tombstone(7), undefined, false],
    ['a delete of a tombstone', tombstone(7), tombstone(5), false],
    ['a creation of what is there', put(7), put(5), false],
    ['an overwrite of a tombstone', put(7, 5, 2), tombstone(6), false],
    ['a write left out', put(8, 5, 3), put(5), false],
    ['another creation', put(8, 5, 2), put(6), false],
    ['backwards', put(6, 5, 2), put(7, 5, 1), false],
    ['twice at one revision', tombstone(7), put(7), false],
  ])('%s', (_title, newer, older, isTrue) => {
    const check = (): void => checkLink(newer, older, 4);
    if (isTrue) expect(check).not.toThrow();
    else expect(check).toThrow(SnapshotFormatError);
  });
});

describe('buildLog', () => {
  it('sorts the records by revision and by order within it', () => {
    const log = buildLog([put(3, 3, 1, 1), put(4), put(3, 3, 1, 0), put(2)], 4, 0);
    expect([2, 3, 4].map((revision) => log.at(revision).map((record) => record.order))).toEqual([[0], [0, 1], [0]]);
  });

  it.each<[string, KeyRecord[]]>([
    ['a revision in the middle is missing', [put(2), put(4)]],
    ['the newest revision is missing', [put(2), put(3)]],
    ['the oldest revision is missing', [put(3), put(4)]],
    ['the first event of a revision is missing', [put(2), put(3, 3, 1, 1), put(4)]],
    ['an event in the middle is missing', [put(2), put(3, 3, 1, 0), put(3, 3, 1, 2), put(4)]],
    ['an event is there twice', [put(2), put(3), put(3), put(4)]],
  ])('refuses a window in which %s', (_title, records) => {
    expect(() => buildLog(records, 4, 0)).toThrow(SnapshotFormatError);
  });

  it('begins at the compacted revision', () => {
    expect(buildLog([put(3), put(4)], 4, 3).firstRevision).toBe(3);
    expect(() => buildLog([put(4)], 4, 3)).toThrow(SnapshotFormatError);
    expect(buildLog([], 1, 1).firstRevision).toBe(2);
  });
});
