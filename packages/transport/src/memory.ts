// Channels within one process: the reference of the Channel contract, and what tests of higher rooms run over. Delivery is always
// asynchronous. A pair can be stalled (a side that no longer reads) and cut (a pipe that breaks), which real pipes do unasked.
import { RaftkvError } from '@raftkv/wire';
import type { Channel, ChannelHandlers } from './channel.ts';
import { defaultChannelLimits } from './channel-limits.ts';
import type { ChannelLimits } from './channel-limits.ts';

export type MemorySide = 'left' | 'right';

export interface MemoryChannelOptions extends Partial<ChannelLimits> {
  /** Runs a delivery soon, after the present turn. Default queueMicrotask; a simulator gives its own. */
  readonly defer?: (deliver: () => void) => void;
}

export interface MemoryChannelPair {
  readonly left: Channel;
  readonly right: Channel;
  /** This side reads nothing more, nor hears of the end, until `resume`. Both sides stalled: a half-open pipe. */
  stall(side: MemorySide): void;
  resume(side: MemorySide): void;
  /** The pipe breaks: what is under way is lost, both sides end with `connection_lost`. */
  cut(): void;
}

/**
 * Two channels, joined. What one sends, the other gets: the same bytes, not a copy.
 *
 * @example
 * ```ts
 * const { left, right } = memoryChannelPair();
 * right.start({ onFrame: (frame) => right.send(frame), onClose: () => {} });
 * ```
 */
export function memoryChannelPair(options: MemoryChannelOptions = {}): MemoryChannelPair {
  const limits = { ...defaultChannelLimits, ...options };
  // Not the function itself: kept in a field, it would be called as a method, which browsers refuse.
  const defer = options.defer ?? ((deliver: () => void) => queueMicrotask(deliver));
  const left = new MemoryChannel(limits, defer);
  const right = new MemoryChannel(limits, defer);
  left.join(right);
  right.join(left);
  const sides = { left, right };
  return {
    left,
    right,
    stall: (side) => sides[side].stall(),
    resume: (side) => sides[side].resume(),
    cut: () => {
      left.cut();
      right.cut();
    },
  };
}

class MemoryChannel implements Channel {
  readonly kind = 'memory';
  readonly maxFrameBytes: number;
  readonly remote = 'memory';
  isOpen = true;
  readonly #limits: ChannelLimits;
  readonly #defer: (deliver: () => void) => void;
  /** Itself until joined. */
  #other: MemoryChannel = this;
  #handlers: ChannelHandlers | undefined;
  /** What the other side sent and this one has not read, and the bytes of it. */
  #inbox: Uint8Array[] = [];
  #inboxBytes = 0;
  /** How it ends, told once the inbox is read. */
  #end: { readonly error: RaftkvError | undefined } | undefined;
  #isEndTold = false;
  #isDeliveryDue = false;
  #isStalled = false;
  #isFull = false;

  constructor(limits: ChannelLimits, defer: (deliver: () => void) => void) {
    this.#limits = limits;
    this.#defer = defer;
    this.maxFrameBytes = limits.maxFrameBytes;
  }

  join(other: MemoryChannel): void {
    this.#other = other;
  }

  get bufferedBytes(): number {
    return this.isOpen ? this.#other.#inboxBytes : 0;
  }

  start(handlers: ChannelHandlers): void {
    if (this.#handlers !== undefined) throw new RaftkvError('invalid_argument', 'a channel is started once');
    this.#handlers = handlers;
    this.#deliverSoon();
  }

  send(frame: Uint8Array): boolean {
    if (frame.length > this.maxFrameBytes) {
      const message = `a frame of ${frame.length} bytes passes the limit of ${this.maxFrameBytes}`;
      throw new RaftkvError('frame_too_large', message);
    }
    if (!this.isOpen) return false;
    const other = this.#other;
    // The other side has ended and this one cannot know: the bytes vanish, as they do in a socket.
    if (other.#end !== undefined) return !this.#isFull;
    if (other.#inboxBytes + frame.length > this.#limits.maxBufferedBytes) {
      other.#dropInbox();
      this.close(new RaftkvError('busy', 'the other side does not take what it is sent'));
      return false;
    }
    other.#inbox.push(frame);
    other.#inboxBytes += frame.length;
    other.#deliverSoon();
    if (other.#inboxBytes >= this.#limits.highWaterBytes) this.#isFull = true;
    return !this.#isFull;
  }

  close(error?: RaftkvError): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#dropInbox();
    // Who closes hears of it even where nothing else is heard any more.
    this.#isStalled = false;
    this.#end = { error };
    this.#deliverSoon();
    this.#other.#hearEnd(error);
  }

  cut(): void {
    if (this.#end !== undefined) return;
    this.#dropInbox();
    this.#hearEnd(new RaftkvError('connection_lost', 'the memory channel was cut'));
  }

  stall(): void {
    this.#isStalled = this.isOpen;
  }

  resume(): void {
    this.#isStalled = false;
    this.#deliverSoon();
  }

  #deliverSoon(): void {
    if (this.#isDeliveryDue || this.#isStalled) return;
    this.#isDeliveryDue = true;
    this.#defer(() => this.#deliver());
  }

  #deliver(): void {
    this.#isDeliveryDue = false;
    if (this.#isStalled) return;
    if (this.#end !== undefined) this.isOpen = false;
    const handlers = this.#handlers;
    if (handlers === undefined) return;
    // A handler may send, stall or close in between, and frames may join at the end meanwhile.
    let read = 0;
    for (; read < this.#inbox.length && !this.#isStalled; read += 1) {
      const frame = this.#inbox[read];
      if (frame === undefined) break;
      this.#inboxBytes -= frame.length;
      handlers.onFrame(frame);
    }
    this.#inbox.splice(0, read);
    if (!this.#isStalled) this.#other.#drain();
    if (this.#end !== undefined && this.#inbox.length === 0 && !this.#isStalled && !this.#isEndTold) {
      this.#isEndTold = true;
      handlers.onClose(this.#end.error);
    }
  }

  /** The other side has read everything: there is no low-water mark between full and empty here. */
  #drain(): void {
    if (!this.#isFull || !this.isOpen) return;
    this.#isFull = false;
    this.#handlers?.onDrain?.();
  }

  #dropInbox(): void {
    this.#inbox = [];
    this.#inboxBytes = 0;
  }

  /** The news travels like a frame: until it is delivered, this side goes on believing that it is open. */
  #hearEnd(error: RaftkvError | undefined): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    this.#deliverSoon();
  }
}
