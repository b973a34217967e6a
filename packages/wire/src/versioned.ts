// What begins with the version of its format: frames, records and payloads, all of them version 1 so far. An unknown version is refused, never guessed at.
import { RaftkvError } from './error.ts';
import type { Layout, Walk } from './layout.ts';
import { formatLimits } from './limits.ts';
import { Reader } from './reader.ts';
import { Writer } from './writer.ts';

const version = 1;

export function openWriter(capacityBytes: number): Writer {
  const writer = new Writer(capacityBytes);
  writer.byte(version);
  return writer;
}

/** `what` it is, for the error. Throws `bad_frame` if there is nothing, or `unsupported_version`. */
export function openReader(bytes: Uint8Array, what: string): Reader {
  const reader = new Reader(bytes);
  const found = reader.byte();
  if (found === version) return reader;
  throw new RaftkvError('unsupported_version', `${what} of version ${found}, which is not known here`);
}

/** Within the bounds of the format: narrower ones are for whoever uses what is read. */
export function startWalk(): Walk {
  return { limits: formatLimits, ops: Infinity, depth: 0 };
}

export function encodeVersioned<T>(layout: Layout<T>, value: T, capacityBytes: number): Uint8Array {
  const writer = openWriter(capacityBytes);
  layout.write(writer, value, startWalk());
  return writer.finish();
}

/** Nothing may follow. */
export function decodeVersioned<T>(layout: Layout<T>, bytes: Uint8Array, what: string): T {
  const reader = openReader(bytes, what);
  const value = layout.read(reader, startWalk());
  reader.expectEnd();
  return value;
}
