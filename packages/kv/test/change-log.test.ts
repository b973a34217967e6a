// The queue of revisions by itself: finding one by its number while others come and go.
import { describe, expect, it } from 'vitest';
import type { KeyRecord } from '../src/record.ts';
import { InvariantError } from '../src/assert.ts';
import { ChangeLog } from '../src/change-log.ts';

function recordOf(revision: number): KeyRecord {
  return { key: `k${revision}`, entry: undefined, revision, order: 0, previous: undefined };
}

describe('ChangeLog', () => {
  it('finds each revision while thousands come and go', () => {
    const log = new ChangeLog(2);
    for (let revision = 2; revision < 20_000; revision++) {
      log.push(revision, recordOf(revision), revision);
      if (revision > 100) log.dropFirst();
    }
    expect(log.firstRevision).toBe(19_901);
    for (const revision of [19_901, 19_950, 19_999]) {
      expect(log.at(revision)).toEqual([recordOf(revision)]);
      expect(log.bytesAt(revision)).toBe(revision);
      expect(log.changeAt(revision, undefined, true)).toMatchObject({ revision, events: [{ key: `k${revision}` }] });
    }
    for (const revision of [1, 19_900, 20_000]) {
      expect(log.at(revision)).toEqual([]);
      expect(log.bytesAt(revision)).toBe(0);
      expect(log.changeAt(revision, undefined, true)).toBeUndefined();
    }
  });

  it('halts on a revision out of turn', () => {
    const log = new ChangeLog(2);
    expect(() => log.push(3, recordOf(3), 0)).toThrow(InvariantError);
    expect(() => log.dropFirst()).toThrow(InvariantError);
  });
});
