// What goes back to one client: the messages of a turn, sent in as few frames as the limit allows, and held while the channel is full. How
// many can gather here is limited by whoever pushes: requests by their number, watches by their windows.
import type { Channel } from '@raftkv/transport';
import { encodeServerFrames } from '@raftkv/wire';
import type { ServerMessage } from '@raftkv/wire';

/** Answers are sent in between once they are about this large, so that a full channel is noticed in time. */
const flushBytes = 256 * 1024;

export class ClientAnswers {
  readonly #channel: Channel;
  readonly #maxFrameBytes: number;
  readonly #onPush: () => void;
  /** Told of a message that became an error because it fits into no frame. */
  readonly #onTooLarge: (message: ServerMessage) => void;
  #messages: ServerMessage[] = [];
  #bytes = 0;
  #isFull = false;

  constructor(
    channel: Channel,
    maxFrameBytes: number,
    handlers: { readonly onPush: () => void; readonly onTooLarge: (message: ServerMessage) => void },
  ) {
    this.#channel = channel;
    this.#maxFrameBytes = maxFrameBytes;
    this.#onPush = handlers.onPush;
    this.#onTooLarge = handlers.onTooLarge;
  }

  /** The channel takes no more at the moment: what can wait should. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** `bytes`: about how large it is, where that matters. */
  push(message: ServerMessage, bytes = 0): void {
    this.#messages.push(message);
    this.#bytes += bytes;
    if (this.#bytes >= flushBytes) this.flush();
    else this.#onPush();
  }

  drained(): void {
    this.#isFull = false;
  }

  flush(): void {
    if (!this.#isFull) this.flushAll();
  }

  /** Also into a full channel: last words. */
  flushAll(): void {
    if (this.#messages.length === 0) return;
    const messages = this.#messages;
    this.#messages = [];
    this.#bytes = 0;
    for (const frame of encodeServerFrames(messages, this.#maxFrameBytes, (message) => this.#replace(message))) {
      if (!this.#channel.send(frame)) this.#isFull = true;
    }
  }

  /** A write with so large an answer happened all the same, so its error is not definite. */
  #replace(message: ServerMessage): ServerMessage {
    this.#onTooLarge(message);
    const id = 'id' in message ? message.id : 0;
    const text = `the answer does not fit into a frame of ${this.#maxFrameBytes} bytes`;
    if (message.type === 'watchEvents') return { type: 'watchCancelled', id, code: 'frame_too_large', message: text };
    const isRead = message.type === 'result' && (message.result.type === 'get' || message.result.type === 'scan');
    return { type: 'error', id, code: 'frame_too_large', message: text, definite: isRead };
  }
}
