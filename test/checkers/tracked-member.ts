// What cluster-checker.ts remembers of one member: its log as the events told it, and how far it has committed and applied.
// It follows; it does not judge.
import type { PeerId } from '@raftkv/raft';
import type { LogEntry, LogView } from './cluster-events.ts';

export class TrackedMember {
  readonly id: PeerId;
  term = 0;
  commitIndex = 0;
  appliedIndex = 0;
  compactedIndex = 0;
  compactedTerm = 0;
  /** From compactedIndex + 1 on. */
  entries: LogEntry[] = [];

  constructor(id: PeerId) {
    this.id = id;
  }

  get lastIndex(): number {
    return this.compactedIndex + this.entries.length;
  }

  entryAt(index: number): LogEntry | undefined {
    return this.entries[index - this.compactedIndex - 1];
  }

  /** Undefined where the log does not reach. */
  termAt(index: number): number | undefined {
    return index === this.compactedIndex ? this.compactedTerm : this.entryAt(index)?.term;
  }

  start(term: number, log: LogView): void {
    this.term = term;
    this.commitIndex = log.compactedIndex;
    this.appliedIndex = log.compactedIndex;
    this.compactedIndex = log.compactedIndex;
    this.compactedTerm = log.compactedTerm;
    this.entries = [...log.entries];
  }

  reset(index: number, term: number): void {
    this.compactedIndex = index;
    this.compactedTerm = term;
    this.entries = [];
  }

  /** `index` is in the log. */
  compact(index: number): void {
    this.compactedTerm = this.termAt(index)!;
    this.entries.splice(0, index - this.compactedIndex);
    this.compactedIndex = index;
  }

  /** What is beyond `index`, which is cut off. */
  truncateAfter(index: number): LogEntry[] {
    return this.entries.splice(index - this.compactedIndex);
  }
}
