// How much of a watch's window a change takes: the one measure that a server counts what it sent with, and a client what it consumed.
import type { Change } from '@raftkv/kv';

/** Bytes of keys and values, with a flat rate for what surrounds them. Never 0. */
export function changeBytes(change: Change): number {
  let bytes = 16;
  for (const event of change.events) {
    const key = event.type === 'put' ? event.entry.key : event.key;
    bytes += 32 + key.length;
    if (event.type === 'put') bytes += event.entry.value.length;
    if (event.previous !== undefined) bytes += 32 + event.previous.value.length;
  }
  return bytes;
}
