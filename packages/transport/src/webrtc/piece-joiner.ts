// The receiving half of a data port: puts pieces in the order of their numbers, drops those that come twice, and joins frames again. What
// comes in is hostile: early pieces are kept within bounds, and the one frame under way within its limit. Used by `port-channel.ts`.
import { RaftkvError } from '@raftkv/wire';
import { firstNumber } from './piece.ts';
import type { NumberedPiece } from './piece.ts';

/** Handed over in order. `takenBytes`: what the sender counts of a frame, as it comes in. */
export interface JoinerHandlers {
  readonly onFrame: (frame: Uint8Array) => void;
  readonly onEnd: (error: RaftkvError | undefined) => void;
  readonly onTaken: (bytes: number) => void;
}

/** What a frame counts for beside its bytes, at both ends, so that a million empty ones are not free. */
export const frameOverheadBytes = 16;
/** Likewise for a piece that waits for those before it. */
const earlyOverheadBytes = 64;

export class PieceJoiner {
  readonly #maxFrameBytes: number;
  readonly #maxEarlyBytes: number;
  readonly #handlers: JoinerHandlers;
  #nextNumber = firstNumber;
  /** Came before their turn. */
  readonly #early = new Map<number, NumberedPiece>();
  #earlyBytes = 0;
  /** Of the frame under way. */
  #frame: Uint8Array | undefined;
  #joinedBytes = 0;
  #isEnded = false;

  constructor(maxFrameBytes: number, maxEarlyBytes: number, handlers: JoinerHandlers) {
    this.#maxFrameBytes = maxFrameBytes;
    this.#maxEarlyBytes = maxEarlyBytes;
    this.#handlers = handlers;
  }

  /** A piece is missing: what came after it waits. */
  get hasGap(): boolean {
    return this.#early.size > 0;
  }

  /** The number of the piece that is waited for. */
  get nextNumber(): number {
    return this.#nextNumber;
  }

  /** Throws `bad_frame`, `frame_too_large`, or `connection_lost` when so much came early that what is missing must be lost. */
  add(piece: NumberedPiece): void {
    if (this.#isEnded) return;
    if (piece.number !== this.#nextNumber) return this.#keep(piece);
    let next: NumberedPiece | undefined = piece;
    while (next !== undefined && !this.#isEnded) {
      this.#nextNumber = (this.#nextNumber + 1) >>> 0;
      this.#take(next);
      next = this.#early.get(this.#nextNumber);
      if (next === undefined) continue;
      this.#early.delete(this.#nextNumber);
      this.#earlyBytes -= weightOf(next);
    }
  }

  #keep(piece: NumberedPiece): void {
    const ahead = (piece.number - this.#nextNumber) >>> 0;
    // In the half of the circle that lies behind: it came before.
    if (ahead >= 2 ** 31 || this.#early.has(piece.number)) return;
    this.#early.set(piece.number, piece);
    this.#earlyBytes += weightOf(piece);
    if (this.#earlyBytes > this.#maxEarlyBytes) {
      throw new RaftkvError('connection_lost', `piece ${this.#nextNumber} did not arrive`);
    }
  }

  #take(piece: NumberedPiece): void {
    if (piece.kind === 'end') return this.#end(piece.error);
    const { bytes } = piece;
    this.#handlers.onTaken(bytes.length + (piece.kind === 'first' ? frameOverheadBytes : 0));
    if (piece.kind === 'first') this.#checkBegin(piece.totalBytes);
    // Handed over as it is: a view on what came in.
    if (piece.kind === 'first' && piece.totalBytes === bytes.length) return this.#handlers.onFrame(bytes);
    if (piece.kind === 'first') this.#frame = new Uint8Array(piece.totalBytes);
    const frame = this.#frame;
    if (frame === undefined) throw new RaftkvError('bad_frame', 'a piece of a frame that was never begun');
    if (this.#joinedBytes + bytes.length > frame.length) {
      throw new RaftkvError('bad_frame', 'a frame is longer than it said');
    }
    frame.set(bytes, this.#joinedBytes);
    this.#joinedBytes += bytes.length;
    if (this.#joinedBytes < frame.length) return;
    this.#frame = undefined;
    this.#joinedBytes = 0;
    this.#handlers.onFrame(frame);
  }

  #checkBegin(totalBytes: number): void {
    if (this.#frame !== undefined) throw new RaftkvError('bad_frame', 'a frame begun within a frame');
    if (totalBytes > this.#maxFrameBytes) {
      throw new RaftkvError('frame_too_large', `a frame of ${totalBytes} bytes was announced`);
    }
  }

  /** In order only between two frames; what ends with an error may leave one undone. */
  #end(error: RaftkvError | undefined): void {
    if (error === undefined && this.#frame !== undefined) {
      throw new RaftkvError('bad_frame', 'an end in order within a frame');
    }
    this.#isEnded = true;
    this.#frame = undefined;
    this.#early.clear();
    this.#handlers.onEnd(error);
  }
}

function weightOf(piece: NumberedPiece): number {
  return earlyOverheadBytes + (piece.kind === 'end' ? 0 : piece.bytes.length);
}
