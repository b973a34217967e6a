// The layout of entries, and of the answers that are nothing but entries and revisions: to one write, and to one read.
// `result.ts` and `rare-layouts.ts` put them together.
import type { CommandResult, GetResult, KeyValue, PutResult, ScanResult } from '@raftkv/kv';
import { boxed, fields, list, optional, uint } from './layout.ts';
import type { Layout, Variant } from './layout.ts';

export type AnyResult = CommandResult | GetResult | ScanResult;

/** Five elements. By hand, since scans and snapshots have thousands of them. */
export const entry: Layout<KeyValue> = {
  size: 5,
  write(writer, value) {
    writer.key(value.key);
    writer.bin(value.value);
    writer.uint(value.revision);
    writer.uint(value.createRevision);
    writer.uint(value.version);
  },
  read(reader) {
    const key = reader.key();
    const value = reader.bin();
    const revision = reader.uint();
    const createRevision = reader.uint();
    return { key, value, revision, createRevision, version: reader.uint() };
  },
};
/** One array of five elements an entry. */
export const entries = list(entry);
export const optionalEntry = optional(boxed(entry));

/** By hand, since most answers are these two. */
const put: Layout<Omit<PutResult, 'type'>> = {
  size: 2,
  /** @server */
  write(writer, { revision, previous }, walk) {
    writer.uint(revision);
    optionalEntry.write(writer, previous, walk);
  },
  read: (reader, walk): PutResult => ({
    type: 'put',
    revision: reader.uint(),
    previous: optionalEntry.read(reader, walk),
  }),
};
const get: Layout<Omit<GetResult, 'type'>> = {
  size: 2,
  /** @server */
  write(writer, found, walk) {
    writer.uint(found.revision);
    optionalEntry.write(writer, found.entry, walk);
  },
  read: (reader, walk): GetResult => ({
    type: 'get',
    revision: reader.uint(),
    entry: optionalEntry.read(reader, walk),
  }),
};

export const writes: { readonly [T in 'put' | 'delete']: Variant<Extract<AnyResult, { readonly type: T }>> } = {
  put: [1, put],
  delete: [2, fields({ revision: uint, deleted: uint, previous: optional(entries) })],
};
export const getResult: Variant<GetResult> = [3, get];
