// What is special to channels over data channels: any order, repetition, loss, speech before `open`, two ports with one end, and bytes of an
// enemy. The contract itself is checked by the suite; real browsers are in `test/browser/webrtc.test.ts`.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RaftkvError } from '@raftkv/wire';
import { describeChannel } from '../../src/conformance.ts';
import { recordChannel } from '../../src/recorded-channel.ts';
import { webRtcChannel } from '../../src/webrtc/index.ts';
import type { WebRtcChannel, WebRtcChannelOptions } from '../../src/webrtc/index.ts';
import { FakePort } from './fake-port.ts';

interface Pair {
  readonly left: WebRtcChannel;
  readonly right: WebRtcChannel;
  readonly urgent: readonly [FakePort, FakePort];
  readonly bulk: readonly [FakePort, FakePort];
  /** How many of the two have let go of their ports. */
  readonly released: () => number;
}

function pair(options: WebRtcChannelOptions = {}, spoil: (port: FakePort) => void = () => {}, atRight = options): Pair {
  const [urgent, bulk] = [FakePort.pair(), FakePort.pair()];
  for (const port of [...urgent, ...bulk]) spoil(port);
  let released = 0;
  const make = (side: 0 | 1): WebRtcChannel =>
    webRtcChannel(
      { urgent: urgent[side], bulk: bulk[side] },
      { ...(side === 0 ? options : atRight), onReleased: () => (released += 1) },
    );
  return { left: make(0), right: make(1), urgent, bulk, released: () => released };
}

for (const [name, pick] of [
  ['a channel over data channels', (channel: WebRtcChannel) => channel],
  ['its bulk pipe', (channel: WebRtcChannel) => channel.bulk],
] as const) {
  describeChannel(
    name,
    async (limits) => {
      const { left, right, urgent, bulk } = pair(limits);
      return {
        left: pick(left),
        right: pick(right),
        stallRight: () => [urgent[1], bulk[1]].forEach((port) => port.stall()),
        resumeRight: () => [urgent[1], bulk[1]].forEach((port) => port.resume()),
        cut: () => [...urgent, ...bulk].forEach((port) => port.closeLikewise()),
        dispose: async () => {
          left.close();
          right.close();
        },
      };
    },
    { describe, it, expect },
  );
}

describeChannel(
  'a channel over data channels that do not tell when there is room',
  async (limits) => {
    const { left, right, urgent } = pair(limits, (port) => (port.bufferedAmountLowThreshold = undefined));
    return {
      left,
      right,
      stallRight: () => urgent[1].stall(),
      resumeRight: () => urgent[1].resume(),
      cut: () => urgent.forEach((port) => port.closeLikewise()),
      dispose: async () => {
        left.close();
        right.close();
      },
    };
  },
  { describe, it, expect },
);

describe('a channel over data channels', () => {
  it('sends no message above 16 KiB', async () => {
    const { left, right, urgent } = pair();
    const atRight = recordChannel(right);
    left.send(new Uint8Array(1 << 20));
    await atRight.frames(1);
    expect(Math.max(...urgent[0].sent.map((message) => message.length))).toBe(16 * 1024);
    left.close();
  });

  it('gives a port no more than it sends soon, so that another port of the connection finds the way free', async () => {
    const { left, right, bulk } = pair();
    const atRight = recordChannel(right.bulk);
    left.bulk.send(new Uint8Array(4 << 20));
    expect(bulk[0].bufferedAmount).toBeLessThanOrEqual((128 + 16) * 1024);
    await atRight.frames(1);
    left.close();
  });

  it('delivers frames whole, in order and once, whatever order the pieces come in and however often', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(40_000), { minLength: 1, maxLength: 12 }),
        fc.infiniteStream(fc.nat(99)),
        async (sizes, dice) => {
          const roll = (): number => dice.next().value as number;
          const { left, right } = pair({}, (port) => (port.way = jumbled(roll)));
          const atRight = recordChannel(right);
          for (const [index, size] of sizes.entries()) left.send(new Uint8Array(size).fill(index + 1));
          left.close();
          expect(await atRight.closed).toBe(undefined);
          expect(atRight.received.map((frame) => frame.length)).toEqual(sizes);
          const isRight = (frame: Uint8Array, index: number): boolean => frame.every((byte) => byte === index + 1);
          expect(atRight.received.every((frame, index) => isRight(frame, index))).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('takes what is behind on the circle of numbers for a repetition', async () => {
    const { right, urgent } = pair();
    const atRight = recordChannel(right);
    urgent[1].hear(first(-1, [1]));
    urgent[1].hear(first(0, [2]));
    urgent[1].hear(first(0, [3]));
    urgent[1].hear(first(2 ** 31, [4]));
    urgent[1].hear(first(1, [5]));
    expect(atRight.received).toEqual([]);
    await atRight.frames(2);
    expect(atRight.received).toEqual([Uint8Array.of(2), Uint8Array.of(5)]);
    right.close();
  });

  it('keeps nothing of what comes twice', async () => {
    const { left, right, urgent } = pair({}, () => {}, { maxBufferedBytes: 10_000 });
    urgent[1].way = (message, deliver) => [message, message].forEach(deliver);
    const atRight = recordChannel(right);
    for (let byte = 0; byte < 20; byte += 1) left.send(new Uint8Array(1000).fill(byte));
    await atRight.frames(20);
    left.close();
    expect(await atRight.closed).toBe(undefined);
  });

  it('is found out when a piece is lost: nothing wrong is delivered, and what is kept is bounded', async () => {
    const { left, right, urgent } = pair({}, () => {}, { maxBufferedBytes: 256 * 1024 });
    let seen = 0;
    urgent[1].way = (message, deliver) => {
      seen += 1;
      if (seen !== 2) deliver(message);
    };
    const atRight = recordChannel(right);
    recordChannel(left);
    for (let index = 0; left.isOpen && index < 10_000; index += 1) {
      if (!left.send(new Uint8Array(1000).fill(index))) await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await atRight.closed)?.code).toBe('connection_lost');
    expect(atRight.received).toHaveLength(1);
  });

  it('is found out in time although nothing more is sent', async () => {
    const { left, right, urgent } = pair({ gapMilliseconds: 20 });
    let seen = 0;
    urgent[1].way = (message, deliver) => void (seen++ === 1 ? undefined : deliver(message));
    const [atLeft, atRight] = [recordChannel(left), recordChannel(right)];
    for (const byte of [1, 2, 3]) left.send(Uint8Array.of(byte));
    expect((await atRight.closed)?.code).toBe('connection_lost');
    expect((await atLeft.closed)?.code).toBe('connection_lost');
    expect(atRight.received).toEqual([Uint8Array.of(1)]);
  });

  it('hears what comes before open, and sends what it was given then once it is open', async () => {
    const { left, right, urgent } = pair({}, (port) => (port.readyState = 'connecting'));
    const [atLeft, atRight] = [recordChannel(left), recordChannel(right)];
    left.send(Uint8Array.of(1));
    urgent[0].hear(first(0, [7]));
    await atLeft.frames(1);
    expect(urgent[0].sent).toHaveLength(0);
    for (const port of urgent) port.open();
    await atRight.frames(1);
    expect(atRight.received).toEqual([Uint8Array.of(1)]);
    left.close();
  });

  it('has one end for both ports: closed here, broken at either port, and released once', async () => {
    const closed = pair();
    const [atRight, atRightBulk] = [recordChannel(closed.right), recordChannel(closed.right.bulk)];
    const [atLeft, atLeftBulk] = [recordChannel(closed.left), recordChannel(closed.left.bulk)];
    closed.left.close(new RaftkvError('busy', 'enough'));
    const ends = await Promise.all([atLeft.closed, atLeftBulk.closed, atRight.closed, atRightBulk.closed]);
    expect(ends.map((error) => error?.code)).toEqual(['busy', 'busy', 'busy', 'busy']);
    await expect.poll(() => closed.released()).toBe(2);
    expect([...closed.urgent, ...closed.bulk].map((port) => port.readyState)).toEqual(Array(4).fill('closed'));

    for (const broken of ['urgent', 'bulk'] as const) {
      const lost = pair();
      const ears = [lost.left, lost.left.bulk, lost.right, lost.right.bulk].map((channel) => recordChannel(channel));
      for (const port of lost[broken]) port.closeLikewise();
      const codes = (await Promise.all(ears.map((ear) => ear.closed))).map((error) => error?.code);
      expect(codes).toEqual(Array(4).fill('connection_lost'));
      await expect.poll(() => lost.released()).toBe(2);
    }
  });

  it('lets go of its ports although the other side never answers', async () => {
    const { left, urgent, bulk, released } = pair({ lingerMilliseconds: 20 });
    urgent[1].stall();
    bulk[1].stall();
    recordChannel(left);
    left.send(new Uint8Array(4 << 20));
    left.close();
    await expect.poll(() => released()).toBe(1);
    expect([urgent[0].readyState, bulk[0].readyState]).toEqual(['closed', 'closed']);
  });

  it.each<[string, readonly unknown[], string]>([
    ['text', ['hello'], 'bad_frame'],
    ['nothing', [Uint8Array.of()], 'unsupported_version'],
    ['another version', [Uint8Array.of(0x20, 0, 0, 0, 0)], 'unsupported_version'],
    ['an unknown kind', [Uint8Array.of(0x1f)], 'bad_frame'],
    ['half a header', [Uint8Array.of(0x10, 0, 0)], 'bad_frame'],
    ['a message above 16 KiB', [new Uint8Array(16 * 1024 + 1).fill(0x10)], 'frame_too_large'],
    ['a frame above the limit', [first(0, [1], 5 << 20)], 'frame_too_large'],
    ['a frame within a frame', [first(0, [1], 9), first(1, [1])], 'bad_frame'],
    ['more than was announced', [first(0, [1], 2), next(1, [1, 1])], 'bad_frame'],
    ['a frame that was never begun', [next(0, [1])], 'bad_frame'],
    [
      'an end in order within a frame',
      [first(0, [1], 2), Uint8Array.of(0x12, 0xff, 0xff, 0xff, 0xc1, 3, 0xe8)],
      'bad_frame',
    ],
    ['more taken than was sent', [Uint8Array.of(0x13, 0, 0, 1, 0)], 'bad_frame'],
  ])('ends with a code at both sides for %s', async (_, messages, code) => {
    const { left, right, urgent } = pair();
    const [atLeft, atRight] = [recordChannel(left), recordChannel(right)];
    for (const message of messages) urgent[1].hear(message);
    expect((await atRight.closed)?.code).toBe(code);
    expect((await atLeft.closed)?.code).toBe(code);
    expect(atRight.received).toHaveLength(0);
  });

  it('closes with busy what is sent too much of before the start', async () => {
    const { left, right } = pair({ maxBufferedBytes: 300_000 });
    recordChannel(left);
    for (let index = 0; index < 4; index += 1) left.send(new Uint8Array(60_000));
    left.bulk.send(new Uint8Array(10));
    // Nobody has started the right side; an enemy would not care about what it was told.
    const atRight = new Promise((resolve) => {
      const look = (): void => void (right.isOpen ? setImmediate(look) : resolve(undefined));
      look();
    });
    for (let index = 0; left.isOpen && index < 10; index += 1) left.send(new Uint8Array(60_000));
    await atRight;
    expect((await recordChannel(right).closed)?.code).toBe('busy');
  });

  it('bears any bytes: it ends with a code, or goes on', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => bytes.map(versioned)),
          {
            maxLength: 30,
          },
        ),
        async (messages) => {
          const { left, right, urgent } = pair({ lingerMilliseconds: 0 });
          const atRight = recordChannel(right);
          recordChannel(left);
          for (const message of messages) urgent[1].hear(message);
          right.close();
          await atRight.closed;
          expect(atRight.ends()).toBe(1);
        },
      ),
    );
  });
});

/** Where the row of numbers begins. */
const firstNumber = 0xffffffc0;

/** `place`: how many pieces come before it. */
function first(place: number, bytes: readonly number[], totalBytes = bytes.length): Uint8Array {
  const piece = Uint8Array.of(0x10, 0, 0, 0, 0, 0, 0, 0, 0, ...bytes);
  new DataView(piece.buffer).setUint32(1, firstNumber + place);
  new DataView(piece.buffer).setUint32(5, totalBytes);
  return piece;
}

function next(place: number, bytes: readonly number[]): Uint8Array {
  const piece = Uint8Array.of(0x11, 0, 0, 0, 0, ...bytes);
  new DataView(piece.buffer).setUint32(1, firstNumber + place);
  return piece;
}

/** So that random bytes often get past the version. */
function versioned(byte: number, index: number): number {
  return index === 0 && byte < 200 ? 0x10 | (byte % 6) : byte;
}

/** A way on which messages overtake each other and some come twice; all come at last. */
function jumbled(roll: () => number): FakePort['way'] {
  const waiting: Uint8Array[] = [];
  return (message, deliver) => {
    waiting.push(message);
    if (roll() < 20) waiting.push(message);
    setImmediate(() => {
      if (roll() < 50 && waiting.length < 8) setImmediate(() => flush(waiting, roll, deliver));
      else flush(waiting, roll, deliver);
    });
  };
}

function flush(waiting: Uint8Array[], roll: () => number, deliver: (message: Uint8Array) => void): void {
  while (waiting.length > 0) {
    const [message] = waiting.splice(roll() % waiting.length, 1);
    if (message !== undefined) deliver(message);
  }
}
