// The one place that knows the ordered-map library: a B+ tree from byte string to record whose clone is O(1)
// and shares nodes until either side writes. Everybody else uses the few functions here.
import { bulkLoad } from 'sorted-btree/extended/bulkLoad.js';
import type { Key, KeyRange } from './command.ts';
import type { KeyRecord } from './record.ts';

// The library is CommonJS and its class is a default export, which Node, bundlers and test runners each unwrap in
// their own way. `bulkLoad` is a named export that all of them agree on, and it makes trees.
export type Tree = ReturnType<typeof bulkLoad<Key, KeyRecord>>;

/** Entries in one node: measured best for single puts and gets on 100,000 keys. */
const nodeSize = 32;

export function createTree(): Tree {
  return bulkLoad<Key, KeyRecord>([], [], nodeSize, compareKeys);
}

/** Builds a tree in one go. `keys` must ascend strictly. */
export function loadTree(keys: Key[], records: KeyRecord[]): Tree {
  return bulkLoad(keys, records, nodeSize, compareKeys);
}

/** Byte order, since a key holds one byte a unit. Half the time of the library's own comparator. */
function compareKeys(a: Key, b: Key): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** No key lies in it, whatever the store holds. */
export function isEmptyRange(range: KeyRange): boolean {
  return range.to !== undefined && range.to <= range.from;
}

export function rangeContains(range: KeyRange, key: Key): boolean {
  return key >= range.from && (range.to === undefined || key < range.to);
}

/** What a visitor answers to end a walk early. */
export const stop: { readonly break: number } = { break: 0 };
export type Visitor = (key: Key, record: KeyRecord) => typeof stop | void;

/** Calls `visit` for each record in the range, tombstones too, in key order, until it answers `stop`. It must not write to the tree. */
export function walkForward(tree: Tree, range: KeyRange, visit: Visitor): void {
  if (isEmptyRange(range)) return;
  const last = range.to ?? tree.maxKey();
  if (last === undefined || last < range.from) return;
  tree.forRange(range.from, last, range.to === undefined, visit);
}

/** The same from the highest key down. */
export function walkBackward(tree: Tree, range: KeyRange, visit: Visitor): void {
  if (isEmptyRange(range)) return;
  // `skipHighest` leaves out `to` itself: the range ends before it.
  for (const [key, record] of tree.entriesReversed(range.to, undefined, true)) {
    if (key < range.from || visit(key, record) === stop) return;
  }
}
