// The ticker under a clock that the test owns.
import { describe, expect, it } from 'vitest';
import { Ticker } from '../src/ticker.ts';
import { TestClock } from './test-clock.ts';

function started(clock: TestClock, maxTicksPerWakeup = 3): { ticker: Ticker; ticks: number[] } {
  const ticks: number[] = [];
  const ticker = new Ticker(clock, { tickMilliseconds: 10, maxTicksPerWakeup }, (count) => ticks.push(count));
  ticker.start();
  return { ticker, ticks };
}

describe('ticker', () => {
  it('gives one tick for each length of time that passed', () => {
    const clock = new TestClock();
    const { ticks } = started(clock);
    clock.advance(35);
    expect(ticks).toEqual([1, 1, 1]);
  });

  it('keeps count over wake-ups that come a little late', () => {
    const clock = new TestClock();
    const { ticks } = started(clock);
    for (let i = 0; i < 4; i++) clock.wakeLate(15);
    expect(ticks.reduce((sum, count) => sum + count, 0)).toBe(6);
  });

  it('does not make up for a stall in a burst, and lets queued events go first', () => {
    const clock = new TestClock();
    const { ticker, ticks } = started(clock);
    clock.wakeLate(5_000);
    expect(ticks).toEqual([]);
    clock.runDeferred();
    expect(ticks).toEqual([3]);
    expect(ticker.maxStallMilliseconds).toBe(4_990);
    clock.advance(10);
    expect(ticks).toEqual([3, 1]);
  });

  it('is silent after stop, even when stopped in the middle of a stall', () => {
    const clock = new TestClock();
    const { ticker, ticks } = started(clock);
    clock.wakeLate(5_000);
    ticker.stop();
    clock.runDeferred();
    clock.advance(1_000);
    expect(ticks).toEqual([]);
  });
});
