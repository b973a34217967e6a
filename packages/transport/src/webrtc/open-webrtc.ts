// Connects this member to others over WebRTC: dials by member id, answers those that dial, and finds out which signal belongs to which attempt.
// Made for the mesh: `dial` is what it dials with, `onChannel` leads to its `accept`. How signals travel is for the Signalling it is given.
import { RaftkvError } from '@raftkv/wire';
import type { Channel } from '../channel.ts';
import type { ChannelLimits } from '../channel-limits.ts';
import { systemClock } from '../clock.ts';
import type { TransportClock } from '../clock.ts';
import { newConnection } from './new-connection.ts';
import type { IceServer, PeerConnectionConstructor } from './peer-connection.ts';
import { PeerSession } from './peer-session.ts';
import type { RelayedLink, RelayedLinks } from './relayed-links.ts';
import { parseSignal } from './signal.ts';
import type { Signal, SignalBody, Signalling } from './signal.ts';
import { dialTwoWays } from './two-ways.ts';
import { webRtcChannel } from './webrtc-channel.ts';
import { defaultWebRtcLimits } from './webrtc-limits.ts';
import type { WebRtcLimits } from './webrtc-limits.ts';

export interface WebRtcOptions {
  /** This member, as others dial it. */
  readonly selfId: string;
  readonly signalling: Signalling;
  /** The way for members between which no direct one leads, such as `relaySignalling(…).links`. Default none. */
  readonly relayed?: RelayedLinks;
  /** Somebody dialled and the channel is open; unstarted. Who it is, a handshake must prove: ids in signals are claims. */
  readonly onChannel: (channel: Channel, from: string) => void;
  /** Whose offers are answered. Default: everybody's. Others are refused with `wrong_member`. */
  readonly isPeer?: (id: string) => boolean;
  /** STUN and TURN servers. Default none: enough within one machine or one local network. More than 4 slow a browser down. */
  readonly iceServers?: readonly IceServer[];
  /** `relay`: only by way of the TURN servers. Default `all`. */
  readonly iceTransportPolicy?: 'all' | 'relay';
  /** Default: the browser's. Node has none: see `@raftkv/transport/node-webrtc`. */
  readonly RTCPeerConnection?: PeerConnectionConstructor;
  /** Of each channel. */
  readonly channel?: Partial<ChannelLimits>;
  readonly limits?: Partial<WebRtcLimits>;
  readonly clock?: TransportClock;
}

export interface WebRtc {
  /**
   * Resolves with an open channel to this member. Rejects with `timeout` (nobody answered, or no way was found), `connect_failed`, `cancelled` (the
   * signal), `busy` (here or there), `closed`, `unsupported` (no WebRTC here), or what the other side refused with. Where there is a relay and the direct
   * way fails or takes longer than `relayAfterMilliseconds`, the channel may lead through it; its `path` says so.
   */
  dial(peerId: string, signal?: AbortSignal): Promise<Channel>;
  /** The same without a relay: for the mesh, which leaves the relayed way when the direct one works again. */
  dialDirect(peerId: string, signal?: AbortSignal): Promise<Channel>;
  /** This member left: its channels end with `closed`, and nothing more is said to it. */
  drop(peerId: string): void;
  /** Sessions that are open, or about to be. */
  readonly sessions: number;
  /** Closes every channel, in order, and answers nobody any more. Idempotent. */
  close(): void;
}

/**
 * @example
 * ```ts
 * const webRtc = openWebRtc({ selfId: 'a1', signalling: broadcastSignalling(new BroadcastChannel('room')), onChannel: (channel) => mesh.accept(channel) });
 * const mesh = openMesh({ self, peers, dial: (peerId, signal) => webRtc.dial(peerId, signal), admit });
 * ```
 * With a relay, the mesh is given `dialDirect: (peerId, signal) => webRtc.dialDirect(peerId, signal)` too.
 */
export function openWebRtc(options: WebRtcOptions): WebRtc {
  return new Switchboard(options);
}

interface Entry {
  readonly peerId: string;
  readonly session: PeerSession;
  /** Signals that came in and are not worked through. */
  waiting: number;
}

class Switchboard implements WebRtc {
  readonly #options: WebRtcOptions;
  readonly #limits: WebRtcLimits;
  /** By the peer and the name of the session, so that nobody can meddle in another one's. */
  readonly #entries = new Map<string, Entry>();
  /** Channels through the relay, until they have let go of it. */
  readonly #relayed = new Set<{ readonly peerId: string; readonly channel: Channel }>();
  readonly #stopListening: () => void;
  readonly #stopTakingLinks: (() => void) | undefined;
  #isClosed = false;

  constructor(options: WebRtcOptions) {
    this.#options = options;
    this.#limits = { ...defaultWebRtcLimits, ...options.limits };
    this.#stopListening = options.signalling.listen((signal) => this.#receive(signal));
    this.#stopTakingLinks = options.relayed?.listen((link) => this.#welcomeLink(link));
  }

  get sessions(): number {
    return this.#entries.size + this.#relayed.size;
  }

  dial(peerId: string, signal?: AbortSignal): Promise<Channel> {
    const { relayed, clock = systemClock } = this.#options;
    if (relayed === undefined) return this.dialDirect(peerId, signal);
    return dialTwoWays({
      direct: (stopped) => this.dialDirect(peerId, stopped),
      relayed: async (stopped) => this.#dress(await relayed.open(peerId, { signal: stopped })),
      patienceMilliseconds: this.#limits.relayAfterMilliseconds,
      clock,
      ...(signal === undefined ? {} : { signal }),
    });
  }

  async dialDirect(peerId: string, signal?: AbortSignal): Promise<Channel> {
    if (signal?.aborted === true) throw cancelled(peerId);
    if (this.#isClosed) throw new RaftkvError('closed', 'nobody is dialled any more');
    if (this.sessions >= this.#limits.maxSessions) throw tooMany();
    const { session } = this.#open(peerId, crypto.randomUUID());
    const cancel = (): void => session.close(cancelled(peerId));
    signal?.addEventListener('abort', cancel, { once: true });
    void session.offer();
    try {
      return await session.opened;
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  drop(peerId: string): void {
    for (const entry of this.#entries.values()) {
      if (entry.peerId === peerId) entry.session.close(new RaftkvError('closed', 'no longer a peer'));
    }
    for (const { peerId: other, channel } of this.#relayed) {
      if (other === peerId) channel.close(new RaftkvError('closed', 'no longer a peer'));
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#stopListening();
    this.#stopTakingLinks?.();
    for (const { session } of this.#entries.values()) session.close(new RaftkvError('closed', 'this member leaves'));
    for (const { channel } of this.#relayed) channel.close(new RaftkvError('closed', 'this member leaves'));
    this.#isClosed = true;
  }

  #open(peerId: string, name: string): Entry {
    const { selfId, signalling, iceServers, iceTransportPolicy, channel = {} } = this.#options;
    const key = keyOf(peerId, name);
    const connection = newConnection(this.#options.RTCPeerConnection, {
      ...(iceServers === undefined ? {} : { iceServers: [...iceServers] }),
      ...(iceTransportPolicy === undefined ? {} : { iceTransportPolicy }),
    });
    const session = new PeerSession({
      connection,
      isPolite: selfId > peerId,
      trickles: true,
      send: (body) =>
        this.#isClosed || signalling.send({ version: 1, session: name, from: selfId, to: peerId, ...body }),
      remote: peerId,
      clock: this.#options.clock ?? systemClock,
      limits: this.#limits,
      channel,
      onEnded: () => this.#entries.delete(key),
    });
    const entry = { peerId, session, waiting: 0 };
    this.#entries.set(key, entry);
    return entry;
  }

  /** What makes no sense is dropped: whoever sent it is not known, so nobody can be told. */
  #receive(value: unknown): void {
    let signal: Signal;
    try {
      signal = parseSignal(value);
    } catch {
      return;
    }
    if (signal.to !== this.#options.selfId || signal.from === this.#options.selfId || this.#isClosed) return;
    const entry = this.#entries.get(keyOf(signal.from, signal.session)) ?? this.#welcome(signal);
    if (entry === undefined || entry.waiting >= this.#limits.maxWaitingSignals) return;
    entry.waiting += 1;
    void entry.session.receive(signal).then(() => (entry.waiting -= 1));
  }

  /** An offer in a session that is not known: somebody dials. */
  #welcome({ type, from, session: name }: Signal): Entry | undefined {
    if (type !== 'offer') return undefined;
    if (this.#options.isPeer?.(from) === false) {
      return this.#refuse(from, name, new RaftkvError('wrong_member', `${from} is no member that is known here`));
    }
    if (this.sessions >= this.#limits.maxSessions) return this.#refuse(from, name, tooMany());
    let entry: Entry;
    try {
      entry = this.#open(from, name);
    } catch (error) {
      return this.#refuse(from, name, RaftkvError.from(error));
    }
    void entry.session.opened.then(
      (channel) => (this.#isClosed ? undefined : this.#options.onChannel(channel, from)),
      // It was told to the one that dialled, who dials again.
      () => undefined,
    );
    return entry;
  }

  /** Somebody found no other way. Throws to refuse. */
  #welcomeLink(link: RelayedLink): void {
    const { isPeer, onChannel } = this.#options;
    if (isPeer?.(link.peerId) === false) {
      throw new RaftkvError('wrong_member', `${link.peerId} is no member that is known here`);
    }
    if (this.sessions >= this.#limits.maxSessions) throw tooMany();
    onChannel(this.#dress(link), link.peerId);
  }

  #dress({ peerId, ports }: RelayedLink): Channel {
    const channel = webRtcChannel(ports, {
      remote: peerId,
      ...this.#options.channel,
      path: 'relayed',
      onReleased: () => this.#relayed.delete(entry),
    });
    const entry = { peerId, channel };
    this.#relayed.add(entry);
    if (this.#isClosed) channel.close(new RaftkvError('closed', 'this member leaves'));
    return channel;
  }

  #refuse(to: string, session: string, { code, message }: RaftkvError): undefined {
    const body: SignalBody = { type: 'bye', code, message };
    this.#options.signalling.send({ version: 1, session, from: this.#options.selfId, to, ...body });
  }
}

function keyOf(peerId: string, session: string): string {
  return JSON.stringify([peerId, session]);
}

function cancelled(peerId: string): RaftkvError {
  return new RaftkvError('cancelled', `dialling ${peerId} was cancelled`);
}

function tooMany(): RaftkvError {
  return new RaftkvError('busy', 'no further connections at the moment');
}
