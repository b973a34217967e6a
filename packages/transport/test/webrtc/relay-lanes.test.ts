// What a relay holds for members that do not read: bounded for a pair, for a sender, and for all; what left or went is held no more.
import { RaftkvError } from '@raftkv/wire';
import { expect, it } from 'vitest';
import type { Channel } from '../../src/index.ts';
import { Allowance, RelayLanes } from '../../src/webrtc/relay-lanes.ts';

const clock = { now: () => 0, schedule: () => () => undefined };
const frame = new Uint8Array(936);
/** With what each frame counts beyond its bytes. */
const frameBytes = 1000;

function stage(maxTotalHeldBytes = 1_000_000) {
  const total = new Allowance(1_000_000_000, maxTotalHeldBytes, clock);
  const sender = (maxHeldBytes = 1_000_000): Allowance => new Allowance(1_000_000_000, maxHeldBytes, clock);
  const sent: Uint8Array[] = [];
  /** Of a member that reads nothing after its first frame. */
  const receiver = (): RelayLanes => {
    const channel = { send: (bytes: Uint8Array) => (sent.push(bytes), false) } as unknown as Channel;
    return new RelayLanes({ channel, clock, total, maxLaneBytes: 10 * frameBytes, onSent: () => undefined });
  };
  return { total, sender, receiver, sent };
}

function codeOf(act: () => void): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    return RaftkvError.from(error).code;
  }
}

/** How many frames are taken until one is refused. */
function fill(lanes: RelayLanes, from: string, allowance: Allowance): number {
  for (let count = 0; count < 1000; count += 1) {
    if (codeOf(() => lanes.add(from, frame, false, allowance)) === 'busy') return count;
  }
  return Infinity;
}

it('holds so much of one sender for one member, and as much again for another', () => {
  const { sender, receiver } = stage();
  const allowance = sender();
  // The first one left at once.
  expect(fill(receiver(), 'a', allowance)).toBe(11);
  expect(fill(receiver(), 'a', allowance)).toBe(11);
});

it('holds so much of one sender for all members together', () => {
  const { sender, receiver } = stage();
  const allowance = sender(15 * frameBytes);
  const [first, second] = [receiver(), receiver()];
  expect(fill(first, 'a', allowance)).toBe(11);
  expect(fill(second, 'a', allowance)).toBe(6);
  expect(fill(second, 'b', sender())).toBe(10);
  first.forget('a');
  expect(fill(second, 'a', allowance)).toBe(5);
});

it('holds so much in all, however many send', () => {
  const { total, sender, receiver } = stage(25 * frameBytes);
  const lanes = receiver();
  expect(['a', 'b', 'c', 'd'].map((from) => fill(lanes, from, sender()))).toEqual([11, 10, 5, 0]);
  expect(total.heldBytes).toBe(25 * frameBytes);
  lanes.stop();
  expect(total.heldBytes).toBe(0);
});

it('counts what was passed on as gone', () => {
  const { total, sender, receiver, sent } = stage();
  const lanes = receiver();
  fill(lanes, 'a', sender());
  while (total.heldBytes > 0) lanes.drained();
  expect(sent).toHaveLength(11);
});
