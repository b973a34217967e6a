// What the members held at each revision, followed change by change: what a copy at that revision must hold, no more and no less.
import type { Change, Key, KeyRange, KeyValue } from '@raftkv/kv';
import { ContentHash } from '@raftkv/kv';
import type { Copy } from '../src/copy.ts';
import type { SmallCluster } from './small-cluster.ts';

export class History {
  readonly #cluster: SmallCluster;
  readonly #ranges: readonly KeyRange[];
  readonly #entries = new Map<Key, KeyValue>();
  readonly #hash = new ContentHash();
  readonly #hashes = new Map<number, string>();
  #revision = 1;
  /** Every change, for questions about order. */
  readonly changes: Change[] = [];

  /** Of these keys; none = all. */
  constructor(cluster: SmallCluster, ranges: readonly KeyRange[] = []) {
    this.#cluster = cluster;
    this.#ranges = ranges;
    this.#hashes.set(1, this.#hash.toString());
    cluster.stateMachine.onApplied(() => this.#follow());
  }

  #follow(): void {
    const read = this.#cluster.stateMachine.store.changes(this.#revision + 1, {});
    if ('type' in read) throw new Error(`history was compacted at ${this.#revision}`);
    for (const change of read.changes) {
      this.changes.push(change);
      for (const event of change.events) this.#take(event.type === 'put' ? event.entry.key : event.key, event);
      this.#revision = change.revision;
      this.#hashes.set(change.revision, this.#hash.toString());
    }
  }

  #take(key: Key, event: Change['events'][number]): void {
    if (!this.#covers(key)) return;
    const before = this.#entries.get(key);
    if (before !== undefined) this.#hash.remove(before);
    this.#entries.delete(key);
    if (event.type !== 'put') return;
    this.#entries.set(key, event.entry);
    this.#hash.add(event.entry);
  }

  #covers(key: Key): boolean {
    if (this.#ranges.length === 0) return true;
    return this.#ranges.some(({ from, to }) => key >= from && (to === undefined || key < to));
  }

  /** Whether the members held just this at the copy's revision. Looks at what the copy holds, not at what it says of itself. */
  has(copy: Copy): boolean {
    const hash = new ContentHash();
    copy.walk({ from: '', to: undefined }, (entry) => void hash.add(entry));
    return hash.toString() === this.#hashes.get(copy.revision);
  }
}
