// One established channel to one peer: sorts outgoing messages into lanes and frames, and turns incoming frames into messages. Who is at the
// other end was settled by the handshake; which link of a pair stays, and what to do when one ends, is the mesh's business.
import type { Message, PeerId } from '@raftkv/raft';
import {
  RaftkvError,
  decodePeerControl,
  decodePeerFrame,
  encodePeerControl,
  encodePeerFrame,
  isPeerControl,
  peerMessageSizeHint,
} from '@raftkv/wire';
import type { PeerFacts } from '@raftkv/wire';
import type { ChannelKind } from './channel.ts';
import type { TransportClock } from './clock.ts';
import type { FrameInbox } from './frame-inbox.ts';
import { Lanes } from './lanes.ts';
import type { MeshLimits } from './mesh-limits.ts';
import { PartJoiner, isPart } from './parts.ts';
import { noTraffic } from './peer-traffic.ts';
import type { PeerTraffic } from './peer-traffic.ts';

/** A peer that is heard all the time would never be pinged. */
const heartbeatsBetweenMeasures = 10;

export interface PeerLinkOptions {
  readonly inbox: FrameInbox;
  readonly selfId: PeerId;
  readonly peerId: PeerId;
  readonly storeId: string;
  /** Undefined: version 1 is spoken. */
  readonly facts?: PeerFacts;
  /** Which of the two dialled. */
  readonly diallerId: PeerId;
  readonly clock: Pick<TransportClock, 'now'>;
  readonly limits: MeshLimits;
  /** Counted into; it outlives the link. */
  readonly traffic?: PeerTraffic;
}

export interface PeerLinkHandlers {
  readonly onMessages: (messages: readonly Message[]) => void;
  /** It tells more of the founding than before. */
  readonly onFacts: (facts: PeerFacts) => void;
  readonly onEnd: (error: RaftkvError | undefined) => void;
}

export class PeerLink {
  readonly peerId: PeerId;
  readonly storeId: string;
  readonly diallerId: PeerId;
  readonly openedAt: number;
  readonly #facts: PeerFacts | undefined;
  readonly #clock: Pick<TransportClock, 'now'>;
  readonly #inbox: FrameInbox;
  readonly #selfId: PeerId;
  readonly #limits: MeshLimits;
  readonly #lanes: Lanes;
  readonly #joiner: PartJoiner;
  readonly #traffic: PeerTraffic;
  /** What several messages share a frame up to. */
  readonly #batchBytes: number;
  #handlers: PeerLinkHandlers | undefined;
  #wasHeard = true;
  #silentHeartbeats = 0;
  #nonce = 0;
  #pingedAt = 0;
  #heartbeats = 0;
  #roundTrip: number | undefined;

  constructor(options: PeerLinkOptions) {
    this.peerId = options.peerId;
    this.storeId = options.storeId;
    this.diallerId = options.diallerId;
    this.#clock = options.clock;
    this.openedAt = options.clock.now();
    this.#facts = options.facts;
    this.#inbox = options.inbox;
    this.#selfId = options.selfId;
    this.#limits = options.limits;
    this.#traffic = options.traffic ?? noTraffic();
    this.#lanes = new Lanes(options.inbox.channel, options.limits, this.#traffic);
    this.#joiner = new PartJoiner(options.limits.maxFrameBytes);
    this.#batchBytes = Math.min(options.limits.maxPartBytes, options.limits.maxFrameBytes);
  }

  get isOpen(): boolean {
    return this.#inbox.channel.isOpen;
  }

  get bootCount(): number {
    return this.#facts?.incarnation.bootCount ?? 0;
  }

  get queuedBytes(): number {
    return this.#lanes.queuedBytes;
  }

  get remote(): string {
    return this.#inbox.channel.remote;
  }

  /** Handlers may be called from inside: messages can have come on the heels of the handshake. */
  start(handlers: PeerLinkHandlers): void {
    this.#handlers = handlers;
    this.#inbox.handOver({
      onFrame: (frame) => this.#receive(frame),
      onDrain: () => this.#lanes.drain(),
      onClose: (error) => handlers.onEnd(error),
    });
    // Unread until both sides have admitted each other; its end is the channel's.
    this.#inbox.channel.bulk?.start({
      onFrame: (frame) => this.#receive(frame),
      onDrain: () => this.#lanes.drainBulk(),
      onClose: () => undefined,
    });
  }

  get kind(): ChannelKind | undefined {
    return this.#inbox.channel.kind;
  }

  /** Smoothed; undefined until the first ping is answered. */
  get roundTripMilliseconds(): number | undefined {
    return this.#roundTrip;
  }

  get path(): 'direct' | 'relayed' | undefined {
    return this.#inbox.channel.path;
  }

  /** One turn's messages. Answers how many were dropped because the peer does not keep up. */
  send(messages: readonly Message[]): number {
    const dropped = this.#dispatch(messages);
    this.#traffic.sentMessages += messages.length - dropped;
    return dropped;
  }

  #dispatch(messages: readonly Message[]): number {
    if (!messages.some(isBulk)) return this.#sendControl(messages);
    const bytes = sizeHint(messages);
    if (bytes <= this.#batchBytes && this.#lanes.isIdle) {
      this.#lanes.sendBulk(encodePeerFrame(messages));
      return 0;
    }
    let dropped = this.#sendControl(messages.filter(isControl));
    for (const batch of batches(messages.filter(isBulk), this.#batchBytes)) {
      if (!this.#sendBulk(batch)) dropped += batch.length;
    }
    return dropped;
  }

  /** Nothing, where version 1 is spoken. */
  tellFounding(storeIds: ReadonlyMap<string, string>): void {
    if (this.#facts !== undefined) this.#lanes.sendControl(encodePeerControl({ type: 'founding', storeIds }));
  }

  /** Once each interval: pings a silent peer, closes a dead one, and now and then measures the way to one that is not silent. */
  heartbeat(): void {
    this.#silentHeartbeats = this.#wasHeard ? 0 : this.#silentHeartbeats + 1;
    this.#wasHeard = false;
    const isMeasureDue = this.#heartbeats++ % heartbeatsBetweenMeasures === 0;
    if (this.#silentHeartbeats === 0 && !isMeasureDue) return;
    if (this.#silentHeartbeats >= this.#limits.maxSilentHeartbeats) {
      this.close(new RaftkvError('timeout', `${this.peerId} at ${this.remote} was silent for too long`));
      return;
    }
    this.#nonce = (this.#nonce + 1) % 0x1_0000_0000;
    this.#pingedAt = this.#clock.now();
    this.#lanes.sendControl(encodePeerControl({ type: 'ping', nonce: this.#nonce }));
  }

  close(error?: RaftkvError): void {
    this.#inbox.channel.close(error);
  }

  #sendBulk(batch: readonly Message[]): boolean {
    if (!this.#lanes.takes(sizeHint(batch))) return false;
    const frame = encodePeerFrame(batch);
    if (frame.length > this.#limits.maxFrameBytes) return false;
    this.#lanes.sendBulk(frame);
    return true;
  }

  #sendControl(messages: readonly Message[]): number {
    let dropped = 0;
    for (const batch of batches(messages, this.#batchBytes)) {
      if (!this.#lanes.sendControl(encodePeerFrame(batch))) dropped += batch.length;
    }
    return dropped;
  }

  #receive(frame: Uint8Array): void {
    this.#wasHeard = true;
    this.#traffic.receivedBytes += frame.length;
    let messages: readonly Message[] | undefined;
    try {
      messages = this.#decode(frame);
    } catch (error) {
      // Whatever a decoder trips over, the bytes are to blame: this channel ends, nothing else.
      return this.close(RaftkvError.from(error, 'bad_frame'));
    }
    if (messages === undefined) return;
    this.#traffic.receivedMessages += messages.length;
    this.#handlers?.onMessages(messages);
  }

  #decode(frame: Uint8Array): readonly Message[] | undefined {
    if (isPart(frame)) {
      const whole = this.#joiner.add(frame);
      return whole === undefined ? undefined : this.#decodeMessages(whole);
    }
    if (!isPeerControl(frame)) return this.#decodeMessages(frame);
    const control = decodePeerControl(frame);
    if (control.type === 'ping') this.#lanes.sendControl(encodePeerControl({ type: 'pong', nonce: control.nonce }));
    else if (control.type === 'founding' && this.#facts !== undefined) {
      const { incarnation } = this.#facts;
      this.#handlers?.onFacts({ incarnation, founding: control.storeIds });
    } else if (control.type === 'pong') this.#measure(control.nonce);
    else throw new RaftkvError('bad_frame', `a ${control.type} after the handshake`);
    return undefined;
  }

  /** Only of the last ping: of an older one, when it was is forgotten. */
  #measure(nonce: number): void {
    if (nonce !== this.#nonce) return;
    const sample = this.#clock.now() - this.#pingedAt;
    this.#roundTrip = this.#roundTrip === undefined ? sample : this.#roundTrip * 0.75 + sample * 0.25;
  }

  #decodeMessages(frame: Uint8Array): readonly Message[] {
    const messages = decodePeerFrame(frame);
    for (const message of messages) {
      // A member speaks for itself only, and to us.
      if (message.from !== this.peerId || message.to !== this.#selfId) {
        throw new RaftkvError('bad_frame', `${this.peerId} sent a message from ${message.from} to ${message.to}`);
      }
    }
    return messages;
  }
}

/**
 * The messages that carry data, plus the empty AppendEntries: overtaking an append that fills the gap before it, that one would be
 * rejected and the leader would go back a step for nothing.
 */
function isBulk(message: Message): boolean {
  return (
    message.type === 'appendRequest' || message.type === 'installSnapshotRequest' || message.type === 'proposeRequest'
  );
}

function isControl(message: Message): boolean {
  return !isBulk(message);
}

function sizeHint(messages: readonly Message[]): number {
  let bytes = 0;
  for (const message of messages) bytes += peerMessageSizeHint(message);
  return bytes;
}

/** Runs of messages that fit a frame of about `maxBytes`; a larger message makes a run of its own. */
function* batches(messages: readonly Message[], maxBytes: number): Generator<readonly Message[]> {
  let start = 0;
  let bytes = 0;
  for (let index = 0; index < messages.length; index += 1) {
    const message = messages[index];
    if (message === undefined) break;
    const messageBytes = peerMessageSizeHint(message);
    if (index > start && bytes + messageBytes > maxBytes) {
      yield messages.slice(start, index);
      start = index;
      bytes = 0;
    }
    bytes += messageBytes;
  }
  if (start < messages.length) yield messages.slice(start);
}
