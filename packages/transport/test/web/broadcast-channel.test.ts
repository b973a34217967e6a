// What is special to channels between tabs; the contract itself is checked by the suite. Node's BroadcastChannel stands in for a browser's.
import { describe, expect, it } from 'vitest';
import { describeChannel } from '../../src/conformance.ts';
import { recordChannel } from '../../src/recorded-channel.ts';
import { broadcastChannel } from '../../src/web/index.ts';
import type { BroadcastPort } from '../../src/web/index.ts';

type Listener = (event: { readonly data?: unknown }) => void;

/** A port that can be held up and broken. */
class HarmedPort implements BroadcastPort {
  readonly #port: BroadcastChannel;
  readonly #errorListeners: Listener[] = [];
  /** What waits, while held up. */
  #waiting: (() => void)[] | undefined;

  constructor(name: string) {
    this.#port = new BroadcastChannel(name);
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
  break(): void {
    for (const listener of this.#errorListeners) listener({});
  }
}

function ports(): [HarmedPort, HarmedPort] {
  const name = crypto.randomUUID();
  return [new HarmedPort(name), new HarmedPort(name)];
}

describeChannel(
  'a channel between tabs',
  async (limits) => {
    const [a, b] = ports();
    const [left, right] = [broadcastChannel(a, limits), broadcastChannel(b, limits)];
    return {
      left,
      right,
      stallRight: () => b.stall(),
      resumeRight: () => b.resume(),
      cut: () => {
        a.break();
        b.break();
      },
      dispose: async () => {
        left.close();
        right.close();
      },
    };
  },
  { describe, it, expect },
);

describe('a channel between tabs', () => {
  it('ends with connection_lost at both sides when a message is missing', async () => {
    const [a, b] = ports();
    const [left, right] = [broadcastChannel(a), broadcastChannel(b)];
    const [atLeft, atRight] = [recordChannel(left), recordChannel(right)];
    left.send(Uint8Array.of(1));
    await atRight.frames(1);
    a.postMessage({ number: 2, frame: Uint8Array.of(3) });
    expect((await atRight.closed)?.code).toBe('connection_lost');
    expect((await atLeft.closed)?.code).toBe('connection_lost');
  });

  it('takes an end for a reason that it does not know as a loss', async () => {
    const [a, b] = ports();
    const [left, right] = [broadcastChannel(a), broadcastChannel(b)];
    const atRight = recordChannel(right);
    a.postMessage({ end: { code: 'of_a_later_build', message: 'who knows' } });
    expect(await atRight.closed).toMatchObject({ code: 'connection_lost', message: 'who knows' });
    left.close();
  });

  it('sends no more of a large buffer than the frame', async () => {
    const posted: unknown[] = [];
    const [a, b] = ports();
    const spied: BroadcastPort = {
      postMessage: (message) => {
        posted.push(message);
        a.postMessage(message);
      },
      close: () => a.close(),
      addEventListener: (type, listener) => a.addEventListener(type, listener),
    };
    const [left, right] = [broadcastChannel(spied), broadcastChannel(b)];
    const atRight = recordChannel(right);
    left.send(new Uint8Array(1 << 20).subarray(100, 110));
    await atRight.frames(1);
    expect((posted[0] as { frame: Uint8Array }).frame.buffer.byteLength).toBe(10);
    left.close();
    right.close();
  });
});
