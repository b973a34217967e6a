// What the members of a room say of themselves to each other's pages: tells what this tab runs, hears the others, and bridges to other browsers. All of it is for
// show. Owned by `tab-room.ts`.
import { invite } from '@raftkv/transport/webrtc';
import type { Channel } from '@raftkv/transport';
import { browserId } from '../browser-id.ts';
import type { CoreWatch, MessageSeen } from '../core/core-watch.ts';
import { iceOptions } from '../ice-servers.ts';
import { Observable } from '../../model/observable.ts';
import { Emitter } from './emitter.ts';
import { Hub } from './hub.ts';
import type { HubMessage } from './hub.ts';
import type { LinkKind } from './roads.ts';
import type { Flight, Invitations } from './room-source.ts';
import { SentCounts } from './sent-counts.ts';
import { nameOf } from './tab-names.ts';
import { makeTell } from './tell.ts';
import type { Tell } from './tell.ts';
import { Told, flightsOf } from './told.ts';

/** The member of this tab. */
export interface Teller {
  readonly word: string;
  readonly watch: CoreWatch;
  readonly wordOf: (id: string) => string;
  readonly linkTo: (word: string) => LinkKind | undefined;
  readonly isFrozen: boolean;
}

export class Gossip implements Invitations {
  readonly hub: Hub;
  readonly told = new Told();
  readonly flights = new Emitter<Flight>();
  readonly messages = new Emitter<HubMessage>();
  readonly bridges = new Observable(0);
  readonly #onChange: () => void;
  readonly #sent = new SentCounts();
  #teller: () => Teller | undefined = () => undefined;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
    this.hub = new Hub();
    this.hub.listen((message) => this.#hear(message));
  }

  /** Asks everybody to say something, and says what there is to say of this one from now on. */
  start(teller: () => Teller | undefined): void {
    this.#teller = teller;
    this.hub.say({ type: 'who', from: '' });
  }

  tell(): void {
    const teller = this.#teller();
    const sight = teller?.watch.look();
    if (teller === undefined || sight === undefined) return;
    const isVisible = document.visibilityState === 'visible';
    const tell = makeTell({ ...teller, sight, domain: browserId(), sent: this.#sent.take(), isVisible });
    this.told.take(tell);
    this.hub.say(tell);
  }

  farewell(word: string): void {
    this.told.forget(word);
    this.hub.say({ type: 'bye', from: word });
  }

  /** Something that the core of this tab's member sent or took in. */
  seen(seen: MessageSeen): void {
    const teller = this.#teller();
    if (teller === undefined) return;
    const other = teller.wordOf(seen.peer);
    if (seen.way === 'sent') this.#sent.add(other, seen);
    if (document.visibilityState === 'hidden') return;
    const [from, to] = seen.way === 'sent' ? [teller.word, other] : [other, teller.word];
    this.flights.emit({ from: nameOf(from), to: nameOf(to), kind: seen.kind, count: 1, isLost: seen.isLost });
  }

  async invite(): Promise<{ readonly code: string; readonly accept: (answer: string) => Promise<void> }> {
    const invitation = await invite(iceOptions());
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
    const { type, from } = message;
    if (type === 'who') return this.tell();
    if (type === 'signal' || type === 'here' || type === 'gone') return;
    if (type === 'bye') {
      this.told.forget(from);
      return this.#onChange();
    }
    if (type !== 'tell') return this.messages.emit(message);
    const tell = message as Tell;
    this.told.take(tell);
    const own = this.#teller()?.word;
    if (document.visibilityState === 'hidden' || own === from) return;
    for (const flight of flightsOf(tell, own)) this.flights.emit(flight);
  }
}
