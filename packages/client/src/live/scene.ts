// What there is to see: the copy with own writes laid over it. Rows stay the same object until they change, also when the copy was fetched
// anew. Queries look through it; `live-core.ts` changes it.
import type { Key, KeyRange } from '@raftkv/kv';
import type { Entry, UserKey } from '../entry.ts';
import type { LiveEntry, LiveSource } from '../live.ts';
import type { Overlay } from './overlay.ts';

export class Scene<Value, K extends UserKey> {
  readonly source: LiveSource<Value, K>;
  readonly overlay: Overlay<Value, K>;
  readonly #rows = new WeakMap<Entry<Value, K>, LiveEntry<Value, K>>();

  constructor(source: LiveSource<Value, K>, overlay: Overlay<Value, K>) {
    this.source = source;
    this.overlay = overlay;
  }

  /** `known`: the row that was there so far; it is kept if the copy holds the same version of the key as another object. */
  rowAt(key: Key, known?: LiveEntry<Value, K>): LiveEntry<Value, K> | undefined {
    if (this.overlay.hides(key)) return undefined;
    const base = this.source.getEntry(key);
    return this.overlay.has(key) ? this.overlay.rowAt(key, base) : this.#confirmed(base, known);
  }

  /** The keys of a range in order, without a look at their values: one that cannot be read can still be deleted. */
  keysIn(range: KeyRange): Key[] {
    const found = this.source.scanKeys(range, { limit: undefined, reverse: false });
    return mergeKeys(found, this.overlay.keysIn(range), false).filter((key) => !this.overlay.hides(key));
  }

  /** The keys and rows of a range in order, at most `limit`. */
  rowsIn(
    range: KeyRange,
    options: { readonly limit: number | undefined; readonly isReverse: boolean },
    known?: (key: Key) => LiveEntry<Value, K> | undefined,
  ): { readonly keys: Key[]; readonly rows: LiveEntry<Value, K>[] } {
    const { limit, isReverse } = options;
    const touched = this.overlay.keysIn(range);
    // Own deletions hide rows, so that more of the copy's are wanted to fill the window.
    const enough = limit === undefined ? undefined : limit + touched.length;
    const keys: Key[] = [];
    const rows: LiveEntry<Value, K>[] = [];
    const found = this.source.scanKeys(range, { limit: enough, reverse: isReverse });
    const merged = touched.length === 0 ? found : mergeKeys(found, touched, isReverse);
    for (const key of merged) {
      if (limit !== undefined && rows.length >= limit) break;
      const row = this.rowAt(key, known?.(key));
      if (row === undefined) continue;
      keys.push(key);
      rows.push(row);
    }
    return { keys, rows };
  }

  #confirmed(
    base: Entry<Value, K> | undefined,
    known: LiveEntry<Value, K> | undefined,
  ): LiveEntry<Value, K> | undefined {
    if (base === undefined) return undefined;
    const made = this.#rows.get(base);
    if (made !== undefined) return made;
    const isSame = known !== undefined && !known.isPending && known.revision === base.revision;
    const row = isSame ? known : { ...base, isPending: false };
    this.#rows.set(base, row);
    return row;
  }
}

/** Both without doubles; answers them in order without doubles. */
function mergeKeys(sorted: readonly Key[], others: readonly Key[], isReverse: boolean): Key[] {
  const all = new Set(sorted);
  for (const key of others) all.add(key);
  const merged = [...all].sort(compareKeys);
  return isReverse ? merged.reverse() : merged;
}

function compareKeys(a: Key, b: Key): number {
  return a < b ? -1 : a === b ? 0 : 1;
}
