// Commands under DEFLATE: when it is worth the attempt, and what it looks like. A client that never compresses has none of this; `command.ts` is handed
// what packs, and unpacks for the state machine with the one implementation that all members share.
import { CompressionGate } from './compression-gate.ts';
import { RaftkvError } from './error.ts';
import type { Limits } from './limits.ts';
import { Reader } from './reader.ts';
import { Writer } from './writer.ts';

export const deflatedFormat = 0x11;

export interface Deflate {
  /** Raw DEFLATE (RFC 1951). */
  deflate(bytes: Uint8Array): Uint8Array;
  /** Throws `bad_frame` on bytes that are not DEFLATE, `request_too_large` when more than `maxBytes` would come out. */
  inflate(bytes: Uint8Array, maxBytes: number): Uint8Array;
}

/** For one stream of like commands: a client has one. */
export interface CommandPacker {
  /** The same bytes, or fewer where values of more than 1 KiB can be cut by at least an eighth. */
  pack(plain: Uint8Array): Uint8Array;
  /** What was packed, without its format byte. Throws `bad_frame`, or `request_too_large` beyond the limit. */
  unpack(packed: Uint8Array, limits: Limits): Uint8Array;
}

/** Values up to this many bytes in total are not worth compressing. */
const compressFromBytes = 1024;
/** What surrounds key and value in the largest plain put, roughly; so that a value of just 1 KiB stays under the threshold. */
export const envelopeBytes = 64;
const sampledFromBytes = 32 * 1024;
const sampleBytes = 4 * 1024;

export function makePacker(compression: Deflate): CommandPacker {
  const gate = new CompressionGate();
  return {
    pack: (plain) => pack(plain, compression, gate),
    unpack: (packed, limits) => unpackCommand(packed, limits, compression),
  };
}

/** Deflated: the format byte, the length of the plain body, then the stream. */
function pack(plain: Uint8Array, compression: Deflate, gate: CompressionGate): Uint8Array {
  if (plain.length <= compressFromBytes + envelopeBytes || !gate.shouldTry()) return plain;
  const body = plain.subarray(1);
  // A megabyte of what is compressed already would hold its sender up for longer than the network does: a piece of it tells.
  const isWorthTrying =
    body.length < sampledFromBytes || pays(compression, body.subarray(body.length >>> 1).subarray(0, sampleBytes));
  const deflated = isWorthTrying ? compression.deflate(body) : body;
  const paid = deflated.length + 6 <= plain.length - (plain.length >>> 3);
  gate.record(paid);
  if (!paid) return plain;
  const writer = new Writer(deflated.length + 6);
  writer.byte(deflatedFormat);
  writer.uint(body.length);
  writer.raw(deflated);
  return writer.finish();
}

function pays(compression: Deflate, sample: Uint8Array): boolean {
  return compression.deflate(sample).length <= sample.length - (sample.length >>> 3);
}

export function unpackCommand(packed: Uint8Array, limits: Limits, compression: Deflate): Uint8Array {
  const header = new Reader(packed, 1);
  const plainBytes = header.uint();
  checkCommandSize(plainBytes, limits);
  const body = compression.inflate(packed.subarray(header.offset), plainBytes);
  if (body.length !== plainBytes) header.fail(`inflates to ${body.length} bytes instead of ${plainBytes}`);
  return body;
}

export function checkCommandSize(length: number, limits: Limits): void {
  if (length > limits.maxCommandBytes) {
    throw new RaftkvError('request_too_large', `a command of ${length} bytes; the limit is ${limits.maxCommandBytes}`);
  }
}
