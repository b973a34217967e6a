// Keys and ranges as users write them, turned into the byte strings that the store orders. Nothing here checks sizes:
// `command.ts` does, where the bytes are made.
import type { Key, KeyRange } from '@raftkv/kv';
import { RaftkvError } from './error.ts';
import { byteString } from './reader.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** A key as users give it: text stands for its UTF-8. */
export type KeyInput = string | Uint8Array;

/** Which keys: all with a prefix, those between bounds (`gte` wins over `gt`, `lt` over `lte`), or all. */
export type RangeInput = { readonly prefix: KeyInput } | Bounds | { readonly all: true };

interface Bounds {
  readonly gte?: KeyInput;
  readonly gt?: KeyInput;
  readonly lt?: KeyInput;
  readonly lte?: KeyInput;
}

/**
 * The byte string of a key. Throws `invalid_argument` for text with a lone surrogate: it has no UTF-8, and replacing it would
 * let two different keys meet.
 *
 * @example keyFrom('é') === '\xc3\xa9'
 */
export function keyFrom(key: KeyInput): Key {
  if (typeof key !== 'string') return byteString(key, 0, key.length);
  const length = key.length;
  for (let i = 0; i < length; i += 1) {
    if (key.charCodeAt(i) > 0x7f) return keyFromWideText(key);
  }
  return key;
}

function keyFromWideText(key: string): Key {
  // What is one half of a pair with its other half is no surrogate to a pattern with this flag.
  if (/\p{Surrogate}/u.test(key)) {
    throw new RaftkvError('invalid_argument', 'the key is not well-formed text: it holds half a surrogate pair');
  }
  const bytes = encoder.encode(key);
  return byteString(bytes, 0, bytes.length);
}

/** The bytes of a key, fresh. */
export function keyToBytes(key: Key): Uint8Array {
  const bytes = new Uint8Array(key.length);
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = key.charCodeAt(i);
  return bytes;
}

/** The text of a key; what is not UTF-8 shows as U+FFFD. */
export function keyToString(key: Key): string {
  for (let i = 0; i < key.length; i += 1) {
    if (key.charCodeAt(i) > 0x7f) return decoder.decode(keyToBytes(key));
  }
  return key;
}

/** The lowest key above all keys with this prefix; undefined if there is none (the prefix is empty or all 0xff). */
export function prefixEnd(prefix: Key): Key | undefined {
  for (let last = prefix.length - 1; last >= 0; last -= 1) {
    const unit = prefix.charCodeAt(last);
    if (unit < 0xff) return prefix.slice(0, last) + String.fromCharCode(unit + 1);
  }
  return undefined;
}

/**
 * @example
 * ```ts
 * rangeFrom({ prefix: 'user/' }) // { from: 'user/', to: 'user0' }
 * rangeFrom({ gt: 'a', lte: 'b' }) // { from: 'a\0', to: 'b\0' }
 * ```
 */
export function rangeFrom(range: RangeInput): KeyRange {
  if ('prefix' in range && range.prefix !== undefined) {
    const prefix = keyFrom(range.prefix);
    return { from: prefix, to: prefixEnd(prefix) };
  }
  if ('all' in range) return { from: '', to: undefined };
  const { gte, gt, lt, lte } = range as Bounds;
  return { from: lowerBound(gte, gt), to: upperBound(lt, lte) };
}

function lowerBound(inclusive: KeyInput | undefined, exclusive: KeyInput | undefined): Key {
  if (inclusive !== undefined) return keyFrom(inclusive);
  return exclusive === undefined ? '' : `${keyFrom(exclusive)}\0`;
}

function upperBound(exclusive: KeyInput | undefined, inclusive: KeyInput | undefined): Key | undefined {
  if (exclusive !== undefined) return keyFrom(exclusive);
  return inclusive === undefined ? undefined : `${keyFrom(inclusive)}\0`;
}
