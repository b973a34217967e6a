// The worker's end of a data channel that stays with the page (`port-pump.ts`): looks like the channel itself, only that all of it passes the page's thread.
import type { DataPort } from './data-port.ts';
import type { PumpRequest, PumpWord } from './lent-message.ts';

type EventType = 'open' | 'close' | 'bufferedamountlow' | 'message';
type Listener = (event: { readonly data: unknown }) => void;

/** What is under way to the page, and in the channel there. One more is refused, as a browser's own channel does; whoever looks at `bufferedAmount` stays far below. */
const maxBufferedBytes = 16 * 1024 * 1024;

export class PumpedPort implements DataPort {
  /** What comes in is an ArrayBuffer, whatever this says. */
  binaryType = 'arraybuffer';
  readyState = 'connecting';
  readonly #ask: (request: PumpRequest, transfer?: object[]) => void;
  readonly #listeners: { readonly type: EventType; readonly listener: Listener }[] = [];
  #lowBytes = 0;
  #sentBytes = 0;
  /** Of that, what has left the page, as the page says. */
  #goneBytes = 0;

  constructor(ask: (request: PumpRequest, transfer?: object[]) => void) {
    this.#ask = ask;
  }

  get bufferedAmountLowThreshold(): number {
    return this.#lowBytes;
  }

  set bufferedAmountLowThreshold(bytes: number) {
    this.#lowBytes = bytes;
    this.#ask({ type: 'portLow', bytes });
  }

  /** At most, once it is below the threshold: the page says no more than is waited for. */
  get bufferedAmount(): number {
    return this.#sentBytes - this.#goneBytes;
  }

  send(data: Uint8Array<ArrayBuffer>): void {
    if (this.readyState !== 'open') throw new Error('this data channel is not open');
    if (this.bufferedAmount + data.length > maxBufferedBytes)
      throw new Error('the buffer of this data channel is full');
    this.#sentBytes += data.length;
    // The bytes are the caller's, who may use them again.
    const copy = data.slice().buffer;
    this.#ask({ type: 'portSend', data: copy }, [copy]);
  }

  close(): void {
    if (this.readyState === 'closed' || this.readyState === 'closing') return;
    this.readyState = 'closing';
    this.#ask({ type: 'portClose' });
  }

  addEventListener(type: EventType, listener: Listener): void {
    this.#listeners.push({ type, listener });
  }

  hear(word: PumpWord): void {
    if (this.readyState === 'closed') return;
    switch (word.type) {
      case 'portOpened':
        if (this.readyState !== 'connecting') return;
        this.readyState = 'open';
        return this.#fire('open');
      case 'portClosed':
        this.readyState = 'closed';
        return this.#fire('close');
      case 'portMessage':
        return this.#fire('message', word.data);
      case 'portSent':
        return this.#noteGone(word.bytes);
    }
  }

  #noteGone(bytes: number): void {
    const wasAbove = this.bufferedAmount > this.#lowBytes;
    this.#goneBytes = bytes;
    if (wasAbove && this.bufferedAmount <= this.#lowBytes) this.#fire('bufferedamountlow');
  }

  #fire(fired: EventType, data?: unknown): void {
    for (const { type, listener } of this.#listeners) if (type === fired) listener({ data });
  }
}
