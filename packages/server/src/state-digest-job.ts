// One walk over the whole state, for its digest: as of one revision, in steps, while writes go on. Nothing is held: if what it reads is compacted under it,
// it ends without an answer. When it is begun, and who waits for it, is for `digests.ts`.
import type { Key } from '@raftkv/kv';
import type { Clock } from '@raftkv/replica';
import type { StateDigest } from '@raftkv/wire';
import type { FeedRanges } from './feed-ranges.ts';
import type { KvStateMachine } from './kv-state-machine.ts';

/** Read and hashed in one go: some milliseconds. Between two steps the loop goes to everybody else for as long. */
const stepBytes = 512 * 1024;

export interface DigestedState {
  readonly revision: number;
  readonly index: number;
  readonly digest: Uint8Array;
}

export class StateDigestJob {
  readonly #stateMachine: KvStateMachine;
  readonly #ranges: FeedRanges;
  readonly #digest: StateDigest;
  readonly #clock: Pick<Clock, 'now' | 'schedule'>;
  readonly #revision: number;
  readonly #index: number;
  #next: Key | undefined = '';

  /** Of the state as it is now. */
  constructor(
    stateMachine: KvStateMachine,
    ranges: FeedRanges,
    digest: StateDigest,
    clock: Pick<Clock, 'now' | 'schedule'>,
  ) {
    this.#stateMachine = stateMachine;
    this.#ranges = ranges;
    this.#digest = digest;
    this.#clock = clock;
    this.#revision = stateMachine.store.revision;
    this.#index = stateMachine.store.appliedIndex;
  }

  /** Undefined: it was overtaken by a compaction. */
  async run(): Promise<DigestedState | undefined> {
    for (;;) {
      const startedAt = this.#clock.now();
      if (!this.#step()) return undefined;
      if (this.#next === undefined) break;
      const took = this.#clock.now() - startedAt;
      await new Promise<void>((resolve) => void this.#clock.schedule(resolve, took));
    }
    return { revision: this.#revision, index: this.#index, digest: this.#digest.finish() };
  }

  /** Answers whether what it reads is still there. */
  #step(): boolean {
    const from = this.#next!;
    this.#next = undefined;
    let left = stepBytes;
    for (const range of this.#ranges.list) {
      if (range.to !== undefined && range.to <= from) continue;
      if (left <= 0) {
        this.#next = range.from;
        return true;
      }
      const start = range.from > from ? range.from : from;
      const options = { revision: this.#revision, maxBytes: left };
      const scanned = this.#stateMachine.store.scan({ from: start, to: range.to }, options);
      if (scanned.type === 'error') return false;
      for (const entry of scanned.entries) {
        this.#digest.add(entry);
        left -= entry.key.length + entry.value.length + 32;
      }
      const last = scanned.entries.at(-1);
      if (scanned.more && last !== undefined) {
        this.#next = `${last.key}\0`;
        return true;
      }
    }
    return true;
  }
}
