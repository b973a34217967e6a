// One of the two ports of a link through a relay: looks like a data channel to `port-channel.ts`. What is on its way is counted until the other end
// says that it came, so a slow reader or a slow relay holds up the sender, and nothing piles up between the two.
import { RaftkvError } from '@raftkv/wire';
import type { DataPort } from './data-port.ts';

type Listener = (event: { readonly data: unknown }) => void;

export interface RelayedPortOptions {
  readonly send: (piece: Uint8Array) => void;
  /** So many bytes came in here since the start. */
  readonly tellTaken: (bytes: number) => void;
  /** What waits on the way to the relay beyond what is fair, of all links together. */
  readonly excessBytes: () => number;
  readonly onClosed: () => void;
}

/** What came is told in steps of this size; well below what the sender lets be under way. */
const tellBytes = 32 * 1024;
/** What is held until somebody listens: more than who keeps to the rules sends before it hears that anything was taken. Above it the link ends with `busy`. */
const maxEarlyBytes = 256 * 1024;

export class RelayedPort implements DataPort {
  binaryType = 'arraybuffer';
  readyState: 'connecting' | 'open' | 'closed' = 'connecting';
  bufferedAmountLowThreshold = 0;
  readonly #options: RelayedPortOptions;
  readonly #listeners = new Map<string, Listener[]>();
  #sentBytes = 0;
  #takenThereBytes = 0;
  #cameBytes = 0;
  #toldBytes = 0;
  /** Came before anybody listened, which whoever opened the link does a moment after it is open. Undefined once that is delivered. */
  #early: Uint8Array[] | undefined = [];
  #earlyBytes = 0;
  #isLost = false;

  constructor(options: RelayedPortOptions) {
    this.#options = options;
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
    if (type === 'message' && this.#early !== undefined) queueMicrotask(() => this.#deliverEarly());
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
    this.#isLost = true;
    if (this.#early === undefined) this.#tell('close');
  }

  /** Throws `busy` when more came than is held. */
  receive(piece: Uint8Array): void {
    if (this.readyState !== 'open') return;
    if (this.#early === undefined) return this.#deliver(piece);
    this.#early.push(piece);
    this.#earlyBytes += piece.length;
    if (this.#earlyBytes > maxEarlyBytes) throw new RaftkvError('busy', 'too much came before anybody listened');
  }

  #deliverEarly(): void {
    const early = this.#early;
    if (early === undefined) return;
    this.#early = undefined;
    for (const piece of early) this.#deliver(piece);
    if (this.#isLost) this.#tell('close');
  }

  #deliver(piece: Uint8Array): void {
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
