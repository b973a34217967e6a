// A copy as the Live core and readers see it: entries as the user's codec and kind of keys make them, each decoded once and the same object until its
// key changes.
import type { Key, KeyRange, KeyValue } from '@raftkv/kv';
import type { Entry, LiveSource, UserKey } from '@raftkv/client';
import { toEntry } from '@raftkv/client/parts';
import type { View } from '@raftkv/client/parts';
import type { RaftkvError } from '@raftkv/wire';
import type { Observer } from './observer.ts';

export class CopySource<Value, K extends UserKey> implements LiveSource<Value, K> {
  readonly #observer: Observer;
  readonly #view: View<Value, K>;
  readonly #entries = new WeakMap<KeyValue, Entry<Value, K>>();

  constructor(observer: Observer, view: View<Value, K>) {
    this.#observer = observer;
    this.#view = view;
  }

  get isReady(): boolean {
    return this.#observer.copy !== undefined;
  }
  get revision(): number {
    return this.#observer.revision;
  }
  get fetchStatus(): 'idle' | 'fetching' | 'paused' {
    return this.#observer.feedState;
  }
  get error(): RaftkvError | undefined {
    return this.#observer.error;
  }

  /** Throws `bad_frame` for a value that the codec cannot read. */
  getEntry(key: Key): Entry<Value, K> | undefined {
    return this.entryOf(this.#observer.copy?.get(key));
  }

  /** The same for what was found in a copy. */
  entryOf(found: KeyValue | undefined): Entry<Value, K> | undefined {
    if (found === undefined) return undefined;
    const known = this.#entries.get(found);
    if (known !== undefined) return known;
    const entry = toEntry(this.#view, found);
    this.#entries.set(found, entry);
    return entry;
  }

  scanKeys(range: KeyRange, options: { readonly limit: number | undefined; readonly reverse: boolean }): Key[] {
    return this.#observer.copy?.keys(range, options) ?? [];
  }

  subscribe(listener: (changed: readonly Key[] | undefined) => void): () => void {
    return this.#observer.subscribe(listener);
  }
}
