// What the members of a room say of themselves to each other's pages: tells what this tab runs, hears the others, and bridges to browsers of which nothing is
// heard otherwise. All of it is for show, but for one thing: a newcomer asks whom it has heard. Owned by `tab-room.ts`.
import { invite } from '@raftkv/transport/webrtc';
import type { Channel } from '@raftkv/transport';
import { browserId } from '../browser-id.ts';
import type { MessageSeen } from '../core/core-watch.ts';
import { Observable } from '../../model/observable.ts';
import { Emitter } from './emitter.ts';
import { Hub } from './hub.ts';
import type { HubMessage } from './hub.ts';
import { addressOf } from './roads.ts';
import type { Flight, Invitations } from './room-source.ts';
import { silenceMilliseconds } from './room-view.ts';
import type { SentCounts } from './sent-counts.ts';
import type { TabMember } from './tab-member.ts';
import { makeTell } from './tell.ts';
import type { Tell } from './tell.ts';
import { Told, flightsOf } from './told.ts';

/** A member that runs in this tab. */
export interface Teller {
  readonly member: TabMember;
  readonly counts: SentCounts;
  readonly isGuest: boolean;
  readonly isFrozen: boolean;
}

const bridgeMilliseconds = 4_000;

export class Gossip implements Invitations {
  readonly hub: Hub;
  readonly told = new Told();
  readonly flights = new Emitter<Flight>();
  readonly messages = new Emitter<HubMessage>();
  readonly bridges = new Observable(0);
  /** To those of whom nothing is heard otherwise. */
  readonly #bridging = new Set<string>();
  readonly #onChange: () => void;
  #tellers: () => readonly Teller[] = () => [];

  constructor(room: string, onChange: () => void) {
    this.#onChange = onChange;
    this.hub = new Hub(room);
    this.hub.listen((message) => this.#hear(message));
  }

  /** Asks everybody to say something, and says what there is to say of those from now on. */
  start(tellers: () => readonly Teller[]): void {
    this.#tellers = tellers;
    this.hub.say({ type: 'who', from: '' });
  }

  tell(): void {
    for (const { member, counts, isGuest, isFrozen } of this.#tellers()) {
      const sight = member.watch.look();
      if (sight === undefined || member.member === undefined) continue;
      const tell = makeTell({
        name: member.name,
        memberId: sight.status.id,
        domain: browserId(),
        sight,
        nameOf: (id) => member.member.roster.get(id)?.name ?? id,
        linkTo: (name) => member.roads.kindOf(name),
        sent: counts.take(),
        isVisible: document.visibilityState === 'visible',
        isFrozen,
        isGuest,
      });
      this.told.take(tell);
      this.hub.say(tell);
    }
    for (const { member, isGuest } of this.#tellers()) if (!isGuest) this.#reachOut(member);
  }

  farewell(name: string): void {
    this.hub.say({ type: 'bye', from: name });
  }

  /** Something that the core of a member of this tab sent or took in. */
  seen({ member, counts, isGuest }: Omit<Teller, 'isFrozen'>, seen: MessageSeen): void {
    const other = member.member?.roster.get(seen.peer)?.name ?? seen.peer;
    if (seen.way === 'sent') counts.add(other, seen);
    if (isGuest || document.visibilityState === 'hidden') return;
    const [from, to] = seen.way === 'sent' ? [member.name, other] : [other, member.name];
    this.flights.emit({ from, to, kind: seen.kind, count: 1, isLost: seen.isLost });
  }

  async invite(): Promise<{ readonly code: string; readonly accept: (answer: string) => Promise<void> }> {
    const invitation = await invite();
    return {
      code: invitation.code,
      accept: async (answer) => this.addBridge(await invitation.accept(answer)),
    };
  }

  readonly addBridge = (channel: Channel): void => {
    this.hub.addBridge(channel, () => this.bridges.set(this.hub.bridges));
    this.bridges.set(this.hub.bridges);
    this.hub.say({ type: 'who', from: '' });
  };

  #hear(message: HubMessage): void {
    if (message.type === 'who') return this.tell();
    if (message.type === 'signal') return;
    if (message.type === 'bye') {
      this.told.forget(message.from);
      return this.#onChange();
    }
    if (message.type !== 'tell') return this.messages.emit(message);
    const tell = message as Tell;
    this.told.take(tell);
    if (document.visibilityState === 'hidden') return;
    const own = this.#tellers().map(({ member }) => member.name);
    if (own.includes(tell.from)) return;
    for (const flight of flightsOf(tell, own[0])) this.flights.emit(flight);
  }

  /** A member in another browser tells its tale over a channel of its own. Of two, the one with the smaller name dials. */
  #reachOut(own: TabMember): void {
    for (const { name, isConnected } of own.member?.mesh.status() ?? []) {
      const isHeard = this.told.silence(name) < silenceMilliseconds;
      if (!isConnected || isHeard || name < own.name || this.#bridging.has(name)) continue;
      this.#bridging.add(name);
      own.roads
        .dial(addressOf(name), AbortSignal.timeout(bridgeMilliseconds), 'room')
        .then(this.addBridge)
        .catch(() => undefined)
        .finally(() => this.#bridging.delete(name));
    }
  }
}
