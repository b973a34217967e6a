// Connects this member to others over WebRTC: dials by member id, answers those that dial, and finds out which signal belongs to which attempt.
// Carries channels of the mesh and of clients (`purpose.ts`), whose handlers are the caller's. How signals travel is for the Signalling it is given.
import { RaftkvError } from '@raftkv/wire';
import type { Channel } from '../channel.ts';
import type { ChannelLimits } from '../channel-limits.ts';
import { systemClock } from '../clock.ts';
import type { TransportClock } from '../clock.ts';
import { Departed } from '../departed.ts';
import { parsePurpose, purposes } from '../purpose.ts';
import type { ChannelPurpose, DialOptions } from '../purpose.ts';
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
  /** Somebody dialled for this purpose and the channel is open; unstarted. Who it is, a handshake must prove: ids in signals are claims. */
  readonly onChannel: (channel: Channel, from: string, purpose: ChannelPurpose) => void;
  /** Whose offers are answered. Default: everybody's. Others are refused with `wrong_member`. */
  readonly isWelcome?: (id: string, purpose: ChannelPurpose) => boolean;
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
   * Resolves with an open channel to this member. Rejects with `timeout` (nobody answered, or no way was found), `connect_failed` (also: the relay says
   * that it is not there), `cancelled` (the signal), `busy` (here or there), `closed`, `unsupported` (no WebRTC here, or a purpose that is not known there),
   * `member_removed` at once for one that was dropped, or what the other side refused with. Where there is a relay and the direct way fails or takes
   * longer than `relayAfterMilliseconds`, the channel may lead through it; its `path` says so.
   */
  dial(peerId: string, options?: DialOptions): Promise<Channel>;
  /** The same without a relay: for the mesh, which leaves the relayed way when the direct one works again. */
  dialDirect(peerId: string, options?: DialOptions): Promise<Channel>;
  /**
   * This member left for good: its channels end with `closed`, nothing more is said to it, and what it offers is refused with `member_removed`. `purpose`:
   * only in that capacity. The last 1,024 and more are remembered.
   */
  drop(peerId: string, purpose?: ChannelPurpose): void;
  /**
   * For the last turn of a page: what was said over direct channels has left this process when it answers, as far as the browser can do that (Chromium does, as long as the
   * other side takes it in; no other one promises it). Takes some tenths of a millisecond a channel; at most 64 times each.
   */
  flush(): void;
  /** Sessions that are open, or about to be. */
  readonly sessions: number;
  /** Closes every channel, in order, and answers nobody any more. Idempotent. */
  close(): void;
}

/**
 * @example
 * ```ts
 * const signalling = broadcastSignalling(new BroadcastChannel('room'));
 * const onChannel = (channel, from, purpose) => (purpose === 'peer' ? mesh.accept(channel) : serveClient(channel, node));
 * const webRtc = openWebRtc({ selfId: 'a1', signalling, onChannel });
 * const mesh = openMesh({ self, peers, dial: (peerId, signal) => webRtc.dial(peerId, { signal }), admit });
 * const kv = connect({ endpoints: ['b2'], dial: (peerId, { signal }) => webRtc.dial(peerId, { signal, purpose: 'client' }) });
 * ```
 * With a relay, the mesh is given `dialDirect: (peerId, signal) => webRtc.dialDirect(peerId, { signal })` too.
 */
export function openWebRtc(options: WebRtcOptions): WebRtc {
  return new Switchboard(options);
}

interface RelayedEntry {
  readonly peerId: string;
  readonly purpose: ChannelPurpose;
  readonly isDialled: boolean;
  readonly channel: Channel;
}

interface Entry {
  readonly peerId: string;
  readonly purpose: ChannelPurpose;
  readonly session: PeerSession;
  readonly isDialled: boolean;
  /** Signals that came in and are not worked through. */
  waiting: number;
}

class Switchboard implements WebRtc {
  readonly #options: WebRtcOptions;
  readonly #limits: WebRtcLimits;
  /** By the peer and the name of the session, so that nobody can meddle in another one's. */
  readonly #entries = new Map<string, Entry>();
  /** Channels through the relay, until they have let go of it. */
  readonly #relayed = new Set<RelayedEntry>();
  readonly #departed = new Departed();
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

  dial(peerId: string, options: DialOptions = {}): Promise<Channel> {
    const { relayed, clock = systemClock } = this.#options;
    const { signal, ...named } = options;
    if (relayed === undefined) return this.dialDirect(peerId, options);
    return dialTwoWays({
      direct: (stopped) => this.dialDirect(peerId, { ...named, signal: stopped }),
      relayed: async (stopped) => this.#dress(await relayed.open(peerId, { ...named, signal: stopped }), true),
      patienceMilliseconds: this.#limits.relayAfterMilliseconds,
      clock,
      ...(signal === undefined ? {} : { signal }),
    });
  }

  async dialDirect(peerId: string, { signal, purpose = 'peer' }: DialOptions = {}): Promise<Channel> {
    if (signal?.aborted === true) throw cancelled(peerId);
    if (this.#isClosed) throw new RaftkvError('closed', 'nobody is dialled any more');
    this.#departed.check(peerId, purpose);
    if (this.sessions >= this.#limits.maxSessions) throw tooMany();
    const { session } = this.#open({ peerId, purpose, isDialled: true }, crypto.randomUUID());
    const cancel = (): void => session.close(cancelled(peerId));
    signal?.addEventListener('abort', cancel, { once: true });
    void session.offer(this.#limits.answerMilliseconds);
    try {
      return await session.opened;
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  drop(peerId: string, purpose?: ChannelPurpose): void {
    if (purpose === undefined) {
      for (const each of purposes) this.drop(peerId, each);
      return;
    }
    this.#departed.add(peerId, purpose);
    const isMeant = (entry: Entry | RelayedEntry): boolean => entry.peerId === peerId && entry.purpose === purpose;
    const error = new RaftkvError('closed', `no longer a ${purpose}`);
    for (const entry of this.#entries.values()) if (isMeant(entry)) entry.session.close(error);
    for (const entry of this.#relayed) if (isMeant(entry)) entry.channel.close(error);
  }

  flush(): void {
    for (const { session } of this.#entries.values()) session.flush();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#stopListening();
    this.#stopTakingLinks?.();
    for (const { session } of this.#entries.values()) session.close(new RaftkvError('closed', 'this member leaves'));
    for (const { channel } of this.#relayed) channel.close(new RaftkvError('closed', 'this member leaves'));
    this.#isClosed = true;
  }

  #open(named: Pick<Entry, 'peerId' | 'purpose' | 'isDialled'>, name: string): Entry {
    const { peerId, purpose } = named;
    const { selfId, signalling, iceServers, iceTransportPolicy, channel = {} } = this.#options;
    const key = keyOf(peerId, name);
    const connection = newConnection(this.#options.RTCPeerConnection, {
      ...(iceServers === undefined ? {} : { iceServers: [...iceServers] }),
      ...(iceTransportPolicy === undefined ? {} : { iceTransportPolicy }),
    });
    const session = new PeerSession({
      connection,
      purpose,
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
    const entry = { ...named, session, waiting: 0 };
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
  #welcome(signal: Signal): Entry | undefined {
    const { type, from, session: name } = signal;
    if (type !== 'offer') return undefined;
    let entry: Entry;
    try {
      const purpose = parsePurpose(signal.purpose);
      this.#check(from, purpose);
      entry = this.#open({ peerId: from, purpose, isDialled: false }, name);
    } catch (error) {
      return this.#refuse(from, name, RaftkvError.from(error));
    }
    void entry.session.opened.then(
      (channel) => (this.#isClosed ? undefined : this.#options.onChannel(channel, from, entry.purpose)),
      // It was told to the one that dialled, who dials again.
      () => undefined,
    );
    return entry;
  }

  /** Somebody found no other way. Throws to refuse. */
  #welcomeLink(link: RelayedLink): void {
    this.#check(link.peerId, link.purpose);
    this.#options.onChannel(this.#dress(link, false), link.peerId, link.purpose);
  }

  /** Throws to refuse somebody who dials. */
  #check(from: string, purpose: ChannelPurpose): void {
    this.#departed.check(from, purpose);
    if (this.#options.isWelcome?.(from, purpose) === false) {
      throw new RaftkvError('wrong_member', `${from} is not welcome here as a ${purpose}`);
    }
    const { maxSessions, maxClientSessions, maxSessionsOfOne } = this.#limits;
    if (this.sessions >= maxSessions) throw tooMany();
    const taken = [...this.#entries.values(), ...this.#relayed].filter(({ isDialled }) => !isDialled);
    if (taken.filter(({ peerId }) => peerId === from).length >= maxSessionsOfOne) throw tooMany();
    if (purpose !== 'client') return;
    if (taken.filter((entry) => entry.purpose === 'client').length >= maxClientSessions) throw tooMany();
  }

  #dress({ peerId, purpose, ports }: RelayedLink, isDialled: boolean): Channel {
    const channel = webRtcChannel(ports, {
      remote: peerId,
      ...this.#options.channel,
      path: 'relayed',
      onReleased: () => this.#relayed.delete(entry),
    });
    const entry = { peerId, purpose, isDialled, channel };
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
