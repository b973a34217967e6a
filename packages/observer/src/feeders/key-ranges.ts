// Sets of keys as lists of ranges: whether one set is part of another, and what of a change lies within.
import type { Change, Key, KeyRange } from '@raftkv/kv';

const allKeys: readonly KeyRange[] = [{ from: '', to: undefined }];

/** None = all keys. */
function rangesOf(ranges: readonly KeyRange[]): readonly KeyRange[] {
  return ranges.length === 0 ? allKeys : ranges;
}

/** Whether all keys of `wanted` are in `held`. */
export function covers(held: readonly KeyRange[], wanted: readonly KeyRange[]): boolean {
  return rangesOf(wanted).every(({ from, to }) => {
    for (let at = from; ;) {
      const range = rangesOf(held).find((each) => each.from <= at && (each.to === undefined || at < each.to));
      if (range === undefined) return false;
      if (range.to === undefined || (to !== undefined && to <= range.to)) return true;
      at = range.to;
    }
  });
}

function isIn(ranges: readonly KeyRange[], key: Key): boolean {
  return rangesOf(ranges).some(({ from, to }) => from <= key && (to === undefined || key < to));
}

/** Changes with just the events in the ranges; those without any are left out. */
export function within(ranges: readonly KeyRange[], changes: readonly Change[]): Change[] {
  return changes.flatMap(({ revision, events }) => {
    const inside = events.filter((event) => isIn(ranges, event.type === 'put' ? event.entry.key : event.key));
    return inside.length === 0 ? [] : [{ revision, events: inside }];
  });
}

/** The same list of keys in the same words. */
export function isSameRanges(one: readonly KeyRange[], other: readonly KeyRange[]): boolean {
  return JSON.stringify(rangesOf(one)) === JSON.stringify(rangesOf(other));
}

/** In key order, none empty, none touching another: so that a walk meets each key once. */
export function merged(ranges: readonly KeyRange[]): readonly KeyRange[] {
  const result: { from: Key; to: Key | undefined }[] = [];
  const sorted = rangesOf(ranges).toSorted((a, b) => (a.from < b.from ? -1 : a.from === b.from ? 0 : 1));
  for (const { from, to } of sorted) {
    const last = result.at(-1);
    if (to !== undefined && to <= from) continue;
    if (last === undefined || (last.to !== undefined && last.to < from)) result.push({ from, to });
    else if (last.to !== undefined && (to === undefined || to > last.to)) last.to = to;
  }
  return result;
}
