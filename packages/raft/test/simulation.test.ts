// The seeded cluster: a few hundred worlds, each checked after every event. RAFT_SEEDS=n and RAFT_FIRST_SEED=n run more, or one again.
import { describe, expect, it } from 'vitest';
import { Simulation, type SimulationOptions, type SimulationReport } from './simulation/simulation.ts';

const count = Number(process.env['RAFT_SEEDS'] ?? 80);
const first = Number(process.env['RAFT_FIRST_SEED'] ?? 1);

function runAll(options: Omit<SimulationOptions, 'seed' | 'ticks'>, seeds: number): SimulationReport[] {
  const reports: SimulationReport[] = [];
  for (let seed = first; seed < first + seeds; seed++) {
    reports.push(new Simulation({ ...options, seed, ticks: 200 }).run());
  }
  return reports;
}

function sum(reports: readonly SimulationReport[], name: Exclude<keyof SimulationReport, 'seed'>): number {
  return reports.reduce((total, report) => total + report[name], 0);
}

describe('a seeded cluster', () => {
  it.each([
    ['three voters', 3, 0],
    ['five voters', 5, 0],
    ['three voters and a learner', 3, 1],
    ['two voters', 2, 0],
    ['one voter', 1, 0],
  ])(
    'keeps the promises of Figure 3.2 and recovers (%s)',
    (_, members, learners) => {
      const reports = runAll({ members, learners }, members === 3 && learners === 0 ? count : Math.ceil(count / 2));
      // The worlds were worth visiting.
      for (const name of ['committed', 'reads', 'accepted', 'elections', 'crashes'] as const) {
        expect(sum(reports, name), name).toBeGreaterThan(reports.length);
      }
      if (members > 2) expect(sum(reports, 'installs')).toBeGreaterThan(0);
      if (members > 2) expect(sum(reports, 'left')).toBeGreaterThan(0);
      if (members > 2) expect(sum(reports, 'transfers')).toBeGreaterThan(reports.length / 10);
      if (members > 1) expect(sum(reports, 'leasedReads')).toBeGreaterThan(reports.length / 10);
    },
    180_000,
  );

  it.each([
    ['one founder', 1, 0],
    ['two founders', 2, 0],
    ['three founders', 3, 0],
    ['four founders and a learner', 4, 1],
  ])(
    'keeps them while its members change, and brings every change to its end (%s)',
    (_, members, learners) => {
      const reports = runAll({ members, learners, isChanging: true }, Math.ceil(count / 2));
      for (const name of ['committed', 'reads', 'elections', 'crashes', 'changes'] as const) {
        expect(sum(reports, name), name).toBeGreaterThan(reports.length);
      }
      for (const name of ['jointChanges', 'simpleChanges', 'joined', 'installs'] as const) {
        expect(sum(reports, name), name).toBeGreaterThan(reports.length / 4);
      }
    },
    180_000,
  );

  it('writes the same trace twice from one seed, and another from another', () => {
    const run = (seed: number): number =>
      new Simulation({ seed, members: 3, ticks: 250, isChanging: true }).run().traceHash;
    expect(run(7)).toBe(run(7));
    expect(run(7)).not.toBe(run(8));
  });
});

describe('a seeded cluster with leases', () => {
  /** Runs seeds until one fails, and answers how. */
  function firstFailure(
    options: Omit<SimulationOptions, 'seed' | 'members' | 'ticks'>,
    { from = 1, seeds }: { readonly from?: number; readonly seeds: number },
  ): string {
    for (let seed = from; seed < from + seeds; seed++) {
      try {
        new Simulation({ ...options, seed, members: 3, ticks: 300 }).run();
      } catch (error) {
        return String(error);
      }
    }
    return `nothing in ${seeds} seeds`;
  }

  it('serves no stale read while clocks drift as far as was allowed for', () => {
    const clocks = { tickUnits: [9, 10, 11, 12], maxDriftPerMille: 385 };
    expect(firstFailure({ clocks }, { seeds: Math.ceil(count / 2) })).toMatch(/^nothing/);
  }, 180_000);

  it('is caught with a stale read when clocks drift further than was allowed for', () => {
    const clocks = { tickUnits: [4, 20], maxDriftPerMille: 100 };
    expect(firstFailure({ clocks }, { from: 55, seeds: 300 })).toMatch(/stale read/);
  }, 180_000);

  it('is caught with a stale read when a member that was paused is not told so', () => {
    const clocks = { tickUnits: [10], maxDriftPerMille: 385 };
    expect(firstFailure({ clocks, isDeafToGaps: true }, { from: 115, seeds: 300 })).toMatch(/stale read/);
  }, 180_000);
});
