// Sends encoded frames to one peer over one channel in two lanes. The bulk lane (entries, snapshots, proposals) is a bounded queue that gives
// the channel only what it takes without filling up, large frames in parts; the control lane (votes, heartbeats, answers, pings) passes it by.
// So a heartbeat waits for no snapshot, and a peer that does not read costs no more memory than the limits say. A channel with a bulk pipe of
// its own carries that lane there. Used by `peer-link.ts`.
import type { Channel } from './channel.ts';
import type { MeshLimits } from './mesh-limits.ts';
import { cutPart } from './parts.ts';
import { noTraffic } from './peer-traffic.ts';
import type { PeerTraffic } from './peer-traffic.ts';

export class Lanes {
  readonly #channel: Channel;
  /** The channel itself where it has no other. */
  readonly #bulkChannel: Channel;
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
  #isBulkChannelFull = false;
  #controlBytesWhileFull = 0;
  #isOverfull = false;

  constructor(channel: Channel, limits: MeshLimits, traffic: PeerTraffic = noTraffic()) {
    this.#channel = channel;
    this.#bulkChannel = channel.bulk ?? channel;
    this.#maxPartBytes = Math.min(limits.maxPartBytes, channel.maxFrameBytes, this.#bulkChannel.maxFrameBytes);
    this.#maxQueuedBytes = limits.maxQueuedBytes;
    this.#controlReserveBytes = limits.controlReserveBytes;
    this.#traffic = traffic;
  }

  get #hasTwoPipes(): boolean {
    return this.#bulkChannel !== this.#channel;
  }

  /** Bytes that wait here and in the channel. */
  get queuedBytes(): number {
    const bulkBytes = this.#hasTwoPipes ? this.#bulkChannel.bufferedBytes : 0;
    return this.#queuedBytes + this.#channel.bufferedBytes + bulkBytes;
  }

  /** Nothing waits, and there is one pipe: what is sent now leaves now, so that both lanes may share a frame. */
  get isIdle(): boolean {
    return !this.#hasTwoPipes && !this.#isChannelFull && this.#head === this.#bulk.length;
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
    if (!this.#give(this.#channel, frame)) this.#isChannelFull = true;
    return true;
  }

  /** To be called on the channel's drain. */
  drain(): void {
    this.#isChannelFull = false;
    this.#controlBytesWhileFull = 0;
    this.#pump();
  }

  /** To be called on the drain of its bulk pipe, where it has one. */
  drainBulk(): void {
    this.#isBulkChannelFull = false;
    this.#pump();
  }

  #pump(): void {
    while (this.#hasRoom() && this.#head < this.#bulk.length && this.#bulkChannel.isOpen) {
      const frame = this.#bulk[this.#head];
      if (frame === undefined) return;
      if (frame.length <= this.#maxPartBytes) {
        this.#queuedBytes -= frame.length;
        this.#dropHead();
        this.#giveBulk(frame);
        continue;
      }
      const { part, nextOffset } = cutPart(frame, this.#headOffset, this.#maxPartBytes);
      this.#queuedBytes -= nextOffset - this.#headOffset;
      this.#headOffset = nextOffset;
      if (nextOffset === frame.length) this.#dropHead();
      this.#giveBulk(part);
    }
  }

  #hasRoom(): boolean {
    return this.#hasTwoPipes ? !this.#isBulkChannelFull : !this.#isChannelFull;
  }

  #giveBulk(frame: Uint8Array): void {
    if (this.#give(this.#bulkChannel, frame)) return;
    if (this.#hasTwoPipes) this.#isBulkChannelFull = true;
    else this.#isChannelFull = true;
  }

  /** False: this pipe is full. */
  #give(channel: Channel, frame: Uint8Array): boolean {
    this.#traffic.sentBytes += frame.length;
    return channel.send(frame);
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
