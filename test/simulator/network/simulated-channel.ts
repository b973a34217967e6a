// One end of a simulated socket, under the Channel contract. What is sent goes to the other end in order, after the latency of the way; while the
// way is cut, or the pipe is frozen, it waits here and counts as buffered.
import { defaultChannelLimits } from '@raftkv/transport';
import type { Channel, ChannelHandlers, ChannelLimits } from '@raftkv/transport';
import { RaftkvError } from '@raftkv/wire';
import type { Process } from '../world/process.ts';

export interface ChannelPath {
  readonly isCut: () => boolean;
  readonly latency: () => number;
}

/** A frame, or the word that the channel ends. */
type Item =
  | { readonly frame: Uint8Array; readonly end?: undefined }
  | { readonly frame?: undefined; readonly end: { readonly error: RaftkvError | undefined } };

export class SimulatedChannel implements Channel {
  readonly maxFrameBytes: number;
  readonly process: Process;
  readonly remote: string;
  isOpen = true;
  onOver: () => void = () => undefined;
  #other: SimulatedChannel = this;
  readonly #path: ChannelPath;
  readonly #limits: ChannelLimits;
  #handlers: ChannelHandlers | undefined;
  /** Not on its way yet. */
  #waiting: Item[] = [];
  #bufferedBytes = 0;
  #lastArrival = 0;
  #isFrozen = false;
  #isFull = false;
  /** Arrived before `start`. */
  #held: Item[] = [];
  #isEndTold = false;
  /** It ended before `start`. */
  #heldEnd: { readonly error: RaftkvError | undefined } | undefined;
  #isBroken = false;

  constructor(process: Process, remote: string, path: ChannelPath, limits: ChannelLimits = defaultChannelLimits) {
    this.process = process;
    this.remote = remote;
    this.#path = path;
    this.#limits = limits;
    this.maxFrameBytes = limits.maxFrameBytes;
  }

  join(other: SimulatedChannel): void {
    this.#other = other;
  }

  get bufferedBytes(): number {
    return this.isOpen ? this.#bufferedBytes : 0;
  }

  /** Its end was told, or it was closed here. */
  get isOver(): boolean {
    return this.#isEndTold || this.#isBroken || !this.process.isAlive;
  }

  start(handlers: ChannelHandlers): void {
    if (this.#handlers !== undefined) throw new RaftkvError('invalid_argument', 'a channel is started once');
    this.#handlers = handlers;
    if (this.#held.length === 0 && this.#heldEnd === undefined) return;
    this.process.defer(() => {
      const held = this.#held;
      this.#held = [];
      for (const item of held) this.#take(item);
      if (this.#heldEnd !== undefined) handlers.onClose(this.#heldEnd.error);
    });
  }

  send(frame: Uint8Array): boolean {
    const { maxFrameBytes, highWaterBytes, maxBufferedBytes } = this.#limits;
    if (frame.length > maxFrameBytes) {
      throw new RaftkvError('frame_too_large', `a frame of ${frame.length} bytes passes the limit of ${maxFrameBytes}`);
    }
    if (!this.isOpen) return false;
    if (this.#bufferedBytes + frame.length > maxBufferedBytes) {
      this.close(new RaftkvError('busy', 'the other side does not take what it is sent'));
      return false;
    }
    this.#bufferedBytes += frame.length;
    if (this.#bufferedBytes >= highWaterBytes) this.#isFull = true;
    this.#push({ frame });
    return !this.#isFull;
  }

  close(error?: RaftkvError): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#push({ end: { error } });
    this.process.defer(() => this.#tellEnd(error));
  }

  /** The way is open again: what waited sets off. */
  flush(): void {
    if (this.#waiting.length === 0 || this.#isFrozen || this.#isBroken || this.#path.isCut()) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const item of waiting) this.#depart(item);
  }

  /** Nothing leaves here any more, and nobody is told. */
  freeze(): void {
    this.#isFrozen = true;
  }

  /** The pipe is gone: what is under way to or from here is lost; this side is told after `delay`. */
  breakOff(delay: number): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    this.#waiting = [];
    this.#held = [];
    this.process.after(delay, () => {
      this.isOpen = false;
      this.#tellEnd(new RaftkvError('connection_lost', 'the pipe broke'));
    });
  }

  #push(item: Item): void {
    if (this.#isBroken) return;
    if (this.#waiting.length > 0 || this.#isFrozen || this.#path.isCut()) this.#waiting.push(item);
    else this.#depart(item);
  }

  #depart(item: Item): void {
    const other = this.#other;
    const now = this.process.worldNow;
    this.#lastArrival = Math.max(this.#lastArrival, now + this.#path.latency());
    other.process.after(this.#lastArrival - now, () => {
      if (other.#isBroken || this.#isBroken) return;
      this.#arrived(item);
      other.#receive(item);
    });
  }

  /** The other side has it: there is room again. */
  #arrived({ frame }: Item): void {
    if (frame === undefined) return;
    this.#bufferedBytes -= frame.length;
    if (!this.#isFull || this.#bufferedBytes > this.#limits.lowWaterBytes) return;
    this.#isFull = false;
    this.process.defer(() => {
      if (this.isOpen && !this.#isFull) this.#handlers?.onDrain?.();
    });
  }

  #receive(item: Item): void {
    if (this.#handlers === undefined || this.#held.length > 0) this.#held.push(item);
    else this.#take(item);
  }

  #take(item: Item): void {
    if (this.#isEndTold) return;
    if (item.frame !== undefined) {
      if (this.isOpen) this.#handlers?.onFrame(item.frame);
      return;
    }
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#tellEnd(item.end.error);
  }

  #tellEnd(error: RaftkvError | undefined): void {
    if (this.#isEndTold) return;
    this.#isEndTold = true;
    this.onOver();
    if (this.#handlers === undefined) this.#heldEnd = { error };
    else this.#handlers.onClose(error);
  }
}
