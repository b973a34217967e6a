// The member's side of the way through a relay: opens links to other members of its room, takes those that others open, and sorts what comes in to their
// ports. The channel to the relay is kept by `relay-signalling.ts`; when to go through a relay at all is decided in `open-webrtc.ts`.
import { RaftkvError } from '@raftkv/wire';
import { systemClock } from '../clock.ts';
import type { TransportClock } from '../clock.ts';
import { checkAgreed, parsePurpose } from '../purpose.ts';
import type { ChannelPurpose, DialOptions } from '../purpose.ts';
import {
  decodeCount,
  decodeReason,
  decodeRelayFrame,
  encodeCount,
  encodeReason,
  encodeRelayFrame,
  nothing,
} from './relay-frame.ts';
import type { RelayFrame, RelayFrameKind } from './relay-frame.ts';
import { RelayedPort } from './relayed-port.ts';
import type { DataPorts } from './webrtc-channel.ts';

export interface RelayedLink {
  readonly peerId: string;
  readonly purpose: ChannelPurpose;
  /** Open, or within this turn: what is sent before waits. Closing both ends the link. */
  readonly ports: DataPorts;
}

/** Links between members that find no way to each other. Who is at the other end, a handshake must prove. */
export interface RelayedLinks {
  /**
   * Resolves with an open link. Rejects with `connect_failed` (no relay, or the member is not there), `timeout`, `cancelled` (the signal), or what the other
   * side refused with. `milliseconds` default 10 s.
   */
  open(peerId: string, options?: DialOptions & { readonly milliseconds?: number }): Promise<RelayedLink>;
  /** Who takes links that others open; a second one replaces the first. Throws a RaftkvError to refuse one, before anything of it is used. Answers how to stop. */
  listen(onLink: (link: RelayedLink) => void): () => void;
}

export interface RelayedLinksOptions {
  /** To the relay. False: there is none at the moment. */
  readonly send: (frame: Uint8Array) => boolean;
  readonly bufferedBytes: () => number;
  readonly clock?: TransportClock;
}

const defaultOpenMilliseconds = 10_000;
/** On the way to the relay, of all links together; above it every port counts as full. More than a channel's high-water mark, whose drain tells. */
const fairBytes = 1024 * 1024;
/** Links at a time; those that others open above it are refused with `busy`. */
const maxLinks = 128;

interface Link {
  readonly peerId: string;
  readonly number: number;
  readonly purpose: ChannelPurpose;
  readonly urgent: RelayedPort;
  readonly bulk: RelayedPort;
  /** Of the one that opens it. */
  settle: { resolve(): void; reject(error: RaftkvError): void } | undefined;
}

export class LinksThroughRelay implements RelayedLinks {
  readonly #options: RelayedLinksOptions;
  readonly #clock: TransportClock;
  readonly #links = new Map<string, Link>();
  #onLink: ((link: RelayedLink) => void) | undefined;

  constructor(options: RelayedLinksOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  async open(
    peerId: string,
    { signal, purpose = 'peer', milliseconds = defaultOpenMilliseconds }: Parameters<RelayedLinks['open']>[1] = {},
  ): Promise<RelayedLink> {
    if (signal?.aborted === true) throw new RaftkvError('cancelled', `dialling ${peerId} was cancelled`);
    if (this.#links.size >= maxLinks) throw new RaftkvError('busy', 'no further links at the moment');
    const number = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
    const link = this.#add({ peerId, number, purpose });
    const opened = new Promise<void>((resolve, reject) => (link.settle = { resolve, reject }));
    const cancel = (): void => this.#giveUp(link, new RaftkvError('cancelled', `dialling ${peerId} was cancelled`));
    signal?.addEventListener('abort', cancel, { once: true });
    const cancelDeadline = this.#clock.schedule(
      () => this.#giveUp(link, new RaftkvError('timeout', `${peerId} did not answer through the relay`)),
      milliseconds,
    );
    if (!this.#say(link, 'open', encodePurpose(purpose)))
      this.#lose(link, new RaftkvError('connect_failed', 'there is no relay at the moment'));
    try {
      await opened;
      return { peerId, purpose, ports: link };
    } finally {
      cancelDeadline();
      signal?.removeEventListener('abort', cancel);
    }
  }

  listen(onLink: (link: RelayedLink) => void): () => void {
    this.#onLink = onLink;
    return () => {
      if (this.#onLink === onLink) this.#onLink = undefined;
    };
  }

  /** What the relay brought. Throws what makes it a bad relay; of a bad member only the link ends. */
  receive(bytes: Uint8Array): void {
    const frame = decodeRelayFrame(bytes);
    if (frame.kind === 'absent') return this.#loseAll(frame.peer, `${frame.peer} is not here`);
    const link = this.#links.get(keyOf(frame.peer, frame.link));
    if (frame.kind === 'open') return this.#welcome(frame, link);
    if (link === undefined) return;
    try {
      this.#handle(link, frame);
    } catch (error) {
      this.#giveUp(link, RaftkvError.from(error, 'bad_frame'));
    }
  }

  /** The channel to the relay drained. */
  drained(): void {
    for (const { urgent, bulk } of this.#links.values()) {
      urgent.look();
      bulk.look();
    }
  }

  /** The channel to the relay is gone, and with it every link. */
  lost(): void {
    this.#loseAll(undefined, 'the relay was lost');
  }

  #handle(link: Link, { kind, payload, peer }: RelayFrame): void {
    if (kind === 'end')
      return this.#lose(
        link,
        decodeReason(payload, peer) ?? new RaftkvError('connection_lost', `${peer} ended the link`),
      );
    if (kind === 'opened') {
      checkAgreed(new TextDecoder().decode(payload), link.purpose, peer);
      openPorts(link);
      link.settle?.resolve();
      link.settle = undefined;
    } else if (kind === 'urgent' || kind === 'bulk') link[kind].receive(payload);
    else (kind === 'takenUrgent' ? link.urgent : link.bulk).noteTaken(decodeCount(payload));
  }

  #welcome({ peer, link: number, payload }: RelayFrame, known: Link | undefined): void {
    // Two sides chose one number, or somebody repeats itself: neither is worth the confusion.
    if (known !== undefined)
      return this.#giveUp(known, new RaftkvError('connection_lost', 'the link was opened twice'));
    let purpose: ChannelPurpose;
    try {
      purpose = parsePurpose(new TextDecoder().decode(payload));
    } catch (error) {
      const reason = encodeReason(RaftkvError.from(error));
      this.#options.send(encodeRelayFrame({ kind: 'end', peer, link: number, payload: reason }));
      return;
    }
    const link = this.#add({ peerId: peer, number, purpose });
    try {
      if (this.#onLink === undefined) throw new RaftkvError('unsupported', 'nobody takes links here');
      if (this.#links.size > maxLinks) throw new RaftkvError('busy', 'no further links at the moment');
      this.#onLink({ peerId: peer, purpose, ports: link });
    } catch (error) {
      return this.#giveUp(link, RaftkvError.from(error));
    }
    // Nothing comes there before this does; what whoever takes the link has said already follows it.
    this.#say(link, 'opened', encodePurpose(purpose));
    openPorts(link);
  }

  #add(named: Pick<Link, 'peerId' | 'number' | 'purpose'>): Link {
    const port = (kind: 'urgent' | 'bulk', takenKind: RelayFrameKind): RelayedPort =>
      new RelayedPort({
        send: (piece) => this.#say(link, kind, piece),
        tellTaken: (bytes) => this.#say(link, takenKind, encodeCount(bytes)),
        // What is urgent may go on for longer than what is large.
        excessBytes: () => Math.max(0, this.#options.bufferedBytes() - (kind === 'urgent' ? 2 : 1) * fairBytes),
        onClosed: () => this.#noteClosed(link),
      });
    const link: Link = {
      ...named,
      urgent: port('urgent', 'takenUrgent'),
      bulk: port('bulk', 'takenBulk'),
      settle: undefined,
    };
    this.#links.set(keyOf(named.peerId, named.number), link);
    return link;
  }

  #say({ peerId, number }: Link, kind: RelayFrameKind, payload: Uint8Array = nothing): boolean {
    return this.#options.send(encodeRelayFrame({ kind, peer: peerId, link: number, payload }));
  }

  /** Closed here, both of them: their channel has said all that it had to. */
  #noteClosed(link: Link): void {
    if (link.urgent.readyState === 'closed' && link.bulk.readyState === 'closed') this.#giveUp(link, undefined);
  }

  /** Ends it from here. */
  #giveUp(link: Link, error: RaftkvError | undefined): void {
    if (!this.#links.has(keyOf(link.peerId, link.number))) return;
    this.#say(link, 'end', encodeReason(error));
    this.#lose(link, error ?? new RaftkvError('closed', 'the link was closed'));
  }

  #lose(link: Link, error: RaftkvError): void {
    if (!this.#links.delete(keyOf(link.peerId, link.number))) return;
    link.settle?.reject(error);
    link.urgent.lose();
    link.bulk.lose();
  }

  #loseAll(peerId: string | undefined, why: string): void {
    for (const link of this.#links.values()) {
      if (peerId === undefined || link.peerId === peerId) this.#lose(link, new RaftkvError('connect_failed', why));
    }
  }
}

function openPorts({ urgent, bulk }: Link): void {
  urgent.open();
  bulk.open();
}

function keyOf(peerId: string, number: number): string {
  return `${number} ${peerId}`;
}

/** Nothing for the mesh, as builds have it that know no purposes. */
function encodePurpose(purpose: ChannelPurpose): Uint8Array {
  return purpose === 'peer' ? nothing : new TextEncoder().encode(purpose);
}
