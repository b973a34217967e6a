// Pauses of a run are found in what clients wrote down, and only those of rounds that left a majority count.
import { describe, expect, it } from 'vitest';
import type { Act } from '../chaos/work/act.ts';
import { judgePauses, pausesOf } from './pauses.ts';
import type { Round } from './pauses.ts';

/** Answered at these milliseconds. */
const answers = (c: number, ...times: number[]): Act[] =>
  times.map((at) => ({ c, kind: 'get', call: (at - 1) * 1e6, ret: at * 1e6, range: 'r' }));
const round = (touched: number[]): Round => ({ from: 0, until: 60_000, faults: ['kill'], touched: new Set(touched) });

describe('pauses', () => {
  it('are the longest between two answers, the beginning and the end of the round among them', () => {
    const acts = answers(1, 1_000, 2_000, 30_000, 59_000);
    expect(pausesOf([round([0])], acts, 3)).toEqual([29_000]);
    expect(pausesOf([round([0])], [], 3)).toEqual([60_000]);
  });

  it('are of those alone whom no fault had', () => {
    const acts = [...answers(0, 5_000, 10_000, 15_000), ...answers(1, 20_000, 40_000)];
    expect(pausesOf([round([0])], acts, 3)).toEqual([20_000]);
  });

  it('are objected to when they are long, and name the faults', () => {
    const steady = Array.from({ length: 60 }, (_, at) => at * 1_000 + 500);
    expect(judgePauses([round([0])], answers(1, ...steady), 3)).toEqual([]);
    const [finding] = judgePauses([round([0])], answers(1, 1_000, 50_000), 3);
    expect(finding).toContain('nobody was answered for 49000 ms while a majority was there (kill)');
  });

  it('do not count where the schedule took a majority away at once', () => {
    expect(pausesOf([round([0, 1])], [], 3)).toEqual([]);
    expect(judgePauses([round([0, 1])], [], 3)).toEqual([]);
    expect(judgePauses([round([0, 1])], [], 5)).toHaveLength(1);
  });
});
