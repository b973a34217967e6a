// The pieces that commands and requests share: keys, values and ranges, with the checks of their sizes. A limit is
// checked both when writing and when reading.
import type { Key, KeyRange } from '@raftkv/kv';
import { RaftkvError } from './error.ts';
import { bin, fields, key, optional } from './layout.ts';
import type { Layout } from './layout.ts';
import type { Limits } from './limits.ts';

/** A key that something is done with. */
export const checkedKey = checked(key, checkKey);
export const checkedValue = checked(bin, checkValue);

const bound = checked(key, checkBound);
/** Two elements: from, to or nil. */
export const range: Layout<KeyRange> = fields({ from: bound, to: optional(bound) });

export function checkKey(made: Key, limits: Limits): void {
  if (made.length === 0) throw new RaftkvError('key_empty', 'a key has at least one byte');
  checkLength(made, limits, limits.maxKeyBytes);
}

/** A bound may be empty, and one byte longer than a key: that is how "after this key" is written. */
export function checkBound(made: Key, limits: Limits): void {
  checkLength(made, limits, limits.maxKeyBytes + 1);
}

export function checkValue(value: Uint8Array, limits: Limits): void {
  if (value.length > limits.maxValueBytes) {
    throw new RaftkvError('value_too_large', `a value of ${value.length} bytes; the limit is ${limits.maxValueBytes}`);
  }
}

function checkLength({ length }: Key, limits: Limits, most: number): void {
  if (length > most) {
    throw new RaftkvError('key_too_large', `a key of ${length} bytes; the limit is ${limits.maxKeyBytes}`);
  }
}

function checked<T>(layout: Layout<T>, check: (value: T, limits: Limits) => void): Layout<T> {
  return {
    size: 1,
    write(writer, value, walk) {
      check(value, walk.limits);
      layout.write(writer, value, walk);
    },
    /** @server */
    read(reader, walk) {
      const value = layout.read(reader, walk);
      check(value, walk.limits);
      return value;
    },
  };
}
