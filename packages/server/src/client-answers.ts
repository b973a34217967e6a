// What goes back to one client: the messages of a turn, sent in as few frames as the limit allows, and held while the channel is full.
// Reads and watches wait for room by themselves; what cannot wait (results of writes, refusals, pongs) gathers here, up to a limit.
import type { CommandResult, GetResult, ScanResult, TxnOpResult } from '@raftkv/kv';
import type { Channel } from '@raftkv/transport';
import { encodeServerFrames } from '@raftkv/wire';
import type { ServerMessage } from '@raftkv/wire';

/** Answers are sent in between once they are about this large, so that a full channel is noticed in time. */
const flushBytes = 256 * 1024;
/** What a message without a value takes, in memory rather than on the wire. */
const messageBytes = 128;
/** Batches of `flushBytes` held for a client that does not take them: 16 MiB. One more, and `onOverflow` is told. */
const maxHeldBatches = 64;

export interface ClientAnswersHandlers {
  readonly onPush: () => void;
  /** Told of a message that became an error because it fits into no frame. */
  readonly onTooLarge: (message: ServerMessage) => void;
  /** The client asks on and on and does not read: all that was held is gone. */
  readonly onOverflow: () => void;
}

export class ClientAnswers {
  readonly #channel: Channel;
  readonly #maxFrameBytes: number;
  readonly #handlers: ClientAnswersHandlers;
  /** Older than `#messages`, each of about `flushBytes`. */
  #held: ServerMessage[][] = [];
  #messages: ServerMessage[] = [];
  #bytes = 0;
  #isFull = false;

  constructor(channel: Channel, maxFrameBytes: number, handlers: ClientAnswersHandlers) {
    this.#channel = channel;
    this.#maxFrameBytes = maxFrameBytes;
    this.#handlers = handlers;
  }

  /** The channel takes no more at the moment: what can wait should. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** `bytes`: about how large its values are. */
  push(message: ServerMessage, bytes = 0): void {
    this.#messages.push(message);
    this.#bytes += messageBytes + bytes;
    if (this.#bytes < flushBytes) return this.#handlers.onPush();
    this.#seal();
    this.flush();
    if (this.#held.length <= maxHeldBatches) return;
    this.#held = [];
    this.#handlers.onOverflow();
  }

  drained(): void {
    this.#isFull = false;
  }

  flush(): void {
    while (!this.#isFull && this.#held.length > 0) this.#send(this.#held.shift()!);
    if (this.#isFull || this.#messages.length === 0) return;
    this.#seal();
    this.#send(this.#held.shift()!);
  }

  /** Also into a full channel: last words. */
  flushAll(): void {
    if (this.#messages.length > 0) this.#seal();
    for (const messages of this.#held.splice(0)) this.#send(messages);
  }

  #seal(): void {
    this.#held.push(this.#messages);
    this.#messages = [];
    this.#bytes = 0;
  }

  #send(messages: readonly ServerMessage[]): void {
    for (const frame of encodeServerFrames(messages, this.#maxFrameBytes, (message) => this.#replace(message))) {
      if (!this.#channel.send(frame)) this.#isFull = true;
    }
  }

  /** A write with so large an answer happened all the same, so its error is not definite. */
  #replace(message: ServerMessage): ServerMessage {
    this.#handlers.onTooLarge(message);
    const id = 'id' in message ? message.id : 0;
    const text = `the answer does not fit into a frame of ${this.#maxFrameBytes} bytes`;
    if (message.type === 'watchEvents' || 'payload' in message) {
      return { type: 'watchCancelled', id, code: 'frame_too_large', message: text };
    }
    const isRead = message.type === 'result' && (message.result.type === 'get' || message.result.type === 'scan');
    return { type: 'error', id, code: 'frame_too_large', message: text, definite: isRead };
  }
}

/** About how much the entries in a result take. */
export function resultBytes(result: CommandResult | GetResult | ScanResult | TxnOpResult): number {
  let bytes = 0;
  switch (result.type) {
    case 'put':
      return result.previous === undefined ? 0 : entryBytes + result.previous.value.length;
    case 'get':
      return result.entry === undefined ? 0 : entryBytes + result.entry.value.length;
    case 'delete':
      for (const entry of result.previous ?? []) bytes += entryBytes + entry.value.length;
      return bytes;
    case 'scan':
      for (const entry of result.entries) bytes += entryBytes + entry.value.length;
      return bytes;
    case 'batch':
    case 'txn':
      for (const one of result.results) bytes += entryBytes + resultBytes(one);
      return bytes;
    default:
      return 0;
  }
}

const entryBytes = 64;
