// Reads a channel frame by frame while a handshake is on, then hands it over to its later owner without losing what came on the heels of
// the last word. Created by the mesh for each channel; the only one to call `channel.start`.
import { RaftkvError } from '@raftkv/wire';
import type { Channel, ChannelHandlers } from './channel.ts';

interface Waiter {
  readonly resolve: (frame: Uint8Array) => void;
  readonly reject: (error: RaftkvError) => void;
}

export class FrameInbox {
  readonly channel: Channel;
  /** Resolves when the channel has ended, however. */
  readonly ended: Promise<void>;
  readonly #maxHeldBytes: number;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #waiter: Waiter | undefined;
  #owner: ChannelHandlers | undefined;
  #end: { readonly error: RaftkvError | undefined } | undefined;

  /** Unread frames above `maxHeldBytes` close the channel with `bad_frame`: nobody has reason to say so much before it is welcome. */
  constructor(channel: Channel, maxHeldBytes: number) {
    this.channel = channel;
    this.#maxHeldBytes = maxHeldBytes;
    this.ended = new Promise((resolve) => {
      channel.start({
        onFrame: (frame) => this.#receive(frame),
        onDrain: () => this.#owner?.onDrain?.(),
        onClose: (error) => {
          this.#finish(error);
          resolve();
        },
      });
    });
  }

  /** The next frame; rejects when the channel ends first. One at a time. */
  next(): Promise<Uint8Array> {
    const frame = this.#held.shift();
    if (frame !== undefined) {
      this.#heldBytes -= frame.length;
      return Promise.resolve(frame);
    }
    if (this.#end !== undefined) return Promise.reject(endedError(this.#end.error));
    return new Promise((resolve, reject) => (this.#waiter = { resolve, reject }));
  }

  /** From now on `owner` gets everything, beginning, in this very call, with what is held. */
  handOver(owner: ChannelHandlers): void {
    this.#owner = owner;
    const held = this.#held;
    this.#held = [];
    for (const frame of held) if (this.channel.isOpen || this.#end !== undefined) owner.onFrame(frame);
    if (this.#end !== undefined) owner.onClose(this.#end.error);
  }

  #receive(frame: Uint8Array): void {
    if (this.#owner !== undefined) return this.#owner.onFrame(frame);
    const waiter = this.#waiter;
    if (waiter !== undefined) {
      this.#waiter = undefined;
      waiter.resolve(frame);
      return;
    }
    this.#held.push(frame);
    this.#heldBytes += frame.length;
    if (this.#heldBytes > this.#maxHeldBytes) {
      this.channel.close(new RaftkvError('bad_frame', 'too many bytes before the handshake was done'));
    }
  }

  #finish(error: RaftkvError | undefined): void {
    this.#end = { error };
    this.#waiter?.reject(endedError(error));
    this.#waiter = undefined;
    this.#owner?.onClose(error);
  }
}

function endedError(error: RaftkvError | undefined): RaftkvError {
  return error ?? new RaftkvError('connection_lost', 'the other side left during the handshake');
}
