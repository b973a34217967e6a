// A Channel over one data port. Frames travel in numbered pieces (`piece.ts`), so it stands on ports that reorder, repeat, or speak before they
// are open; a port that loses pieces is found out. What was taken is told, so that backpressure reaches to the reader, not just to the
// system; the end is a message that is answered, since ports lose what is under way when they close.
import { RaftkvError } from '@raftkv/wire';
import type { Channel, ChannelHandlers } from '../channel.ts';
import type { ChannelLimits } from '../channel-limits.ts';
import { systemClock } from '../clock.ts';
import type { DataPort } from './data-port.ts';
import { Outbox } from './outbox.ts';
import { PieceJoiner, frameOverheadBytes } from './piece-joiner.ts';
import { decodePiece, encodeEndTaken, encodeTaken, maxPieceBytes } from './piece.ts';
import type { NumberedPiece } from './piece.ts';

export interface PortChannelOptions {
  readonly limits: ChannelLimits;
  readonly remote: string;
  /** How long a closed channel waits for its last frames to leave and the end to be answered. */
  readonly lingerMilliseconds: number;
  /** How long a piece may come later than others that were sent after it; then it is lost, and so is the connection. Default 10 s. */
  readonly gapMilliseconds?: number;
  /** Once, when it ends: by `close` here (or what came in broke the rules), by the other side, or because the port broke. */
  readonly onEnded?: (error: RaftkvError | undefined, by: 'here' | 'there' | 'port') => void;
  /** Once, after the end: the port is closed and nothing of it is needed any more. */
  readonly onReleased?: () => void;
}

/** A piece that others came before is lost when it takes longer than this: a reliable port sends it again much sooner. */
const gapMilliseconds = 10_000;
/** What was taken is told in steps of this size; less than any low-water mark. */
const tellBytes = 16 * 1024;

export class PortChannel implements Channel {
  readonly maxFrameBytes: number;
  readonly remote: string;
  isOpen = true;
  readonly #port: DataPort;
  readonly #options: PortChannelOptions;
  readonly #outbox: Outbox;
  readonly #joiner: PieceJoiner;
  #handlers: ChannelHandlers | undefined;
  /** What came before `start`; undefined once that is delivered. */
  #held: Uint8Array[] | undefined = [];
  #heldBytes = 0;
  #sentBytes = 0;
  /** Of `#sentBytes`, as the other side says. */
  #takenThereBytes = 0;
  #takenBytes = 0;
  #toldBytes = 0;
  #isFull = false;
  #isClosedHere = false;
  #end: { readonly error: RaftkvError | undefined } | undefined;
  #cancelGapTimer: (() => void) | undefined;
  #cancelLinger: (() => void) | undefined;
  #isReleased = false;

  constructor(port: DataPort, options: PortChannelOptions) {
    const { limits } = options;
    this.#port = port;
    this.#options = options;
    this.maxFrameBytes = limits.maxFrameBytes;
    this.remote = options.remote;
    if (port.binaryType !== 'arraybuffer') port.binaryType = 'arraybuffer';
    this.#outbox = new Outbox(port, () => this.lose('the port takes nothing'));
    this.#joiner = new PieceJoiner(limits.maxFrameBytes, limits.maxBufferedBytes, {
      onFrame: (frame) => this.#receiveFrame(frame),
      onEnd: (error) => this.#receiveEnd(error),
      onTaken: (bytes) => (this.#takenBytes += bytes),
    });
    port.addEventListener('message', ({ data }) => this.#receive(data));
    port.addEventListener('close', () => this.lose('the port closed'));
  }

  get bufferedBytes(): number {
    return this.isOpen ? this.#sentBytes - this.#takenThereBytes : 0;
  }

  start(handlers: ChannelHandlers): void {
    if (this.#handlers !== undefined) throw new RaftkvError('invalid_argument', 'a channel is started once');
    this.#handlers = handlers;
    queueMicrotask(() => this.#deliverHeld(handlers));
  }

  send(frame: Uint8Array): boolean {
    if (frame.length > this.maxFrameBytes) {
      const message = `a frame of ${frame.length} bytes passes the limit of ${this.maxFrameBytes}`;
      throw new RaftkvError('frame_too_large', message);
    }
    if (!this.isOpen) return false;
    const { limits } = this.#options;
    const bytes = frame.length + frameOverheadBytes;
    if (this.bufferedBytes + bytes > limits.maxBufferedBytes) {
      this.#break(new RaftkvError('busy', `${this.remote} does not take what it is sent`));
      return false;
    }
    this.#sentBytes += bytes;
    this.#outbox.push(frame);
    if (this.bufferedBytes >= limits.highWaterBytes) this.#isFull = true;
    return this.isOpen && !this.#isFull;
  }

  close(error?: RaftkvError): void {
    if (!this.isOpen) return;
    this.#isClosedHere = true;
    this.#finish(error, 'here');
    this.#outbox.end(error);
    this.#lingerOn();
  }

  /** The port is gone, or will never come: the end, and after an end in order nothing but the release. */
  lose(why: string): void {
    if (this.isOpen) this.#finish(new RaftkvError('connection_lost', `${this.remote} was lost: ${why}`), 'port');
    this.#release();
  }

  #receive(data: unknown): void {
    if (this.#isReleased) return;
    this.#outbox.pump();
    try {
      this.#handle(data);
    } catch (error) {
      const cause = RaftkvError.from(error, 'bad_frame');
      if (cause.code === 'connection_lost') this.lose(cause.message);
      else this.#break(cause);
    }
  }

  #handle(data: unknown): void {
    const message = toBytes(data);
    if (message === undefined) throw new RaftkvError('bad_frame', 'a text where only bytes are spoken');
    if (message.length > maxPieceBytes) {
      throw new RaftkvError('frame_too_large', `a message of ${message.length} bytes came in`);
    }
    const piece = decodePiece(message, this.remote);
    if (piece.kind === 'taken') return this.#noteTaken(piece.bytes);
    if (piece.kind === 'endTaken') return this.#isClosedHere ? this.#release() : undefined;
    // Closed here: only that the other side has ended too is still of interest.
    if (this.isOpen) this.#add(piece);
    else if (piece.kind === 'end') this.#outbox.sendNow(encodeEndTaken());
    if (this.#held === undefined) this.#tellTaken();
  }

  #add(piece: NumberedPiece): void {
    const { nextNumber } = this.#joiner;
    this.#joiner.add(piece);
    if (this.#joiner.nextNumber !== nextNumber || !this.isOpen) this.#stopGapTimer();
    if (!this.#joiner.hasGap || !this.isOpen) return;
    this.#cancelGapTimer ??= systemClock.schedule(
      () => this.lose('a piece did not arrive'),
      this.#options.gapMilliseconds ?? gapMilliseconds,
    );
  }

  #stopGapTimer(): void {
    this.#cancelGapTimer?.();
    this.#cancelGapTimer = undefined;
  }

  #receiveFrame(frame: Uint8Array): void {
    if (this.#held === undefined) {
      if (!this.#isClosedHere) this.#handlers?.onFrame(frame);
      return;
    }
    this.#held.push(frame);
    this.#heldBytes += frame.length + frameOverheadBytes;
    if (this.#heldBytes > this.#options.limits.maxBufferedBytes) {
      throw new RaftkvError('busy', `${this.remote} sent too much too early`);
    }
  }

  #receiveEnd(error: RaftkvError | undefined): void {
    this.#outbox.sendNow(encodeEndTaken());
    if (this.isOpen) this.#finish(error, 'there');
    // The other side closes the port when it has heard the answer.
    this.#outbox.drop();
    this.#lingerOn();
  }

  #deliverHeld(handlers: ChannelHandlers): void {
    for (const frame of this.#held ?? []) if (!this.#isClosedHere) handlers.onFrame(frame);
    this.#held = undefined;
    this.#tellTaken();
    if (this.#end !== undefined) handlers.onClose(this.#end.error);
  }

  #tellTaken(): void {
    if (this.#takenBytes - this.#toldBytes < tellBytes || !this.isOpen) return;
    this.#toldBytes = this.#takenBytes;
    this.#outbox.sendNow(encodeTaken(this.#takenBytes >>> 0));
  }

  /** The number goes round, and an older one may come in late: it counts from the last one that was heard, and only forwards. */
  #noteTaken(bytes: number): void {
    const forwards = (bytes - this.#takenThereBytes) >>> 0;
    if (forwards === 0 || forwards >= 2 ** 31) return;
    if (forwards > this.#sentBytes - this.#takenThereBytes) {
      throw new RaftkvError('bad_frame', `${this.remote} took more than it was sent`);
    }
    this.#takenThereBytes += forwards;
    if (!this.#isFull || !this.isOpen || this.bufferedBytes > this.#options.limits.lowWaterBytes) return;
    this.#isFull = false;
    this.#handlers?.onDrain?.();
  }

  /** Ends it for cause: what waits is not sent, the reason is. */
  #break(error: RaftkvError): void {
    this.#outbox.drop();
    this.close(error);
  }

  #finish(error: RaftkvError | undefined, by: 'here' | 'there' | 'port'): void {
    this.isOpen = false;
    this.#stopGapTimer();
    this.#end = { error };
    // Until what was held is delivered, the end waits for it there.
    const handlers = this.#handlers;
    if (handlers !== undefined && this.#held === undefined) queueMicrotask(() => handlers.onClose(error));
    this.#options.onEnded?.(error, by);
  }

  #lingerOn(): void {
    if (this.#isReleased || this.#cancelLinger !== undefined) return;
    this.#cancelLinger = systemClock.schedule(() => this.#release(), this.#options.lingerMilliseconds);
  }

  #release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#cancelLinger?.();
    this.#outbox.stop();
    this.#port.close();
    this.#options.onReleased?.();
  }
}

/** A view, never a copy; undefined for text. */
function toBytes(data: unknown): Uint8Array | undefined {
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : undefined;
}
