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
import { decodeSignal, encodeHello, encodeSignal } from './relay-message.ts';
import type { RelayHello } from './relay-message.ts';
import type { Signal, Signalling } from './signal.ts';

export interface RelaySignallingOptions extends RelayHello {
  /** Opens a channel to the relay, such as `dialWebSocket`; must settle once the signal is aborted. */
  readonly dial: (signal: AbortSignal) => Promise<Channel>;
  readonly clock?: TransportClock;
  /** In [0, 1), for the jitter of reconnection. */
  readonly random?: () => number;
}

export interface RelaySignalling extends Signalling {
  /** A channel to the relay stands. */
  readonly isConnected: boolean;
  /** Why the last one ended, or could not be opened. */
  readonly lastError: RaftkvError | undefined;
  /** The way through the relay, for members that find no other: what `openWebRtc` takes as `relayed`. */
  readonly links: RelayedLinks;
  close(): void;
}

/** Signals that wait for a channel; above it the oldest are dropped, whose attempts have timed out by then. */
const maxWaiting = 256;
const backoff = { minBackoffMilliseconds: 100, maxBackoffMilliseconds: 5000, refusedBackoffMilliseconds: 5000 };
const provenMilliseconds = 1000;

/**
 * Dials at once, and from then on whenever the channel ends.
 *
 * @example
 * ```ts
 * const signalling = relaySignalling({ room: clusterId, id: 'a1', dial: (signal) => dialWebSocket(url, { protocol: 'raftkv-signals.v1', signal }) });
 * ```
 */
export function relaySignalling(options: RelaySignallingOptions): RelaySignalling {
  return new ThroughRelay(options);
}

class ThroughRelay implements RelaySignalling {
  readonly #options: RelaySignallingOptions;
  readonly #clock: TransportClock;
  readonly #dialler: Dialler;
  readonly #listeners = new Set<(signal: unknown) => void>();
  #waiting: Signal[] = [];
  #channel: Channel | undefined;
  #isClosed = false;
  readonly links: LinksThroughRelay;
  lastError: RaftkvError | undefined;

  constructor(options: RelaySignallingOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.links = new LinksThroughRelay({
      send: (frame) => {
        if (this.#channel?.isOpen !== true) return false;
        this.#channel.send(frame);
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
    return this.#channel?.isOpen === true;
  }

  send(signal: Signal): void {
    if (this.#isClosed) return;
    if (this.#channel?.isOpen === true) {
      this.#channel.send(encodeSignal(signal));
      return;
    }
    this.#waiting.push(signal);
    if (this.#waiting.length > maxWaiting) this.#waiting.shift();
  }

  listen(onSignal: (signal: unknown) => void): () => void {
    this.#listeners.add(onSignal);
    return () => this.#listeners.delete(onSignal);
  }

  close(): void {
    this.#isClosed = true;
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
        this.links.lost();
        this.lastError = error ?? new RaftkvError('connection_lost', 'the relay closed the channel');
        if (!this.#isClosed) this.#dialler.lost(this.#clock.now() - openedAt >= provenMilliseconds);
      },
    });
    channel.send(encodeHello(this.#options));
    for (const each of this.#waiting.splice(0)) channel.send(encodeSignal(each));
    return 'connected';
  }

  #receive(channel: Channel, frame: Uint8Array): void {
    try {
      if (isRelayFrame(frame)) return this.links.receive(frame);
      const signal = decodeSignal(frame);
      for (const listener of this.#listeners) listener(signal);
    } catch (error) {
      channel.close(RaftkvError.from(error, 'bad_frame'));
    }
  }
}
