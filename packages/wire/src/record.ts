// What storage keeps, as bytes: batches of the log, hard states, snapshot positions and configurations. Each begins with its
// format's version. How records are framed, checksummed and placed in files is the business of `storage`.
import type { Configuration, Entry, HardState, SnapshotMeta } from '@raftkv/raft';
import { configuration, entriesSizeHint, readEntries, snapshotMeta, writeEntries } from './entry.ts';
import { boxed, fields, optional, text, uint } from './layout.ts';
import type { Layout } from './layout.ts';
import { decodeVersioned, encodeVersioned } from './versioned.ts';

/** One atomic append: what storage's LogBatch holds. */
export interface LogRecord {
  readonly hardState: HardState | undefined;
  /** Consecutive. */
  readonly entries: readonly Entry[];
}

export const hardState: Layout<HardState> = boxed(
  fields<HardState>({ term: uint, votedFor: optional(text), commitIndex: uint }),
);
const optionalHardState = optional(hardState);
const metaLayout = boxed(snapshotMeta);
const configurationLayout = boxed(configuration);

const batchLayout = boxed<LogRecord>({
  size: 3,
  write(writer, { hardState: state, entries }, walk) {
    optionalHardState.write(writer, state, walk);
    const firstIndex = entries[0]?.index ?? 0;
    writer.uint(firstIndex);
    writeEntries(writer, entries, firstIndex);
  },
  read(reader, walk) {
    const state = optionalHardState.read(reader, walk);
    const firstIndex = reader.uint();
    const entries = readEntries(reader, firstIndex);
    if (entries.length > 0 && firstIndex === 0) reader.fail('entries begin at index 1');
    return { hardState: state, entries };
  },
});

const what = 'a record';

/** One record: version, then [hard state or nil, first index, entries]. Entries must be consecutive (else `internal`). */
export function encodeLogBatch(batch: LogRecord): Uint8Array {
  return encodeVersioned(batchLayout, batch, 64 + entriesSizeHint(batch.entries));
}

/** The data of the entries are views over `bytes`. Throws `bad_frame` or `unsupported_version`. */
export function decodeLogBatch(bytes: Uint8Array): LogRecord {
  return decodeVersioned(batchLayout, bytes, what);
}

export function encodeHardState(state: HardState): Uint8Array {
  return encodeVersioned(hardState, state, 48);
}

export function decodeHardState(bytes: Uint8Array): HardState {
  return decodeVersioned(hardState, bytes, what);
}

export function encodeSnapshotMeta(meta: SnapshotMeta): Uint8Array {
  return encodeVersioned(metaLayout, meta, 256);
}

export function decodeSnapshotMeta(bytes: Uint8Array): SnapshotMeta {
  return decodeVersioned(metaLayout, bytes, what);
}

/** The data of an entry of kind `configuration`. */
export function encodeConfiguration(made: Configuration): Uint8Array {
  return encodeVersioned(configurationLayout, made, 256);
}

export function decodeConfiguration(bytes: Uint8Array): Configuration {
  return decodeVersioned(configurationLayout, bytes, what);
}
