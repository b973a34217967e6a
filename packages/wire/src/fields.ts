// The pieces that commands and requests share: keys, values, ranges and the options of a scan, with the checks of their sizes.
import type { Key, KeyRange, ScanOptions } from '@raftkv/kv';
import { RaftkvError } from './error.ts';
import type { Limits } from './limits.ts';
import type { Reader } from './reader.ts';
import type { Writer } from './writer.ts';

/** Two elements: from, to or nil. */
export function writeRange(writer: Writer, range: KeyRange, limits: Limits): void {
  checkBound(range.from, limits);
  if (range.to !== undefined) checkBound(range.to, limits);
  writer.key(range.from);
  writer.optionalKey(range.to);
}

export function readRange(reader: Reader, limits: Limits): KeyRange {
  const from = reader.key();
  const to = reader.optionalKey();
  checkBound(from, limits);
  if (to !== undefined) checkBound(to, limits);
  return { from, to };
}

/** Four elements: flags, limit, maxBytes, revision. */
export function writeScanOptions(writer: Writer, options: ScanOptions): void {
  writer.uint(
    (options.reverse === true ? 1 : 0) |
      (options.keysOnly === true ? 2 : 0) |
      (options.countOnly === true ? 4 : 0) |
      (options.withCount === true ? 8 : 0),
  );
  writer.optionalUint(options.limit);
  writer.optionalUint(options.maxBytes);
  writer.optionalUint(options.revision);
}

export function readScanOptions(reader: Reader): ScanOptions {
  const flags = reader.small(15);
  return {
    limit: reader.optionalUint(),
    reverse: (flags & 1) !== 0,
    keysOnly: (flags & 2) !== 0,
    countOnly: (flags & 4) !== 0,
    withCount: (flags & 8) !== 0,
    maxBytes: reader.optionalUint(),
    revision: reader.optionalUint(),
  };
}

export function readKey(reader: Reader, limits: Limits): Key {
  const key = reader.key();
  checkKey(key, limits);
  return key;
}

export function checkKey(key: Key, limits: Limits): void {
  if (key.length === 0) throw new RaftkvError('key_empty', 'a key has at least one byte');
  if (key.length > limits.maxKeyBytes) tooLargeKey(key.length, limits);
}

/** A bound may be empty, and one byte longer than a key: that is how "after this key" is written. */
function checkBound(bound: Key, limits: Limits): void {
  if (bound.length > limits.maxKeyBytes + 1) tooLargeKey(bound.length, limits);
}

export function checkValue(value: Uint8Array, limits: Limits): void {
  if (value.length > limits.maxValueBytes) {
    throw new RaftkvError('value_too_large', `a value of ${value.length} bytes; the limit is ${limits.maxValueBytes}`);
  }
}

function tooLargeKey(length: number, limits: Limits): never {
  throw new RaftkvError('key_too_large', `a key of ${length} bytes; the limit is ${limits.maxKeyBytes}`);
}
