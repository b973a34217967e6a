// Bridges between the hubs of browsers that have a relay in common: over WebRTC of their own, beside the room's network, since nothing that is told over hubs is
// relied on. Who is at the relay and neither heard nor bridged to is dialled, by the one of the two with the smaller word.
import type { Channel } from '@raftkv/transport';
import { openWebRtc } from '@raftkv/transport/webrtc';
import type { RelaySignalling, WebRtc } from '@raftkv/transport/webrtc';
import { iceOptions } from '../ice-servers.ts';
import { openRelay } from './signalling.ts';

export interface BridgesOptions {
  readonly roomId: string;
  readonly secret: string;
  readonly word: string;
  /** Another one said something lately. */
  readonly isHeard: (word: string) => boolean;
  readonly onBridge: (channel: Channel) => void;
}

const lookMilliseconds = 2_000;
const dialMilliseconds = 4_000;

export class Bridges {
  readonly #options: BridgesOptions;
  readonly #relay: RelaySignalling;
  readonly #webRtc: WebRtc;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #dialling = new Set<string>();
  /** Those that were dialled: who reads along says nothing, and is not dialled again for that. */
  readonly #dialled = new Map<string, Channel>();
  #present: readonly string[] = [];

  constructor(options: BridgesOptions) {
    const { roomId, secret, word, onBridge } = options;
    this.#options = options;
    this.#relay = openRelay({ room: `hub ${roomId}`, secret, id: word }, (words) => (this.#present = words));
    this.#webRtc = openWebRtc({
      selfId: word,
      signalling: this.#relay,
      relayed: this.#relay.links,
      ...iceOptions(),
      onChannel: (channel) => onBridge(channel),
    });
    this.#timer = setInterval(() => this.#look(), lookMilliseconds);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#webRtc.close();
    this.#relay.close();
  }

  #look(): void {
    const { word: own, isHeard, onBridge } = this.#options;
    for (const [word, channel] of this.#dialled) if (!channel.isOpen) this.#dialled.delete(word);
    for (const word of this.#present) {
      if (word < own || isHeard(word) || this.#dialling.has(word) || this.#dialled.has(word)) continue;
      this.#dialling.add(word);
      this.#webRtc
        .dial(word, { signal: AbortSignal.timeout(dialMilliseconds), purpose: 'room' })
        .then((channel) => {
          this.#dialled.set(word, channel);
          onBridge(channel);
        })
        .catch(() => undefined)
        .finally(() => this.#dialling.delete(word));
    }
  }
}
