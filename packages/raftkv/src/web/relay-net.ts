// How tabs that feed each other find one another and connect: they meet at the relay of a member, ask there who has something to offer, and dial over WebRTC.
// The relay carries words alone; what is fed goes straight from tab to tab, or not at all.
import type { SwarmNet } from '@raftkv/observer/feeders';
import type { Channel } from '@raftkv/transport';
import { openWebRtc, parseSignal, relaySignalling } from '@raftkv/transport/webrtc';
import type { RelaySignalling, Signal, WebRtc, WebRtcOptions } from '@raftkv/transport/webrtc';
import { RaftkvError } from '@raftkv/wire';

export interface RelayNetOptions extends Pick<
  WebRtcOptions,
  'iceServers' | 'iceTransportPolicy' | 'RTCPeerConnection'
> {
  readonly clusterId: string;
  readonly secret: string;
  readonly selfId: string;
  readonly dialRelay: (signal: AbortSignal) => Promise<Channel>;
  readonly onChannel: (channel: Channel) => void;
}

/** Of those who are there, so many are asked; and they have so long to answer. */
const maxAsked = 16;
const answerMilliseconds = 400;
const ask = '?';
const answered = '!';

export function openRelayNet(options: RelayNetOptions): SwarmNet {
  return new RelayNet(options);
}

interface Question {
  /** Who has not answered. */
  readonly open: Set<string>;
  readonly found: { readonly id: string; readonly offer: string }[];
  readonly finish: () => void;
}

class RelayNet implements SwarmNet {
  readonly #selfId: string;
  readonly #signalling: RelaySignalling;
  readonly #webRtc: WebRtc;
  readonly #questions = new Map<string, Question>();
  #offer: string | undefined;
  #present: readonly string[] = [];
  #entered: () => void = () => {};
  /** Resolves when the relay has told who is there. */
  readonly #isIn: Promise<void>;

  constructor(options: RelayNetOptions) {
    const { clusterId, secret, selfId, dialRelay, onChannel, ...rtc } = options;
    this.#selfId = selfId;
    this.#isIn = new Promise((resolve) => (this.#entered = resolve));
    this.#signalling = relaySignalling({
      room: `${clusterId} feeders`,
      secret,
      id: selfId,
      dial: dialRelay,
      onPresence: (ids) => {
        this.#present = ids;
        if (this.#signalling.isConnected) this.#entered();
      },
    });
    this.#signalling.listen((signal) => this.#hear(signal));
    this.#webRtc = openWebRtc({
      ...rtc,
      selfId,
      signalling: this.#signalling,
      isWelcome: (_id, purpose) => purpose === 'feed',
      onChannel: (channel) => onChannel(channel),
    });
  }

  announce(offer: string | undefined): void {
    this.#offer = offer;
  }

  async find(): Promise<readonly { readonly id: string; readonly offer: string }[]> {
    await this.#isIn;
    const asked = shuffled(this.#present).slice(0, maxAsked);
    if (asked.length === 0) return [];
    const session = crypto.randomUUID();
    return new Promise((resolve) => {
      const found: { readonly id: string; readonly offer: string }[] = [];
      const finish = (): void => {
        this.#questions.delete(session);
        clearTimeout(timer);
        resolve(found);
      };
      const timer = setTimeout(finish, answerMilliseconds);
      this.#questions.set(session, { open: new Set(asked), found, finish });
      for (const id of asked) this.#say(id, session, ask);
    });
  }

  dial(id: string, { signal }: { readonly signal: AbortSignal }): Promise<Channel> {
    return this.#webRtc.dialDirect(id, { signal, purpose: 'feed' });
  }

  close(): void {
    for (const { finish } of this.#questions.values()) finish();
    this.#webRtc.close();
    this.#signalling.close();
    this.#entered();
  }

  #say(to: string, session: string, text: string): void {
    this.#signalling.send({ version: 1, session, from: this.#selfId, to, type: 'note', text });
  }

  #hear(value: unknown): void {
    let signal: Signal;
    try {
      signal = parseSignal(value);
    } catch (error) {
      if (error instanceof RaftkvError) return;
      throw error;
    }
    const { type, from, to, session } = signal;
    if (type !== 'note' || to !== this.#selfId) return;
    if (signal.text === ask) return this.#say(from, session, answered + (this.#offer ?? ''));
    const question = this.#questions.get(session);
    if (question === undefined || !signal.text.startsWith(answered) || !question.open.delete(from)) return;
    const offer = signal.text.slice(answered.length);
    if (offer !== '') question.found.push({ id: from, offer });
    if (question.open.size === 0) question.finish();
  }
}

function shuffled<T>(list: readonly T[]): T[] {
  return list
    .map((each) => ({ each, at: Math.random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ each }) => each);
}
