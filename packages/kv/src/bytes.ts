// Numbers, byte strings and blobs to bytes in chunks, and back from chunks cut anywhere. The snapshot's format is built from these;
// the writer is trusted with its values, the feed trusts nothing that it reads.
import type { Key } from './command.ts';
import { extendChecksum } from './checksum.ts';

/** The bytes are not a snapshot that this program wrote: damaged, cut short, or of a version it does not know. */
export class SnapshotFormatError extends Error {
  override readonly name = 'SnapshotFormatError';
}

/** Fills chunks of one size. A chunk that was taken is never touched again. */
export class ChunkWriter {
  readonly #chunkBytes: number;
  #chunk: Uint8Array;
  #length = 0;
  #full: Uint8Array[] = [];
  #checksum = 0;

  constructor(chunkBytes: number) {
    this.#chunkBytes = chunkBytes;
    this.#chunk = new Uint8Array(chunkBytes);
  }

  /** There are chunks to take: time to pause, so that one step costs about a chunk. */
  get isFull(): boolean {
    return this.#full.length > 0;
  }

  takeFull(): readonly Uint8Array[] {
    const full = this.#full;
    this.#full = [];
    return full;
  }

  byte(value: number): void {
    if (this.#length === this.#chunk.length) this.#turn();
    this.#chunk[this.#length++] = value;
  }

  /** A whole number up to 2^53 - 1, seven bits a byte, lowest first. */
  uint(value: number): void {
    let rest = value;
    while (rest > 0x7fffffff) {
      this.byte((rest % 128) | 128);
      rest = Math.floor(rest / 128);
    }
    while (rest > 127) {
      this.byte((rest & 127) | 128);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  /** A byte string, its length first. */
  string(text: Key): void {
    this.uint(text.length);
    for (let at = 0; at < text.length; at++) this.byte(text.charCodeAt(at));
  }

  blob(bytes: Uint8Array): void {
    this.uint(bytes.length);
    let from = 0;
    while (from < bytes.length) {
      if (this.#length === this.#chunk.length) this.#turn();
      const count = Math.min(bytes.length - from, this.#chunk.length - this.#length);
      const isWhole = count === bytes.length;
      this.#chunk.set(isWhole ? bytes : bytes.subarray(from, from + count), this.#length);
      this.#length += count;
      from += count;
    }
  }

  #turn(): void {
    this.#checksum = extendChecksum(this.#checksum, this.#chunk, 0, this.#length);
    this.#full.push(this.#chunk.length === this.#length ? this.#chunk : this.#chunk.slice(0, this.#length));
    this.#chunk = new Uint8Array(this.#chunkBytes);
    this.#length = 0;
  }

  /** Appends the checksum of everything before it; the rest is then ready to take. */
  finish(): void {
    const checksum = extendChecksum(this.#checksum, this.#chunk, 0, this.#length);
    for (let shift = 0; shift < 32; shift += 8) this.byte((checksum >>> shift) & 255);
    this.#turn();
  }
}

/** Makes the parser wait: what it yields means "more bytes, please". */
export type Parsing<T> = Generator<void, T, void>;

const none = new Uint8Array(0);

/** Bytes as they come in. Reads beyond the end answer 0 and set `isShort`; `readGroup` then rewinds and waits. */
export class ByteFeed {
  #bytes: Uint8Array = none;
  #at = 0;
  #mark = 0;
  #checksum = 0;
  #checkedTo = 0;
  isShort = false;

  get available(): number {
    return this.#bytes.length - this.#at;
  }

  push(chunk: Uint8Array): void {
    const rest = this.#bytes;
    if (rest.length === 0) {
      // A plain view: the `slice` of Node's Buffer does not copy, and values must not live in the caller's memory.
      this.#bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
      return;
    }
    this.#bytes = new Uint8Array(rest.length + chunk.length);
    this.#bytes.set(rest);
    this.#bytes.set(chunk, rest.length);
  }

  /** Lets go of the pushed chunk, which belongs to the caller: the few bytes that wait for their group are copied. */
  settle(): void {
    this.#checkUpTo(this.#at);
    this.#bytes = this.available === 0 ? none : this.#bytes.slice(this.#at);
    this.#at = 0;
    this.#checkedTo = 0;
  }

  #checkUpTo(end: number): void {
    this.#checksum = extendChecksum(this.#checksum, this.#bytes, this.#checkedTo, end);
    this.#checkedTo = end;
  }

  /** Of everything read so far. */
  checksum(): number {
    this.#checkUpTo(this.#at);
    return this.#checksum;
  }

  mark(): void {
    this.#mark = this.#at;
    this.isShort = false;
  }

  rewind(): void {
    this.#at = this.#mark;
  }

  byte(): number {
    if (this.#at < this.#bytes.length) return this.#bytes[this.#at++] ?? 0;
    this.isShort = true;
    return 0;
  }

  uint(): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 53; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) {
        if (value > Number.MAX_SAFE_INTEGER) break;
        // One number, one spelling: otherwise two different snapshots could stand for one state.
        if (byte === 0 && scale > 1 && !this.isShort) break;
        return value;
      }
    }
    throw new SnapshotFormatError('a number is too large or misspelt');
  }

  /** At most `length` bytes, as a view that holds until the next push. */
  take(length: number): Uint8Array {
    const end = Math.min(this.#at + length, this.#bytes.length);
    const view = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return view;
  }
}

/** Runs `read`, which must take no more than a few numbers, as soon as all its bytes are there. */
export function* readGroup<T>(feed: ByteFeed, read: (feed: ByteFeed) => T): Parsing<T> {
  for (;;) {
    feed.mark();
    const value = read(feed);
    if (!feed.isShort) return value;
    feed.rewind();
    yield;
  }
}

/** A copy of the next `length` bytes: a value must not keep the chunk around it in memory. Grows with what arrives, not with what is claimed. */
export function* readBlob(feed: ByteFeed, length: number): Parsing<Uint8Array> {
  if (feed.available >= length) return feed.take(length).slice();
  const parts: Uint8Array[] = [];
  let missing = length;
  while (missing > 0) {
    if (feed.available === 0) yield;
    const part = feed.take(missing).slice();
    parts.push(part);
    missing -= part.length;
  }
  const blob = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    blob.set(part, at);
    at += part.length;
  }
  return blob;
}

export function* readString(feed: ByteFeed, length: number): Parsing<Key> {
  if (feed.available >= length && length <= 1024) return String.fromCharCode(...feed.take(length));
  const bytes = yield* readBlob(feed, length);
  let text = '';
  for (let at = 0; at < length; at += 1024) text += String.fromCharCode(...bytes.subarray(at, at + 1024));
  return text;
}
