// A copy as a list of records, which is what its storage keeps: a head and pages of entries as of one moment, then the batches of changes as the feed sent them,
// compressed or not. Each begins with its version; the storage has checksums, so what does not decode was written by another program.
import type { KeyValue } from '@raftkv/kv';
import { RaftkvError, decodeFeedChanges, decodeFeedEntries, defaultLimits, encodeFeedEntries } from '@raftkv/wire';
import { Copy } from './copy.ts';
import type { Position } from './copy.ts';
import type { Inflate } from './inflate.ts';

const version = 1;
const kinds = { head: 0, page: 1, changes: 2, deflatedChanges: 3 } as const;
/** u8 version, u8 kind. */
const prefixBytes = 2;
/** f64 revision, f64 index: both little-endian, whole numbers. */
const positionBytes = 16;
/** Of all keys; blanks where there is none. */
const hashDigits = 16;
const headBytes = prefixBytes + positionBytes + 8 + hashDigits;
/** A page ends when it holds this much, so that one fits into what browsers keep in the database itself. */
const pageBytes = 48 * 1024;

export interface StoredBatch extends Position {
  readonly isDeflated: boolean;
  readonly payload: Uint8Array;
}

/** A copy as of now. The entries are shared, not copied: nobody changes an entry. */
export interface FrozenCopy extends Position {
  readonly hash: string | undefined;
  readonly entries: readonly KeyValue[];
}

export function freeze(copy: Copy): FrozenCopy {
  const entries: KeyValue[] = [];
  copy.walk({ from: '', to: undefined }, (entry) => void entries.push(entry));
  const { revision, index, hash } = copy;
  return { revision, index, hash, entries };
}

/** Position, then the payload. */
export function encodeBatch({ isDeflated, payload, ...position }: StoredBatch): Uint8Array {
  const { bytes } = begun(isDeflated ? kinds.deflatedChanges : kinds.changes, position, payload.length);
  bytes.set(payload, prefixBytes + positionBytes);
  return bytes;
}

/** The head: position, f64 number of entries, the hash. Then pages: `encodeFeedEntries`. */
export function* encodeCopy(copy: FrozenCopy): Generator<Uint8Array, void, undefined> {
  const { hash = ' '.repeat(hashDigits), entries } = copy;
  const { bytes: head, view } = begun(kinds.head, copy, 8 + hashDigits);
  view.setFloat64(prefixBytes + positionBytes, entries.length, true);
  new TextEncoder().encodeInto(hash, head.subarray(-hashDigits));
  yield head;
  for (let from = 0; from < entries.length;) {
    let bytes = 0;
    let to = from;
    for (; to < entries.length && bytes < pageBytes; to += 1) {
      bytes += 32 + entries[to]!.key.length + entries[to]!.value.length;
    }
    const content = encodeFeedEntries(entries.slice(from, to));
    const page = new Uint8Array(prefixBytes + content.length);
    page.set([version, kinds.page]);
    page.set(content, prefixBytes);
    yield page;
    from = to;
  }
}

function begun(kind: number, position: Position, moreBytes: number): { bytes: Uint8Array; view: DataView } {
  const bytes = new Uint8Array(prefixBytes + positionBytes + moreBytes);
  bytes.set([version, kind]);
  const view = new DataView(bytes.buffer);
  view.setFloat64(prefixBytes, position.revision, true);
  view.setFloat64(prefixBytes + 8, position.index, true);
  return { bytes, view };
}

/** Makes the copy of its records. Throws `unsupported_version`, `storage_corrupt` or what the codecs of the feed throw. */
export class CopyReader {
  readonly #options: { readonly isOfAllKeys: boolean; readonly inflate: Inflate };
  #copy: Copy | undefined;
  #head: (Position & { readonly entries: number; readonly hash: string }) | undefined;
  /** The pages are complete. */
  #isWhole = false;

  constructor(options: { readonly isOfAllKeys: boolean; readonly inflate: Inflate }) {
    this.#options = options;
  }

  /** Whether it belongs to the batches, not to what was kept as a whole. */
  async take(record: Uint8Array): Promise<boolean> {
    const [found, kind] = record;
    if (found !== version) {
      throw new RaftkvError('unsupported_version', `a stored record of version ${found}, which is not known here`);
    }
    const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
    if (kind === kinds.page) {
      if (this.#isWhole || this.#copy === undefined) fail('a page that belongs to nothing');
      this.#copy.addEntries(decodeFeedEntries(record.subarray(prefixBytes)));
      return false;
    }
    if (kind === kinds.head) {
      if (this.#copy !== undefined || record.length !== headBytes) fail('its beginning is not one');
      const hash = String.fromCharCode(...record.subarray(-hashDigits));
      this.#head = { ...positionOf(view), entries: view.getFloat64(prefixBytes + positionBytes, true), hash };
      this.#copy = new Copy(this.#options);
      return false;
    }
    if (kind !== kinds.changes && kind !== kinds.deflatedChanges) fail(`a record of kind ${kind}`);
    const copy = this.finish() ?? (this.#copy = new Copy(this.#options));
    const position = positionOf(view);
    const stored = record.subarray(prefixBytes + positionBytes);
    const isDeflated = kind === kinds.deflatedChanges;
    const payload = isDeflated ? await this.#options.inflate(stored, defaultLimits.maxFrameBytes) : stored;
    copy.applyChanges(decodeFeedChanges(payload));
    copy.moveTo(position);
    return true;
  }

  /** The copy, whole and checked; undefined if there were no records. */
  finish(): Copy | undefined {
    const head = this.#head;
    const copy = this.#copy;
    if (this.#isWhole || copy === undefined || head === undefined) return copy;
    if (copy.size !== head.entries) fail(`it holds ${copy.size} entries, not ${head.entries}`);
    const own = copy.hash;
    if (own !== undefined && own !== head.hash && head.hash.trim() !== '') {
      fail(`its content hash is ${own}, not ${head.hash}`);
    }
    copy.moveTo(head);
    this.#isWhole = true;
    return copy;
  }
}

function positionOf(view: DataView): Position {
  if (view.byteLength < prefixBytes + positionBytes) fail('a record is too short');
  const position = { revision: view.getFloat64(prefixBytes, true), index: view.getFloat64(prefixBytes + 8, true) };
  if (![position.revision, position.index].every((value) => Number.isSafeInteger(value) && value >= 0)) {
    fail(`it stands at revision ${position.revision}, index ${position.index}`);
  }
  return position;
}

function fail(what: string): never {
  throw new RaftkvError('storage_corrupt', `the stored copy is damaged: ${what}`);
}
