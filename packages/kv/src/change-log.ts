// The retained window as a queue of revisions: for each, the records it wrote. `keyspace.ts` fills it at one end and
// empties it at the other; watches index into it, so that asking for the newest change costs nothing for the older ones.
import type { Change, ChangeEvent } from './change.ts';
import type { KeyRange } from './command.ts';
import type { KeyRecord } from './record.ts';
import { assert } from './assert.ts';
import { rangeContains } from './key-index.ts';

/** Most revisions write one key: that record stands for itself, without an array around it. */
export type RevisionRecords = KeyRecord | readonly KeyRecord[];

const noRecords: readonly KeyRecord[] = [];

export class ChangeLog {
  /** Revision of `#items[#head]`. */
  #firstRevision: number;
  #items: RevisionRecords[] = [];
  /** Bytes written by each revision, beside `#items`. */
  #bytes: number[] = [];
  #head = 0;

  constructor(firstRevision: number) {
    this.#firstRevision = firstRevision;
  }

  get firstRevision(): number {
    return this.#firstRevision;
  }

  push(revision: number, records: RevisionRecords, bytes: number): void {
    const expected = this.#firstRevision + this.#items.length - this.#head;
    assert(revision === expected, () => `the change log expects revision ${expected}, not ${revision}`);
    this.#items.push(records);
    this.#bytes.push(bytes);
  }

  /** The records that `revision` wrote, in order; none if the log does not reach that far back. */
  at(revision: number): readonly KeyRecord[] {
    const item = this.#items[this.#position(revision)];
    if (item === undefined) return noRecords;
    return isList(item) ? item : [item];
  }

  bytesAt(revision: number): number {
    return this.#bytes[this.#position(revision)] ?? 0;
  }

  #position(revision: number): number {
    return revision < this.#firstRevision ? -1 : this.#head + revision - this.#firstRevision;
  }

  /** Forgets the oldest revision. */
  dropFirst(): void {
    assert(this.#head < this.#items.length, 'dropped from an empty change log');
    this.#items[this.#head] = noRecords;
    this.#head++;
    this.#firstRevision++;
    // Shifting an array costs its length: do it once in a while, so that a drop is O(1) over time.
    if (this.#head >= 1024 && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#bytes = this.#bytes.slice(this.#head);
      this.#head = 0;
    }
  }

  /**
   * What `revision` did, or undefined if it touched nothing in `range`. With `hasPrevious` each event tells what was
   * there before; at the compacted revision that must not be told, whether or not it has been trimmed already.
   */
  changeAt(revision: number, range: KeyRange | undefined, hasPrevious: boolean): Change | undefined {
    const item = this.#items[this.#position(revision)];
    if (item === undefined) return undefined;
    if (!isList(item)) {
      if (range !== undefined && !rangeContains(range, item.key)) return undefined;
      return { revision, events: [eventOf(item, hasPrevious)] };
    }
    const events: ChangeEvent[] = [];
    for (const record of item) {
      if (range === undefined || rangeContains(range, record.key)) events.push(eventOf(record, hasPrevious));
    }
    return events.length === 0 ? undefined : { revision, events };
  }
}

/** `Array.isArray` does not narrow a read-only array. */
function isList(records: RevisionRecords): records is readonly KeyRecord[] {
  return Array.isArray(records);
}

function eventOf(record: KeyRecord, hasPrevious: boolean): ChangeEvent {
  const previous = hasPrevious ? record.previous?.entry : undefined;
  if (record.entry === undefined) return { type: 'delete', key: record.key, revision: record.revision, previous };
  return { type: 'put', entry: record.entry, previous };
}
