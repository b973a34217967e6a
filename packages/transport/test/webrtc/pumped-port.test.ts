// A data channel that stays in the page, and its end in the worker: how much waits, what comes when it is full, and how it ends, over a channel that takes its time.
import { describe, expect, it } from 'vitest';
import type { PumpRequest, PumpWord } from '../../src/webrtc/lent-message.ts';
import { PortPump } from '../../src/webrtc/port-pump.ts';
import { PumpedPort } from '../../src/webrtc/pumped-port.ts';
import type { DataPort } from '../../src/webrtc/index.ts';

/** A channel that sends when it is told to. */
class SlowPort implements DataPort {
  binaryType = 'blob';
  readyState = 'connecting';
  bufferedAmount = 0;
  bufferedAmountLowThreshold = 0;
  readonly sent: number[] = [];
  readonly listeners = new Map<string, ((event: { readonly data: unknown }) => void)[]>();

  addEventListener(type: string, listener: (event: { readonly data: unknown }) => void): void {
    this.listeners.set(type, [...(this.listeners.get(type) ?? []), listener]);
  }

  send(data: Uint8Array<ArrayBuffer>): void {
    if (this.readyState !== 'open') throw new Error('not open');
    this.sent.push(data.length);
    this.bufferedAmount += data.length;
  }

  close(): void {
    this.end('closed');
  }

  end(state: 'open' | 'closed'): void {
    if (this.readyState === state) return;
    this.readyState = state;
    this.tell(state === 'open' ? 'open' : 'close');
  }

  /** So much leaves. */
  drain(bytes: number): void {
    const wasAbove = this.bufferedAmount > this.bufferedAmountLowThreshold;
    this.bufferedAmount -= bytes;
    if (wasAbove && this.bufferedAmount <= this.bufferedAmountLowThreshold) this.tell('bufferedamountlow');
  }

  tell(type: string, data?: unknown): void {
    for (const listener of this.listeners.get(type) ?? []) listener({ data });
  }
}

interface Pair {
  readonly channel: SlowPort;
  readonly port: PumpedPort;
  readonly events: unknown[];
  /** What is under way between the threads arrives, and what that has brought about. */
  settle(): void;
}

function pair(): Pair {
  const channel = new SlowPort();
  const [toPage, toWorker]: [PumpRequest[], PumpWord[]] = [[], []];
  const pump = new PortPump(channel, (word, transfer) =>
    toWorker.push(structuredClone(word, { transfer: transfer as ArrayBuffer[] })),
  );
  const port = new PumpedPort((request, transfer) =>
    toPage.push(structuredClone(request, { transfer: transfer as ArrayBuffer[] })),
  );
  const events: unknown[] = [];
  for (const type of ['open', 'close', 'bufferedamountlow'] as const)
    port.addEventListener(type, () => events.push(type));
  port.addEventListener('message', ({ data }) => events.push(data));
  const settle = (): void => {
    while (toPage.length + toWorker.length > 0) {
      for (const request of toPage.splice(0)) pump.take(request);
      for (const word of toWorker.splice(0)) port.hear(word);
    }
  };
  return { channel, port, events, settle };
}

function opened(lowBytes = 64): Pair {
  const made = pair();
  made.port.bufferedAmountLowThreshold = lowBytes;
  made.channel.end('open');
  made.settle();
  expect(made.events.splice(0)).toEqual(['open']);
  return made;
}

const bytes = (length: number): Uint8Array<ArrayBuffer> => new Uint8Array(length);

describe('a data channel that stays in the page', () => {
  it('opens, carries both ways and ends as the channel does', () => {
    const { channel, port, events, settle } = pair();
    expect(() => port.send(bytes(1))).toThrow(/not open/);
    channel.end('open');
    settle();
    const given = Uint8Array.of(1, 2, 3);
    port.send(given.subarray(1));
    // The caller's, to be used again.
    expect(given).toEqual(Uint8Array.of(1, 2, 3));
    channel.tell('message', Uint8Array.of(7).buffer);
    channel.end('closed');
    settle();
    expect([channel.sent, channel.binaryType, port.readyState]).toEqual([[], 'arraybuffer', 'closed']);
    expect(events).toEqual(['open', Uint8Array.of(7).buffer, 'close']);
  });

  it('tells of room once the channel in the page has it, and of no more', () => {
    const { channel, port, events, settle } = opened(64);
    expect(channel.bufferedAmountLowThreshold).toBe(64);
    for (let i = 0; i < 8; i += 1) port.send(bytes(20));
    settle();
    expect([port.bufferedAmount, channel.bufferedAmount, events]).toEqual([160, 160, []]);
    channel.drain(90);
    settle();
    expect(events).toEqual([]);
    channel.drain(6);
    settle();
    expect([port.bufferedAmount, events.splice(0)]).toEqual([64, ['bufferedamountlow']]);
    // What never was above the threshold is not told of.
    channel.drain(64);
    settle();
    expect(events).toEqual([]);
    expect(port.bufferedAmount).toBeLessThanOrEqual(64);
  });

  it('tells of room when the channel took all at once, and nothing waits there', () => {
    const { channel, port, events, settle } = opened(64);
    const send = channel.send.bind(channel);
    channel.send = (data) => {
      send(data);
      channel.drain(data.length);
    };
    for (let i = 0; i < 8; i += 1) port.send(bytes(20));
    expect(port.bufferedAmount).toBe(160);
    settle();
    expect(events).toEqual(['bufferedamountlow']);
    expect(port.bufferedAmount).toBeLessThanOrEqual(64);
  });

  it('never waits for what does not come, however sends and drains fall together', () => {
    let seed = 1;
    const random = (most: number): number => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return Math.floor((seed / 2 ** 32) * most);
    };
    const { channel, port, events, settle } = opened(64);
    let given = 0;
    for (let i = 0; i < 5_000; i += 1) {
      if (port.bufferedAmount < 128) {
        const length = 1 + random(40);
        port.send(bytes(length));
        given += length;
      }
      if (random(3) === 0) settle();
      if (random(3) === 0) channel.drain(random(channel.bufferedAmount + 1));
      expect(channel.bufferedAmount).toBeLessThanOrEqual(168);
    }
    settle();
    const isFull = port.bufferedAmount > 64;
    events.length = 0;
    channel.drain(channel.bufferedAmount);
    settle();
    expect(events).toEqual(isFull ? ['bufferedamountlow'] : []);
    expect(channel.sent.reduce((sum, length) => sum + length, 0)).toBe(given);
  });

  it('refuses what is too much to wait', () => {
    const { port } = opened();
    port.send(bytes(16 * 1024 * 1024));
    expect(() => port.send(bytes(1))).toThrow(/full/);
  });

  it('ends where the channel takes something not', () => {
    const { channel, port, events, settle } = opened();
    channel.send = () => {
      throw new Error('full');
    };
    port.send(bytes(1));
    settle();
    expect([channel.readyState, port.readyState, events]).toEqual(['closed', 'closed', ['close']]);
  });

  it('is closed from the worker after what was sent before', () => {
    const { channel, port, events, settle } = opened();
    port.send(bytes(5));
    port.close();
    port.close();
    expect(port.readyState).toBe('closing');
    settle();
    expect([channel.sent, channel.readyState, port.readyState, events]).toEqual([[5], 'closed', 'closed', ['close']]);
  });
});
