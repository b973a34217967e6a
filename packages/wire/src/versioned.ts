// What begins with the version of its format: frames, records and payloads. Most know one version; where there are several, the newest is
// written and all are read. An unknown version is refused, never guessed at.
import { RaftkvError } from './error.ts';
import type { Layout, Walk } from './layout.ts';
import { formatLimits } from './limits.ts';
import { Reader } from './reader.ts';
import { Writer } from './writer.ts';

/** One layout, which is version 1, or one for each version from 1 on; undefined: one that is read no more. */
export type Format<T> = Layout<T> | readonly [Layout<T> | undefined, ...Layout<T>[]];

export function openWriter(capacityBytes: number, version = 1): Writer {
  const writer = new Writer(capacityBytes);
  writer.byte(version);
  return writer;
}

/** A reader behind a first byte of 1 to `newest`. `what` it is, for the error. Throws `bad_frame` if there is nothing, or `unsupported_version`. */
export function openReader(bytes: Uint8Array, what: string, newest = 1): Reader {
  const reader = new Reader(bytes);
  const found = reader.byte();
  return found >= 1 && found <= newest ? reader : refuseVersion(found, what);
}

function refuseVersion(found: number, what: string): never {
  throw new RaftkvError('unsupported_version', `${what} of version ${found}, which is not known here`);
}

/** Within the bounds of the format: narrower ones are for whoever uses what is read. */
export function startWalk(version = 1): Walk {
  return { version, limits: formatLimits, ops: Infinity, depth: 0 };
}

/** In the newest version of the format, or in the one that is given. */
export function encodeVersioned<T>(
  format: Format<T>,
  value: T,
  capacityBytes: number,
  version = layoutsOf(format).length,
): Uint8Array {
  const writer = openWriter(capacityBytes, version);
  layoutsOf(format)[version - 1]!.write(writer, value, startWalk());
  return writer.finish();
}

/** In any version of the format. Nothing may follow. */
export function decodeVersioned<T>(format: Format<T>, bytes: Uint8Array, what: string): T {
  const reader = new Reader(bytes);
  const version = reader.byte();
  const layout = layoutsOf(format)[version - 1] ?? refuseVersion(version, what);
  const value = layout.read(reader, startWalk());
  reader.expectEnd();
  return value;
}

function layoutsOf<T>(format: Format<T>): readonly (Layout<T> | undefined)[] {
  return 'write' in format ? [format] : format;
}
