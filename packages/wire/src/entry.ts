// The layout of log entries, configurations and snapshot positions, the same between peers and in storage.
import type { Configuration, Entry, EntryKind, SnapshotMeta } from '@raftkv/raft';
import { RaftkvError } from './error.ts';
import { fields, list, text, uint } from './layout.ts';
import type { Layout } from './layout.ts';
import type { Reader } from './reader.ts';
import type { Writer } from './writer.ts';

const kinds: readonly EntryKind[] = ['command', 'empty', 'configuration'];

/** More than what surrounds the data of one entry. */
const entryOverheadBytes = 16;

/** One array of three elements an entry: term, kind, data. Indexes follow from `firstIndex`, so there may be no gap. */
export function writeEntries(writer: Writer, entries: readonly Entry[], firstIndex: number): void {
  const count = entries.length;
  writer.array(count * 3);
  for (let i = 0; i < count; i += 1) {
    const entry = entries[i]!;
    if (entry.index !== firstIndex + i) {
      throw new RaftkvError('internal', `entry ${entry.index} stands where ${firstIndex + i} belongs`);
    }
    writer.uint(entry.term);
    writer.uint(entry.kind === 'command' ? 0 : kinds.indexOf(entry.kind));
    writer.bin(entry.data);
  }
}

/** The data of the entries are views over the input. */
export function readEntries(reader: Reader, firstIndex: number): Entry[] {
  const count = reader.array();
  if (count % 3 !== 0) reader.fail('an entry has three elements');
  const length = count / 3;
  if (firstIndex + length > Number.MAX_SAFE_INTEGER) reader.fail('an index would not be below 2^53');
  const entries: Entry[] = [];
  for (let i = 0; i < length; i += 1) {
    const term = reader.uint();
    const kind = kinds[reader.small(2)]!;
    entries.push({ index: firstIndex + i, term, kind, data: reader.bin() });
  }
  return entries;
}

export function entriesSizeHint(entries: readonly Entry[]): number {
  let bytes = 8;
  for (const entry of entries) bytes += entryOverheadBytes + entry.data.length;
  return bytes;
}

/** Three elements. */
export const configuration: Layout<Configuration> = fields({
  voters: list(text),
  votersOutgoing: list(text),
  learners: list(text),
});

/** Five elements: index, term and the configuration's three. */
export const snapshotMeta: Layout<SnapshotMeta> = fields({
  lastIncludedIndex: uint,
  lastIncludedTerm: uint,
  configuration,
});
