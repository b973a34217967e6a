// How a tab comes by the lane of another one, with time that a test turns by hand: it waits for one that runs, however long, and takes it from one that does
// not answer; it takes nothing for silence that it slept through itself.
import { RaftkvError } from '@raftkv/wire';
import { describe, expect, it } from 'vitest';
import type { LaneLocks } from '../../src/outbox/index.ts';
import { Succession, drawLaneName } from '../../src/outbox/succession.ts';

function stage(name = drawLaneName(), random: () => number = () => 0.5) {
  let now = 0;
  let timers: { readonly at: number; readonly run: () => void }[] = [];
  const asked: number[] = [];
  let robberies = 0;
  let isFree = false;
  let free = (): void => {};
  /** The tab that has it answers. */
  let answers = false;
  const locks: LaneLocks = {
    former: undefined,
    announce: () => {},
    listen: () => {},
    close: () => {},
    ask: () => {
      asked.push(now);
      if (answers) succession.heard();
    },
    take: async (_lane, { ifFree = false, isRobbery = false, signal }) => {
      if (isRobbery) robberies += 1;
      if (isRobbery || isFree) return () => {};
      if (ifFree) return undefined;
      return new Promise((resolve, reject) => {
        free = () => resolve(() => {});
        signal?.addEventListener('abort', () => reject(new RaftkvError('cancelled', 'given up')));
      });
    },
  };
  const end = new AbortController();
  const clock = {
    wallTime: () => now,
    schedule: (run: () => void, milliseconds: number) => {
      const timer = { at: now + milliseconds, run };
      timers.push(timer);
      return () => (timers = timers.filter((other) => other !== timer));
    },
  };
  const succession = new Succession(name, { locks, clock, signal: end.signal, onLost: () => {}, random });
  let outcome = 'waits';
  const won = succession.won().then(
    (release) => (outcome = release === undefined ? 'ended' : 'won'),
    () => (outcome = 'ended'),
  );
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return {
    asked,
    end,
    won,
    robberies: () => robberies,
    outcome: () => outcome,
    timers: () => timers.length,
    /** Another tab says that it has it now. */
    hear: () => succession.heard(),
    setAnswers: (is: boolean) => (answers = is),
    leave: () => {
      isFree = true;
      free();
    },
    /** Second by second, or in one go as a tab that sleeps. */
    pass: async (seconds: number, step = 1) => {
      await settle();
      for (let passed = 0; passed < seconds; passed += step) {
        now += step * 1_000;
        const due = timers.filter(({ at }) => at <= now);
        timers = timers.filter((timer) => !due.includes(timer));
        for (const { run } of due) run();
        await settle();
      }
    },
  };
}

describe('the lane of another tab', () => {
  it('is left to one that answers, however long that has it', async () => {
    const world = stage();
    world.setAnswers(true);
    await world.pass(3_600);
    expect([world.outcome(), world.robberies()]).toEqual(['waits', 0]);
    expect(world.asked.length).toBeGreaterThan(700);
    world.leave();
    await world.pass(3);
    expect(world.outcome()).toBe('won');
  });

  it('is taken from one that does not answer for half a minute', async () => {
    const world = stage();
    world.setAnswers(true);
    await world.pass(60);
    world.setAnswers(false);
    await world.pass(25);
    expect(world.outcome()).toBe('waits');
    await world.pass(15);
    expect([world.outcome(), world.robberies(), world.timers()]).toEqual(['won', 1, 0]);
  });

  it('is taken by one of two that began to wait in the same moment: the other hears of it first', async () => {
    const name = drawLaneName();
    const worlds = [stage(name, () => 0.1), stage(name, () => 0.9)];
    for (let second = 0; second < 90; second += 1) {
      for (const world of worlds) await world.pass(1);
      for (const world of worlds)
        if (world.robberies() === 0 && worlds.some((each) => each.robberies() > 0)) world.hear();
    }
    expect(worlds.map((world) => world.robberies())).toEqual([1, 0]);
  });

  it('is not taken by a tab that slept itself, nor by one that is seldom let run', async () => {
    const world = stage();
    await world.pass(20);
    // Hidden for long, a tab runs once a minute.
    await world.pass(3_600, 60);
    expect([world.outcome(), world.robberies()]).toEqual(['waits', 0]);
    await world.pass(40);
    expect([world.outcome(), world.robberies()]).toEqual(['won', 1]);
  });

  it('is never taken where an earlier build has it, which does not know the question', async () => {
    const world = stage('1abc-def-2-9z');
    await world.pass(3_600);
    expect([world.outcome(), world.asked, world.robberies()]).toEqual(['waits', [], 0]);
    world.leave();
    await world.pass(3);
    expect(world.outcome()).toBe('won');
  });

  it('is waited for no longer than the page wants, and then nothing goes on', async () => {
    for (const seconds of [7, 0]) {
      const world = stage();
      await world.pass(seconds);
      if (seconds === 0) world.leave();
      await world.pass(1);
      world.end.abort();
      await world.won;
      expect([world.outcome(), world.timers()]).toEqual(['ended', 0]);
    }
  });
});
