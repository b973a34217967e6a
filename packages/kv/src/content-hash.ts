// A hash of what a store holds, whatever way it came there: two copies with the same live entries have the same one. It finds a copy that
// went astray, not one that was forged. The algorithm is a format: observers and members of different releases compare what it gives.
import type { Key, KeyValue } from './command.ts';
import type { KeyIndex } from './key-index.ts';
import { stop } from './key-index.ts';

/**
 * The sum of the hashes of entries: it does not depend on their order, and an entry can be taken out again.
 *
 * @example
 * const hash = new ContentHash();
 * hash.add(entry);
 * hash.toString(); // 16 hexadecimal digits
 */
export class ContentHash {
  #first = 0;
  #second = 0;

  add(entry: KeyValue): void {
    const [first, second] = hashEntry(entry);
    this.#first = (this.#first + first) >>> 0;
    this.#second = (this.#second + second) >>> 0;
  }

  /** Undoes `add` of an equal entry. */
  remove(entry: KeyValue): void {
    const [first, second] = hashEntry(entry);
    this.#first = (this.#first - first) >>> 0;
    this.#second = (this.#second - second) >>> 0;
  }

  /** 16 hexadecimal digits; all 0 for nothing. */
  toString(): string {
    return hex(this.#first) + hex(this.#second);
  }
}

/** Two numbers of 32 bits from everything that an entry is: key, value, revision, createRevision, version. */
function hashEntry({ key, value, revision, createRevision, version }: KeyValue): readonly [number, number] {
  // The lengths first, so that what is filled up with zeros below stays apart.
  let first = mixFirst(mixFirst(0x9e3779b1, key.length), value.length);
  let second = mixSecond(mixSecond(0x85ebca77, key.length), value.length);
  for (let at = 0; at < key.length; at += 4) {
    // Beyond the end there is NaN, which counts as 0.
    const word =
      key.charCodeAt(at) |
      (key.charCodeAt(at + 1) << 8) |
      (key.charCodeAt(at + 2) << 16) |
      (key.charCodeAt(at + 3) << 24);
    first = mixFirst(first, word);
    second = mixSecond(second, word);
  }
  const whole = value.length & ~3;
  for (let at = 0; at < whole; at += 4) {
    const word = value[at]! | (value[at + 1]! << 8) | (value[at + 2]! << 16) | (value[at + 3]! << 24);
    first = mixFirst(first, word);
    second = mixSecond(second, word);
  }
  let rest = 0;
  for (let at = whole; at < value.length; at++) rest |= value[at]! << ((at - whole) * 8);
  first = mixNumber(mixFirst, mixFirst(first, rest), revision);
  first = scatter(mixNumber(mixFirst, mixNumber(mixFirst, first, createRevision), version));
  second = mixNumber(mixSecond, mixSecond(second, rest), revision);
  second = mixNumber(mixSecond, mixNumber(mixSecond, second, createRevision), version);
  return [first, scatter(second ^ first)];
}

// For a given state each word leads to another one, and the other way round; a multiplication carries upwards only, so each is followed or
// preceded by a rotation that brings the high bits down.
function mixFirst(state: number, word: number): number {
  const sum = (state + Math.imul(word, 0xc2b2ae3d)) | 0;
  return Math.imul((sum << 17) | (sum >>> 15), 0x27d4eb2f);
}

function mixSecond(state: number, word: number): number {
  const mixed = state ^ Math.imul(word, 0xcc9e2d51);
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x165667b1);
}

function mixNumber(mix: typeof mixFirst, state: number, number: number): number {
  return mix(mix(state, number | 0), (number / 0x1_0000_0000) | 0);
}

/** Every bit of the input changes about half of the output's. */
function scatter(word: number): number {
  let mixed = word ^ (word >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function hex(word: number): string {
  return word.toString(16).padStart(8, '0');
}

/** What an entry counts for beside its key and value when the work is divided. */
const entryBytes = 32;

/**
 * The content hash of a keyspace that goes on being written to. It is made by walking the keys, in steps, since there may be many; writes to
 * keys that the walk has passed are followed, the others it will meet.
 */
export class RunningHash {
  readonly #sum = new ContentHash();
  /** Keys below it are contained; undefined = all are. */
  #frontier: Key | undefined = '';

  /** A key went from `before` to `after`; undefined = it was not there, or no longer is. */
  replace(before: KeyValue | undefined, after: KeyValue | undefined): void {
    const key = (after ?? before)?.key;
    if (key === undefined || (this.#frontier !== undefined && key >= this.#frontier)) return;
    if (before !== undefined) this.#sum.remove(before);
    if (after !== undefined) this.#sum.add(after);
  }

  /** Walks on over about `maxBytes`; true once all keys are contained. */
  advance(index: KeyIndex, maxBytes: number): boolean {
    if (this.#frontier === undefined) return true;
    let left = maxBytes;
    let next: Key | undefined;
    index.walkForward({ from: this.#frontier, to: undefined }, (key, { newest: { entry } }) => {
      if (left <= 0) {
        next = key;
        return stop;
      }
      left -= entryBytes + key.length;
      if (entry === undefined) return undefined;
      left -= entry.value.length;
      this.#sum.add(entry);
      return undefined;
    });
    this.#frontier = next;
    return next === undefined;
  }

  /** Once `advance` said true. */
  toString(): string {
    return this.#sum.toString();
  }
}
