// A live query of a range: the rows are kept in order and changed where a batch changed them, not scanned again. With a limit, a change
// past the last row is passed over by one comparison, and only a window that lost rows looks for more.
import type { Key, KeyRange } from '@raftkv/kv';
import type { LiveEntry } from '../live.ts';
import { contains } from './overlay.ts';
import { Query } from './query.ts';
import type { QueryOwner } from './query.ts';
import type { Scene } from './scene.ts';

type Row = LiveEntry<unknown, never>;

interface Window {
  /** In the query's order, without gaps. */
  keys: Key[];
  rows: Row[];
}

export interface RangeQueryOptions {
  readonly limit: number | undefined;
  readonly isReverse: boolean;
}

/** A batch that touches more than this and more than the window holds is scanned for instead. */
const manyChanges = 256;

export class RangeQuery extends Query<readonly Row[]> {
  readonly range: KeyRange;
  readonly options: RangeQueryOptions;
  #window: Window = { keys: [], rows: [] };

  constructor(scene: Scene<unknown, never>, owner: QueryOwner, range: KeyRange, options: RangeQueryOptions) {
    super(scene, owner);
    this.range = range;
    this.options = options;
  }

  protected override look(changed: readonly Key[] | undefined): readonly Row[] {
    if (changed === undefined || changed.length > Math.max(manyChanges, this.#window.keys.length)) this.#scan();
    else this.#patch(changed);
    return this.#window.rows;
  }

  protected override countPending(): number {
    return this.scene.overlay.countIn(this.range);
  }

  #scan(): void {
    const before = this.#window;
    const known = (key: Key): Row | undefined => {
      const at = this.#position(before.keys, key);
      return before.keys[at] === key ? before.rows[at] : undefined;
    };
    const found = this.scene.rowsIn(this.range, this.options, known);
    const isSame = found.rows.length === before.rows.length && found.rows.every((row, i) => row === before.rows[i]);
    if (!isSame) this.#window = found;
  }

  #patch(changed: readonly Key[]): void {
    const { limit } = this.options;
    const before = this.#window;
    const wasFull = limit !== undefined && before.rows.length >= limit;
    let draft: Window | undefined;
    for (const key of changed) {
      if (!contains(this.range, key)) continue;
      const { keys, rows } = draft ?? before;
      const at = this.#position(keys, key);
      const known = keys[at] === key ? rows[at] : undefined;
      // Past the end of a full window: not to be seen.
      if (known === undefined && wasFull && at >= keys.length) continue;
      const row = this.scene.rowAt(key, known);
      if (row === known) continue;
      draft ??= { keys: [...before.keys], rows: [...before.rows] };
      if (row === undefined) {
        draft.keys.splice(at, 1);
        draft.rows.splice(at, 1);
      } else if (known === undefined) {
        draft.keys.splice(at, 0, key);
        draft.rows.splice(at, 0, row);
      } else {
        draft.rows[at] = row;
      }
    }
    if (draft === undefined) return;
    if (limit !== undefined) this.#fit(draft, limit, wasFull);
    this.#window = draft;
  }

  /** Cuts what is too much; where a full window has lost rows, those that come after its last one move up. */
  #fit(draft: Window, limit: number, wasFull: boolean): void {
    if (draft.rows.length > limit) {
      draft.keys.length = limit;
      draft.rows.length = limit;
    } else if (wasFull && draft.rows.length < limit) {
      const rest = this.#rangeAfter(draft.keys.at(-1));
      const options = { ...this.options, limit: limit - draft.rows.length };
      const more = this.scene.rowsIn(rest, options);
      draft.keys.push(...more.keys);
      draft.rows.push(...more.rows);
    }
  }

  #rangeAfter(last: Key | undefined): KeyRange {
    if (last === undefined) return this.range;
    const { from, to } = this.range;
    return this.options.isReverse ? { from, to: last } : { from: `${last}\0`, to };
  }

  /** Where the key is in this order, or would be. */
  #position(keys: readonly Key[], key: Key): number {
    const { isReverse } = this.options;
    let low = 0;
    let high = keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = keys[middle]!;
      if (isReverse ? other > key : other < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
