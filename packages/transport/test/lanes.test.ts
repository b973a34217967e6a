// Two lanes over one channel that does not take everything at once.
import { describe, expect, it } from 'vitest';
import { memoryChannelPair, defaultMeshLimits } from '../src/index.ts';
import { Lanes } from '../src/lanes.ts';
import { PartJoiner, isPart } from '../src/parts.ts';
import { recordChannel } from '../src/recorded-channel.ts';
import { settled } from './fake-clock.ts';

const limits = { ...defaultMeshLimits, maxPartBytes: 100, maxQueuedBytes: 2000, controlReserveBytes: 50 };

function setUp() {
  const pair = memoryChannelPair({ highWaterBytes: 300, lowWaterBytes: 0, maxBufferedBytes: 100_000 });
  const lanes = new Lanes(pair.left, limits);
  pair.left.start({ onFrame: () => {}, onClose: () => {}, onDrain: () => lanes.drain() });
  return { pair, lanes, atRight: recordChannel(pair.right) };
}

/** "c7" for a control frame of 7s, "p" for a part, "b100" for a whole bulk frame of 100 bytes. */
function describeFrame(frame: Uint8Array): string {
  if (isPart(frame)) return 'p';
  return frame.length === 1 ? `c${frame[0]}` : `b${frame.length}`;
}

describe('the lanes of a channel', () => {
  it('let a heartbeat pass between the parts of a large frame', async () => {
    const { pair, lanes, atRight } = setUp();
    pair.stall('right');
    lanes.sendBulk(new Uint8Array(1000).fill(1));
    expect(lanes.sendControl(Uint8Array.of(7))).toBe(true);
    pair.resume('right');
    await settled();
    const order = atRight.received.map(describeFrame);
    expect(order.slice(0, 4)).toEqual(['p', 'p', 'p', 'c7']);
    expect(order.slice(4).every((kind) => kind === 'p')).toBe(true);
    const joiner = new PartJoiner(1000);
    const joined = atRight.received.filter(isPart).map((part) => joiner.add(part));
    expect(joined.at(-1)).toEqual(new Uint8Array(1000).fill(1));
  });

  it('use the pipe that a channel has for bulk, and let nothing of it into the other', async () => {
    const options = { highWaterBytes: 300, lowWaterBytes: 0, maxBufferedBytes: 100_000 };
    const [pair, bulk] = [memoryChannelPair(options), memoryChannelPair(options)];
    const lanes = new Lanes(Object.assign(pair.left, { bulk: bulk.left }), limits);
    const handlers = { onFrame: () => {}, onClose: () => {} };
    pair.left.start({ ...handlers, onDrain: () => lanes.drain() });
    bulk.left.start({ ...handlers, onDrain: () => lanes.drainBulk() });
    const [atRight, atRightBulk] = [recordChannel(pair.right), recordChannel(bulk.right)];
    bulk.stall('right');
    lanes.sendBulk(new Uint8Array(1000).fill(1));
    for (let beat = 0; beat < 40; beat += 1) expect(lanes.sendControl(Uint8Array.of(beat))).toBe(true);
    await atRight.frames(40);
    expect(lanes.isIdle).toBe(false);
    expect(lanes.queuedBytes).toBe(1000 + 5 + 2);
    bulk.resume('right');
    await atRightBulk.frames(11);
    await settled();
    expect(atRight.received).toHaveLength(40);
    expect(atRightBulk.received.every(isPart)).toBe(true);
    expect(lanes.queuedBytes).toBe(0);
    pair.stall('right');
    for (let beat = 0; beat < 300; beat += 1) lanes.sendControl(Uint8Array.of(beat));
    lanes.sendBulk(new Uint8Array(10));
    await atRightBulk.frames(12);
    expect(atRight.received).toHaveLength(40);
  });

  it('keep the order within the bulk lane, whole frames and parts mixed', async () => {
    const { pair, lanes, atRight } = setUp();
    pair.stall('right');
    for (const size of [60, 250, 40, 100]) lanes.sendBulk(new Uint8Array(size).fill(1));
    pair.resume('right');
    await settled();
    expect(atRight.received.map(describeFrame)).toEqual(['b60', 'p', 'p', 'p', 'b40', 'b100']);
    expect(lanes.isIdle).toBe(true);
    expect(lanes.queuedBytes).toBe(0);
  });

  it('refuse bulk above the limit until half of it has left', async () => {
    const { pair, lanes } = setUp();
    pair.stall('right');
    let taken = 0;
    while (taken < 1000 && lanes.takes(100)) {
      lanes.sendBulk(new Uint8Array(100));
      taken += 1;
    }
    expect(taken).toBe(20);
    expect(lanes.queuedBytes).toBe(2000);
    expect(lanes.takes(1)).toBe(false);
    pair.resume('right');
    await settled();
    expect(lanes.takes(100)).toBe(true);
  });

  it('drop control only when the channel is full and the reserve used up, and take it again after the drain', async () => {
    const { pair, lanes, atRight } = setUp();
    for (const round of [1, 2]) {
      pair.stall('right');
      lanes.sendBulk(new Uint8Array(1000));
      let taken = 0;
      while (taken < 1000 && lanes.sendControl(Uint8Array.of(9))) taken += 1;
      expect(taken).toBe(50);
      pair.resume('right');
      await settled();
      expect(atRight.received.filter((frame) => frame.length === 1)).toHaveLength(50 * round);
    }
  });
});
