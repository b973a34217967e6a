// The keys, their versions and the window of history: the only writer of records. It knows nothing of commands,
// sessions or transactions' conditions; `store.ts` and `txn.ts` open a revision, write, and close it.
import type { Key, KeyRange, KeyValue } from './command.ts';
import type { Tree } from './key-index.ts';
import type { KeyCell, KeyRecord } from './record.ts';
import { assert } from './assert.ts';
import { RunningHash } from './content-hash.ts';
import type { ChangeLog } from './change-log.ts';
import { KeyIndex } from './key-index.ts';
import { recordBytes } from './record.ts';
import { Window } from './window.ts';
import type { WindowLimits } from './window.ts';

/** What a keyspace starts from: nothing, or the checked content of a snapshot. */
export interface KeyspaceContent {
  readonly index: KeyIndex;
  readonly window: Window;
  readonly revision: number;
  readonly keys: number;
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly records: number;
}

/** Versions that a command may trim beyond twice those it wrote, so that a backlog left by a pin or a compaction melts away. */
const spareTrimming = 16;

export class Keyspace {
  readonly #index: KeyIndex;
  readonly #window: Window;
  /** The newest closed revision. */
  #revision: number;
  /** Position of the next record to trim within the log's first revision. */
  #trimmedOrder = 0;
  #pins = 0;
  /** Records of the revision that is open; its number is `#revision + 1`. */
  #open: KeyRecord[] = [];
  #openBytes = 0;
  #keys: number;
  #keyBytes: number;
  #valueBytes: number;
  /** Records reachable, newest and older. */
  #records: number;
  /** Only while somebody wants it. */
  #contentHash: RunningHash | undefined;

  constructor(content: KeyspaceContent) {
    this.#index = content.index;
    this.#window = content.window;
    this.#revision = content.revision;
    this.#keys = content.keys;
    this.#keyBytes = content.keyBytes;
    this.#valueBytes = content.valueBytes;
    this.#records = content.records;
  }

  /** For reads only. Between `put`s it shows the open revision's writes too. */
  get index(): KeyIndex {
    return this.#index;
  }
  get log(): ChangeLog {
    return this.#window.log;
  }
  get revision(): number {
    return this.#revision;
  }
  /** The revision as operations of the open one see it: the next one as soon as something is written. */
  get openRevision(): number {
    return this.#open.length === 0 ? this.#revision : this.#revision + 1;
  }
  get compactedRevision(): number {
    return this.#window.compactedRevision;
  }
  get keys(): number {
    return this.#keys;
  }
  get keyBytes(): number {
    return this.#keyBytes;
  }
  get valueBytes(): number {
    return this.#valueBytes;
  }
  get historyVersions(): number {
    return this.#records - this.#keys;
  }

  /** Writes one key in the open revision and answers what was there before. Keeps `given` itself if it can: the caller hands it over. */
  put(key: Key, given: Uint8Array): KeyValue | undefined {
    const value = keepable(given);
    const cell = this.#index.find(key);
    const before = cell?.newest.entry;
    const revision = this.#revision + 1;
    if (cell === undefined || before === undefined) {
      this.#create(key, value, cell);
      return undefined;
    }
    const { createRevision, version } = before;
    const entry: KeyValue = { key: cell.key, value, revision, createRevision, version: version + 1 };
    cell.newest = this.#note(cell.key, entry, cell.newest);
    this.#valueBytes += value.length - before.value.length;
    this.#contentHash?.replace(before, entry);
    return before;
  }

  #create(key: Key, value: Uint8Array, cell: KeyCell | undefined): void {
    const revision = this.#revision + 1;
    const entry: KeyValue = { key: cell?.key ?? key, value, revision, createRevision: revision, version: 1 };
    const record = this.#note(entry.key, entry, cell?.newest);
    if (cell === undefined) this.#index.insert({ key, newest: record });
    else cell.newest = record;
    this.#keys++;
    this.#keyBytes += key.length;
    this.#valueBytes += value.length;
    this.#contentHash?.replace(undefined, entry);
  }

  /** Deletes one key in the open revision; undefined if there was nothing to delete, and then nothing is written. */
  delete(key: Key): KeyValue | undefined {
    const cell = this.#index.find(key);
    return cell === undefined ? undefined : this.#bury(cell);
  }

  /** Deletes the keys of a range in key order; answers those that existed. */
  deleteRange(range: KeyRange): readonly KeyValue[] {
    const deleted: KeyValue[] = [];
    this.#index.walkForward(range, (_key, cell) => {
      const before = this.#bury(cell);
      if (before !== undefined) deleted.push(before);
    });
    return deleted;
  }

  #bury(cell: KeyCell): KeyValue | undefined {
    const before = cell.newest.entry;
    if (before === undefined) return undefined;
    cell.newest = this.#note(cell.key, undefined, cell.newest);
    this.#keys--;
    this.#keyBytes -= before.key.length;
    this.#valueBytes -= before.value.length;
    this.#contentHash?.replace(before, undefined);
    return before;
  }

  /** Makes the open revision's next record. */
  #note(key: Key, entry: KeyValue | undefined, previous: KeyRecord | undefined): KeyRecord {
    const revision = this.#revision + 1;
    assert(previous === undefined || previous.revision < revision, 'a key was written twice at one revision');
    const record: KeyRecord = { key, entry, revision, order: this.#open.length, previous };
    this.#open.push(record);
    this.#openBytes += recordBytes(record);
    this.#records++;
    return record;
  }

  /** Closes the open revision: it counts only if something was written. Called once after each command, whatever it did. */
  commit(): void {
    const written = this.#open.length;
    if (written > 0) {
      this.#revision++;
      const only = this.#open[0];
      this.#window.push(this.#revision, written === 1 && only !== undefined ? only : this.#open, this.#openBytes);
      if (written === 1) this.#open.length = 0;
      else this.#open = [];
      this.#openBytes = 0;
    }
    if (this.#pins === 0) this.#trim(written * 2 + spareTrimming);
  }

  /** Moves the window's start by command. The caller has checked that it moves forward and not past the newest revision. */
  compact(revision: number): void {
    assert(revision > this.compactedRevision && revision <= this.#revision, () => `cannot compact at ${revision}`);
    this.#window.compact(revision);
  }

  /** The content hash as of now, or undefined while the walk over all keys, `maxBytes` a call, is not through. Kept up from then on. */
  contentHash(maxBytes: number): string | undefined {
    assert(this.#open.length === 0, 'the content was hashed in the middle of a revision');
    this.#contentHash ??= new RunningHash();
    return this.#contentHash.advance(this.#index, maxBytes) ? this.#contentHash.toString() : undefined;
  }

  /** Writes cost nothing more for it. */
  forgetContentHash(): void {
    this.#contentHash = undefined;
  }

  /** The keys as they are now. Until `unpin` no version is cut, so each cell can still tell what it held at this revision. */
  pin(): Tree {
    this.#pins++;
    return this.#index.freeze();
  }

  unpin(): void {
    assert(this.#pins > 0, 'unpinned more often than pinned');
    this.#pins--;
  }

  /**
   * Lets go of what no read can reach, `budget` records at most. Reads at R ≥ compactedRevision want the newest version ≤ R, so
   * once a revision lies below compactedRevision, nothing behind its records is wanted, nor a tombstone of it that is still the newest. A
   * revision is trimmed record by record, so that the wake of one huge deleteRange is spread over many commands. Nobody can tell how
   * far this has come: what is logically gone is never shown.
   */
  #trim(budget: number): void {
    const { log, compactedRevision } = this.#window;
    let left = budget;
    while (log.firstRevision < compactedRevision && left > 0) {
      const records = log.at(log.firstRevision);
      for (; this.#trimmedOrder < records.length && left > 0; left--) {
        const record = records[this.#trimmedOrder++];
        if (record !== undefined) this.#trimRecord(record);
      }
      if (this.#trimmedOrder < records.length) return;
      this.#trimmedOrder = 0;
      log.dropFirst();
    }
  }

  #trimRecord(record: KeyRecord): void {
    if (record.previous !== undefined) {
      // Oldest revision first, so what hangs behind is a single version: its own tail was cut when its turn came.
      record.previous = undefined;
      this.#records--;
    }
    if (record.entry === undefined && this.#index.find(record.key)?.newest === record) {
      this.#index.remove(record.key);
      this.#records--;
    }
  }
}

/** What a value may keep alive beside itself and as much again: the rest of the command that it came in, if that is nothing but this put. */
const spareBytes = 1024;

/** The value itself, or a copy if it is a small part of a larger buffer: of a batch, each single value would keep all others in memory. */
function keepable(value: Uint8Array): Uint8Array {
  return value.buffer.byteLength > value.length * 2 + spareBytes ? new Uint8Array(value) : value;
}

export function emptyContent(limits: WindowLimits): KeyspaceContent {
  // Revision 1 is the empty store: the first write makes revision 2.
  return {
    index: new KeyIndex(),
    window: new Window(limits),
    revision: 1,
    keys: 0,
    keyBytes: 0,
    valueBytes: 0,
    records: 0,
  };
}
