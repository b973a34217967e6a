// One version of one key, and how an older one is found from it. `keyspace.ts` makes, links and cuts these;
// reads, the change feed and the snapshot only look.
import type { Key, KeyValue } from './command.ts';

/**
 * What the ordered tree holds for a key: its newest version, with the older ones of the window behind it.
 * Everything but `previous` is immutable, so that a clone of the tree is a view of one moment. `previous` is cut when
 * the window has passed, and only then, and never while a snapshot is pinned.
 */
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

/** What a version counts for in the window's bytes: its key, and its value if it has one. */
export function recordBytes(record: KeyRecord): number {
  return record.key.length + (record.entry === undefined ? 0 : record.entry.value.length);
}
