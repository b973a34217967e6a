// A copy as a list of records, which is what its storage keeps: a head and pages of entries as of one moment, then the batches of changes as the feed sent them,
// compressed or not. Each begins with its version; the storage has checksums, so what does not decode was written by another program.
import type { KeyValue } from '@raftkv/kv';
import {
  RaftkvError,
  bin,
  bool,
  decodeFeedChanges,
  decodeFeedEntries,
  decodeVersioned,
  defaultLimits,
  encodeFeedEntries,
  encodeVersioned,
  fields,
  optional,
  tagged,
  text,
  uint,
} from '@raftkv/wire';
import { Copy } from './copy.ts';
import type { Position } from './copy.ts';
import type { Inflate } from './inflate.ts';

/** A page ends when it holds this much, so that one fits into what browsers keep in the database itself. */
const pageBytes = 48 * 1024;
/** More than what a record holds beside its payload. */
const overheadBytes = 64;

export interface StoredBatch extends Position {
  readonly isDeflated: boolean;
  readonly payload: Uint8Array;
}

/** A copy as of now. The entries are shared, not copied: nobody changes an entry. */
export interface FrozenCopy extends Position {
  readonly hash: string | undefined;
  readonly entries: readonly KeyValue[];
}

type StoredRecord =
  | (Position & { readonly type: 'head'; readonly entries: number; readonly hash: string | undefined })
  /** `payload`: `encodeFeedEntries`. */
  | { readonly type: 'page'; readonly payload: Uint8Array }
  | (StoredBatch & { readonly type: 'changes' });

const position = { revision: uint, index: uint };
const layout = tagged<StoredRecord>('stored record', {
  head: [0, fields({ ...position, entries: uint, hash: optional(text) })],
  page: [1, fields({ payload: bin })],
  changes: [2, fields({ ...position, isDeflated: bool, payload: bin })],
});
/** Version 1 is thrown away, as any copy may be. */
const format = [undefined, layout] as const;

export function freeze(copy: Copy): FrozenCopy {
  const entries: KeyValue[] = [];
  copy.walk({ from: '', to: undefined }, (entry) => void entries.push(entry));
  const { revision, index, hash } = copy;
  return { revision, index, hash, entries };
}

export function encodeBatch(batch: StoredBatch): Uint8Array {
  return encodeRecord({ ...batch, type: 'changes' }, batch.payload.length);
}

export function* encodeCopy(copy: FrozenCopy): Generator<Uint8Array, void, undefined> {
  const { entries } = copy;
  yield encodeRecord({ ...copy, type: 'head', entries: entries.length }, 0);
  for (let from = 0; from < entries.length;) {
    let bytes = 0;
    let to = from;
    for (; to < entries.length && bytes < pageBytes; to += 1) {
      bytes += 32 + entries[to]!.key.length + entries[to]!.value.length;
    }
    const payload = encodeFeedEntries(entries.slice(from, to));
    yield encodeRecord({ type: 'page', payload }, payload.length);
    from = to;
  }
}

function encodeRecord(record: StoredRecord, payloadBytes: number): Uint8Array {
  return encodeVersioned(format, record, overheadBytes + payloadBytes);
}

/** Makes the copy of its records. Throws `unsupported_version`, `storage_corrupt` or what the codecs of the feed throw. */
export class CopyReader {
  readonly #options: { readonly isOfAllKeys: boolean; readonly inflate: Inflate };
  #copy: Copy | undefined;
  /** Until the pages are complete. */
  #head: Extract<StoredRecord, { readonly type: 'head' }> | undefined;

  constructor(options: { readonly isOfAllKeys: boolean; readonly inflate: Inflate }) {
    this.#options = options;
  }

  /** Whether it belongs to the batches, not to what was kept as a whole. */
  async take(bytes: Uint8Array): Promise<boolean> {
    const record = decodeVersioned(format, bytes, 'a stored record');
    if (record.type === 'page') {
      if (this.#head === undefined) fail('a page that belongs to nothing');
      this.#copy!.addEntries(decodeFeedEntries(record.payload));
      return false;
    }
    if (record.type === 'head') {
      if (this.#copy !== undefined) fail('its beginning is not one');
      this.#head = record;
      this.#copy = new Copy(this.#options);
      return false;
    }
    const copy = this.finish() ?? (this.#copy = new Copy(this.#options));
    const { isDeflated } = record;
    let { payload } = record;
    if (isDeflated) payload = await this.#options.inflate(payload, defaultLimits.maxFrameBytes);
    copy.applyChanges(decodeFeedChanges(payload));
    copy.moveTo(record);
    return true;
  }

  /** The copy, whole and checked; undefined if there were no records. */
  finish(): Copy | undefined {
    const head = this.#head;
    const copy = this.#copy;
    if (copy === undefined || head === undefined) return copy;
    if (copy.size !== head.entries) fail(`it holds ${copy.size} entries, not ${head.entries}`);
    const own = copy.hash;
    if (head.hash !== undefined && own !== head.hash) fail(`its content hash is ${own}, not ${head.hash}`);
    copy.moveTo(head);
    this.#head = undefined;
    return copy;
  }
}

function fail(what: string): never {
  throw new RaftkvError('storage_corrupt', `the stored copy is damaged: ${what}`);
}
