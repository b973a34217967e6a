// One version of one key, the cell that holds a key's versions, and how an older one is found. `keyspace.ts` makes, links and cuts
// these; reads, the change feed and the snapshot only look.
import type { Key, KeyValue } from './command.ts';

/** A key's place in the index: it stays the same object while the key has any version. */
export interface KeyCell {
  readonly key: Key;
  /** The newest version, with the older ones of the window behind it. */
  newest: KeyRecord;
}

/** Everything but `previous` is immutable. That is cut once the window has passed, and never while a snapshot is pinned. */
export interface KeyRecord {
  readonly key: Key;
  /** What readers are given; undefined = the key was deleted here (a tombstone). */
  readonly entry: KeyValue | undefined;
  readonly revision: number;
  /** Position among the events of its revision, from 0: the order in which a transaction's operations ran. */
  readonly order: number;
  /** The version before this one: strictly lower revision. */
  previous: KeyRecord | undefined;
}

/** The version that was current at `revision`, or undefined if the key had none then (that is still kept). */
export function recordAt(newest: KeyRecord | undefined, revision: number): KeyRecord | undefined {
  let record = newest;
  while (record !== undefined && record.revision > revision) record = record.previous;
  return record;
}

/** About what a version takes in memory beside its key and value: a batch of small writes makes a thousand of them at one revision. */
const recordOverheadBytes = 256;

/** What a version counts for in the window's bytes. Replicated: every member must count alike. */
export function recordBytes(record: KeyRecord): number {
  return recordOverheadBytes + record.key.length + (record.entry === undefined ? 0 : record.entry.value.length);
}
