// Sends encoded frames to one peer over one channel in two lanes. The bulk lane (entries, snapshots, proposals) is a bounded queue that gives
// the channel only what it takes without filling up, large frames in parts; the control lane (votes, heartbeats, answers, pings) passes it by.
// So a heartbeat waits for no snapshot, and a peer that does not read costs no more memory than the limits say. Used by `peer-link.ts`.
import type { Channel } from './channel.ts';
import type { MeshLimits } from './mesh-limits.ts';
import { cutPart } from './parts.ts';
import { noTraffic } from './peer-traffic.ts';
import type { PeerTraffic } from './peer-traffic.ts';

export class Lanes {
  readonly #channel: Channel;
  readonly #maxPartBytes: number;
  readonly #maxQueuedBytes: number;
  readonly #controlReserveBytes: number;
  readonly #traffic: PeerTraffic;
  /** Frames of the bulk lane; those before `#head` are gone. */
  #bulk: (Uint8Array | undefined)[] = [];
  #head = 0;
  /** How much of the frame at the head has left in parts. */
  #headOffset = 0;
  #queuedBytes = 0;
  /** The channel said to hold on and has not drained. */
  #isChannelFull = false;
  #controlBytesWhileFull = 0;
  #isOverfull = false;

  constructor(channel: Channel, limits: MeshLimits, traffic: PeerTraffic = noTraffic()) {
    this.#channel = channel;
    this.#maxPartBytes = Math.min(limits.maxPartBytes, channel.maxFrameBytes);
    this.#maxQueuedBytes = limits.maxQueuedBytes;
    this.#controlReserveBytes = limits.controlReserveBytes;
    this.#traffic = traffic;
  }

  /** Bytes that wait here and in the channel. */
  get queuedBytes(): number {
    return this.#queuedBytes + this.#channel.bufferedBytes;
  }

  /** Nothing waits: what is sent now leaves now, so that both lanes may share a frame. */
  get isIdle(): boolean {
    return !this.#isChannelFull && this.#head === this.#bulk.length;
  }

  /** Whether the bulk lane takes about so many bytes more. Once it refused, it goes on refusing until half of what is allowed has left. */
  takes(bytes: number): boolean {
    const queuedBytes = this.queuedBytes;
    if (this.#isOverfull) this.#isOverfull = queuedBytes > this.#maxQueuedBytes / 2;
    else this.#isOverfull = queuedBytes > 0 && queuedBytes + bytes > this.#maxQueuedBytes;
    return !this.#isOverfull;
  }

  sendBulk(frame: Uint8Array): void {
    this.#bulk.push(frame);
    this.#queuedBytes += frame.length;
    this.#pump();
  }

  /** False: dropped, since the channel is full and so is the reserve. */
  sendControl(frame: Uint8Array): boolean {
    if (frame.length > this.#maxPartBytes) {
      // A rare giant (a channel with tiny frames): in parts, like bulk.
      this.sendBulk(frame);
      return true;
    }
    if (this.#isChannelFull) {
      if (this.#controlBytesWhileFull + frame.length > this.#controlReserveBytes) return false;
      this.#controlBytesWhileFull += frame.length;
    }
    this.#give(frame);
    return true;
  }

  /** To be called on the channel's drain. */
  drain(): void {
    this.#isChannelFull = false;
    this.#controlBytesWhileFull = 0;
    this.#pump();
  }

  #pump(): void {
    while (!this.#isChannelFull && this.#head < this.#bulk.length && this.#channel.isOpen) {
      const frame = this.#bulk[this.#head];
      if (frame === undefined) return;
      if (frame.length <= this.#maxPartBytes) {
        this.#queuedBytes -= frame.length;
        this.#dropHead();
        this.#give(frame);
        continue;
      }
      const { part, nextOffset } = cutPart(frame, this.#headOffset, this.#maxPartBytes);
      this.#queuedBytes -= nextOffset - this.#headOffset;
      this.#headOffset = nextOffset;
      if (nextOffset === frame.length) this.#dropHead();
      this.#give(part);
    }
  }

  #give(frame: Uint8Array): void {
    this.#traffic.sentBytes += frame.length;
    if (!this.#channel.send(frame)) this.#isChannelFull = true;
  }

  #dropHead(): void {
    this.#bulk[this.#head] = undefined;
    this.#head += 1;
    this.#headOffset = 0;
    if (this.#head < this.#bulk.length) return;
    this.#bulk = [];
    this.#head = 0;
  }
}
