// Raw DEFLATE for payloads, with a bound on what may come out. The universal implementation is fflate's; a Node process may deflate with node:zlib
// instead. Decoding commands always uses the one here.
import { Inflate, deflateSync, inflateSync } from 'fflate';
import { RaftkvError } from './error.ts';
import { makePacker } from './packer.ts';
import type { CommandPacker, Deflate } from './packer.ts';

export interface Compression extends Deflate {
  /** Packs the commands of one client. Taken from here, so that only who compresses carries it. */
  packer(): CommandPacker;
}

/** DEFLATE in plain JavaScript, for every runtime. */
export const deflateCompression: Compression = {
  deflate: (bytes) => deflateSync(bytes, { level: 1 }),
  inflate: inflateBounded,
  packer() {
    return makePacker(this);
  },
};

/** DEFLATE makes at most 1,032 bytes of one: input is fed in pieces so that a bomb is noticed 16 MiB late at worst, never held whole. */
const pieceBytes = 16 * 1024;

function inflateBounded(bytes: Uint8Array, maxBytes: number): Uint8Array {
  let result: Uint8Array;
  try {
    // One byte of room above the bound tells "too much" from "exactly as much".
    if (bytes.length <= pieceBytes) result = inflateSync(bytes, { out: new Uint8Array(roomFor(bytes, maxBytes)) });
    else result = inflatePieces(bytes, maxBytes);
  } catch (error) {
    throw RaftkvError.from(error, 'bad_frame');
  }
  if (result.length > maxBytes) throw tooLarge(maxBytes);
  return result;
}

function roomFor(bytes: Uint8Array, maxBytes: number): number {
  return Math.min(maxBytes + 1, bytes.length * 1032 + 1);
}

function inflatePieces(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let total = 0;
  const stream = new Inflate((part) => {
    total += part.length;
    if (total > maxBytes) throw tooLarge(maxBytes);
    parts.push(part);
  });
  for (let start = 0; start < bytes.length; start += pieceBytes) {
    const end = Math.min(bytes.length, start + pieceBytes);
    stream.push(bytes.subarray(start, end), end === bytes.length);
  }
  const result = new Uint8Array(total);
  let offset = 0;
  for (const part of parts) {
    result.set(part, offset);
    offset += part.length;
  }
  return result;
}

function tooLarge(maxBytes: number): RaftkvError {
  return new RaftkvError('request_too_large', `inflates to more than ${maxBytes} bytes`);
}
