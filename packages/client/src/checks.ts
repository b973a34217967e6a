// What calls are checked for before they begin. A read must not wait in a frame with others and then turn out impossible to encode: that would
// take them all down. Writes need only the check of their options: their command is encoded at once.
import type { Key, KeyRange } from '@raftkv/kv';
import { RaftkvError, checkBound, checkKey, keyFrom, rangeFrom } from '@raftkv/wire';
import type { KeyInput, Limits, RangeInput, ReadLevel } from '@raftkv/wire';
import type { CallOptions } from './dispatcher.ts';

const levels: readonly string[] = ['linearizable', 'session', 'local'] satisfies ReadLevel[];

/** The level asked for, or the default. */
export function checkedLevel(level: ReadLevel | undefined): ReadLevel {
  if (level === undefined) return 'linearizable';
  if (levels.includes(level)) return level;
  throw new RaftkvError('invalid_argument', `there is no level ${String(level)}; there are ${levels.join(', ')}`);
}

/** A revision, a limit: from `least` to 2^53-1, or left out. */
export function checkedNumber(name: string, value: number | undefined, least: number): number | undefined {
  if (value === undefined || (Number.isSafeInteger(value) && value >= least)) return value;
  throw new RaftkvError('invalid_argument', `${name} is ${String(value)}; it must be a whole number from ${least} on`);
}

/** Before a call begins: a write must not take its place in the session and then fail to start. */
export function checkCallOptions({ timeoutMilliseconds, signal }: CallOptions): void {
  if (timeoutMilliseconds !== undefined && !(timeoutMilliseconds > 0)) {
    throw new RaftkvError('invalid_argument', `timeoutMilliseconds is ${timeoutMilliseconds}; it must be above 0`);
  }
  if (signal !== undefined && typeof signal.addEventListener !== 'function') {
    throw new RaftkvError('invalid_argument', 'the signal is no AbortSignal');
  }
}

export function checkedKey(key: KeyInput, limits: Limits): Key {
  const made = keyFrom(key);
  checkKey(made, limits);
  return made;
}

export function checkedRange(range: RangeInput, limits: Limits): KeyRange {
  if (typeof range !== 'object' || range === null) throw new RaftkvError('invalid_argument', 'a range is an object');
  const made = rangeFrom(range);
  checkBound(made.from, limits);
  if (made.to !== undefined) checkBound(made.to, limits);
  return made;
}
