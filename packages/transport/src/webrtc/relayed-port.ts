// One of the two ports of a link through a relay: looks like a data channel to `port-channel.ts`. What is on its way is counted until the other end
// says that it came, so a slow reader or a slow relay holds up the sender, and nothing piles up between the two.
import { RaftkvError } from '@raftkv/wire';
import type { DataPort } from './data-port.ts';

type Listener = (event: { readonly data: unknown }) => void;

export interface RelayedPortOptions {
  readonly isOpen: boolean;
  readonly send: (piece: Uint8Array) => void;
  /** So many bytes came in here since the start. */
  readonly tellTaken: (bytes: number) => void;
  /** What waits on the way to the relay beyond what is fair, of all links together. */
  readonly excessBytes: () => number;
  readonly onClosed: () => void;
}

/** What came is told in steps of this size; well below what the sender lets be under way. */
const tellBytes = 32 * 1024;

export class RelayedPort implements DataPort {
  binaryType = 'arraybuffer';
  readyState: 'connecting' | 'open' | 'closed';
  bufferedAmountLowThreshold = 0;
  readonly #options: RelayedPortOptions;
  readonly #listeners = new Map<string, Listener[]>();
  #sentBytes = 0;
  #takenThereBytes = 0;
  #cameBytes = 0;
  #toldBytes = 0;

  constructor(options: RelayedPortOptions) {
    this.#options = options;
    this.readyState = options.isOpen ? 'open' : 'connecting';
  }

  get bufferedAmount(): number {
    return this.#sentBytes - this.#takenThereBytes + this.#options.excessBytes();
  }

  send(data: Uint8Array<ArrayBuffer>): void {
    if (this.readyState !== 'open') throw new RaftkvError('closed', 'the link is not open');
    this.#sentBytes += data.length;
    this.#options.send(data);
  }

  close(): void {
    if (this.readyState === 'closed') return;
    this.readyState = 'closed';
    this.#options.onClosed();
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }

  open(): void {
    if (this.readyState !== 'connecting') return;
    this.readyState = 'open';
    this.#tell('open');
  }

  /** The link is gone. */
  lose(): void {
    if (this.readyState === 'closed') return;
    this.readyState = 'closed';
    this.#tell('close');
  }

  receive(piece: Uint8Array): void {
    if (this.readyState !== 'open') return;
    this.#tell('message', piece);
    this.#cameBytes += piece.length;
    if (this.#cameBytes - this.#toldBytes < tellBytes) return;
    this.#toldBytes = this.#cameBytes;
    this.#options.tellTaken(this.#cameBytes);
  }

  /** Throws `bad_frame` when it is more than was sent. */
  noteTaken(bytes: number): void {
    const forwards = (bytes - this.#takenThereBytes) >>> 0;
    if (forwards > this.#sentBytes - this.#takenThereBytes) {
      throw new RaftkvError('bad_frame', 'more came there than was sent');
    }
    this.#takenThereBytes += forwards;
    this.look();
  }

  /** There may be room again. */
  look(): void {
    if (this.readyState === 'open' && this.bufferedAmount <= this.bufferedAmountLowThreshold)
      this.#tell('bufferedamountlow');
  }

  #tell(type: string, data?: Uint8Array): void {
    for (const listener of this.#listeners.get(type) ?? []) listener({ data });
  }
}
