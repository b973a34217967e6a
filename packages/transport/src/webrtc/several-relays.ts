// Signalling through several relays at once, so that none of them has to be there: whoever is at any of them is in reach. The signals of a session go through one, of
// those where the other is; so does a link, and ends with it. Each relay by itself is kept by `relay-signalling.ts`.
import type { Channel } from '../channel.ts';
import { relaySignalling } from './relay-signalling.ts';
import type { RelaySignalling, RelaySignallingOptions } from './relay-signalling.ts';
import type { RelayedLinks } from './relayed-links.ts';
import type { Signal } from './signal.ts';

export interface SeveralRelaysOptions extends Omit<RelaySignallingOptions, 'dial'> {
  /** One for each relay, in the order in which they are preferred; see `RelaySignallingOptions.dial`. */
  readonly dials: readonly ((signal: AbortSignal) => Promise<Channel>)[];
  /** Told who is at any of the relays, besides this member. */
  readonly onPresence: (ids: readonly string[]) => void;
}

/** Members that were heard and need not be present at any relay, as far as is known yet; above it the oldest are forgotten. */
const maxHeard = 256;
/** Sessions whose relay is remembered; above it the one that was silent for longest is forgotten, and goes where a new one would. */
const maxSessions = 256;
/** Signals that wait for a relay; above it the oldest are dropped, whose attempts have timed out by then. */
const maxWaiting = 256;

interface Relay {
  readonly signalling: RelaySignalling;
  present: ReadonlySet<string>;
}

/**
 * Dials all of them, and keeps a channel to each.
 *
 * @example
 * ```ts
 * const dials = urls.map((url) => (signal: AbortSignal) => dialWebSocket(url, { protocol: 'raftkv-signals.v1', signal }));
 * const signalling = severalRelays({ room, secret, id: 'a1', dials, onPresence });
 * const webRtc = openWebRtc({ selfId: 'a1', signalling, relayed: signalling.links, onChannel });
 * ```
 */
export function severalRelays(options: SeveralRelaysOptions): RelaySignalling {
  return new SeveralRelays(options);
}

class SeveralRelays implements RelaySignalling {
  readonly #relays: Relay[] = [];
  /** Through which relay somebody was heard last. */
  readonly #heardAt = new Map<string, Relay>();
  /** Through which relay a session goes: through two of them its signals could overtake each other. */
  readonly #sessionAt = new Map<string, Relay>();
  /** Said while no relay stands: for the one that does first. */
  #waiting: Signal[] = [];
  #isClosed = false;
  readonly links: RelayedLinks;

  constructor({ dials, onPresence, ...options }: SeveralRelaysOptions) {
    const tell = (): void => onPresence([...new Set(this.#relays.flatMap(({ present }) => [...present]))]);
    for (const dial of dials) {
      const relay: Relay = {
        present: new Set(),
        signalling: relaySignalling({
          ...options,
          dial,
          onPresence: (ids) => {
            relay.present = new Set(ids);
            this.#sendWaiting();
            tell();
          },
        }),
      };
      this.#relays.push(relay);
    }
    this.links = {
      open: (peerId, how) => this.#relayTo(peerId).signalling.links.open(peerId, how),
      listen: (onLink) => all(this.#relays.map(({ signalling }) => signalling.links.listen(onLink))),
    };
  }

  get isConnected(): boolean {
    return this.#relays.some(({ signalling }) => signalling.isConnected);
  }

  get lastError(): RelaySignalling['lastError'] {
    return this.#relays.find(({ signalling }) => signalling.lastError !== undefined)?.signalling.lastError;
  }

  send(signal: Signal): void {
    if (this.#isClosed) return;
    this.#waiting.push(signal);
    if (this.#waiting.length > maxWaiting) this.#waiting.shift();
    this.#sendWaiting();
  }

  #sendWaiting(): void {
    if (!this.isConnected) return;
    for (const signal of this.#waiting.splice(0)) this.#relayOf(signal).signalling.send(signal);
  }

  /** The one of its session, for as long as that stands and the other has not gone from there to another one. */
  #relayOf({ to, session }: Signal): Relay {
    const key = JSON.stringify([to, session]);
    const before = this.#sessionAt.get(key);
    const best = this.#relayTo(to);
    const mayStay = before?.signalling.isConnected === true && (before.present.has(to) || !best.present.has(to));
    const relay = mayStay ? before : best;
    put(this.#sessionAt, key, relay, maxSessions);
    return relay;
  }

  listen(onSignal: (signal: unknown) => void): () => void {
    return all(
      this.#relays.map((relay) =>
        relay.signalling.listen((signal) => {
          this.#heard(relay, signal);
          onSignal(signal);
        }),
      ),
    );
  }

  networkChanged(): void {
    for (const { signalling } of this.#relays) signalling.networkChanged();
  }

  close(): void {
    this.#isClosed = true;
    this.#waiting = [];
    for (const { signalling } of this.#relays) signalling.close();
  }

  /** One that stands, and where that member is; in doubt the one through which it was heard, and the first of all where none stands. */
  #relayTo(peerId: string): Relay {
    const standing = this.#relays.filter(({ signalling }) => signalling.isConnected);
    const heardAt = this.#heardAt.get(peerId);
    return (
      standing.find(({ present }) => present.has(peerId)) ??
      standing.find((relay) => relay === heardAt) ??
      standing[0] ??
      this.#relays[0]!
    );
  }

  /** Whoever it says it is from: that is for a handshake to prove. */
  #heard(relay: Relay, signal: unknown): void {
    const { from } = (signal ?? {}) as { readonly from?: unknown };
    if (typeof from !== 'string') return;
    put(this.#heardAt, from, relay, maxHeard);
  }
}

/** As the newest of so many. */
function put(relays: Map<string, Relay>, key: string, relay: Relay, limit: number): void {
  relays.delete(key);
  relays.set(key, relay);
  if (relays.size > limit) relays.delete(relays.keys().next().value!);
}

function all(stops: readonly (() => void)[]): () => void {
  return () => {
    for (const stop of stops) stop();
  };
}
