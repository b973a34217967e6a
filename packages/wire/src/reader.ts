// Reads what `writer.ts` writes, from bytes that nobody vouches for: each step says which kind of value it expects, every length is
// checked against what is left, nothing is allocated on a header's word, and whatever does not fit throws `bad_frame`.
import type { Key } from '@raftkv/kv';
import { mayRunInNode } from './build.ts';
import { RaftkvError } from './error.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const twoTo32 = 0x1_0000_0000;
const fromUnits = String.fromCharCode;

/** A cursor over bytes. Binary values come out as views over them. */
export class Reader {
  readonly bytes: Uint8Array;
  offset: number;
  readonly end: number;

  constructor(bytes: Uint8Array, offset = 0, end = bytes.length) {
    // Node's Buffer is a Uint8Array whose `slice` does not copy: nothing that comes out of here shall be one.
    const isPlain = !mayRunInNode || bytes.constructor === Uint8Array;
    this.bytes = isPlain ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    this.offset = offset;
    this.end = end;
  }

  get isAtEnd(): boolean {
    return this.offset >= this.end;
  }

  fail(problem: string): never {
    throw new RaftkvError('bad_frame', `${problem} at byte ${this.offset} of ${this.end}`);
  }

  expectEnd(): void {
    if (this.offset !== this.end) this.fail('there is more than expected');
  }

  /** One raw byte. */
  byte(): number {
    if (this.offset >= this.end) this.fail('the bytes end too early');
    return this.bytes[this.offset++]!;
  }

  /** Whether the next value is nil; if so it is taken. */
  nil(): boolean {
    if (this.offset >= this.end) this.fail('the bytes end too early');
    if (this.bytes[this.offset] !== 0xc0) return false;
    this.offset += 1;
    return true;
  }

  bool(): boolean {
    const head = this.byte();
    if (head === 0xc3) return true;
    if (head === 0xc2) return false;
    return this.#wrong('a boolean');
  }

  uint(): number {
    const head = this.byte();
    if (head < 0x80) return head;
    if (head === 0xcc) return this.byte();
    if (head === 0xcd) return this.#big(2);
    if (head === 0xce) return this.#big(4);
    if (head !== 0xcf) return this.#wrong('an unsigned integer');
    const high = this.#big(4);
    // T50: what does not fit a number exactly is refused, not rounded.
    if (high >= 0x20_0000) return this.#wrong('an integer below 2^53');
    return high * twoTo32 + this.#big(4);
  }

  optionalUint(): number | undefined {
    return this.nil() ? undefined : this.uint();
  }

  /** An unsigned integer of at least 1. */
  positive(): number {
    const value = this.uint();
    return value > 0 ? value : this.#wrong('an integer above 0');
  }

  /** An unsigned integer of at most `highest`: flags, tags, enumerations. */
  small(highest: number): number {
    const value = this.uint();
    return value <= highest ? value : this.#wrong(`an integer of at most ${highest}`);
  }

  /** The number of elements of an array. Never more than bytes are left, since each takes at least one. */
  array(): number {
    const head = this.byte();
    let count: number;
    if ((head & 0xf0) === 0x90) count = head & 0x0f;
    else if (head === 0xdc) count = this.#big(2);
    else if (head === 0xdd) count = this.#big(4);
    else return this.#wrong('an array');
    return count <= this.end - this.offset ? count : this.fail('an array claims more elements than there are bytes');
  }

  /** An array of exactly `count` elements. */
  tuple(count: number): void {
    if (this.array() !== count) this.fail(`an array has not the ${count} elements that belong there`);
  }

  /** A view over the input. */
  bin(): Uint8Array {
    const length = this.#binLength();
    const start = this.offset;
    this.offset = start + length;
    return this.bytes.subarray(start, start + length);
  }

  #binLength(): number {
    const head = this.byte();
    let length: number;
    if (head === 0xc4) length = this.byte();
    else if (head === 0xc5) length = this.#big(2);
    else if (head === 0xc6) length = this.#big(4);
    else return this.#wrong('binary');
    return length <= this.end - this.offset ? length : this.fail('a length goes beyond the end');
  }

  key(): Key {
    const length = this.#binLength();
    const start = this.offset;
    this.offset = start + length;
    return byteString(this.bytes, start, start + length);
  }

  text(): string {
    const head = this.byte();
    let length: number;
    if ((head & 0xe0) === 0xa0) length = head & 0x1f;
    else if (head === 0xd9) length = this.byte();
    else if (head === 0xda) length = this.#big(2);
    else if (head === 0xdb) length = this.#big(4);
    else return this.#wrong('text');
    if (length > this.end - this.offset) this.fail('a length goes beyond the end');
    const start = this.offset;
    const end = start + length;
    let seen = 0;
    for (let i = start; i < end; i += 1) seen |= this.bytes[i]!;
    this.offset = end;
    if (seen < 0x80) return byteString(this.bytes, start, end);
    try {
      return utf8.decode(this.bytes.subarray(start, end));
    } catch {
      return this.fail('text is not UTF-8');
    }
  }

  #big(count: number): number {
    const { bytes, offset } = this;
    if (this.end - offset < count) this.fail('the bytes end too early');
    this.offset = offset + count;
    if (count === 2) return (bytes[offset]! << 8) | bytes[offset + 1]!;
    return ((bytes[offset]! << 24) | (bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!) >>> 0;
  }

  #wrong(expected: string): never {
    this.fail(`expected ${expected}`);
  }
}

/** Bytes as a string of one unit a byte. Written out by eights and sixteens: several times faster for the short keys of the hot path. */
export function byteString(b: Uint8Array, start: number, end: number): string {
  let text = '';
  let i = start;
  if (end - start > 256) {
    for (; i < end; i += 4096) text += fromUnits.apply(undefined, toArray(b.subarray(i, Math.min(end, i + 4096))));
    return text;
  }
  for (; i + 16 <= end; i += 16) {
    text += fromUnits(
      b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!, b[i + 4]!, b[i + 5]!, b[i + 6]!, b[i + 7]!,
      b[i + 8]!, b[i + 9]!, b[i + 10]!, b[i + 11]!, b[i + 12]!, b[i + 13]!, b[i + 14]!, b[i + 15]!,
    ); // prettier-ignore
  }
  if (i + 8 <= end) {
    text += fromUnits(b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!, b[i + 4]!, b[i + 5]!, b[i + 6]!, b[i + 7]!);
    i += 8;
  }
  if (i + 4 <= end) {
    text += fromUnits(b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!);
    i += 4;
  }
  for (; i < end; i += 1) text += fromUnits(b[i]!);
  return text;
}

/** `apply` takes any array-like at run time; its type wants number[]. */
function toArray(bytes: Uint8Array): number[] {
  return bytes as unknown as number[];
}
