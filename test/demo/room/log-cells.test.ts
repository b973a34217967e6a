// The cells of the log strip: of each entry what its member knows of it, and no more.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cellAt, cellIndexes } from '../../../demo/src/room/view/log-cells.ts';
import type { LogRow } from '../../../demo/src/room/view/log-cells.ts';

const rowOf = (changes: Partial<LogRow> = {}): LogRow => ({
  name: 'ash-10',
  isSelf: true,
  isThere: true,
  lastIndex: 10,
  commitIndex: 8,
  appliedIndex: 7,
  persistedIndex: 9,
  tail: [2, 2, 3, 3, 4],
  ...changes,
});
const statesOf = (row: LogRow, indexes: readonly number[]) => indexes.map((index) => cellAt(row, index).state);

describe('a cell', () => {
  it('is filled once its entry is committed as far as that member knows, and hollow until then', () => {
    expect(statesOf(rowOf(), [6, 7, 8, 9, 10, 11])).toEqual([
      'committed',
      'committed',
      'committed',
      'open',
      'open',
      'empty',
    ]);
  });

  it('has the colour of its term, the newest at the end of the log', () => {
    expect([6, 7, 8, 9, 10, 11].map((index) => cellAt(rowOf(), index).term)).toEqual([2, 2, 3, 3, 4, 0]);
  });

  it('is folded where the member has only a snapshot of it, and empty before the first entry', () => {
    expect(statesOf(rowOf(), [-1, 0, 1, 5])).toEqual(['empty', 'empty', 'folded', 'folded']);
    expect(statesOf(rowOf({ tail: [] }), [8, 10])).toEqual(['folded', 'folded']);
  });

  it('bears the marks of what is agreed and applied, each at one place alone', () => {
    const marks = [7, 8, 9].map((index) => cellAt(rowOf(), index));
    expect(marks.map(({ isCommit }) => isCommit)).toEqual([false, true, false]);
    expect(marks.map(({ isApplied }) => isApplied)).toEqual([true, false, false]);
    const fresh = cellAt(rowOf({ lastIndex: 0, commitIndex: 0, appliedIndex: 0, tail: [] }), 0);
    expect(fresh).toMatchObject({ state: 'empty', isCommit: false, isApplied: false });
  });

  it('says what is not on the disk of that member', () => {
    expect([9, 10, 11].map((index) => cellAt(rowOf(), index).isVolatile)).toEqual([false, true, false]);
  });
});

it('shows the last entries that anybody has, from the first on, in as many cells as there is room for', () => {
  const rows = fc.array(fc.nat(500), { maxLength: 5 }).map((ends) => ends.map((lastIndex) => rowOf({ lastIndex })));
  fc.assert(
    fc.property(rows, fc.integer({ min: 1, max: 60 }), (given, cells) => {
      const indexes = cellIndexes(given, cells);
      const last = Math.max(0, ...given.map(({ lastIndex }) => lastIndex));
      expect(indexes).toHaveLength(cells);
      expect(indexes[0]).toBeGreaterThanOrEqual(1);
      expect(indexes.every((index, at) => index === indexes[0]! + at)).toBe(true);
      // The last one is to be seen, and the last cell is its own once there are more than fit.
      if (last >= 1) expect(indexes).toContain(last);
      if (last >= cells) expect(indexes.at(-1)).toBe(last);
    }),
  );
});
