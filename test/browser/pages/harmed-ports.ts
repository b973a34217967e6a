// Real ports of a browser that a conformance suite can hold up and break: what comes in waits, or never comes again.
import type { DataPort } from '@raftkv/transport/webrtc';
import type { BroadcastPort, ThreadPort } from '@raftkv/transport/web';

type Listener = (event: { readonly data?: unknown }) => void;

/** Events of a port that wait while it is held up. */
class Gate {
  #waiting: (() => void)[] | undefined;

  pass(event: () => void): void {
    if (this.#waiting === undefined) event();
    else this.#waiting.push(event);
  }

  stall(): void {
    this.#waiting ??= [];
  }

  resume(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const event of waiting) event();
  }
}

export class HarmedTabPort implements BroadcastPort {
  readonly gate = new Gate();
  readonly #port: BroadcastChannel;
  readonly #errorListeners: Listener[] = [];

  constructor(port: BroadcastChannel) {
    this.#port = port;
  }

  postMessage(message: unknown): void {
    this.#port.postMessage(message);
  }

  close(): void {
    this.#port.close();
  }

  addEventListener(type: 'message' | 'messageerror', listener: Listener): void {
    if (type === 'messageerror') this.#errorListeners.push(listener);
    this.#port.addEventListener(type, (event) => {
      const { data } = event as MessageEvent<unknown>;
      this.gate.pass(() => listener({ data }));
    });
  }

  break(): void {
    for (const listener of this.#errorListeners) listener({});
  }
}

export class HarmedThreadPort implements ThreadPort {
  readonly gate = new Gate();
  readonly #port: MessagePort;
  readonly #endListeners: Listener[] = [];

  constructor(port: MessagePort) {
    this.#port = port;
  }

  postMessage(message: unknown): void {
    this.#port.postMessage(message);
  }

  start(): void {
    this.#port.start();
  }

  close(): void {
    this.#port.close();
  }

  addEventListener(type: 'message' | 'messageerror' | 'close', listener: Listener): void {
    if (type === 'close') this.#endListeners.push(listener);
    this.#port.addEventListener(type, (event) => {
      const { data } = event as MessageEvent<unknown>;
      this.gate.pass(() => listener({ data }));
    });
  }

  /** As when a thread ends: its port is gone without a word. Not every browser says so. */
  break(): void {
    this.#port.close();
    if (!('onclose' in MessagePort.prototype)) for (const listener of this.#endListeners) listener({});
  }
}

export class HarmedDataPort implements DataPort {
  readonly gate = new Gate();
  readonly #port: RTCDataChannel;

  constructor(port: RTCDataChannel) {
    this.#port = port;
  }

  get binaryType(): string {
    return this.#port.binaryType;
  }
  set binaryType(type: string) {
    this.#port.binaryType = type as BinaryType;
  }
  get readyState(): string {
    return this.#port.readyState;
  }
  get bufferedAmount(): number {
    return this.#port.bufferedAmount;
  }
  get bufferedAmountLowThreshold(): number {
    return this.#port.bufferedAmountLowThreshold;
  }
  set bufferedAmountLowThreshold(bytes: number) {
    this.#port.bufferedAmountLowThreshold = bytes;
  }

  send(data: Uint8Array<ArrayBuffer>): void {
    this.#port.send(data);
  }

  close(): void {
    this.#port.close();
  }

  addEventListener(type: string, listener: (event: { readonly data: unknown }) => void): void {
    this.#port.addEventListener(type, (event) => {
      const { data } = event as MessageEvent<unknown>;
      if (type === 'message' || type === 'close') this.gate.pass(() => listener({ data }));
      else listener({ data });
    });
  }
}
