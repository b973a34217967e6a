// What must hold between the versions of a key and between the revisions of the window, checked on everything that a snapshot
// brings: the checksum finds damage, this finds lies. `restore.ts` is the only caller.
import type { KeyRecord } from './record.ts';
import { SnapshotFormatError } from './bytes.ts';
import { ChangeLog } from './change-log.ts';
import { recordBytes } from './record.ts';

export function demand(condition: boolean, message: string): asserts condition {
  if (!condition) throw new SnapshotFormatError(message);
}

/** A version by itself. */
export function checkVersion(record: KeyRecord, newestRevision: number): void {
  const { entry, revision } = record;
  demand(revision >= 2 && revision <= newestRevision, 'a version is of an impossible revision');
  if (entry === undefined) return;
  const { createRevision, version } = entry;
  demand(createRevision >= 2 && createRevision <= revision, 'a key was created at an impossible revision');
  demand((version === 1) === (createRevision === revision), 'a first write is no creation');
  demand(
    version >= 1 && version <= revision - createRevision + 1,
    'a key was written more often than there are revisions',
  );
}

/** A version and the next older one that the snapshot holds, if any. */
export function checkLink(newer: KeyRecord, older: KeyRecord | undefined, compactedRevision: number): void {
  if (newer.revision <= compactedRevision) {
    demand(older === undefined, 'a version lies behind the compacted revision');
    demand(newer.entry !== undefined || newer.revision === compactedRevision, 'a tombstone outlived its window');
    return;
  }
  if (older === undefined) {
    // What was there before lies in the window too, or was nothing.
    demand(newer.entry?.version === 1, 'a version lacks the one before it');
    return;
  }
  demand(older.revision < newer.revision, 'versions are out of order');
  if (newer.entry === undefined) {
    demand(older.entry !== undefined, 'a missing key was deleted');
  } else if (newer.entry.version === 1) {
    demand(older.entry === undefined, 'an existing key was created');
  } else {
    const { createRevision, version } = newer.entry;
    demand(
      older.entry?.createRevision === createRevision && older.entry.version === version - 1,
      'a write was skipped',
    );
  }
}

/**
 * Sorts the window's records, all of possible revisions, into its log. Every revision from the compacted one on must have changed something, at orders 0, 1, 2, …: a gap would be
 * a silent hole in a watch.
 */
export function buildLog(records: KeyRecord[], revision: number, compactedRevision: number): ChangeLog {
  records.sort((a, b) => a.revision - b.revision || a.order - b.order);
  const log = new ChangeLog(Math.max(compactedRevision, 2));
  let at = 0;
  for (let expected = log.firstRevision; expected <= revision; expected++) {
    const written: KeyRecord[] = [];
    let bytes = 0;
    for (let record = records[at]; record?.revision === expected; record = records[++at]) {
      demand(record.order === written.length, 'a change lacks an event');
      written.push(record);
      bytes += recordBytes(record);
    }
    const only = written[0];
    // Stops at the first hole, so a hostile revision number costs nothing.
    demand(only !== undefined, `revision ${expected} is missing`);
    log.push(expected, written.length === 1 ? only : written, bytes);
  }
  return log;
}
