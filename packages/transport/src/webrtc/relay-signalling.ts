// Signalling through a relay that any Node peer can run: keeps a channel to it, opens it again when it ends, and holds what is said meanwhile. Links through
// the relay use the same channel.
import { RaftkvError } from '@raftkv/wire';
import type { Channel } from '../channel.ts';
import { systemClock } from '../clock.ts';
import type { TransportClock } from '../clock.ts';
import { Dialler } from '../dialler.ts';
import type { DialOutcome } from '../dialler.ts';
import { isRelayFrame } from './relay-frame.ts';
import { LinksThroughRelay } from './relayed-links.ts';
import type { RelayedLinks } from './relayed-links.ts';
import { decodeFromRelay, encodeHello, encodeSignal, encodeWord, relayRoom } from './relay-message.ts';
import type { RelayHello } from './relay-message.ts';
import type { Signal, Signalling } from './signal.ts';

export interface RelaySignallingOptions {
  /** Whose members meet, such as the id of the cluster. No secret. */
  readonly room: string;
  /**
   * What only members know, and those that are to join: of at least 16 bytes that nobody can guess, as in the link of a room. Who does not have it hears
   * nothing and goes by no name there. The relay is told a hash of it.
   */
  readonly secret: string | Uint8Array;
  /** Under which others dial this member. */
  readonly id: string;
  /** Opens a channel to the relay, such as `dialWebSocket`; must settle once the signal is aborted. */
  readonly dial: (signal: AbortSignal) => Promise<Channel>;
  readonly clock?: TransportClock;
  /** In [0, 1), for the jitter of reconnection. */
  readonly random?: () => number;
  /** Told who is in the room besides this member, each time that changes; nobody, while there is no channel to the relay. Default: not asked for. */
  readonly onPresence?: (ids: readonly string[]) => void;
}

export interface RelaySignalling extends Signalling {
  /** A channel to the relay stands, and this member is welcome. */
  readonly isConnected: boolean;
  /** Why the last one ended, or could not be opened. `wrong_member`: another one that lives goes by this name. */
  readonly lastError: RaftkvError | undefined;
  /** The way through the relay, for members that find no other: what `openWebRtc` takes as `relayed`. */
  readonly links: RelayedLinks;
  /** This machine is on another network, or on one again: whether the relay still hears is found out now, and a lost one is dialled at once. */
  networkChanged(): void;
  close(): void;
}

/** Signals that wait for a channel; above it the oldest are dropped, whose attempts have timed out by then. */
const maxWaiting = 256;
const backoff = { minBackoffMilliseconds: 100, maxBackoffMilliseconds: 5000, refusedBackoffMilliseconds: 5000 };
const provenMilliseconds = 1000;
/** How often a relay is asked whether it still hears. */
const pingMilliseconds = 10_000;
/** How long it may take to welcome this member, which may have to wait until somebody else had the time to say that the name is its own. */
const welcomeMilliseconds = 10_000;
/** How long it may take to say a word then: sockets of a machine that slept, or changed networks, look open and are dead. */
const doubtMilliseconds = 3000;

/**
 * Dials at once, and from then on whenever the channel ends. Throws `invalid_argument` for a secret of less than 16 bytes.
 *
 * @example
 * ```ts
 * const signalling = relaySignalling({ room: clusterId, secret, id: 'a1', dial: (signal) => dialWebSocket(url, { protocol: 'raftkv-signals.v1', signal }) });
 * ```
 */
export function relaySignalling(options: RelaySignallingOptions): RelaySignalling {
  return new ThroughRelay(options);
}

class ThroughRelay implements RelaySignalling {
  readonly #options: RelaySignallingOptions;
  readonly #hello: RelayHello;
  readonly #clock: TransportClock;
  readonly #dialler: Dialler;
  readonly #listeners = new Set<(signal: unknown) => void>();
  #waiting: Signal[] = [];
  #channel: Channel | undefined;
  /** Welcomed on that channel. */
  #isWelcome = false;
  #isClosed = false;
  /** A ping is not answered yet. */
  #isInDoubt = false;
  /** Of the present channel: a ping, or the end of one that is silent. */
  #cancelPing: () => void = () => undefined;
  readonly links: LinksThroughRelay;
  lastError: RaftkvError | undefined;

  constructor(options: RelaySignallingOptions) {
    this.#options = options;
    const { room, secret, id } = options;
    this.#hello = {
      room: relayRoom(room, secret),
      id,
      key: crypto.randomUUID(),
      watches: options.onPresence !== undefined,
    };
    this.#clock = options.clock ?? systemClock;
    this.links = new LinksThroughRelay({
      send: (frame) => {
        if (!this.isConnected) return false;
        this.#channel?.send(frame);
        return true;
      },
      bufferedBytes: () => this.#channel?.bufferedBytes ?? 0,
      clock: this.#clock,
    });
    this.#dialler = new Dialler({
      clock: this.#clock,
      random: options.random ?? Math.random,
      ...backoff,
      attempt: (signal) => this.#dial(signal),
      isNeeded: () => this.#channel === undefined,
    });
    this.#dialler.dialNow();
  }

  get isConnected(): boolean {
    return this.#isWelcome && this.#channel?.isOpen === true;
  }

  send(signal: Signal): void {
    if (this.#isClosed) return;
    if (this.isConnected) {
      this.#channel?.send(encodeSignal(signal));
      return;
    }
    this.#waiting.push(signal);
    if (this.#waiting.length > maxWaiting) this.#waiting.shift();
  }

  listen(onSignal: (signal: unknown) => void): () => void {
    this.#listeners.add(onSignal);
    return () => this.#listeners.delete(onSignal);
  }

  networkChanged(): void {
    this.#dialler.dialNow();
    if (this.isConnected) return this.#ping();
    // It was on its way when the network changed: whether it will ever be heard there nobody can ask.
    this.#channel?.close(silent());
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelPing();
    this.#dialler.stop();
    this.#channel?.close();
  }

  async #dial(signal: AbortSignal): Promise<DialOutcome> {
    let channel: Channel;
    try {
      channel = await this.#options.dial(signal);
    } catch (error) {
      this.lastError = RaftkvError.from(error);
      return 'failed';
    }
    if (this.#isClosed) {
      channel.close();
      return 'failed';
    }
    this.#channel = channel;
    const openedAt = this.#clock.now();
    channel.start({
      onFrame: (frame) => this.#receive(channel, frame),
      onDrain: () => this.links.drained(),
      onClose: (error) => {
        this.#channel = undefined;
        this.#isWelcome = false;
        this.#cancelPing();
        this.links.lost();
        this.#options.onPresence?.([]);
        this.lastError = error ?? new RaftkvError('connection_lost', 'the relay closed the channel');
        if (!this.#isClosed) this.#dialler.lost(this.#clock.now() - openedAt >= provenMilliseconds);
      },
    });
    this.#cancelPing = this.#clock.schedule(() => channel.close(silent()), welcomeMilliseconds);
    channel.send(encodeHello(this.#hello));
    return 'connected';
  }

  #enter(channel: Channel): void {
    this.#isWelcome = true;
    this.#pingLater();
    for (const each of this.#waiting.splice(0)) channel.send(encodeSignal(each));
  }

  #pingLater(): void {
    this.#isInDoubt = false;
    this.#cancelPing();
    this.#cancelPing = this.#clock.schedule(() => this.#ping(), pingMilliseconds);
  }

  /** Whatever comes in is an answer. */
  #ping(): void {
    const channel = this.#channel;
    if (channel === undefined || this.#isInDoubt) return;
    this.#isInDoubt = true;
    channel.send(encodeWord('ping'));
    this.#cancelPing();
    this.#cancelPing = this.#clock.schedule(() => channel.close(silent()), doubtMilliseconds);
  }

  #receive(channel: Channel, frame: Uint8Array): void {
    if (this.#isInDoubt) this.#pingLater();
    try {
      if (isRelayFrame(frame)) return this.links.receive(frame);
      const signal = decodeFromRelay(frame);
      if (signal === 'welcome') return this.#enter(channel);
      if (signal === 'ping') return void channel.send(encodeWord('pong'));
      if (signal === 'pong') return;
      if (signal.type === 'presence') return this.#options.onPresence?.(signal.ids);
      for (const listener of this.#listeners) listener(signal);
    } catch (error) {
      channel.close(RaftkvError.from(error, 'bad_frame'));
    }
  }
}

function silent(): RaftkvError {
  return new RaftkvError('timeout', 'the relay is silent');
}
