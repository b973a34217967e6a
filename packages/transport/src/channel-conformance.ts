// The conformance suite of the Channel contract, run by each kind of channel: a function of a factory and of the test runner's own words,
// so that it runs under any runner and in a browser. It tests what every channel promises; what is special to one is tested beside it.
import { RaftkvError } from '@raftkv/wire';
import type { Channel } from './channel.ts';
import type { ChannelLimits } from './channel-limits.ts';
import type { ConformanceRunner } from './conformance-runner.ts';
import { recordChannel } from './recorded-channel.ts';

/** Two joined, open, unstarted channels, and the power to harm what joins them. */
export interface ChannelPairUnderTest {
  readonly left: Channel;
  readonly right: Channel;
  /** `right` stops reading until `resumeRight`; what `left` sends piles up on the way. */
  stallRight(): void;
  resumeRight(): void;
  /** Breaks the pipe without a goodbye. */
  cut(): void;
  dispose(): Promise<void>;
}

export type ChannelPairFactory = (limits: ChannelLimits) => Promise<ChannelPairUnderTest>;

const limits: ChannelLimits = {
  maxFrameBytes: 64 * 1024,
  highWaterBytes: 256 * 1024,
  lowWaterBytes: 64 * 1024,
  maxBufferedBytes: 2 * 1024 * 1024,
};

/**
 * @example
 * ```ts
 * import { describe, expect, it } from 'vitest';
 * describeChannel('memory', async (limits) => makePair(limits), { describe, it, expect });
 * ```
 */
export function describeChannel(name: string, factory: ChannelPairFactory, runner: ConformanceRunner): void {
  runner.describe(`${name}, as a channel`, () => {
    const check = (title: string, body: (pair: ChannelPairUnderTest) => Promise<void>): void =>
      runner.it(title, async () => {
        const pair = await factory(limits);
        try {
          await body(pair);
        } finally {
          await pair.dispose();
        }
      });
    describeFrames(check, runner.expect);
    describeBackpressure(check, runner.expect);
    describeEnds(check, runner.expect);
  });
}

type Check = (title: string, body: (pair: ChannelPairUnderTest) => Promise<void>) => void;
type Expect = ConformanceRunner['expect'];

function describeFrames(check: Check, expect: Expect): void {
  check('delivers frames whole and in order, both ways at once', async ({ left, right }) => {
    const [atLeft, atRight] = [recordChannel(left), recordChannel(right)];
    const sizes = Array.from({ length: 200 }, (_, index) => (index * 997) % 4000);
    for (const [index, size] of sizes.entries()) {
      left.send(filled(size, index));
      right.send(filled(size, index + 1));
    }
    await atRight.frames(sizes.length);
    await atLeft.frames(sizes.length);
    for (const [index, size] of sizes.entries()) {
      expect(isFilled(atRight.received[index], size, index)).toBe(true);
      expect(isFilled(atLeft.received[index], size, index + 1)).toBe(true);
    }
  });

  check('carries an empty frame and one of exactly the limit', async ({ left, right }) => {
    const atRight = recordChannel(right);
    recordChannel(left);
    left.send(new Uint8Array(0));
    left.send(filled(limits.maxFrameBytes, 7));
    await atRight.frames(2);
    expect(atRight.received[0]?.length).toBe(0);
    expect(isFilled(atRight.received[1], limits.maxFrameBytes, 7)).toBe(true);
  });

  check('sends a view on a larger buffer as just that view', async ({ left, right }) => {
    const atRight = recordChannel(right);
    recordChannel(left);
    left.send(Uint8Array.of(0, 1, 2, 3, 4, 5).subarray(2, 4));
    await atRight.frames(1);
    expect([...(atRight.received[0] ?? [])]).toEqual([2, 3]);
  });

  check('hands over plain Uint8Arrays', async ({ left, right }) => {
    const atRight = recordChannel(right);
    recordChannel(left);
    left.send(Uint8Array.of(1, 2, 3));
    await atRight.frames(1);
    expect(Object.getPrototypeOf(atRight.received[0])).toBe(Uint8Array.prototype);
  });

  check('holds frames back until it is started, and calls nothing from inside start', async ({ left, right }) => {
    const atLeft = recordChannel(left);
    left.send(Uint8Array.of(1));
    left.send(Uint8Array.of(2));
    right.send(Uint8Array.of(9));
    await atLeft.frames(1);
    const atRight = recordChannel(right);
    expect(atRight.received.length).toBe(0);
    await atRight.frames(2);
    expect(atRight.received.map((frame) => frame[0])).toEqual([1, 2]);
  });

  check('throws frame_too_large at the sender and stays open', async ({ left, right }) => {
    const atRight = recordChannel(right);
    recordChannel(left);
    expect(codeThrownBy(() => left.send(new Uint8Array(limits.maxFrameBytes + 1)))).toBe('frame_too_large');
    expect(left.isOpen).toBe(true);
    left.send(Uint8Array.of(5));
    await atRight.frames(1);
  });
}

function describeBackpressure(check: Check, expect: Expect): void {
  check('says false past the high-water mark, drains once the other side reads, and loses nothing', async (pair) => {
    const { left, right } = pair;
    const [atLeft, atRight] = [recordChannel(left), recordChannel(right)];
    pair.stallRight();
    const sent = fill(left);
    expect(left.bufferedBytes).toBeGreaterThan(limits.highWaterBytes - 1);
    expect(left.bufferedBytes).toBeLessThanOrEqual(limits.maxBufferedBytes);
    expect(left.send(filled(10, sent))).toBe(false);
    expect(atLeft.drains()).toBe(0);
    pair.resumeRight();
    await atLeft.drained(1);
    expect(left.bufferedBytes).toBeLessThanOrEqual(limits.lowWaterBytes);
    expect(left.send(filled(10, sent + 1))).toBe(true);
    await atRight.frames(sent + 2);
    expect(atRight.received.every((frame, index) => isFilled(frame, frame.length, index))).toBe(true);
    expect(atLeft.drains()).toBe(1);
  });

  check('closes with busy past the hard limit, and keeps nothing', async (pair) => {
    const { left, right } = pair;
    const atLeft = recordChannel(left);
    recordChannel(right);
    pair.stallRight();
    fill(left);
    for (let count = 0; left.isOpen && count < 1000; count += 1) left.send(filled(limits.maxFrameBytes, count));
    expect(left.isOpen).toBe(false);
    expect(left.bufferedBytes).toBe(0);
    expect((await atLeft.closed)?.code).toBe('busy');
    pair.resumeRight();
  });
}

function describeEnds(check: Check, expect: Expect): void {
  check('delivers what was sent before an orderly close, then ends without an error at both sides', async (pair) => {
    const { left, right } = pair;
    const [atLeft, atRight] = [recordChannel(left), recordChannel(right)];
    for (let index = 0; index < 50; index += 1) left.send(filled(1000, index));
    left.close();
    expect(left.isOpen).toBe(false);
    expect(left.send(Uint8Array.of(1))).toBe(false);
    expect(atLeft.ends()).toBe(0);
    expect(await atLeft.closed).toBe(undefined);
    expect(await atRight.closed).toBe(undefined);
    expect(atRight.received.length).toBe(50);
    expect(right.isOpen).toBe(false);
    left.close(new RaftkvError('busy', 'too late'));
    expect(atLeft.ends()).toBe(1);
    expect(atRight.ends()).toBe(1);
  });

  check('tells the other side why it was closed', async ({ left, right }) => {
    const [atLeft, atRight] = [recordChannel(left), recordChannel(right)];
    const reason = new RaftkvError('wrong_cluster', 'another cluster');
    right.close(reason);
    expect(await atRight.closed).toBe(reason);
    expect((await atLeft.closed)?.code).toBe('wrong_cluster');
  });

  check('delivers nothing after a local close', async ({ left, right }) => {
    const [atLeft, atRight] = [recordChannel(left), recordChannel(right)];
    left.send(Uint8Array.of(1));
    right.close();
    expect(await atRight.closed).toBe(undefined);
    await atLeft.closed;
    expect(atRight.received.length).toBe(0);
  });

  check('tells of an end that came before the start, after the frames that came before it', async ({ left, right }) => {
    const atLeft = recordChannel(left);
    left.send(Uint8Array.of(1));
    left.close();
    await atLeft.closed;
    const atRight = recordChannel(right);
    expect(await atRight.closed).toBe(undefined);
    expect(atRight.received.length).toBe(1);
  });

  check('ends with connection_lost at both sides when the pipe breaks', async (pair) => {
    const [atLeft, atRight] = [recordChannel(pair.left), recordChannel(pair.right)];
    pair.left.send(Uint8Array.of(1));
    await atRight.frames(1);
    pair.cut();
    expect((await atLeft.closed)?.code).toBe('connection_lost');
    expect((await atRight.closed)?.code).toBe('connection_lost');
    expect(pair.left.isOpen || pair.right.isOpen).toBe(false);
  });

  check('can be closed from here when the other side is half dead', async (pair) => {
    const atLeft = recordChannel(pair.left);
    recordChannel(pair.right);
    pair.stallRight();
    fill(pair.left);
    pair.left.close(new RaftkvError('timeout', 'silent for too long'));
    expect((await atLeft.closed)?.code).toBe('timeout');
    expect(pair.left.bufferedBytes).toBe(0);
    pair.resumeRight();
  });
}

/** Sends until the channel says to hold on; answers the number of frames. Frame n is filled with n. */
function fill(channel: Channel): number {
  for (let count = 0; count < 10_000; count += 1) {
    if (!channel.send(filled(limits.maxFrameBytes, count))) return count + 1;
  }
  throw new Error('the channel never said to hold on');
}

function filled(size: number, seed: number): Uint8Array {
  return new Uint8Array(size).fill(seed & 0xff);
}

function isFilled(frame: Uint8Array | undefined, size: number, seed: number): boolean {
  return frame !== undefined && frame.length === size && frame.every((byte) => byte === (seed & 0xff));
}

function codeThrownBy(body: () => unknown): string | undefined {
  try {
    body();
    return undefined;
  } catch (error) {
    return RaftkvError.from(error).code;
  }
}
