// What a storage must know of its log without holding the entries: where it begins and ends, which term each index has,
// and the latest hard state. It refuses batches that do not fit. Used by every adapter when a call comes in, before any write.
import { RaftkvError } from '@raftkv/wire';
import type { Entry, HardState } from '@raftkv/raft';
import type { LogBatch } from './storage.ts';

interface OutlineStart {
  readonly hardState: HardState | undefined;
  readonly entries: readonly Entry[];
  readonly compactedIndex: number;
  readonly compactedTerm: number;
}

export class LogOutline {
  hardState: HardState | undefined;
  compactedIndex: number;
  compactedTerm: number;
  lastIndex: number;
  /** Runs of one term: run i covers #starts[i] up to the next start. Few, since terms are few. */
  readonly #starts: number[] = [];
  readonly #terms: number[] = [];

  constructor(start: OutlineStart) {
    this.hardState = start.hardState;
    this.compactedIndex = start.compactedIndex;
    this.compactedTerm = start.compactedTerm;
    this.lastIndex = start.compactedIndex;
    this.#extend(start.entries);
  }

  /** Throws `invalid_argument` if these entries cannot be appended. */
  check(entries: readonly Entry[]): void {
    const firstIndex = entries[0]?.index ?? this.lastIndex + 1;
    if (firstIndex <= this.compactedIndex || firstIndex > this.lastIndex + 1) {
      throw new RaftkvError(
        'invalid_argument',
        `entry ${firstIndex} does not fit a log from ${this.compactedIndex + 1} to ${this.lastIndex}`,
      );
    }
    for (let i = 0; i < entries.length; i += 1) {
      if (entries[i]!.index !== firstIndex + i) {
        throw new RaftkvError('invalid_argument', `entry ${firstIndex + i} is missing from the batch`);
      }
    }
  }

  /** Takes in a batch that was checked. */
  append(batch: LogBatch): void {
    const first = batch.entries[0];
    if (first !== undefined) {
      this.#truncate(first.index);
      this.#extend(batch.entries);
    }
    if (batch.hardState !== undefined) this.hardState = batch.hardState;
  }

  /** Moves the beginning of the log to `index`; returns its term, or undefined if it is there already. */
  compact(index: number, coveredIndex: number): number | undefined {
    if (index <= this.compactedIndex) return undefined;
    if (index > coveredIndex || index > this.lastIndex) {
      throw new RaftkvError(
        'invalid_argument',
        `cannot compact to ${index}: the snapshot covers ${coveredIndex}, the log ends at ${this.lastIndex}`,
      );
    }
    const term = this.termAt(index);
    this.compactedIndex = index;
    this.compactedTerm = term;
    let run = 0;
    while (run + 1 < this.#starts.length && this.#starts[run + 1]! <= index + 1) run += 1;
    this.#starts.splice(0, run);
    this.#terms.splice(0, run);
    return term;
  }

  /** The log is empty and begins after `index`. */
  reset(index: number, term: number): void {
    this.#starts.length = 0;
    this.#terms.length = 0;
    this.compactedIndex = index;
    this.compactedTerm = term;
    this.lastIndex = index;
  }

  /** Throws `invalid_argument` unless the log holds the last entry of a snapshot, so that log and snapshot join without a gap. */
  checkCovers(index: number, term: number): void {
    const isHeld = index >= this.compactedIndex && index <= this.lastIndex;
    if (isHeld && this.termAt(index) === term) return;
    throw new RaftkvError(
      'invalid_argument',
      `a snapshot up to ${index} (term ${term}) does not join the log (${this.compactedIndex + 1} to ${this.lastIndex}); resetLog replaces it`,
    );
  }

  /** The term of an index between compactedIndex and lastIndex. */
  termAt(index: number): number {
    if (index === this.compactedIndex) return this.compactedTerm;
    let run = this.#starts.length - 1;
    while (run > 0 && this.#starts[run]! > index) run -= 1;
    return this.#terms[run] ?? this.compactedTerm;
  }

  #truncate(firstIndex: number): void {
    while (this.#starts.length > 0 && this.#starts.at(-1)! >= firstIndex) {
      this.#starts.pop();
      this.#terms.pop();
    }
  }

  #extend(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (this.#terms.length === 0 || this.#terms.at(-1) !== entry.term) {
        this.#starts.push(entry.index);
        this.#terms.push(entry.term);
      }
      this.lastIndex = entry.index;
    }
  }
}
