// What is special to memory channels; the contract itself is checked by the suite.
import { describe, expect, it, vi } from 'vitest';
import { memoryChannelPair } from '../src/index.ts';
import { describeChannel } from '../src/conformance.ts';
import { recordChannel } from '../src/recorded-channel.ts';

describeChannel(
  'a memory channel',
  async (limits) => {
    const pair = memoryChannelPair(limits);
    return {
      left: pair.left,
      right: pair.right,
      stallRight: () => pair.stall('right'),
      resumeRight: () => pair.resume('right'),
      cut: () => pair.cut(),
      dispose: async () => pair.cut(),
    };
  },
  { describe, it, expect },
);

describe('a memory channel pair', () => {
  it('delivers when the injected scheduler says so', () => {
    const due: (() => void)[] = [];
    const { left, right } = memoryChannelPair({ defer: (deliver) => due.push(deliver) });
    const atRight = recordChannel(right);
    for (const deliver of due.splice(0)) deliver();
    left.send(Uint8Array.of(1));
    left.send(Uint8Array.of(2));
    expect(atRight.received.length).toBe(0);
    expect(due.length).toBe(1);
    due.shift()?.();
    expect(atRight.received.map((frame) => frame[0])).toEqual([1, 2]);
  });

  it('delivers in a browser, whose queueMicrotask refuses to be a method of anything', async () => {
    vi.stubGlobal('queueMicrotask', function (this: unknown, run: () => void) {
      if (this !== undefined && this !== globalThis) throw new TypeError('Illegal invocation');
      void Promise.resolve().then(run);
    });
    try {
      const { left, right } = memoryChannelPair();
      const atRight = recordChannel(right);
      left.send(Uint8Array.of(1));
      await vi.waitFor(() => expect(atRight.received.length).toBe(1));
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it('stops reading in the middle of a burst when stalled by its own receiver', async () => {
    const pair = memoryChannelPair();
    const seen: number[] = [];
    pair.right.start({
      onFrame: (frame) => {
        seen.push(frame[0] ?? -1);
        if (seen.length === 2) pair.stall('right');
      },
      onClose: () => {},
    });
    for (let index = 0; index < 5; index += 1) pair.left.send(Uint8Array.of(index));
    await Promise.resolve();
    await Promise.resolve();
    expect(seen).toEqual([0, 1]);
    expect(pair.left.bufferedBytes).toBe(3);
    pair.resume('right');
    await Promise.resolve();
    await Promise.resolve();
    expect(seen).toEqual([0, 1, 2, 3, 4]);
  });
});
