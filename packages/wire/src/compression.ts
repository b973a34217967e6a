// Raw DEFLATE for payloads, with a bound on what may come out, and the gate that learns when not to try. The universal
// implementation is fflate's; a Node process may give `encodeCommand` node:zlib instead. Decoding commands always uses the one here.
import { Inflate, deflateSync, inflateSync } from 'fflate';
import { RaftkvError } from './error.ts';

export interface Compression {
  /** Raw DEFLATE (RFC 1951). */
  deflate(bytes: Uint8Array): Uint8Array;
  /** Throws `bad_frame` on bytes that are not DEFLATE, `request_too_large` when more than `maxBytes` would come out. */
  inflate(bytes: Uint8Array, maxBytes: number): Uint8Array;
}

/** DEFLATE in plain JavaScript, for every runtime. */
export const deflateCompression: Compression = {
  deflate: (bytes) => deflateSync(bytes, { level: 1 }),
  inflate: inflateBounded,
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

const missesBeforeRest = 4;
const shortestRest = 16;
const longestRest = 1024;

/**
 * Says whether trying to compress is worth it, from how the last tries went: after four in a row that did not pay it rests for 16
 * payloads, then 32, … up to 1,024, and one that pays ends the rest. One gate a stream of like payloads (a client has one).
 */
export class CompressionGate {
  #misses = 0;
  #restLength = shortestRest;
  #restLeft = 0;

  shouldTry(): boolean {
    if (this.#restLeft === 0) return true;
    this.#restLeft -= 1;
    return false;
  }

  record(paid: boolean): void {
    if (paid) {
      this.#misses = 0;
      this.#restLength = shortestRest;
      return;
    }
    this.#misses += 1;
    if (this.#misses < missesBeforeRest) return;
    this.#restLeft = this.#restLength;
    this.#restLength = Math.min(longestRest, this.#restLength * 2);
  }
}
