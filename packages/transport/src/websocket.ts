// A Channel over any open WebSocket: one binary message is one frame. Callers: `dial-websocket.ts`, the listener in `node/`, and tests.
// Opening sockets and what frames mean are the business of others.
import { RaftkvError, mayRunInNode } from '@raftkv/wire';
import type { Channel, ChannelHandlers } from './channel.ts';
import { defaultChannelLimits } from './channel-limits.ts';
import type { ChannelLimits } from './channel-limits.ts';
import { fromCloseFrame, toCloseFrame } from './close-code.ts';
import { isWs } from './websocket-like.ts';
import type { WebSocketLike } from './websocket-like.ts';

export interface WebSocketChannelOptions extends Partial<ChannelLimits> {
  /** Something to show: "127.0.0.1:8081". Default "websocket". */
  readonly remote?: string;
}

/** A browser tells nobody when its buffer empties: it has to be asked. Timers there have a grain of 4 ms anyway. */
const drainPollMilliseconds = 4;
/** The value of `WebSocket.OPEN`. */
const openState = 1;

/**
 * Wraps a socket that is open; call it in the turn of its `open` event, so that no message is missed. The channel owns the socket from then on.
 *
 * @example
 * ```ts
 * const channel = webSocketChannel(socket, { remote: 'server', maxFrameBytes: 1 << 20 });
 * channel.start({ onFrame: (frame) => handle(frame), onClose: (error) => report(error) });
 * ```
 */
export function webSocketChannel(socket: WebSocketLike, options: WebSocketChannelOptions = {}): Channel {
  return new WebSocketChannel(socket, { ...defaultChannelLimits, ...options }, options.remote ?? 'websocket');
}

class WebSocketChannel implements Channel {
  readonly kind = 'websocket';
  readonly maxFrameBytes: number;
  readonly remote: string;
  readonly #socket: WebSocketLike;
  readonly #limits: ChannelLimits;
  #handlers: ChannelHandlers | undefined;
  /** Frames that came before `start` delivered what was held; undefined from then on. */
  #held: Uint8Array[] | undefined = [];
  #heldBytes = 0;
  #isOpen = true;
  /** True from a `send` that answered false until the drain. */
  #isFull = false;
  /** Closed here: whatever still comes in is dropped. */
  #isClosedHere = false;
  #end: { readonly error: RaftkvError | undefined } | undefined;

  constructor(socket: WebSocketLike, limits: ChannelLimits, remote: string) {
    this.#socket = socket;
    this.#limits = limits;
    this.maxFrameBytes = limits.maxFrameBytes;
    this.remote = remote;
    // `ws` says 'nodebuffer', whose messages are views on what the socket read; a browser's default would make Blobs.
    if (socket.binaryType === 'blob') socket.binaryType = 'arraybuffer';
    socket.addEventListener('message', (event) => this.#receive(event.data));
    // Always followed by 'close', which tells more; `ws` wants a listener all the same.
    if (mayRunInNode) {
      socket.addEventListener('error', ({ error }) => {
        const fault = faultOf(error, this);
        if (fault === undefined) return;
        this.#isClosedHere = true;
        this.#finish(fault);
      });
    }
    socket.addEventListener('close', (event) => this.#finish(fromCloseFrame(event.code, event.reason, remote)));
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get bufferedBytes(): number {
    return this.#isOpen ? this.#socket.bufferedAmount : 0;
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
    // Closing, which the other side may have begun: `onClose` follows.
    if (!this.#isOpen || this.#socket.readyState !== openState) return false;
    const bytesAfter = this.#socket.bufferedAmount + frame.length;
    if (bytesAfter > this.#limits.maxBufferedBytes) {
      this.#break(new RaftkvError('busy', `${this.remote} does not take what it is sent`));
      return false;
    }
    const mayFill = this.#isFull || bytesAfter >= this.#limits.highWaterBytes;
    const tellsWhenSent = isWs(this.#socket);
    if (mayFill && tellsWhenSent) this.#socket.send(frame, this.#drainIfEmpty);
    else this.#socket.send(frame);
    if (!this.#isFull && mayFill && this.#socket.bufferedAmount >= this.#limits.highWaterBytes) {
      this.#isFull = true;
      if (!tellsWhenSent) setTimeout(this.#pollDrain, drainPollMilliseconds);
    }
    return !this.#isFull;
  }

  close(error?: RaftkvError): void {
    if (!this.#isOpen) return;
    this.#isClosedHere = true;
    const { code, reason } = toCloseFrame(error);
    this.#finish(error);
    this.#socket.close(code, reason);
  }

  /**
   * One function for the life of the channel, so that a full one costs no closure a frame. With `ws`, each frame sent
   * while full brings its own call, and the last of them finds the buffer empty.
   */
  readonly #drainIfEmpty = (): void => {
    if (!this.#isFull || !this.#isOpen || this.#socket.bufferedAmount > this.#limits.lowWaterBytes) return;
    this.#isFull = false;
    this.#handlers?.onDrain?.();
  };

  readonly #pollDrain = (): void => {
    this.#drainIfEmpty();
    if (this.#isFull && this.#isOpen) setTimeout(this.#pollDrain, drainPollMilliseconds);
  };

  #receive(data: unknown): void {
    if (!this.#isOpen) return;
    // Timers of a hidden tab run once a second, messages at once: look for the drain here too.
    if (this.#isFull) this.#drainIfEmpty();
    const frame = toBytes(data);
    if (frame === undefined)
      return this.close(new RaftkvError('bad_frame', 'a text frame where only bytes are spoken'));
    if (frame.length > this.maxFrameBytes) {
      return this.close(new RaftkvError('frame_too_large', `a frame of ${frame.length} bytes came in`));
    }
    if (this.#held === undefined) {
      this.#handlers?.onFrame(frame);
      return;
    }
    this.#heldBytes += frame.length;
    this.#held.push(frame);
    if (this.#heldBytes > this.#limits.maxBufferedBytes) {
      this.#break(new RaftkvError('busy', `${this.remote} sent too much too early`));
    }
  }

  #deliverHeld(handlers: ChannelHandlers): void {
    for (const frame of this.#held ?? []) {
      if (this.#isClosedHere) break;
      handlers.onFrame(frame);
    }
    this.#held = undefined;
    if (this.#end !== undefined) handlers.onClose(this.#end.error);
  }

  /** Ends it at once: the other side does not read, so waiting for a closing handshake would keep the buffer alive. */
  #break(error: RaftkvError): void {
    this.#isClosedHere = true;
    this.#finish(error);
    if (isWs(this.#socket)) this.#socket.terminate();
    else this.#socket.close(toCloseFrame(error).code);
  }

  #finish(error: RaftkvError | undefined): void {
    if (this.#end !== undefined) return;
    this.#isOpen = false;
    this.#end = { error };
    // Until what was held is delivered, the end waits for it there.
    const handlers = this.#handlers;
    if (handlers !== undefined && this.#held === undefined) queueMicrotask(() => handlers.onClose(error));
  }
}

/** `ws` tells with a code why it refuses what came in, and closes by itself. Elsewhere 'close' tells all there is. */
function faultOf(error: unknown, { maxFrameBytes, remote }: Channel): RaftkvError | undefined {
  const code = (error as { readonly code?: unknown } | undefined)?.code;
  if (typeof code !== 'string' || !code.startsWith('WS_ERR_')) return undefined;
  if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') {
    return new RaftkvError('frame_too_large', `a frame above ${maxFrameBytes} bytes came in`);
  }
  return new RaftkvError('bad_frame', `${remote} does not speak WebSocket: ${code}`);
}

/** A view, never a copy. Plain Uint8Arrays, so that no Buffer's own `slice` surprises the decoder; undefined for text. */
function toBytes(data: unknown): Uint8Array | undefined {
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : undefined;
}
