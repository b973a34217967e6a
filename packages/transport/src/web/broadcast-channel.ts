// A Channel between two tabs of one origin: both ends sit on a BroadcastChannel whose name only they know. That carries messages but counts
// nothing and never ends, so here frames are numbered, what was read is acknowledged, and the end is a message. A tab that dies says none:
// whoever needs to know pings. How two tabs agree on a name is for others.
import { RaftkvError, isErrorCode } from '@raftkv/wire';
import type { Channel, ChannelHandlers, ChannelKind } from '../channel.ts';
import { defaultChannelLimits } from '../channel-limits.ts';
import type { ChannelLimits } from '../channel-limits.ts';

/** What is used of a BroadcastChannel. */
export interface BroadcastPort {
  postMessage(message: unknown): void;
  close(): void;
  addEventListener(type: 'message' | 'messageerror', listener: (event: { readonly data?: unknown }) => void): void;
}

export interface BroadcastChannelOptions extends Partial<ChannelLimits> {
  /** Something to show. Default "a tab". */
  readonly remote?: string;
  /** Once, when it ends, whoever ended it. */
  readonly onEnded?: () => void;
}

/** A frame with its number, how many bytes of frames were read so far, or the end. */
type Message =
  | { readonly number: number; readonly frame: Uint8Array }
  | { readonly takenBytes: number }
  | { readonly end: { readonly code: string; readonly message: string } | undefined };

/** What was read is told in steps of this size; less than any low-water mark. */
const tellBytes = 16 * 1024;

/**
 * Two tabs that do this with the same name have a channel. Both must have done it before the first frame is sent; the channel owns the port.
 *
 * @example
 * const channel = broadcastChannel(new BroadcastChannel('a name that two tabs agreed on'));
 */
export function broadcastChannel(port: BroadcastPort, options: BroadcastChannelOptions = {}): Channel {
  return new TabChannel(port, options, 'broadcast');
}

/** Also what is under a `messagePortChannel`. */
export class TabChannel implements Channel {
  readonly kind: ChannelKind | undefined;
  readonly maxFrameBytes: number;
  readonly remote: string;
  isOpen = true;
  readonly #port: BroadcastPort;
  readonly #limits: ChannelLimits;
  readonly #onEnded: (() => void) | undefined;
  #handlers: ChannelHandlers | undefined;
  /** What came before `start`; undefined once that is delivered. */
  #held: Uint8Array[] | undefined = [];
  #heldBytes = 0;
  #sent = 0;
  #received = 0;
  #sentBytes = 0;
  /** Of `#sentBytes`, as the other side says. */
  #takenThereBytes = 0;
  #takenBytes = 0;
  #toldBytes = 0;
  #isFull = false;
  #isHoldingBack = false;
  #isClosedHere = false;
  #end: { readonly error: RaftkvError | undefined } | undefined;

  constructor(port: BroadcastPort, options: BroadcastChannelOptions, kind?: ChannelKind) {
    this.#port = port;
    this.kind = kind;
    this.#limits = { ...defaultChannelLimits, ...options };
    this.maxFrameBytes = this.#limits.maxFrameBytes;
    this.remote = options.remote ?? 'a tab';
    this.#onEnded = options.onEnded;
    port.addEventListener('message', ({ data }) => this.#receive(data as Message));
    // Something could not be read, and nobody sends it again.
    port.addEventListener('messageerror', () => this.#break('connection_lost', 'a frame came in broken'));
  }

  get bufferedBytes(): number {
    return this.isOpen ? this.#sentBytes - this.#takenThereBytes : 0;
  }

  start(handlers: ChannelHandlers): void {
    if (this.#handlers !== undefined) throw new RaftkvError('invalid_argument', 'a channel is started once');
    this.#handlers = handlers;
    queueMicrotask(() => {
      for (const frame of this.#held ?? []) if (!this.#isClosedHere) this.#deliver(frame);
      this.#held = undefined;
      if (this.#end !== undefined) handlers.onClose(this.#end.error);
    });
  }

  send(frame: Uint8Array): boolean {
    if (frame.length > this.maxFrameBytes) {
      const message = `a frame of ${frame.length} bytes passes the limit of ${this.maxFrameBytes}`;
      throw new RaftkvError('frame_too_large', message);
    }
    if (!this.isOpen) return false;
    if (this.bufferedBytes + frame.length > this.#limits.maxBufferedBytes) {
      this.#break('busy', `${this.remote} does not take what it is sent`);
      return false;
    }
    this.#sentBytes += frame.length;
    // Of a view, the whole buffer behind it would be copied to the other side.
    const isWhole = frame.length === frame.buffer.byteLength;
    this.#post({ number: this.#sent++, frame: isWhole ? frame : frame.slice() });
    if (this.bufferedBytes >= this.#limits.highWaterBytes) this.#isFull = true;
    return !this.#isFull;
  }

  /**
   * While true, nothing is told of what is read: for who passes frames on to a channel that is full, so that whoever sends them finds this one full
   * in time. Frames that are under way come in all the same.
   */
  holdBack(isHoldingBack: boolean): void {
    this.#isHoldingBack = isHoldingBack;
    this.#tellTaken();
  }

  close(error?: RaftkvError): void {
    if (!this.isOpen) return;
    this.#isClosedHere = true;
    this.#post({ end: error && { code: error.code, message: error.message } });
    this.#finish(error);
  }

  #receive(message: Message): void {
    if (!this.isOpen) return;
    if ('frame' in message) return this.#receiveFrame(message);
    if ('takenBytes' in message) return this.#drain(message.takenBytes);
    this.#finish(message.end && toError(message.end));
  }

  #receiveFrame({ number, frame }: { readonly number: number; readonly frame: Uint8Array }): void {
    if (number !== this.#received) return this.#break('connection_lost', `frame ${this.#received} did not arrive`);
    this.#received += 1;
    if (frame.length > this.maxFrameBytes) {
      return this.#break('frame_too_large', `a frame above ${this.maxFrameBytes} bytes came in`);
    }
    if (this.#held === undefined) return this.#deliver(frame);
    this.#heldBytes += frame.length;
    if (this.#heldBytes <= this.#limits.maxBufferedBytes) this.#held.push(frame);
    else this.#break('busy', 'more came in than is held before the start');
  }

  #deliver(frame: Uint8Array): void {
    this.#takenBytes += frame.length;
    this.#handlers?.onFrame(frame);
    this.#tellTaken();
  }

  #tellTaken(): void {
    if (this.#takenBytes - this.#toldBytes < tellBytes || this.#isHoldingBack || !this.isOpen) return;
    this.#toldBytes = this.#takenBytes;
    this.#post({ takenBytes: this.#takenBytes });
  }

  #drain(takenBytes: number): void {
    this.#takenThereBytes = takenBytes;
    if (!this.#isFull || this.bufferedBytes > this.#limits.lowWaterBytes) return;
    this.#isFull = false;
    this.#handlers?.onDrain?.();
  }

  #break(code: 'busy' | 'connection_lost' | 'frame_too_large', message: string): void {
    this.close(new RaftkvError(code, message));
  }

  #post(message: Message): void {
    this.#port.postMessage(message);
  }

  #finish(error: RaftkvError | undefined): void {
    this.isOpen = false;
    this.#end = { error };
    // What was posted is on its way.
    this.#port.close();
    this.#onEnded?.();
    // Until what was held is delivered, the end waits for it there.
    const handlers = this.#handlers;
    if (handlers !== undefined && this.#held === undefined) queueMicrotask(() => handlers.onClose(error));
  }
}

/** Another build of the app may be at the other end: a code that is not known here. */
function toError({ code, message }: { readonly code: string; readonly message: string }): RaftkvError {
  return new RaftkvError(isErrorCode(code) ? code : 'connection_lost', message);
}
