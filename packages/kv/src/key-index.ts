// Where a key's cell is found: by name in a hash map, by order in a B+ tree whose clone is O(1). This is the one place that knows
// the tree's library. A write to a key that exists touches neither: it only changes its cell.
import { bulkLoad } from 'sorted-btree/extended/bulkLoad.js';
import type { Key, KeyRange } from './command.ts';
import type { KeyCell } from './record.ts';

// The library is CommonJS and its class is a default export, which Node, bundlers and test runners each unwrap in
// their own way. `bulkLoad` is a named export that all of them agree on, and it makes trees.
export type Tree = ReturnType<typeof bulkLoad<Key, KeyCell>>;

const nodeSize = 32;

export class KeyIndex {
  /** A look-up costs a third of the tree's at 100,000 keys, and point reads and overwrites are most of what is asked. */
  readonly #cells = new Map<Key, KeyCell>();
  readonly #tree: Tree;

  /** `cells` in strictly ascending order of their keys. */
  constructor(cells: readonly KeyCell[] = []) {
    this.#tree = bulkLoad(
      cells.map((cell) => cell.key),
      [...cells],
      nodeSize,
      compareKeys,
    );
    for (const cell of cells) this.#cells.set(cell.key, cell);
  }

  find(key: Key): KeyCell | undefined {
    return this.#cells.get(key);
  }

  /** There must be none for this key. */
  insert(cell: KeyCell): void {
    this.#cells.set(cell.key, cell);
    this.#tree.set(cell.key, cell);
  }

  remove(key: Key): void {
    this.#cells.delete(key);
    this.#tree.delete(key);
  }

  /** The cells in key order as a tree of its own, in O(1). The cells themselves are shared and go on changing. */
  freeze(): Tree {
    return this.#tree.clone();
  }

  /** Calls `visit` for each cell in the range, deleted keys too, in key order, until it answers `stop`. It must not add or remove keys. */
  walkForward(range: KeyRange, visit: Visitor): void {
    if (isEmptyRange(range)) return;
    const last = range.to ?? this.#tree.maxKey();
    if (last === undefined || last < range.from) return;
    this.#tree.forRange(range.from, last, range.to === undefined, visit);
  }

  /** The same from the highest key down. */
  walkBackward(range: KeyRange, visit: Visitor): void {
    if (isEmptyRange(range)) return;
    // `true` skips `to` itself: the range ends before it.
    for (const [key, cell] of this.#tree.entriesReversed(range.to, undefined, true)) {
      if (key < range.from || visit(key, cell) === stop) return;
    }
  }
}

/** What a visitor answers to end a walk early. */
export const stop: { readonly break: number } = { break: 0 };
export type Visitor = (key: Key, cell: KeyCell) => typeof stop | void;

/** Byte order, since a key holds one byte a unit. Half the time of the library's own comparator. */
function compareKeys(a: Key, b: Key): number {
  return a < b ? -1 : a === b ? 0 : 1;
}

export function rangeContains(range: KeyRange, key: Key): boolean {
  return key >= range.from && (range.to === undefined || key < range.to);
}

/** No key lies in it, whatever the store holds. */
function isEmptyRange(range: KeyRange): boolean {
  return range.to !== undefined && range.to <= range.from;
}
