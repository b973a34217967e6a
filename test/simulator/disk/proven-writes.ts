// Which bytes of the log a later write proves to have been durable, as seen from below: what is written after a sync came back knows of all that it covered.
// Damage there must be found out; damage to the last that was written cannot be told from a write that was never finished. Called by SimulatedDisk.

/** Bytes of a file. */
export interface Span {
  readonly name: string;
  readonly offset: number;
  readonly bytes: number;
}

export class ProvenWrites {
  /** Synced, and proven by a later write that was synced too. */
  readonly spans: Span[] = [];
  #isOpen = false;
  /** Synced, and proven by nothing yet. */
  #synced: Span[] = [];
  /** Not synced yet; with each what was synced when it was written. */
  #written: { readonly span: Span; readonly proves: readonly Span[] }[] = [];

  /** The log was read, and mended; from here on frames are written after it. */
  opened(): void {
    this.#isOpen = true;
  }

  written({ name, offset, bytes }: Span): void {
    if (!this.#isOpen || !/^log-\d+$/.test(name)) return;
    this.#written.push({ span: { name, offset, bytes }, proves: this.#synced });
  }

  /** A sync of that file begins. Answers what is to be called when it comes back. */
  syncing(name: string): () => void {
    const covered = this.#written.filter(({ span }) => span.name === name);
    return () => {
      this.#written = this.#written.filter((write) => !covered.includes(write));
      const proven = new Set(covered.flatMap(({ proves }) => proves));
      this.spans.push(...proven);
      this.#synced = [...this.#synced.filter((span) => !proven.has(span)), ...covered.map(({ span }) => span)];
    };
  }

  /** What was not synced may be there or not; what is mended proves nothing new. */
  crash(): void {
    this.#isOpen = false;
    this.#written = [];
  }
}
