// The sending half of a data port: cuts frames into numbered pieces, and gives the port only as many as it sends soon, so that what is urgent
// on another port of the same connection finds the way free. Used by `port-channel.ts`.
import type { RaftkvError } from '@raftkv/wire';
import type { DataPort } from './data-port.ts';
import { cutPiece, encodeEnd, firstNumber } from './piece.ts';

/** What waits in the port itself: enough to keep a fast link busy until it tells that there is room again. */
const portBytes = 128 * 1024;
const portLowBytes = 64 * 1024;
/** Where a port does not tell. */
const pollMilliseconds = 4;

export class Outbox {
  readonly #port: DataPort;
  /** The port refused what it was given. */
  readonly #onFault: (error: unknown) => void;
  readonly #tells: boolean;
  /** Those before `#head` have left. */
  #frames: (Uint8Array | undefined)[] = [];
  #head = 0;
  /** How much of the frame at the head has left. */
  #headOffset = 0;
  #number = firstNumber;
  #end: { readonly error: RaftkvError | undefined } | undefined;
  #isPolling = false;
  #isStopped = false;

  constructor(port: DataPort, onFault: (error: unknown) => void) {
    this.#port = port;
    this.#onFault = onFault;
    this.#tells = port.bufferedAmountLowThreshold !== undefined;
    if (this.#tells) port.bufferedAmountLowThreshold = portLowBytes;
    port.addEventListener('open', () => this.pump());
    port.addEventListener('bufferedamountlow', () => this.pump());
  }

  push(frame: Uint8Array): void {
    this.#frames.push(frame);
    this.pump();
  }

  /** The last word, after all frames. */
  end(error: RaftkvError | undefined): void {
    this.#end ??= { error };
    this.pump();
  }

  /** Frames that wait are forgotten. */
  drop(): void {
    this.#frames = [];
    this.#head = 0;
    this.#headOffset = 0;
  }

  /** Nothing leaves any more. */
  stop(): void {
    this.#isStopped = true;
    this.drop();
  }

  /** Ahead of what waits. */
  sendNow(piece: Uint8Array<ArrayBuffer>): void {
    if (this.#isStopped || this.#port.readyState !== 'open') return;
    try {
      this.#port.send(piece);
    } catch (error) {
      this.#onFault(error);
    }
  }

  /** To be called whenever there may be room again: a hidden tab's timers are late, its messages are not. */
  pump(): void {
    while (this.#hasWork() && this.#port.readyState === 'open') {
      if (this.#port.bufferedAmount >= portBytes) return this.#pollLater();
      this.sendNow(this.#nextPiece());
    }
  }

  #hasWork(): boolean {
    return !this.#isStopped && (this.#head < this.#frames.length || this.#end !== undefined);
  }

  #nextPiece(): Uint8Array<ArrayBuffer> {
    const number = this.#number;
    this.#number = (number + 1) >>> 0;
    const frame = this.#frames[this.#head];
    if (frame === undefined) {
      const piece = encodeEnd(number, this.#end?.error);
      this.#end = undefined;
      return piece;
    }
    const { piece, nextOffset } = cutPiece(frame, this.#headOffset, number);
    this.#headOffset = nextOffset;
    if (nextOffset === frame.length) this.#dropHead();
    return piece;
  }

  #dropHead(): void {
    this.#frames[this.#head] = undefined;
    this.#head += 1;
    this.#headOffset = 0;
    if (this.#head === this.#frames.length) this.drop();
  }

  #pollLater(): void {
    if (this.#tells || this.#isPolling) return;
    this.#isPolling = true;
    setTimeout(() => {
      this.#isPolling = false;
      this.pump();
    }, pollMilliseconds);
  }
}
