// A channel between two browsers over which words of a room go on, once both ends have shown that they know the room's secret: whoever was given a code for an invitation
// needs its link, too. Neither end says the secret, only what cannot be known without it.
import type { Channel } from '@raftkv/transport';
import { RaftkvError, hmacSha256 } from '@raftkv/wire';
import { drawWord } from './room-link.ts';
import { toHex } from './hex.ts';

/** Of a word that crosses; a signal with a description fits in. */
export const maxBridgeFrameBytes = 64 * 1024;

export interface HubBridgeOptions {
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
  readonly #nonce = drawWord();
  readonly #onProven: () => void;
  readonly #cancelPatience: () => void;
  #settle!: { resolve(): void; reject(error: RaftkvError): void };
  #secret: string | undefined;
  #otherNonce: string | undefined;
  #proof: string | undefined;
  #isProven = false;

  /** Takes the channel over. */
  constructor(channel: Channel, options: HubBridgeOptions) {
    this.#channel = channel;
    this.#onProven = options.onProven;
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
    this.#say({ version: 1, nonce: this.#nonce });
  }

  get isOpen(): boolean {
    return this.#channel.isOpen;
  }

  get bufferedBytes(): number {
    return this.#channel.bufferedBytes;
  }

  /** Of the room that this end is in. Once. */
  know(secret: string): void {
    this.#secret = secret;
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
    const { version, nonce, proof } = parse(frame);
    if (version !== undefined && version !== 1) {
      return this.#refuse(new RaftkvError('unsupported_version', 'the other page is of another version'));
    }
    // Whoever gives back what it was told would be told its own proof.
    if (typeof nonce === 'string' && nonce !== this.#nonce && nonce.length <= 64 && this.#otherNonce === undefined) {
      this.#otherNonce = nonce;
      this.#prove();
    } else if (typeof proof === 'string' && this.#otherNonce !== undefined && this.#proof === undefined) {
      this.#proof = proof;
      this.#check();
    } else {
      this.#refuse(new RaftkvError('bad_frame', 'the other page says what has no place in a beginning'));
    }
  }

  #prove(): void {
    if (this.#secret === undefined || this.#otherNonce === undefined) return;
    this.#say({ proof: proofOf(this.#secret, this.#nonce, this.#otherNonce) });
  }

  #check(): void {
    if (this.#secret === undefined || this.#otherNonce === undefined || this.#proof === undefined) return;
    if (this.#proof !== proofOf(this.#secret, this.#otherNonce, this.#nonce)) {
      return this.#refuse(
        new RaftkvError('wrong_member', 'the other page is in another room, or does not have its link'),
      );
    }
    this.#isProven = true;
    this.#cancelPatience();
    this.#onProven();
    this.#settle.resolve();
  }

  #refuse(error: RaftkvError): void {
    this.#settle.reject(error);
    this.#channel.close(error);
  }

  #say(words: object): void {
    this.#channel.send(new TextEncoder().encode(JSON.stringify(words)));
  }
}

/** Of the one that says it, `own`. */
function proofOf(secret: string, own: string, other: string): string {
  const encoder = new TextEncoder();
  return toHex(hmacSha256(encoder.encode(secret), encoder.encode(`raftkv bridge 1\n${own}\n${other}`)));
}

function parse(frame: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(frame));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
