// A copy in memory whose changes a test makes by hand: one call is one applied batch, at the next revision.
import type { Entry } from '../../src/index.ts';
import type { LiveSource } from '../../src/index.ts';

export class FakeCopy implements LiveSource<unknown, string> {
  readonly entries = new Map<string, Entry<unknown>>();
  readonly #listeners = new Set<(changed: readonly string[] | undefined) => void>();
  isReady = true;
  revision = 1;
  fetchStatus: 'idle' | 'fetching' | 'paused' = 'idle';
  error: LiveSource['error'] = undefined;
  /** How many keys were looked at by scans: what an incremental query saves. */
  scannedKeys = 0;

  getEntry(key: string): Entry<unknown> | undefined {
    return this.entries.get(key);
  }

  scanKeys(
    range: { from: string; to: string | undefined },
    { limit, reverse }: { limit: number | undefined; reverse: boolean },
  ): string[] {
    const keys = [...this.entries.keys()].filter(
      (key) => key >= range.from && (range.to === undefined || key < range.to),
    );
    keys.sort((a, b) => (a < b ? -1 : 1));
    if (reverse) keys.reverse();
    const found = keys.slice(0, limit);
    this.scannedKeys += found.length;
    return found;
  }

  subscribe(listener: (changed: readonly string[] | undefined) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** One batch: undefined deletes. */
  apply(changes: Readonly<Record<string, unknown>>): void {
    this.revision += 1;
    for (const [key, value] of Object.entries(changes)) this.#write(key, value);
    this.tell(Object.keys(changes));
  }

  /** The same content as new objects: what happens when the whole copy is fetched again. */
  fetchAgain(): void {
    for (const [key, entry] of this.entries) this.entries.set(key, { ...entry });
    this.tell(undefined);
  }

  tell(changed: readonly string[] | undefined): void {
    for (const listener of this.#listeners) listener(changed);
  }

  #write(key: string, value: unknown): void {
    if (value === undefined) {
      this.entries.delete(key);
      return;
    }
    const before = this.entries.get(key);
    const { revision } = this;
    this.entries.set(key, {
      key,
      value,
      revision,
      createRevision: before?.createRevision ?? revision,
      version: (before?.version ?? 0) + 1,
    });
  }
}
