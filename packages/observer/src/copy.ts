// The copy itself: the live entries of all keys or of some ranges as of one revision, without history. Changes come in whole revisions and in
// order; what has been seen already is passed over, so a feed may overlap. It neither fetches nor keeps: `observer.ts` does.
import { ContentHash } from '@raftkv/kv';
import type { Change, Key, KeyRange, KeyValue } from '@raftkv/kv';
import { RaftkvError } from '@raftkv/wire';
import { OrderedMap } from './ordered-map.ts';

/** How far a copy has come: everything up to `revision` is in it; the feeding node had applied its log up to `index`. */
export interface Position {
  readonly revision: number;
  readonly index: number;
}

export class Copy {
  readonly #entries = new OrderedMap<KeyValue>();
  readonly #hash: ContentHash | undefined;
  #revision = 0;
  #index = 0;
  #bytes = 0;

  /** A copy of some ranges has no hash: there is nothing to compare it with. */
  constructor(options: { readonly isOfAllKeys: boolean }) {
    this.#hash = options.isOfAllKeys ? new ContentHash() : undefined;
  }

  /** 0: nothing is known yet. */
  get revision(): number {
    return this.#revision;
  }
  get index(): number {
    return this.#index;
  }
  get size(): number {
    return this.#entries.size;
  }
  /** Of keys and values, for limits and statistics. */
  get bytes(): number {
    return this.#bytes;
  }
  get hash(): string | undefined {
    return this.#hash?.toString();
  }

  /** The same object until the key changes. */
  get(key: Key): KeyValue | undefined {
    return this.#entries.get(key);
  }

  keys(
    range: KeyRange,
    options: { readonly limit?: number | undefined; readonly reverse?: boolean | undefined },
  ): Key[] {
    const { limit = Infinity, reverse = false } = options;
    const found: Key[] = [];
    if (limit <= 0) return found;
    this.#entries.walk(range, reverse, (_entry, key) => {
      found.push(key);
      return found.length < limit;
    });
    return found;
  }

  count(range: KeyRange): number {
    let count = 0;
    this.#entries.walk(range, false, () => void (count += 1));
    return count;
  }

  /** Visits the entries in key order; the copy must not be changed meanwhile. */
  walk(range: KeyRange, visit: (entry: KeyValue) => boolean | void, isReverse = false): void {
    this.#entries.walk(range, isReverse, visit);
  }

  /** Entries of a snapshot, in any order; each replaces what it finds. */
  addEntries(entries: readonly KeyValue[]): void {
    for (const entry of entries) this.#put(entry);
  }

  /**
   * Whole revisions in order. Those at or below the copy's own are passed over. Answers the keys that changed, in the order of the events (a
   * key may occur twice). Values are copied: what came with them goes, however long one of them stays.
   */
  applyChanges(changes: readonly Change[]): Key[] {
    const changed: Key[] = [];
    for (const { revision, events } of changes) {
      if (revision <= this.#revision) continue;
      for (const event of events) {
        if (event.type === 'put') this.#put({ ...event.entry, value: event.entry.value.slice() });
        else this.#delete(event.key);
        changed.push(event.type === 'put' ? event.entry.key : event.key);
      }
    }
    return changed;
  }

  /**
   * In the middle of a snapshot the pages after the first come from later revisions, so that changes may meet entries newer than they are: the
   * newer one stays. Answers nothing: nobody looks at a copy that is being made.
   */
  applyWhileBuilding(changes: readonly Change[]): void {
    for (const { events } of changes) {
      for (const event of events) {
        const key = event.type === 'put' ? event.entry.key : event.key;
        const revision = event.type === 'put' ? event.entry.revision : event.revision;
        if ((this.#entries.get(key)?.revision ?? 0) > revision) continue;
        if (event.type === 'put') this.#put(event.entry);
        else this.#delete(key);
      }
    }
  }

  /** Everything up to here is in the copy. Never goes back: throws `halted`, since a copy that did would show an older state than before. */
  moveTo({ revision, index }: Position): void {
    if (revision < this.#revision) {
      throw new RaftkvError('halted', `a copy at revision ${this.#revision} was told to go back to ${revision}`);
    }
    this.#revision = revision;
    this.#index = Math.max(this.#index, index);
  }

  #put(entry: KeyValue): void {
    const before = this.#entries.set(entry.key, entry);
    this.#bytes += entry.key.length + entry.value.length;
    this.#hash?.add(entry);
    if (before !== undefined) this.#forget(before);
  }

  #delete(key: Key): void {
    const before = this.#entries.delete(key);
    if (before !== undefined) this.#forget(before);
  }

  #forget(before: KeyValue): void {
    this.#bytes -= before.key.length + before.value.length;
    this.#hash?.remove(before);
  }
}
