// A data channel that is on its way over from the page: what is asked of it meanwhile is kept and done once it is there. From then on it is that channel.
import type { DataPort } from './data-port.ts';

/** Those that are told nothing, and `message`, which are told what came. */
type Listener = (event: { readonly data: unknown }) => void;
type EventType = 'open' | 'close' | 'bufferedamountlow' | 'message';

export class BorrowedPort implements DataPort {
  #port: DataPort | undefined;
  #binaryType = 'blob';
  #lowThreshold = 0;
  #isClosed = false;
  readonly #listeners: { readonly type: EventType; readonly listener: Listener }[] = [];

  get binaryType(): string {
    return this.#binaryType;
  }

  set binaryType(type: string) {
    this.#binaryType = type;
    if (this.#port !== undefined) this.#port.binaryType = type;
  }

  get bufferedAmountLowThreshold(): number {
    return this.#lowThreshold;
  }

  set bufferedAmountLowThreshold(bytes: number) {
    this.#lowThreshold = bytes;
    if (this.#port !== undefined) this.#port.bufferedAmountLowThreshold = bytes;
  }

  get readyState(): string {
    if (this.#isClosed) return 'closed';
    return this.#port?.readyState ?? 'connecting';
  }

  get bufferedAmount(): number {
    return this.#port?.bufferedAmount ?? 0;
  }

  send(data: Uint8Array<ArrayBuffer>): void {
    if (this.#port === undefined) throw new Error('this data channel is not open');
    this.#port.send(data);
  }

  close(): void {
    this.#isClosed = true;
    this.#port?.close();
  }

  addEventListener(type: EventType, listener: Listener): void {
    this.#listeners.push({ type, listener });
    if (this.#port !== undefined) listen(this.#port, type, listener);
  }

  arrive(port: DataPort): void {
    this.#port = port;
    if (this.#isClosed) return port.close();
    port.binaryType = this.#binaryType;
    port.bufferedAmountLowThreshold = this.#lowThreshold;
    for (const { type, listener } of this.#listeners) listen(port, type, listener);
    // It may have opened, or ended, on its way: of that nothing more is told.
    const missed = port.readyState === 'open' ? 'open' : port.readyState === 'closed' ? 'close' : undefined;
    for (const { type, listener } of this.#listeners) if (type === missed) listener({ data: undefined });
  }
}

function listen(port: DataPort, type: EventType, listener: Listener): void {
  if (type === 'message') port.addEventListener(type, listener);
  else port.addEventListener(type, () => listener({ data: undefined }));
}
