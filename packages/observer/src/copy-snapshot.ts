// A copy as bytes: what its storage keeps as a snapshot. The entries are collected at one moment and encoded page by page, so that the copy can
// go on and the tab can breathe in between; reading checks the whole against its count and, for copies of all keys, its content hash.
import type { KeyValue } from '@raftkv/kv';
import { RaftkvError, decodeFeedEntries, encodeFeedEntries } from '@raftkv/wire';
import { Copy } from './copy.ts';
import type { Position } from './copy.ts';

const version = 1;
/** u8 version, f64 revision, f64 index, f64 entries, 16 digits of hash (blanks for none). */
const headBytes = 41;
/** A page ends when it holds this much. */
const pageBytes = 64 * 1024;

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

/** Head, then pages: u32 length and `encodeFeedEntries`. A chunk is a page; chunk borders mean nothing to the reader. */
export function* encodeCopy({ revision, index, hash, entries }: FrozenCopy): Generator<Uint8Array, void, undefined> {
  const head = new Uint8Array(headBytes);
  const view = new DataView(head.buffer);
  view.setUint8(0, version);
  view.setFloat64(1, revision, true);
  view.setFloat64(9, index, true);
  view.setFloat64(17, entries.length, true);
  const digits = hash ?? ' '.repeat(16);
  for (let i = 0; i < 16; i += 1) head[25 + i] = digits.charCodeAt(i);
  yield head;
  for (let from = 0; from < entries.length;) {
    let bytes = 0;
    let to = from;
    for (; to < entries.length && bytes < pageBytes; to += 1) {
      bytes += 32 + entries[to]!.key.length + entries[to]!.value.length;
    }
    yield framed(encodeFeedEntries(entries.slice(from, to)));
    from = to;
  }
}

function framed(page: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + page.length);
  new DataView(bytes.buffer).setUint32(0, page.length, true);
  bytes.set(page, 4);
  return bytes;
}

/** Takes the bytes of `encodeCopy` in pieces of any length and makes the copy of them. Throws `unsupported_version` or `storage_corrupt`. */
export class CopyReader {
  readonly #copy: Copy;
  #rest = new Uint8Array(0);
  #head: { readonly position: Position; readonly entries: number; readonly hash: string } | undefined;

  constructor(options: { readonly isOfAllKeys: boolean }) {
    this.#copy = new Copy(options);
  }

  write(chunk: Uint8Array): void {
    let bytes = chunk;
    if (this.#rest.length > 0) {
      bytes = new Uint8Array(this.#rest.length + chunk.length);
      bytes.set(this.#rest);
      bytes.set(chunk, this.#rest.length);
    }
    let at = 0;
    if (this.#head === undefined) {
      if (bytes.length > 0 && bytes[0] !== version) {
        throw new RaftkvError('unsupported_version', `a stored copy of version ${bytes[0]}, which is not known here`);
      }
      if (bytes.length < headBytes) return void (this.#rest = bytes.slice());
      this.#readHead(bytes);
      at = headBytes;
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    while (at + 4 <= bytes.length) {
      const end = at + 4 + view.getUint32(at, true);
      if (end > bytes.length) break;
      // A copy of one's own: the storage's chunk may be reused.
      this.#copy.addEntries(readPage(bytes.slice(at + 4, end)));
      at = end;
    }
    this.#rest = bytes.slice(at);
  }

  /** The copy, whole and checked. */
  finish(): Copy {
    const { position, entries, hash } = this.#head ?? fail('it has no beginning');
    if (this.#rest.length > 0) fail(`it ends in the middle of a page`);
    if (this.#copy.size !== entries) fail(`it holds ${this.#copy.size} entries, not ${entries}`);
    const own = this.#copy.hash;
    if (own !== undefined && hash !== ' '.repeat(16) && own !== hash) fail(`its content hash is ${own}, not ${hash}`);
    this.#copy.moveTo(position);
    return this.#copy;
  }

  #readHead(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const position = { revision: view.getFloat64(1, true), index: view.getFloat64(9, true) };
    const entries = view.getFloat64(17, true);
    if (![position.revision, position.index, entries].every((value) => Number.isSafeInteger(value) && value >= 0)) {
      fail('its head is damaged');
    }
    this.#head = { position, entries, hash: String.fromCharCode(...bytes.subarray(25, headBytes)) };
  }
}

function readPage(page: Uint8Array): KeyValue[] {
  try {
    return decodeFeedEntries(page);
  } catch (error) {
    return fail(RaftkvError.from(error).message);
  }
}

function fail(what: string): never {
  throw new RaftkvError('storage_corrupt', `the stored copy is damaged: ${what}`);
}
