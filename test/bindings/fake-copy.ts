// A copy in memory for the tests of the framework bindings: a call is one applied batch, at the next revision, as an observer would apply it.
import type { Entry, LiveSource, RaftkvError } from '@raftkv/client';

export type Changes = Readonly<Record<string, unknown>>;

export class FakeCopy implements LiveSource<unknown, string> {
  readonly #entries = new Map<string, Entry<unknown>>();
  readonly #listeners = new Set<(changed: readonly string[] | undefined) => void>();
  isReady = true;
  revision = 1;
  fetchStatus: 'idle' | 'fetching' | 'paused' = 'idle';
  error: RaftkvError | undefined = undefined;

  getEntry(key: string): Entry<unknown> | undefined {
    return this.#entries.get(key);
  }

  scanKeys(
    range: { from: string; to: string | undefined },
    { limit, reverse }: { limit: number | undefined; reverse: boolean },
  ): string[] {
    const isIn = (key: string): boolean => key >= range.from && (range.to === undefined || key < range.to);
    const keys = [...this.#entries.keys()].filter(isIn).toSorted((a, b) => (a < b ? -1 : 1));
    return (reverse ? keys.reverse() : keys).slice(0, limit);
  }

  subscribe(listener: (changed: readonly string[] | undefined) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** One batch: undefined deletes. Answers its revision. */
  apply(changes: Changes): number {
    this.revision += 1;
    for (const [key, value] of Object.entries(changes)) {
      const before = this.#entries.get(key);
      const { revision } = this;
      const createRevision = before?.createRevision ?? revision;
      const entry = { key, value, revision, createRevision, version: (before?.version ?? 0) + 1 };
      if (value === undefined) this.#entries.delete(key);
      else this.#entries.set(key, entry);
    }
    this.#tell(Object.keys(changes));
    return this.revision;
  }

  /** The copy is whole, or is being fetched, or cannot be had. */
  become(state: Partial<Pick<FakeCopy, 'isReady' | 'fetchStatus' | 'error'>>): void {
    Object.assign(this, state);
    this.#tell(state.isReady === true ? undefined : []);
  }

  #tell(changed: readonly string[] | undefined): void {
    for (const listener of this.#listeners) listener(changed);
  }
}
