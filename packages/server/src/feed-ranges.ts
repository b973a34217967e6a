// The keys that a feed is about: the ranges asked for, checked and merged, so that those who ask for the same in other words share what is
// encoded for them. Also the part of them below a key, which a snapshot in pieces has sent already.
import type { Change, Key, KeyRange } from '@raftkv/kv';
import { RaftkvError } from '@raftkv/wire';

/** Bytes of all bounds of one feed; they are held as long as it lives. */
const maxBoundBytes = 64 * 1024;

export class FeedRanges {
  /** In key order, none empty, none touching another. */
  readonly list: readonly KeyRange[];
  /** Equal for those that hold the same keys. */
  readonly key: string;

  private constructor(list: readonly KeyRange[]) {
    this.list = list;
    this.key = JSON.stringify(list.map(({ from, to }) => (to === undefined ? [from] : [from, to])));
  }

  /** None = all keys. Throws `invalid_argument` for an empty range, and for more bytes than one feed may hold. */
  static from(ranges: readonly KeyRange[]): FeedRanges {
    if (ranges.length === 0) return allKeys;
    let bytes = 0;
    for (const { from, to } of ranges) {
      bytes += from.length + (to?.length ?? 0);
      if (to !== undefined && to <= from) throw new RaftkvError('invalid_argument', 'a range of a feed is empty');
    }
    if (bytes > maxBoundBytes) {
      throw new RaftkvError(
        'invalid_argument',
        `the ranges of a feed have ${bytes} bytes; the limit is ${maxBoundBytes}`,
      );
    }
    return new FeedRanges(merge(ranges));
  }

  get isAll(): boolean {
    const [first] = this.list;
    return first !== undefined && first.from === '' && first.to === undefined;
  }

  contains(key: Key): boolean {
    let low = 0;
    let high = this.list.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.list[middle]!.from <= key) low = middle + 1;
      else high = middle;
    }
    const range = this.list[low - 1];
    return range !== undefined && (range.to === undefined || key < range.to);
  }

  /** What of a change lies in here; the change itself if all of it does, undefined if nothing. */
  filter(change: Change): Change | undefined {
    if (this.isAll) return change;
    const events = change.events.filter((event) => this.contains(event.type === 'put' ? event.entry.key : event.key));
    if (events.length === 0) return undefined;
    return events.length === change.events.length ? change : { revision: change.revision, events };
  }

  /** The part below `key`. */
  below(key: Key): FeedRanges {
    const list: KeyRange[] = [];
    for (const { from, to } of this.list) {
      if (from < key) list.push({ from, to: to === undefined || to > key ? key : to });
    }
    return new FeedRanges(list);
  }
}

function merge(ranges: readonly KeyRange[]): KeyRange[] {
  const merged: { from: Key; to: Key | undefined }[] = [];
  for (const { from, to } of ranges.toSorted((a, b) => (a.from < b.from ? -1 : a.from === b.from ? 0 : 1))) {
    const last = merged.at(-1);
    if (last === undefined || (last.to !== undefined && last.to < from)) merged.push({ from, to });
    else if (last.to !== undefined && (to === undefined || to > last.to)) last.to = to;
  }
  return merged;
}

const allKeys = FeedRanges.from([{ from: '', to: undefined }]);
