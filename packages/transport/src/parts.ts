// Cuts large frames of messages into parts and joins them again. Whole frames travel as `wire` made them (their first byte is the version of
// the messages, or has the highest bit set for handshakes and pings); parts are told apart from both by the two first bytes here.
import { RaftkvError } from '@raftkv/wire';

/** Values of the protocol: never change or reuse one. After this byte: the length of the whole frame (32 bits, big-endian), its first bytes. */
const firstPartByte = 0xf0;
/** After this byte: the next bytes of the frame under way. */
const nextPartByte = 0xf1;

const firstHeaderBytes = 5;
const nextHeaderBytes = 1;

export function isPart(frame: Uint8Array): boolean {
  return frame[0] === firstPartByte || frame[0] === nextPartByte;
}

/** The part that begins at `offset`, as a channel's frame of at most `maxPartBytes`, and where the next one begins. */
export function cutPart(
  frame: Uint8Array,
  offset: number,
  maxPartBytes: number,
): { readonly part: Uint8Array; readonly nextOffset: number } {
  const headerBytes = offset === 0 ? firstHeaderBytes : nextHeaderBytes;
  const nextOffset = Math.min(frame.length, offset + maxPartBytes - headerBytes);
  const part = new Uint8Array(headerBytes + nextOffset - offset);
  part[0] = offset === 0 ? firstPartByte : nextPartByte;
  if (offset === 0) new DataView(part.buffer).setUint32(1, frame.length);
  part.set(frame.subarray(offset, nextOffset), headerBytes);
  return { part, nextOffset };
}

/** Joins the parts of one frame at a time. What comes in is hostile: it holds no more than `maxFrameBytes`, whatever is announced. */
export class PartJoiner {
  readonly #maxFrameBytes: number;
  #frame: Uint8Array | undefined;
  #filledBytes = 0;

  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** The whole frame with its last part, undefined before. Throws `bad_frame` or `frame_too_large`. */
  add(part: Uint8Array): Uint8Array | undefined {
    const frame = part[0] === firstPartByte ? this.#begin(part) : this.#frame;
    if (frame === undefined) throw new RaftkvError('bad_frame', 'a part of a frame that was never begun');
    const bytes = part.subarray(part[0] === firstPartByte ? firstHeaderBytes : nextHeaderBytes);
    if (bytes.length === 0 || this.#filledBytes + bytes.length > frame.length) {
      throw new RaftkvError('bad_frame', 'the parts of a frame do not add up');
    }
    frame.set(bytes, this.#filledBytes);
    this.#filledBytes += bytes.length;
    if (this.#filledBytes < frame.length) return undefined;
    this.#frame = undefined;
    return frame;
  }

  #begin(part: Uint8Array): Uint8Array {
    if (this.#frame !== undefined) throw new RaftkvError('bad_frame', 'a frame begun within a frame');
    if (part.length <= firstHeaderBytes) throw new RaftkvError('bad_frame', 'a first part without content');
    const totalBytes = new DataView(part.buffer, part.byteOffset).getUint32(1);
    if (totalBytes > this.#maxFrameBytes) {
      throw new RaftkvError('frame_too_large', `a frame of ${totalBytes} bytes was announced`);
    }
    this.#frame = new Uint8Array(totalBytes);
    this.#filledBytes = 0;
    return this.#frame;
  }
}
