// Comparing what was told with what is true: all that was said must be so, what was not said does not matter. And the one text that
// stands for a command, so that equal commands can be found in a log.
import type { Key, KeyRange } from '@raftkv/kv';

/** Whether every property of `told`, down to the last byte, is the same in `truth`. */
export function agrees(told: unknown, truth: unknown): boolean {
  if (told === truth) return true;
  if (told instanceof Uint8Array) return truth instanceof Uint8Array && isSameBytes(told, truth);
  if (typeof told !== 'object' || typeof truth !== 'object' || told === null || truth === null) return false;
  if (Array.isArray(told)) {
    return Array.isArray(truth) && told.length === truth.length && told.every((item, at) => agrees(item, truth[at]));
  }
  const other = truth as Record<string, unknown>;
  return Object.entries(told).every(([name, value]) => agrees(value, other[name]));
}

function isSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

/** Equal for equal values; bytes as text, properties in order of name, absent ones as those that are undefined. */
export function describe(value: unknown): string {
  if (value instanceof Uint8Array) return textOf(value);
  if (Array.isArray(value)) return `[${value.map(describe).join(', ')}]`;
  if (typeof value !== 'object' || value === null)
    return typeof value === 'string' ? JSON.stringify(value) : String(value);
  const parts = Object.entries(value)
    .filter(([, each]) => each !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, each]) => `${name}: ${describe(each)}`);
  return `{${parts.join(', ')}}`;
}

/** Printable bytes as they are, others by number. */
function textOf(bytes: Uint8Array): string {
  return `'${Array.from(bytes, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\${byte}`)).join('')}'`;
}

export function contains(range: KeyRange, key: Key): boolean {
  return range.from <= key && (range.to === undefined || key < range.to);
}
