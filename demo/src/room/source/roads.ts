// The ways between this tab and the others of the room: a BroadcastChannel within one browser, else WebRTC, or the other way round. It is the network that the room
// of this page is given: dials and answers by the words of tabs, with the faults of this tab around every channel; and knows which kind of link leads to whom.
import type { Channel } from '@raftkv/transport';
import { openBroadcastDoor } from '@raftkv/transport/web';
import type { BroadcastDoor } from '@raftkv/transport/web';
import { openWebRtc } from '@raftkv/transport/webrtc';
import type { ChannelPurpose, DialOptions, RelaySignalling, WebRtc } from '@raftkv/transport/webrtc';
import { RaftkvError } from 'raftkv';
import type { RoomNetwork, RoomNetworkOptions } from 'raftkv/room';
import { cutError, faultyChannel } from '../faults/faulty-channel.ts';
import type { Faults } from '../faults/faults.ts';
import { iceOptions } from '../ice-servers.ts';
import type { Hub } from './hub.ts';
import { Presence } from './presence.ts';
import { joinSignalling, openRelay } from './signalling.ts';
import { nameOf } from './tab-names.ts';

export type LinkKind = 'WebRTC' | 'relayed' | 'BroadcastChannel' | 'memory';

export interface RoadsOptions extends RoomNetworkOptions {
  readonly hub: Hub;
  readonly faults: Faults;
  /** The page came from a node with a relay. */
  readonly isRelayed: boolean;
}

/** Within one browser: a BroadcastChannel always works, WebRTC keeps hidden tabs a little more awake. `?links=webrtc` in the address chooses that. */
const prefersWebRtc = new URLSearchParams(location.search).get('links') === 'webrtc';
/** For the way that is tried first. */
const patienceMilliseconds = 2_500;
/** What ends channels leaves through the relay. */
const closeMilliseconds = 200;

export class Roads implements RoomNetwork {
  readonly #options: RoadsOptions;
  readonly #webRtc: WebRtc;
  readonly #door: BroadcastDoor;
  readonly #presence: Presence;
  readonly #relay: RelaySignalling | undefined;
  /** Channels of the mesh to each tab, the newest last. */
  readonly #links = new Map<string, { readonly channel: Channel; readonly kind: LinkKind }[]>();
  readonly #channels = new Set<Channel>();
  #isDead = false;

  constructor(options: RoadsOptions) {
    const { hub, roomId, secret, word, faults, isRelayed, onPresence } = options;
    const isWelcome = (from: string): boolean => !this.#isDead && !faults.now.cut.has(nameOf(from)) && !faults.isFrozen;
    this.#options = options;
    this.#presence = new Presence(hub, word, onPresence);
    this.#relay = isRelayed
      ? openRelay({ room: roomId, secret, id: word }, (words) => {
          this.#presence.relayed = words;
          onPresence();
        })
      : undefined;
    this.#door = openBroadcastDoor({
      selfId: word,
      room: roomId,
      isWelcome,
      onChannel: (channel, from, purpose) => this.#welcome(channel, from, purpose, 'BroadcastChannel'),
    });
    this.#webRtc = openWebRtc({
      selfId: word,
      signalling: joinSignalling([hub.signalling(), ...(this.#relay === undefined ? [] : [this.#relay])]),
      ...(this.#relay === undefined ? {} : { relayed: this.#relay.links }),
      ...iceOptions(),
      isWelcome,
      onChannel: (channel, from, purpose) => this.#welcome(channel, from, purpose, webRtcKind(channel)),
    });
  }

  get present(): readonly string[] {
    return this.#isDead ? [] : this.#presence.words;
  }

  readonly dial: RoomNetwork['dial'] = (word, how) =>
    this.#dial(word, how, (options) => this.#webRtc.dial(word, options));

  /** Without the relay: the mesh leaves a link through that for this one. */
  readonly dialDirect: RoomNetwork['dial'] = (word, how) =>
    this.#dial(word, how, (options) => this.#webRtc.dialDirect(word, options));

  /** Of the channel that stands, if one does. */
  kindOf(word: string): LinkKind | undefined {
    const links = (this.#links.get(word) ?? []).filter(({ channel }) => channel.isOpen);
    this.#links.set(word, links);
    return links.at(-1)?.kind;
  }

  /** As if this tab had died: nobody hears a word from it any more, nor it from anybody. */
  die(): void {
    this.#isDead = true;
    this.#presence.end({ isSaid: false });
    for (const channel of this.#channels) channel.close();
    this.#options.onPresence();
  }

  close(): void {
    if (!this.#isDead) this.#presence.end({ isSaid: true });
    this.#webRtc.close();
    this.#door.close();
    setTimeout(() => this.#relay?.close(), closeMilliseconds);
  }

  async #dial(
    word: string,
    { signal, purpose = 'peer' }: DialOptions,
    dialWebRtc: (options: DialOptions) => Promise<Channel>,
  ): Promise<Channel> {
    const { faults } = this.#options;
    const name = nameOf(word);
    if (this.#isDead || faults.isFrozen) throw new RaftkvError('connect_failed', 'this tab is dead, or frozen');
    if (faults.now.cut.has(name)) throw cutError(name);
    const throughDoor = async (stopped: AbortSignal): Promise<Channel> =>
      this.#dress(await this.#door.dial(word, { signal: stopped, purpose }), word, purpose, 'BroadcastChannel');
    const overWebRtc = async (stopped: AbortSignal): Promise<Channel> => {
      const channel = await dialWebRtc({ signal: stopped, purpose });
      return this.#dress(channel, word, purpose, webRtcKind(channel));
    };
    const [first, second] = prefersWebRtc ? [overWebRtc, throughDoor] : [throughDoor, overWebRtc];
    const isGivenUp = signal ?? new AbortController().signal;
    try {
      return await first(AbortSignal.any([isGivenUp, AbortSignal.timeout(patienceMilliseconds)]));
    } catch {
      return second(isGivenUp);
    }
  }

  #welcome(channel: Channel, from: string, purpose: ChannelPurpose, kind: LinkKind): void {
    this.#options.onChannel(this.#dress(channel, from, purpose, kind), from, purpose);
  }

  #dress(channel: Channel, word: string, purpose: ChannelPurpose, kind: LinkKind): Channel {
    for (const known of this.#channels) if (!known.isOpen) this.#channels.delete(known);
    this.#channels.add(channel);
    const dressed = faultyChannel(channel, nameOf(word), this.#options.faults);
    if (purpose === 'peer') this.#links.set(word, [...(this.#links.get(word) ?? []), { channel: dressed, kind }]);
    return dressed;
  }
}

function webRtcKind({ path }: Channel): LinkKind {
  return path === 'relayed' ? 'relayed' : 'WebRTC';
}
