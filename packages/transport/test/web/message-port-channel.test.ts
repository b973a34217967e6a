// Channels between threads of one page: the contract over Node's MessageChannel, how the end of a thread is noticed, and backpressure that is passed on.
import { describe, expect, it } from 'vitest';
import { describeChannel } from '../../src/conformance.ts';
import { recordChannel } from '../../src/recorded-channel.ts';
import { messagePortChannel } from '../../src/web/index.ts';
import type { ThreadPort } from '../../src/web/index.ts';

type Listener = (event: { readonly data?: unknown }) => void;

/** A port that can be held up. */
class HeldPort implements ThreadPort {
  readonly port: MessagePort;
  #waiting: (() => void)[] | undefined;

  constructor(port: MessagePort) {
    this.port = port;
  }

  postMessage(message: unknown): void {
    this.port.postMessage(message);
  }
  start(): void {
    this.port.start();
  }
  close(): void {
    this.port.close();
  }
  addEventListener(type: 'message' | 'messageerror' | 'close', listener: Listener): void {
    this.port.addEventListener(type, (event) => {
      const told = { data: (event as MessageEvent).data as unknown };
      if (this.#waiting === undefined) listener(told);
      else this.#waiting.push(() => listener(told));
    });
  }
  stall(): void {
    this.#waiting ??= [];
  }
  resume(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const tell of waiting) tell();
  }
}

describeChannel(
  'a channel between threads',
  async (limits) => {
    const { port1, port2 } = new MessageChannel();
    const [a, b] = [new HeldPort(port1), new HeldPort(port2)];
    const [left, right] = [messagePortChannel(a, limits), messagePortChannel(b, limits)];
    return {
      left,
      right,
      stallRight: () => b.stall(),
      resumeRight: () => b.resume(),
      // As when a thread ends: its port is gone without a word.
      cut: () => port1.close(),
      dispose: async () => {
        left.close();
        right.close();
      },
    };
  },
  { describe, it, expect },
);

describe('a channel between threads', () => {
  it('leaves the sender full while what was read is held back, and drains it afterwards', async () => {
    const { port1, port2 } = new MessageChannel();
    const limits = { highWaterBytes: 64 * 1024, lowWaterBytes: 32 * 1024 };
    const [left, right] = [messagePortChannel(port1, limits), messagePortChannel(port2, limits)];
    const [atLeft, atRight] = [recordChannel(left), recordChannel(right)];
    right.holdBack(true);
    for (let i = 0; i < 8; i += 1) left.send(new Uint8Array(16 * 1024));
    await atRight.frames(8);
    expect(left.send(new Uint8Array(1))).toBe(false);
    await atRight.frames(9);
    expect(left.bufferedBytes).toBe(8 * 16 * 1024 + 1);
    expect(atLeft.drains()).toBe(0);
    right.holdBack(false);
    await atLeft.drained(1);
    expect(left.bufferedBytes).toBe(0);
    left.close();
    await atRight.closed;
  });
});
