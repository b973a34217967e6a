// When a peer is dialled, in the time of a fake clock.
import { describe, expect, it } from 'vitest';
import { Dialler } from '../src/dialler.ts';
import type { DialOutcome } from '../src/dialler.ts';
import { FakeClock } from './fake-clock.ts';

function setUp(outcomes: DialOutcome[], random = () => 0.999_999) {
  const clock = new FakeClock();
  const attemptsAt: number[] = [];
  const state = { isNeeded: true, isAborted: false };
  const dialler = new Dialler({
    clock,
    random,
    minBackoffMilliseconds: 100,
    maxBackoffMilliseconds: 2000,
    refusedBackoffMilliseconds: 10_000,
    isNeeded: () => state.isNeeded,
    attempt: async (signal) => {
      attemptsAt.push(Math.round(clock.now()));
      signal.addEventListener('abort', () => (state.isAborted = true));
      const outcome = outcomes.shift() ?? 'failed';
      if (outcome === 'connected') state.isNeeded = false;
      return outcome;
    },
  });
  return { clock, dialler, attemptsAt, state };
}

describe('a dialler', () => {
  it('dials at once, then after pauses that double up to the cap', async () => {
    const { clock, dialler, attemptsAt } = setUp([]);
    dialler.dialNow();
    await clock.advance(7500);
    expect(attemptsAt).toEqual([0, 100, 300, 700, 1500, 3100, 5100, 7100]);
  });

  it('shortens each pause by up to half, at random', async () => {
    const { clock, dialler, attemptsAt } = setUp([], () => 0);
    dialler.dialNow();
    await clock.advance(700);
    expect(attemptsAt).toEqual([0, 50, 150, 350]);
  });

  it('begins anew with the shortest pause only after a channel that stood', async () => {
    const { clock, dialler, attemptsAt, state } = setUp(['failed', 'failed', 'connected', 'connected', 'connected']);
    dialler.dialNow();
    await clock.advance(300);
    expect(attemptsAt).toEqual([0, 100, 300]);
    state.isNeeded = true;
    dialler.lost(false);
    await clock.advance(400);
    expect(attemptsAt.at(-1)).toBe(700);
    state.isNeeded = true;
    dialler.lost(true);
    await clock.advance(100);
    expect(attemptsAt.at(-1)).toBe(800);
  });

  it('waits long after a refusal', async () => {
    const { clock, dialler, attemptsAt } = setUp(['refused', 'connected']);
    dialler.dialNow();
    await clock.advance(9000);
    expect(attemptsAt).toEqual([0]);
    await clock.advance(1000);
    expect(attemptsAt).toEqual([0, 10_000]);
  });

  it('makes one attempt at a time', async () => {
    const { clock, dialler, attemptsAt } = setUp([]);
    dialler.dialNow();
    dialler.dialNow();
    dialler.lost(false);
    expect(attemptsAt).toEqual([0]);
    await clock.advance(50);
    expect(attemptsAt).toEqual([0]);
  });

  it('does not dial when a channel came in meanwhile', async () => {
    const { clock, dialler, attemptsAt, state } = setUp(['failed']);
    dialler.dialNow();
    await clock.advance(50);
    state.isNeeded = false;
    await clock.advance(5000);
    expect(attemptsAt).toEqual([0]);
  });

  it('aborts what is under way when it stops, and never dials again', async () => {
    const { clock, dialler, attemptsAt, state } = setUp(['failed']);
    dialler.dialNow();
    dialler.stop();
    expect(state.isAborted).toBe(true);
    dialler.lost(true);
    dialler.dialNow();
    await clock.advance(50_000);
    expect(attemptsAt).toEqual([0]);
    expect(clock.pending()).toEqual([]);
  });
});
