// The ways between this tab and the others of the room: a BroadcastChannel within one browser, else WebRTC, or the other way round. Dials and answers by the
// names of members, for the mesh and for clients, with the faults of this tab around every channel; and knows which kind of link leads to whom.
import type { Channel } from '@raftkv/transport';
import { openBroadcastDoor } from '@raftkv/transport/web';
import type { BroadcastDoor } from '@raftkv/transport/web';
import { openWebRtc } from '@raftkv/transport/webrtc';
import type { ChannelPurpose, RelayedLinks, Signalling, WebRtc } from '@raftkv/transport/webrtc';
import { RaftkvError } from 'raftkv';
import { cutError, faultyChannel } from '../faults/faulty-channel.ts';
import type { Faults } from '../faults/faults.ts';

export type LinkKind = 'WebRTC' | 'relay' | 'BroadcastChannel' | 'memory';

export interface RoadsOptions {
  readonly room: string;
  readonly self: string;
  readonly faults: Faults;
  readonly signalling: Signalling;
  readonly relayed: RelayedLinks | undefined;
  readonly onChannel: (channel: Channel, from: string, purpose: ChannelPurpose) => void;
}

/** Where a tab is found: under its name. */
export function addressOf(name: string): string {
  return `tab:${name}`;
}
export function nameOf(address: string): string {
  return address.replace(/^tab:/, '');
}

/** Within one browser: a BroadcastChannel always works, WebRTC keeps hidden tabs a little more awake. `?links=webrtc` in the address chooses that. */
const prefersWebRtc = new URLSearchParams(location.search).get('links') === 'webrtc';
/** For the way that is tried first. */
const patienceMilliseconds = 2_500;

export class Roads {
  readonly #options: RoadsOptions;
  readonly #webRtc: WebRtc;
  readonly #door: BroadcastDoor;
  /** Channels of the mesh to each member, the newest last. */
  readonly #links = new Map<string, { readonly channel: Channel; readonly kind: LinkKind }[]>();

  constructor(options: RoadsOptions) {
    const { room, self, signalling, relayed, faults } = options;
    const isWelcome = (from: string): boolean => !faults.now.cut.has(from) && !faults.isFrozen;
    this.#options = options;
    this.#door = openBroadcastDoor({
      selfId: self,
      room,
      isWelcome,
      onChannel: (channel, from, purpose) => this.#welcome(channel, from, purpose, 'BroadcastChannel'),
    });
    this.#webRtc = openWebRtc({
      selfId: self,
      signalling,
      ...(relayed === undefined ? {} : { relayed }),
      isWelcome,
      onChannel: (channel, from, purpose) => this.#welcome(channel, from, purpose, webRtcKind(channel)),
    });
  }

  async dial(address: string, signal: AbortSignal, purpose: ChannelPurpose): Promise<Channel> {
    const name = nameOf(address);
    const { faults } = this.#options;
    if (faults.now.cut.has(name)) throw cutError(name);
    if (faults.isFrozen) throw new RaftkvError('connect_failed', 'this tab is frozen');
    const throughDoor = async (stopped: AbortSignal): Promise<Channel> =>
      this.#dress(await this.#door.dial(name, { signal: stopped, purpose }), name, purpose, 'BroadcastChannel');
    const overWebRtc = async (stopped: AbortSignal): Promise<Channel> => {
      const channel = await this.#webRtc.dial(name, { signal: stopped, purpose });
      return this.#dress(channel, name, purpose, webRtcKind(channel));
    };
    const [first, second] = prefersWebRtc ? [overWebRtc, throughDoor] : [throughDoor, overWebRtc];
    try {
      return await first(AbortSignal.any([signal, AbortSignal.timeout(patienceMilliseconds)]));
    } catch {
      return second(signal);
    }
  }

  /** Of the channel that stands, if one does. */
  kindOf(name: string): LinkKind | undefined {
    const links = (this.#links.get(name) ?? []).filter(({ channel }) => channel.isOpen);
    this.#links.set(name, links);
    return links.at(-1)?.kind;
  }

  close(): void {
    this.#webRtc.close();
    this.#door.close();
  }

  #welcome(channel: Channel, from: string, purpose: ChannelPurpose, kind: LinkKind): void {
    this.#options.onChannel(this.#dress(channel, from, purpose, kind), from, purpose);
  }

  #dress(channel: Channel, name: string, purpose: ChannelPurpose, kind: LinkKind): Channel {
    const dressed = faultyChannel(channel, name, this.#options.faults);
    if (purpose === 'peer') this.#links.set(name, [...(this.#links.get(name) ?? []), { channel: dressed, kind }]);
    return dressed;
  }
}

function webRtcKind({ path }: Channel): LinkKind {
  return path === 'relayed' ? 'relay' : 'WebRTC';
}
