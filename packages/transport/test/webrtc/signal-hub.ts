// Signalling within one process, which a test can listen in on, cut, and put words into.
import type { Signal, Signalling } from '../../src/webrtc/index.ts';

export class SignalHub {
  readonly heard: Signal[] = [];
  /** False: it is lost. */
  carries: (signal: Signal) => boolean = () => true;
  /** What arrives in its place. */
  rewrite: (signal: Signal) => unknown = (signal) => signal;
  readonly #listeners = new Set<(signal: unknown) => void>();

  /** Everybody hears everything, as on a BroadcastChannel. */
  say(signal: unknown): void {
    const copy: unknown = structuredClone(signal);
    for (const listener of this.#listeners) setImmediate(() => this.#listeners.has(listener) && listener(copy));
  }

  readonly signalling: Signalling = {
    send: (signal) => {
      this.heard.push(signal);
      if (this.carries(signal)) this.say(this.rewrite(signal));
    },
    listen: (onSignal) => {
      this.#listeners.add(onSignal);
      return () => this.#listeners.delete(onSignal);
    },
  };
}
