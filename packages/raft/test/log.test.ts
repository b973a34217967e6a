// The log against a naive twin: a map from index to entry.
import {
  ENTRY_OVERHEAD_BYTES,
  appendEntry,
  compactLog,
  createLog,
  entryBytes,
  isUpToDate,
  lastIndexOf,
} from '../src/log.ts';
import { lastIndexWithTermAtMost, lastTermOf, resetLog, sliceLog, termAt, truncateFrom } from '../src/log.ts';
import { describe, expect, it } from 'vitest';
import type { Entry } from '../src/index.ts';
import fc from 'fast-check';

const entryOf = (index: number, term: number, size = 1): Entry => ({
  index,
  term,
  kind: 'command',
  data: new Uint8Array(size),
});

describe('the log', () => {
  it('agrees with a naive twin under any appends, truncations and compactions', () => {
    const act = fc.record({
      kind: fc.constantFrom('append', 'append', 'append', 'truncate', 'compact', 'reset'),
      at: fc.nat(30),
    });
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
        const log = createLog(0, 0, []);
        const twin = new Map<number, Entry>();
        let [first, last, compactedTerm] = [1, 0, 0];
        for (const { kind, at } of acts) {
          const span = last - first + 1;
          const index = first + (span > 0 ? at % span : 0);
          if (kind === 'append') {
            const entry = entryOf(last + 1, (twin.get(last)?.term ?? compactedTerm) + (at % 4 === 0 ? 1 : 0), at);
            appendEntry(log, entry);
            twin.set(++last, entry);
          } else if (kind === 'truncate' && span > 0) {
            truncateFrom(log, index);
            while (last >= index) twin.delete(last--);
          } else if (kind === 'compact' && span > 0) {
            compactLog(log, index);
            compactedTerm = twin.get(index)!.term;
            while (first <= index) twin.delete(first++);
          } else if (kind === 'reset' && at === 0) {
            resetLog(log, last + 5, compactedTerm + 1);
            twin.clear();
            compactedTerm++;
            last += 5;
            first = last + 1;
          }
          expect(lastIndexOf(log)).toBe(last);
          expect(lastTermOf(log)).toBe(twin.get(last)?.term ?? compactedTerm);
          expect(termAt(log, first - 1)).toBe(compactedTerm);
          expect(termAt(log, first - 2)).toBeUndefined();
          expect(termAt(log, last + 1)).toBe(undefined);
          expect(log.bytes).toBe([...twin.values()].reduce((sum, entry) => sum + entryBytes(entry), 0));
          for (const [i, entry] of twin) expect(termAt(log, i)).toBe(entry.term);
        }
      }),
      { seed: 4, numRuns: 300 },
    );
  });

  it('finds the last index of a term at most so high, as a search from the end does', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3), { maxLength: 20 }), fc.nat(24), fc.nat(12), (steps, index, term) => {
        let current = 1;
        const log = createLog(
          2,
          1,
          steps.map((step, i) => entryOf(3 + i, (current += step === 0 ? 1 : 0))),
        );
        let expected = Math.max(Math.min(index, lastIndexOf(log)), 2);
        while (expected > 2 && termAt(log, expected)! > term) expected--;
        expect(lastIndexWithTermAtMost(log, index, term)).toBe(expected);
      }),
      { seed: 5, numRuns: 500 },
    );
  });

  it('slices within both limits, but never less than one entry', () => {
    const log = createLog(
      10,
      1,
      [1, 2, 3, 4].map((i) => entryOf(10 + i, 1, 100 - ENTRY_OVERHEAD_BYTES)),
    );
    const count = (maxEntries: number, maxBytes: number, from = 11, to = 14): number =>
      sliceLog(log, from, to, { maxEntries, maxBytes }).length;
    expect([count(9, 9999), count(2, 9999), count(9, 300), count(9, 299), count(9, 1), count(9, 9999, 13)]).toEqual([
      4, 2, 3, 2, 1, 2,
    ]);
    expect(() => count(1, 1, 10)).toThrow('slice 10..14 of 11..14');
  });

  it('refuses entries out of order and truncation of what is compacted', () => {
    const log = createLog(5, 2, [entryOf(6, 2)]);
    expect(() => appendEntry(log, entryOf(8, 2))).toThrow('entry 8 after 6');
    expect(() => appendEntry(log, entryOf(7, 1))).toThrow('term 1 at 7 after 2');
    expect(() => truncateFrom(log, 5)).toThrow('truncation at 5');
    expect(() => compactLog(log, 9)).toThrow('compaction to 9');
  });

  it('compares by term first, then by length (§3.6.1)', () => {
    const log = createLog(0, 0, [entryOf(1, 2), entryOf(2, 2)]);
    expect([isUpToDate(log, 3, 1), isUpToDate(log, 2, 2), isUpToDate(log, 2, 1), isUpToDate(log, 1, 99)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});
