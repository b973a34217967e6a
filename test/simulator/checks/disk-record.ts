// What a disk was heard to promise, kept beside the member whose disk it is: terms by index, term and vote. A core's own books may be wrong; these are
// written when storage says that a write is durable, and by nothing else.
import type { Entry, HardState, PeerId, SnapshotMeta } from '@raftkv/raft';
import type { LogBatch, Storage, StoredState } from '@raftkv/storage';
import type { DurableState, LogEntry, LogView } from '../../checkers/cluster-events.ts';
import { logEntryOf } from '../../checkers/spec-ghosts.ts';

export interface DiskListener {
  /** False once another process has the disk: what this one writes is nowhere. */
  readonly isOwner: () => boolean;
  readonly onConfiguration: (entry: Entry) => void;
  readonly onSnapshot: (meta: SnapshotMeta) => void;
}

export class DiskRecord {
  term = 0;
  votedFor: PeerId | undefined;
  #compactedIndex = 0;
  #compactedTerm = 0;
  /** Those after `#compactedIndex`. */
  #entries: LogEntry[] = [];
  /** What a snapshot replaced last: a core counts on it until it has heard that the snapshot is durable. */
  #replaced:
    | { readonly upTo: number; readonly compactedIndex: number; readonly entries: readonly LogEntry[] }
    | undefined;

  get lastIndex(): number {
    return this.#compactedIndex + this.#entries.length;
  }

  /** As it is now: it changes with the disk. */
  get view(): DurableState {
    const log: LogView = {
      compactedIndex: this.#compactedIndex,
      compactedTerm: this.#compactedTerm,
      entries: this.#entries,
    };
    return { term: this.term, votedFor: this.votedFor, log };
  }

  /** The entry is there, or a snapshot that covers it. */
  holds(index: number, term: number): boolean {
    if (index > this.lastIndex) return false;
    return index <= this.#compactedIndex || this.#entries[index - this.#compactedIndex - 1]?.term === term;
  }

  /** A core whose log begins after `compactedIndex` may count on the entry. */
  mayCountOn(index: number, term: number, compactedIndex: number): boolean {
    if (this.holds(index, term)) return true;
    const replaced = this.#replaced;
    if (replaced === undefined || compactedIndex >= replaced.upTo) return false;
    return replaced.entries[index - replaced.compactedIndex - 1]?.term === term;
  }

  /** What a start finds is durable from then on. */
  loaded({ hardState, entries, compactedIndex, compactedTerm, snapshot }: StoredState): void {
    this.term = 0;
    this.votedFor = undefined;
    this.#vote(hardState);
    this.#compactedIndex = compactedIndex;
    this.#compactedTerm = compactedTerm;
    this.#entries = entries.map(logEntryOf);
    // A crash came between a received snapshot and the log that it replaces.
    if (snapshot !== undefined && !this.holds(snapshot.lastIncludedIndex, snapshot.lastIncludedTerm))
      this.#reset(snapshot.lastIncludedIndex, snapshot.lastIncludedTerm);
    this.#replaced = undefined;
  }

  /** Listens to a storage that was just opened. `hears`: told of what it is given, before that is durable. */
  listen(storage: Storage, hears: DiskListener): void {
    const append = storage.append.bind(storage);
    const createSnapshot = storage.createSnapshot.bind(storage);
    // The replica hears of it after this record does.
    storage.append = (batch) => {
      for (const entry of batch.entries) if (entry.kind === 'configuration') hears.onConfiguration(entry);
      const written = append(batch);
      written.then(
        () => hears.isOwner() && this.#append(batch),
        () => undefined,
      );
      return written;
    };
    storage.createSnapshot = async (meta) => {
      hears.onSnapshot(meta);
      const writer = await createSnapshot(meta);
      const commit = async (options?: { readonly resetLog?: boolean }): Promise<void> => {
        await writer.commit(options);
        if (options?.resetLog === true && hears.isOwner()) this.#reset(meta.lastIncludedIndex, meta.lastIncludedTerm);
      };
      return { ...writer, commit };
    };
  }

  #append({ hardState, entries }: LogBatch): void {
    this.#vote(hardState);
    const first = entries[0];
    if (first === undefined) return;
    this.#entries.length = Math.max(0, first.index - this.#compactedIndex - 1);
    for (const entry of entries) if (entry.index > this.#compactedIndex) this.#entries.push(logEntryOf(entry));
  }

  #vote(hardState: HardState | undefined): void {
    if (hardState === undefined) return;
    this.term = hardState.term;
    this.votedFor = hardState.votedFor;
  }

  #reset(index: number, term: number): void {
    if (index < this.#compactedIndex) return;
    this.#replaced = { upTo: index, compactedIndex: this.#compactedIndex, entries: this.#entries };
    this.#compactedIndex = index;
    this.#compactedTerm = term;
    this.#entries = [];
  }
}
