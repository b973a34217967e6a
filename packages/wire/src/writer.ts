// Writes the subset of MessagePack that raftkv's frames and records are made of: unsigned integers up to 2^53, booleans, nil,
// float64, str, bin and arrays. No maps, no extensions. Used inside this package only; `reader.ts` is its mirror.
import type { Key } from '@raftkv/kv';
import { RaftkvError } from './error.ts';
import type { Slab } from './slab.ts';

const utf8 = new TextEncoder();
const twoTo32 = 0x1_0000_0000;

/** A growing buffer. `offset` is where the next byte goes; bytes before it are final. */
export class Writer {
  bytes: Uint8Array;
  offset = 0;
  /** Where this one began: not 0 in a slab. */
  #start = 0;
  readonly #slab: Slab | undefined;

  /** With a slab it writes into that, as long as `capacityBytes` are enough. */
  constructor(capacityBytes: number, slab?: Slab) {
    this.#slab = slab;
    if (slab === undefined) this.bytes = new Uint8Array(capacityBytes);
    else {
      this.bytes = slab.reserve(capacityBytes);
      this.#start = slab.used;
      this.offset = slab.used;
    }
  }

  /** What was written, as a view. */
  finish(): Uint8Array {
    const { bytes, offset } = this;
    if (this.#slab !== undefined && this.#slab.reserve(0) === bytes) this.#slab.take(offset);
    return this.#start === 0 && offset === bytes.length ? bytes : bytes.subarray(this.#start, offset);
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const needed = this.offset + count;
    if (needed <= this.bytes.length) return;
    const written = this.bytes.subarray(this.#start, this.offset);
    const grown = new Uint8Array(Math.max(written.length + count, written.length * 2));
    grown.set(written);
    this.bytes = grown;
    this.#start = 0;
    this.offset = written.length;
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.offset++] = value;
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.offset);
    this.offset += bytes.length;
  }

  nil(): void {
    this.byte(0xc0);
  }

  bool(value: boolean): void {
    this.byte(value ? 0xc3 : 0xc2);
  }

  uint(value: number): void {
    this.reserve(9);
    const bytes = this.bytes;
    const offset = this.offset;
    if (value >= 0 && value < 0x80 && Number.isInteger(value)) {
      bytes[offset] = value;
      this.offset = offset + 1;
    } else if (value >= 0x80 && value < twoTo32 && Number.isInteger(value)) {
      this.#sized(0xcc, value);
    } else {
      if (!Number.isSafeInteger(value) || value < 0) {
        throw new RaftkvError('invalid_argument', `${value} is not an integer from 0 to 2^53-1`);
      }
      bytes[offset] = 0xcf;
      writeUint32(bytes, offset + 1, Math.floor(value / twoTo32));
      writeUint32(bytes, offset + 5, value >>> 0);
      this.offset = offset + 9;
    }
  }

  /** A number of one, two or four bytes behind the head for that: an integer, or how long what follows is. There is room for it. */
  #sized(head: number, value: number): void {
    const bytes = this.bytes;
    const offset = this.offset;
    if (value < 0x100) {
      bytes[offset] = head;
      bytes[offset + 1] = value;
      this.offset = offset + 2;
    } else if (value < 0x10000) {
      bytes[offset] = head + 1;
      bytes[offset + 1] = value >>> 8;
      bytes[offset + 2] = value;
      this.offset = offset + 3;
    } else {
      bytes[offset] = head + 2;
      writeUint32(bytes, offset + 1, value);
      this.offset = offset + 5;
    }
  }

  optionalUint(value: number | undefined): void {
    if (value === undefined) this.nil();
    else this.uint(value);
  }

  array(count: number): void {
    if (count < 16) this.byte(0x90 | count);
    else {
      this.reserve(5);
      this.bytes[this.offset] = 0xdd;
      writeUint32(this.bytes, this.offset + 1, count);
      this.offset += 5;
    }
  }

  /** The head of an array of fewer than 16 elements whose first is a tag below 128. */
  head(count: number, tag: number): void {
    this.reserve(2);
    this.bytes[this.offset] = 0x90 | count;
    this.bytes[this.offset + 1] = tag;
    this.offset += 2;
  }

  bin(value: Uint8Array): void {
    this.reserve(value.length + 5);
    this.#sized(0xc4, value.length);
    this.raw(value);
  }

  /** A byte string, as bin. */
  key(key: Key): void {
    const length = key.length;
    this.reserve(length + 5);
    this.#sized(0xc4, length);
    const bytes = this.bytes;
    const offset = this.offset;
    let seen = 0;
    for (let i = 0; i < length; i += 1) {
      const unit = key.charCodeAt(i);
      seen |= unit;
      bytes[offset + i] = unit;
    }
    if (seen > 0xff) throw new RaftkvError('invalid_argument', 'a key holds a unit above 255: make it with keyFrom');
    this.offset = offset + length;
  }

  /** Text, as str in UTF-8. */
  text(text: string): void {
    const length = text.length;
    if (length < 32) {
      this.reserve(length + 1);
      const bytes = this.bytes;
      const offset = this.offset + 1;
      let seen = 0;
      for (let i = 0; i < length; i += 1) {
        const unit = text.charCodeAt(i);
        seen |= unit;
        bytes[offset + i] = unit;
      }
      if (seen < 0x80) {
        bytes[offset - 1] = 0xa0 | length;
        this.offset = offset + length;
        return;
      }
    }
    const encoded = utf8.encode(text);
    this.reserve(encoded.length + 5);
    this.bytes[this.offset] = 0xdb;
    writeUint32(this.bytes, this.offset + 1, encoded.length);
    this.bytes.set(encoded, this.offset + 5);
    this.offset += 5 + encoded.length;
  }
}

function writeUint32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
}
