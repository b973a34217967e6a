// Rooms without any server: tabs of one browser find each other over a BroadcastChannel, and browsers by invitations, one code there and one back, which a person
// carries. From then on what one hears of it passes on, so every tab of the room finds every other, over connections of their own.
import { openBroadcastDoor } from '@raftkv/transport/web';
import type { BroadcastDoor } from '@raftkv/transport/web';
import { answerInvitation, certificatesOf, invite, openWebRtc } from '@raftkv/transport/webrtc';
import type { IceServer, Signal, Signalling, WebRtc, WebRtcOptions } from '@raftkv/transport/webrtc';
import type { Channel } from '@raftkv/transport';
import { RaftkvError } from '@raftkv/wire';
import { HubBridge, maxBridgeFrameBytes } from '../room/hub-bridge.ts';
import type { BridgeRoom } from '../room/hub-bridge.ts';
import { HubPresence } from '../room/hub-presence.ts';
import { drawWord } from '../room/room-link.ts';
import type { RoomNetwork, RoomNetworkOptions } from '../room/room-platform.ts';
import { WordHub } from '../room/word-hub.ts';
import type { HubWord } from '../room/word-hub.ts';
import { profileDomain } from './room-domain.ts';

export interface RoomCodesOptions {
  /** STUN and TURN servers. Default none: enough within one machine or one local network. */
  readonly iceServers?: readonly IceServer[];
}

/** For one room of this tab, and those that go on from it. */
export interface RoomCodes {
  /**
   * A code for another browser, of some 600 characters and of use once; whoever takes it needs the link of the room, too. `accept` takes what came back, within
   * 10 minutes, and resolves when the two browsers are connected and in one room. It rejects with `bad_frame` (this is no answer; another one may be tried),
   * `invalid_argument` (the answer to another invitation), `wrong_member` (they are in different rooms, or somebody is between them), `connect_failed`, `timeout`, or
   * `closed`. `close`: it is no longer wanted; once the browsers are connected it does nothing.
   */
  invite(): Promise<{ readonly code: string; accept(answer: string): Promise<void>; close(): void }>;
  /**
   * Takes the code of an invitation: `code` is to be carried back. `opened` resolves when it was taken there and `joinRoom` was called here, or rejects as `accept`
   * does. Rejects with `bad_frame` or `unsupported_version` for a code that cannot be used. `close` as there.
   */
  answer(invitation: string): Promise<{ readonly code: string; readonly opened: Promise<void>; close(): void }>;
  /** Other browsers that this tab is connected to, each once. */
  readonly browsers: number;
  /** The connections between browsers end, and so do invitations that are under way, with `closed`. After the room. */
  close(): void;
}

/** With what `room.ts` asks of it. */
export interface RoomMeeting extends RoomCodes {
  openNetwork(options: RoomNetworkOptions): RoomNetwork;
}

/**
 * For `signalling` of `createRoom` and `joinRoom`: no relay is needed, and a page on a static host has all of it. Who reloads the only tab of a browser has to be invited again.
 *
 * @example
 * ```ts
 * const codes = meetByCodes();
 * const room = await createRoom({ name: 'Tea', signalling: codes });
 * const invitation = await codes.invite();
 * show(`${room.link}&invitation=${invitation.code}`);
 * await invitation.accept(await askForAnswer());
 *
 * // elsewhere
 * const codes = meetByCodes();
 * const answer = await codes.answer(new URL(address).hash.split('&invitation=')[1]);
 * show(answer.code);
 * const room = await joinRoom(address, { signalling: codes });
 * ```
 */
export function meetByCodes(options: RoomCodesOptions = {}): RoomCodes {
  return new Codes(options);
}

export function isMeeting(value: unknown): value is RoomMeeting {
  return value instanceof Codes;
}

/** Whoever is there says so, and looks whom it has no bridge to. */
const lookMilliseconds = 2_000;
const dialMilliseconds = 8_000;
/** Of a bridge between two that are in the room. */
const proofMilliseconds = 30_000;
/** From a code to the room, with people in between. */
const patienceMilliseconds = 10 * 60_000;

class Codes implements RoomMeeting {
  readonly #options: RoomCodesOptions;
  readonly #hub = new WordHub();
  /** Of this tab, to others that lead bridges. */
  readonly #name = drawWord();
  readonly #waiting = new Set<HubBridge>();
  /** Invitations that did not lead to a bridge so far. */
  readonly #underWay = new Set<{ close(): void }>();
  #room: BridgeRoom | undefined;
  #builder: BridgeBuilder | undefined;
  #isClosed = false;

  constructor(options: RoomCodesOptions) {
    this.#options = options;
  }

  get browsers(): number {
    return this.#hub.browsers;
  }

  async invite(): ReturnType<RoomCodes['invite']> {
    this.#check();
    const invitation = await invite(this.#given);
    const close = this.#follow(invitation);
    return {
      code: invitation.code,
      accept: async (answer) => {
        this.#check();
        const channel = await invitation.accept(answer);
        await this.#build(channel).finally(() => this.#underWay.delete(invitation));
      },
      close,
    };
  }

  async answer(code: string): ReturnType<RoomCodes['answer']> {
    this.#check();
    const answered = await answerInvitation(code, this.#given);
    const close = this.#follow(answered);
    const opened = answered.channel
      .then((channel) => this.#build(channel))
      .finally(() => this.#underWay.delete(answered));
    opened.catch(() => undefined);
    return { code: answered.code, opened, close };
  }

  openNetwork(options: RoomNetworkOptions): RoomNetwork {
    const { roomId, secret } = options;
    if (this.#room !== undefined && this.#room.id !== roomId) {
      throw new RaftkvError('invalid_argument', 'meetByCodes is for one room, and was used for another one');
    }
    if (this.#room === undefined) {
      this.#check();
      this.#room = { id: roomId, secret };
      this.#hub.join(new BroadcastChannel(`raftkv codes ${roomId}`));
      this.#builder = new BridgeBuilder(this.#hub, this.#name, this.#given, (channel) =>
        this.#build(channel, proofMilliseconds),
      );
      for (const bridge of this.#waiting) bridge.know(this.#room);
    }
    return new CodesNetwork(this.#hub, this.#options, options);
  }

  close(): void {
    this.#isClosed = true;
    this.#builder?.close();
    this.#hub.close();
    for (const each of [...this.#waiting, ...this.#underWay]) each.close();
  }

  #check(): void {
    if (this.#isClosed) throw new RaftkvError('closed', 'this meeting is closed');
  }

  /** Throws if all of it was ended meanwhile. Answers what ends it, unless a bridge has come of it. */
  #follow(invitation: { close(): void }): () => void {
    if (this.#isClosed) invitation.close();
    this.#check();
    this.#underWay.add(invitation);
    return () => {
      if (this.#underWay.delete(invitation)) invitation.close();
    };
  }

  get #given() {
    return { ...this.#options, channel: { maxFrameBytes: maxBridgeFrameBytes } };
  }

  /** Resolves when it stands. */
  async #build(channel: Channel, patience = patienceMilliseconds): Promise<void> {
    const bridge: HubBridge = new HubBridge(channel, {
      schedulePatience: (giveUp) => {
        const timer = setTimeout(giveUp, patience);
        return () => clearTimeout(timer);
      },
      end: { name: this.#name, browser: profileDomain() },
      binding: certificatesOf(channel),
      onProven: () => this.#hub.add(bridge),
    });
    this.#waiting.add(bridge);
    if (this.#room !== undefined) bridge.know(this.#room);
    await bridge.proven.finally(() => this.#waiting.delete(bridge));
  }
}

/**
 * Leads a bridge to the hub of each tab of another browser, so that no tab is the only one over which others hear of each other. Of two, the one with the smaller name
 * dials. It outlives the networks of the rooms that follow each other, and has connections of its own.
 */
class BridgeBuilder {
  readonly #hub: WordHub;
  readonly #name: string;
  readonly #presence: HubPresence;
  readonly #webRtc: WebRtc;
  readonly #dialling = new Set<string>();
  /** Resolves when a bridge stands over it. */
  readonly #build: (channel: Channel) => Promise<void>;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(
    hub: WordHub,
    name: string,
    given: Pick<WebRtcOptions, 'iceServers' | 'channel'>,
    build: (channel: Channel) => Promise<void>,
  ) {
    this.#hub = hub;
    this.#name = name;
    this.#build = build;
    this.#webRtc = openWebRtc({
      ...given,
      selfId: name,
      signalling: signallingOver(hub, 'hub signal', name),
      isWelcome: (_, purpose) => purpose === 'room',
      onChannel: (channel) => void build(channel).catch(() => undefined),
    });
    this.#presence = presenceOf(hub, 'hub', name, () => undefined);
    this.#timer = setInterval(() => this.#look(), lookMilliseconds);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#presence.say('gone');
    this.#presence.close();
    this.#webRtc.close();
  }

  #look(): void {
    this.#presence.say('here');
    for (const name of this.#presence.names) {
      const isReached = this.#hub.isHere(name) || this.#hub.isBridgedTo(name);
      if (name < this.#name || isReached || this.#dialling.has(name)) continue;
      this.#dialling.add(name);
      this.#webRtc
        .dial(name, { signal: AbortSignal.timeout(dialMilliseconds), purpose: 'room' })
        .then(this.#build)
        // The next look tries again.
        .catch(() => undefined)
        .finally(() => this.#dialling.delete(name));
    }
  }
}

class CodesNetwork implements RoomNetwork {
  readonly #presence: HubPresence;
  readonly #door: BroadcastDoor;
  readonly #webRtc: WebRtc;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #hub: WordHub;

  constructor(hub: WordHub, ice: RoomCodesOptions, { roomId, word, onChannel, onPresence }: RoomNetworkOptions) {
    this.#hub = hub;
    this.#door = openBroadcastDoor({ room: roomId, selfId: word, onChannel });
    this.#webRtc = openWebRtc({ ...ice, selfId: word, signalling: signallingOver(hub, 'tab signal', word), onChannel });
    this.#presence = presenceOf(hub, 'tab', word, onPresence);
    this.#timer = setInterval(() => this.#presence.say('here'), lookMilliseconds);
  }

  get present(): readonly string[] {
    return this.#presence.names;
  }

  /** In this browser everybody is in reach without WebRTC. */
  readonly dial: RoomNetwork['dial'] = (word, how) =>
    this.#hub.isHere(word) ? this.#door.dial(word, how) : this.#webRtc.dial(word, how);

  flush(): void {
    this.#webRtc.flush();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#presence.say('gone');
    this.#presence.close();
    this.#webRtc.close();
    this.#door.close();
  }
}

function presenceOf(hub: WordHub, kind: 'tab' | 'hub', name: string, onChange: () => void): HubPresence {
  return new HubPresence({ hub, kind, name, now: () => performance.now(), onChange });
}

interface SignalWord extends HubWord {
  readonly signal: unknown;
}

function signallingOver(hub: WordHub, type: 'tab signal' | 'hub signal', own: string): Signalling {
  return {
    send: (signal: Signal) => hub.say({ type, from: own, signal } as SignalWord),
    listen: (onSignal) =>
      hub.listen((word) => {
        if (word.type === type) onSignal((word as SignalWord).signal);
      }),
  };
}
