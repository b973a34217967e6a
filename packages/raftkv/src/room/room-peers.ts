// A tab's channels to all other tabs of its room: who is there, and what each said last. Dials whoever the signalling names, takes what comes in, tells everybody
// what this tab is whenever that changes and every now and then. What any of it means is for `room.ts`.
import type { Clock } from '@raftkv/replica';
import type { Channel } from '@raftkv/transport';
import { RaftkvError } from '@raftkv/wire';
import { decodeRoomMessage, encodeRoomMessage } from './room-message.ts';
import type { RoomMessage, TabReport } from './room-message.ts';
import type { RoomNetwork } from './room-platform.ts';

export interface RoomPeersOptions {
  readonly word: string;
  readonly network: Pick<RoomNetwork, 'present' | 'dial' | 'dialDirect'>;
  readonly clock: Pick<Clock, 'now' | 'schedule'>;
  /** What this tab is, asked each time that it is told. */
  readonly report: () => TabReport;
  readonly onMessage: (from: string, message: Exclude<RoomMessage, TabReport>) => void;
  /** Somebody came, went, or said something else. */
  readonly onChange: () => void;
}

/** One other tab, as it said last. */
export interface RoomPeer {
  readonly word: string;
  readonly report: TabReport;
  /** How long ago. */
  readonly silentMilliseconds: number;
  readonly path: 'direct' | 'relayed';
}

interface Link {
  readonly channel: Channel;
  readonly isDialled: boolean;
  report: TabReport | undefined;
  heardAt: number;
  /** It said its last word. When it is there again, it is so on another channel. */
  hasLeft: boolean;
  /** Of a relayed channel: whether this side seeks a direct way, when, and how much later again. */
  isSeeking: boolean;
  directNotBefore: number;
  directPauseMilliseconds: number;
}

const tellMilliseconds = 1_000;
/** Between two attempts to reach the same tab. */
const redialMilliseconds = 1_000;
/** The one with the larger word dials only if the other one has not, by then. */
const patienceMilliseconds = 2_500;
const dialMilliseconds = 10_000;
/** Between two attempts to leave the relay: twice as long each time, from the one to the other. */
const directPauseMilliseconds = { min: 1_000, max: 60_000 } as const;
/** More tabs are not dialled, and refused with `busy`: a relay lets no more than half as many into a room. */
const maxLinks = 128;

export class RoomPeers {
  readonly #options: RoomPeersOptions;
  readonly #links = new Map<string, Link>();
  readonly #dialling = new Map<string, AbortController>();
  readonly #firstSeen = new Map<string, number>();
  readonly #notBefore = new Map<string, number>();
  #cancelTimer: (() => void) | undefined;
  #isClosed = false;

  constructor(options: RoomPeersOptions) {
    this.#options = options;
  }

  start(): void {
    this.#tick();
  }

  /** Those that have said what they are, and have not said farewell, by their words. */
  get all(): readonly RoomPeer[] {
    const now = this.#options.clock.now();
    const peers: RoomPeer[] = [];
    for (const [word, { channel, report, heardAt, hasLeft }] of this.#links) {
      if (report === undefined || hasLeft) continue;
      peers.push({ word, report, silentMilliseconds: now - heardAt, path: channel.path ?? 'direct' });
    }
    return peers.toSorted((a, b) => (a.word < b.word ? -1 : 1));
  }

  /** An incoming channel. Of two that both dialled, that of the smaller word stays; a direct one takes the place of a relayed one. */
  accept(channel: Channel, word: string): void {
    const known = this.#links.get(word);
    const isOwn = known?.isDialled === true && known.channel.isOpen && this.#options.word < word;
    if (this.#isClosed || (isOwn && !isShorter(channel, known.channel))) {
      channel.start({ onFrame: () => undefined, onClose: () => undefined });
      return channel.close(new RaftkvError('closed', 'there is another channel'));
    }
    if (known === undefined && this.#links.size >= maxLinks) {
      channel.start({ onFrame: () => undefined, onClose: () => undefined });
      return channel.close(new RaftkvError('busy', `there are ${maxLinks} tabs already`));
    }
    this.#take(channel, word, false);
  }

  /** Who is there now; dials those that are new. */
  look(): void {
    const { network, word: own, clock } = this.#options;
    const now = clock.now();
    const present = new Set(network.present);
    for (const known of [this.#firstSeen, this.#notBefore]) {
      for (const word of known.keys()) if (!present.has(word)) known.delete(word);
    }
    for (const word of present) {
      if (word === own || this.#isClosed) continue;
      const since = this.#firstSeen.get(word) ?? now;
      this.#firstSeen.set(word, since);
      if (this.#links.size + this.#dialling.size >= maxLinks) break;
      if (this.#links.has(word) || this.#dialling.has(word) || now < (this.#notBefore.get(word) ?? 0)) continue;
      if (own < word || now - since >= patienceMilliseconds) this.#dial(word, network);
    }
    this.#seekDirect(now);
  }

  /** What led nowhere may lead somewhere now: nobody waits for the pauses after what came to nothing, and this side seeks direct ways, whoever dialled. */
  networkChanged(): void {
    this.#notBefore.clear();
    for (const link of this.#links.values()) {
      link.isSeeking = true;
      link.directNotBefore = 0;
      link.directPauseMilliseconds = directPauseMilliseconds.min;
    }
    this.look();
  }

  /** Says to everybody what this tab is. */
  tell(): void {
    const frame = encodeRoomMessage(this.#options.report());
    for (const { channel } of this.#links.values()) channel.send(frame);
  }

  send(word: string, message: RoomMessage): void {
    this.#links.get(word)?.channel.send(encodeRoomMessage(message));
  }

  sendAll(message: RoomMessage): void {
    const frame = encodeRoomMessage(message);
    for (const { channel } of this.#links.values()) channel.send(frame);
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelTimer?.();
    for (const attempt of this.#dialling.values()) attempt.abort();
    for (const { channel } of this.#links.values()) channel.close();
  }

  #tick(): void {
    if (this.#isClosed) return;
    this.#cancelTimer = this.#options.clock.schedule(() => this.#tick(), tellMilliseconds);
    this.look();
    this.tell();
    // Also of who says nothing any more.
    this.#options.onChange();
  }

  /** A relayed channel works on meanwhile. The one that dialled it seeks, and the other one once something changed at its side. */
  #seekDirect(now: number): void {
    const { network } = this.#options;
    const dial = network.dialDirect?.bind(network);
    if (dial === undefined || this.#isClosed) return;
    for (const [word, link] of this.#links) {
      const isWanted = link.isSeeking && link.channel.path === 'relayed' && !link.hasLeft;
      if (!isWanted || now < link.directNotBefore || this.#dialling.has(word)) continue;
      link.directPauseMilliseconds = Math.min(2 * link.directPauseMilliseconds, directPauseMilliseconds.max);
      link.directNotBefore = now + link.directPauseMilliseconds;
      this.#dial(word, { dial });
    }
  }

  #dial(word: string, network: Pick<RoomNetwork, 'dial'>): void {
    const { clock } = this.#options;
    const attempt = new AbortController();
    this.#dialling.set(word, attempt);
    const cancelDeadline = clock.schedule(() => attempt.abort(), dialMilliseconds);
    const over = (): void => {
      cancelDeadline();
      this.#dialling.delete(word);
      this.#notBefore.set(word, clock.now() + redialMilliseconds);
    };
    network.dial(word, { signal: attempt.signal, purpose: 'room' }).then(
      (channel) => {
        over();
        const known = this.#links.get(word);
        // The other one came first; both keep that of the smaller word.
        const isOther = known !== undefined && word < this.#options.word && !isShorter(channel, known.channel);
        if (this.#isClosed || isOther) {
          channel.start({ onFrame: () => undefined, onClose: () => undefined });
          channel.close();
        } else this.#take(channel, word, true);
      },
      () => over(),
    );
  }

  #take(channel: Channel, word: string, isDialled: boolean): void {
    const { clock } = this.#options;
    const former = this.#links.get(word);
    const link: Link = {
      channel,
      isDialled,
      report: former?.hasLeft === true ? undefined : former?.report,
      heardAt: clock.now(),
      hasLeft: false,
      isSeeking: isDialled,
      directNotBefore: clock.now() + directPauseMilliseconds.min,
      directPauseMilliseconds: directPauseMilliseconds.min,
    };
    this.#links.set(word, link);
    const leave = (): void => former?.channel.close(new RaftkvError('closed', 'replaced by a newer channel'));
    // What is under way through the relay still comes, until the other side has the new channel too.
    if (former !== undefined && isShorter(channel, former.channel)) clock.schedule(leave, tellMilliseconds);
    else leave();
    channel.start({
      onFrame: (frame) => this.#receive(word, link, frame),
      onClose: () => {
        if (this.#links.get(word) !== link) return;
        this.#links.delete(word);
        if (!this.#isClosed) this.#options.onChange();
      },
    });
    channel.send(encodeRoomMessage(this.#options.report()));
  }

  #receive(word: string, link: Link, frame: Uint8Array): void {
    let message: RoomMessage;
    try {
      message = decodeRoomMessage(frame);
    } catch (error) {
      return link.channel.close(RaftkvError.from(error, 'bad_frame'));
    }
    link.heardAt = this.#options.clock.now();
    if (message.type === 'farewell') link.hasLeft = true;
    if (message.type !== 'report') return this.#options.onMessage(word, message);
    link.report = message;
    this.#options.onChange();
  }
}

function isShorter(one: Channel, than: Channel): boolean {
  return one.path !== 'relayed' && than.path === 'relayed';
}
