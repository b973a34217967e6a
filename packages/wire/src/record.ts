// What storage keeps, as bytes: batches of the log, hard states, snapshot positions and configurations. Each begins with its
// format's version. How records are framed, checksummed and placed in files is the business of `storage`.
import type { Configuration, Entry, HardState, SnapshotMeta } from '@raftkv/raft';
import {
  configuration,
  configurationSizeHint,
  configurationV1,
  configurationV2,
  configurationVersion,
  entriesSizeHint,
  readEntries,
  snapshotMeta,
  snapshotMetaV1,
  snapshotMetaV2,
  writeEntries,
} from './entry.ts';
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
// Version 1 of these two is from before members had records. Version 3 is written only where a member is not of Node, so that a cluster
// without tabs is understood by older members.
const metaFormat = [boxed(snapshotMetaV1), boxed(snapshotMetaV2), boxed(snapshotMeta)] as const;
const configurationFormat = [boxed(configurationV1), boxed(configurationV2), boxed(configuration)] as const;

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
  const { configuration: made } = meta;
  return encodeVersioned(metaFormat, meta, 32 + configurationSizeHint(made), recordVersion(made));
}

export function decodeSnapshotMeta(bytes: Uint8Array): SnapshotMeta {
  return decodeVersioned(metaFormat, bytes, what);
}

/** The data of an entry of kind `configuration`. */
export function encodeConfiguration(made: Configuration): Uint8Array {
  return encodeVersioned(configurationFormat, made, configurationSizeHint(made), recordVersion(made));
}

export function decodeConfiguration(bytes: Uint8Array): Configuration {
  return decodeVersioned(configurationFormat, bytes, what);
}

function recordVersion(made: Configuration): number {
  return Math.max(2, configurationVersion(made));
}
