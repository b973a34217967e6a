// A channel between two browsers over which words of a room go on, once both ends have shown that they know the room's secret: whoever was given a code for an invitation
// needs its link, too. Neither end says the secret, only what cannot be known without it, and what is true of this channel alone: who is between two ends passes nothing on.
import type { Channel } from '@raftkv/transport';
import { RaftkvError, hmacSha256 } from '@raftkv/wire';
import { drawWord } from './room-link.ts';
import { toHex } from './hex.ts';

/** Of a word that crosses; a signal with a description fits in. */
export const maxBridgeFrameBytes = 64 * 1024;
/** Of the beginning. What version 1 showed could be had without the secret, so it is not taken. */
const version = 2;
const nonceCharacters = 22;

/** Who is at one end, as it says itself. */
export interface BridgeEnd {
  /** Of the tab, as others dial it. */
  readonly name: string;
  /** Of its profile. */
  readonly browser: string;
}

/** What is true of one channel: what is `own` at one end is `other` at the other end, if nobody is between them. */
export interface ChannelBinding {
  readonly own: string;
  readonly other: string;
}

/** What both ends know before. */
export interface BridgeRoom {
  readonly id: string;
  readonly secret: string;
}

export interface HubBridgeOptions {
  readonly end: BridgeEnd;
  /** Undefined: nothing can be proven over this channel, and it is refused with `unsupported`. */
  readonly binding: ChannelBinding | undefined;
  /** After a while without proof it is given up. Answers what puts that off for good. */
  readonly schedulePatience: (giveUp: () => void) => () => void;
  /** Before the first word that crosses. */
  readonly onProven: () => void;
}

export class HubBridge {
  /** Resolves when the other end has shown what it must. Rejects with `wrong_member` if it cannot, or with why the channel ended first. */
  readonly proven: Promise<void>;
  onFrame: (frame: Uint8Array) => void = () => undefined;
  onEnd: () => void = () => undefined;
  readonly #channel: Channel;
  readonly #nonce = drawWord(nonceCharacters);
  readonly #options: HubBridgeOptions;
  readonly #cancelPatience: () => void;
  #settle!: { resolve(): void; reject(error: RaftkvError): void };
  #room: BridgeRoom | undefined;
  #otherNonce: string | undefined;
  #said: (BridgeEnd & { readonly proof: string }) | undefined;
  #other: BridgeEnd | undefined;
  #isProven = false;

  /** Takes the channel over. */
  constructor(channel: Channel, options: HubBridgeOptions) {
    this.#channel = channel;
    this.#options = options;
    this.proven = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    // Whoever waits is told; nobody has to.
    this.proven.catch(() => undefined);
    this.#cancelPatience = options.schedulePatience(() =>
      channel.close(new RaftkvError('timeout', 'the other end did not say in time which room it means')),
    );
    channel.start({
      onFrame: (frame) => this.#hear(frame),
      onClose: (error) => {
        this.#cancelPatience();
        this.#settle.reject(error ?? new RaftkvError('closed', 'the other end is gone'));
        this.onEnd();
      },
    });
    if (options.binding !== undefined) this.#say({ version, nonce: this.#nonce });
    else this.#refuse(new RaftkvError('unsupported', 'over this channel nobody can show who is at its end'));
  }

  /** Undefined until it is proven. */
  get other(): BridgeEnd | undefined {
    return this.#other;
  }

  get isOpen(): boolean {
    return this.#channel.isOpen;
  }

  get bufferedBytes(): number {
    return this.#channel.bufferedBytes;
  }

  /** Of the room that this end is in. Once. */
  know(room: BridgeRoom): void {
    this.#room = room;
    this.#prove();
    this.#check();
  }

  send(frame: Uint8Array): void {
    if (this.#channel.isOpen && frame.length <= maxBridgeFrameBytes) this.#channel.send(frame);
  }

  close(): void {
    this.#channel.close();
  }

  #hear(frame: Uint8Array): void {
    if (this.#isProven) return this.onFrame(frame);
    const { version: found, nonce, proof, name, browser } = parse(frame);
    if (found !== undefined && found !== version) {
      return this.#refuse(new RaftkvError('unsupported_version', 'the other page is of another version'));
    }
    // Whoever gives back what it was told would be told its own proof.
    if (isNonce(nonce) && nonce !== this.#nonce && this.#otherNonce === undefined) {
      this.#otherNonce = nonce;
      this.#prove();
    } else if (isHash(proof) && isWord(name) && isWord(browser) && this.#otherNonce !== undefined && !this.#said) {
      this.#said = { proof, name, browser };
      this.#check();
    } else {
      this.#refuse(new RaftkvError('bad_frame', 'the other page says what has no place in a beginning'));
    }
  }

  #prove(): void {
    const proof = this.#proofOf('own', this.#options.end);
    if (proof !== undefined) this.#say({ proof, ...this.#options.end });
  }

  #check(): void {
    if (this.#said === undefined) return;
    const { proof, ...other } = this.#said;
    const wanted = this.#proofOf('other', other);
    if (wanted === undefined) return;
    if (proof !== wanted || proof === this.#proofOf('own', this.#options.end)) {
      const why = 'the other page is in another room, or does not have its link, or somebody is between';
      return this.#refuse(new RaftkvError('wrong_member', why));
    }
    this.#isProven = true;
    this.#other = other;
    this.#cancelPatience();
    this.#options.onProven();
    this.#settle.resolve();
  }

  /** What that end says of itself. Undefined: not all that goes into it is known. */
  #proofOf(side: 'own' | 'other', { name, browser }: BridgeEnd): string | undefined {
    const [room, { binding }] = [this.#room, this.#options];
    if (room === undefined || this.#otherNonce === undefined || binding === undefined) return undefined;
    const nonces = [this.#nonce, this.#otherNonce];
    const certificates = [binding.own, binding.other];
    if (side === 'other') for (const pair of [nonces, certificates]) pair.reverse();
    // No two messages are the same text, and the two directions never are the same message.
    const role = nonces[0]! < nonces[1]! ? 'smaller' : 'larger';
    const message = JSON.stringify([`raftkv bridge ${version}`, role, room.id, nonces, certificates, name, browser]);
    const encoder = new TextEncoder();
    return toHex(hmacSha256(encoder.encode(room.secret), encoder.encode(message)));
  }

  #refuse(error: RaftkvError): void {
    this.#settle.reject(error);
    this.#channel.close(error);
  }

  #say(words: object): void {
    this.#channel.send(new TextEncoder().encode(JSON.stringify(words)));
  }
}

function isNonce(value: unknown): value is string {
  return isWord(value) && value.length === nonceCharacters;
}

function isHash(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}

function isWord(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(value);
}

function parse(frame: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(frame));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
