// What the core hears of time beside its ticks, under a clock that the test owns.
import type { Input } from '@raftkv/raft';
import { describe, expect, it } from 'vitest';
import { Pulse } from '../src/pulse.ts';
import { StallWatch } from '../src/stall-watch.ts';
import { TestClock } from './test-clock.ts';

interface Started {
  readonly clock: TestClock;
  readonly pulse: Pulse;
  readonly posted: Input['type'][];
  /** What catching up steps now. */
  catchUp(): Input['type'][];
}

/** Ticks of 10 ms, 20 of them an election timeout; at most 5 are made up. */
function started(hasLeases: boolean, clock = new TestClock()): Started {
  const posted: Input['type'][] = [];
  const options = { tickMilliseconds: 10, electionTimeoutTicks: 20, hasLeases };
  const pulse = new Pulse(
    clock,
    options,
    ({ type }) => posted.push(type),
    (count) => {
      for (let i = 0; i < count; i++) posted.push('tick');
    },
  );
  pulse.start();
  const catchUp = (): Input['type'][] => {
    const stepped: Input['type'][] = [];
    pulse.catchUp(({ type }) => stepped.push(type));
    return stepped;
  };
  return { clock, pulse, posted, catchUp };
}

/** A clock whose wall the test sets, and whose timers never fire: the loop is busy. */
class WallClock extends TestClock {
  wall = 1_000_000;
  late = 0;
  override now(): number {
    return super.now() + this.late;
  }
  wallNow(): number {
    return this.wall + this.now();
  }
}

describe('with leases, before reads are served', () => {
  it('ticks that are due and late are counted, once', () => {
    const clock = new WallClock();
    const { catchUp } = started(true, clock);
    expect(catchUp()).toEqual([]);
    clock.late = 35;
    expect(catchUp()).toEqual(['tick', 'tick', 'tick']);
    expect(catchUp()).toEqual([]);
  });

  it('more than may be made up are a gap, after which time goes on', () => {
    const clock = new WallClock();
    const { catchUp } = started(true, clock);
    clock.late = 60;
    expect(catchUp()).toEqual(['clockGap', 'tick', 'tick', 'tick', 'tick', 'tick']);
    expect(catchUp()).toEqual([]);
  });

  it('a machine that slept while its monotonic clock stood still is a gap, and so is a wall clock that was set', () => {
    const clock = new WallClock();
    const { catchUp } = started(true, clock);
    clock.wall += 5_000;
    expect(catchUp()).toEqual(['clockGap']);
    expect(catchUp()).toEqual([]);
    clock.wall -= 50;
    expect(catchUp()).toEqual(['clockGap']);
    clock.wall += 5;
    expect(catchUp()).toEqual([]);
  });

  it('the timer gives no ticks itself, late or not: it makes somebody ask', () => {
    const { clock, posted, catchUp } = started(true);
    clock.advance(10);
    clock.wakeLate(15);
    clock.runDeferred();
    expect(posted).toEqual([]);
    expect(catchUp()).toEqual(['tick', 'tick']);
    clock.wakeLate(5_000);
    clock.runDeferred();
    expect(posted).toEqual([]);
    expect(catchUp().slice(0, 2)).toEqual(['clockGap', 'tick']);
  });
});

describe('without leases', () => {
  it('nobody asks what time it is in a turn', () => {
    const clock = new WallClock();
    const { catchUp } = started(false, clock);
    clock.late = 500;
    expect(catchUp()).toEqual([]);
  });
});

describe('a loop that stalls', () => {
  it('is complained of when it does so for an election timeout again and again, and not for once or twice', () => {
    const { clock, posted } = started(false);
    const complaints = (): number => posted.filter((type) => type === 'unwell').length;
    for (const expected of [0, 0, 1, 1, 1, 2]) {
      clock.wakeLate(230);
      clock.runDeferred();
      clock.advance(500);
      expect(complaints()).toBe(expected);
    }
  });

  it('is not complained of for stalls that leave it the leader, however many: a busy machine', () => {
    const { clock, posted } = started(false);
    for (let i = 0; i < 500; i++) {
      clock.wakeLate(205);
      clock.runDeferred();
      clock.advance(50);
    }
    expect(posted).not.toContain('unwell');
  });

  it('is forgiven after sixty election timeouts', () => {
    let complaints = 0;
    const watch = new StallWatch(300, () => complaints++);
    watch.late(300, 0);
    watch.late(5_000, 10);
    watch.late(300, 18_000);
    expect(complaints).toBe(0);
    watch.late(300, 18_005);
    expect(complaints).toBe(1);
    // One that was told is not told again for the same stalls.
    watch.late(300, 18_006);
    watch.late(300, 18_007);
    expect(complaints).toBe(1);
  });

  it('of a short election timeout is not complained of for what a collection of garbage takes', () => {
    let complaints = 0;
    const watch = new StallWatch(50, () => complaints++);
    for (let now = 0; now < 3_000; now += 100) watch.late(99, now);
    expect(complaints).toBe(0);
    for (let now = 3_000; now < 3_300; now += 100) watch.late(100, now);
    expect(complaints).toBe(1);
  });
});
