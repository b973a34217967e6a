// The majority arithmetic against a naive twin: every configuration of up to five members, then random ones. The outcomes
// that etcd publishes for its own are in etcd/quorum-tables.test.ts.
import { describe, expect, it } from 'vitest';
import type { Configuration } from '../src/index.ts';
import { countVotes, isQuorum, majorityReached, quorumReached } from '../src/quorum.ts';
import fc from 'fast-check';

function configurationOf(voters: readonly string[], votersOutgoing: readonly string[]): Configuration {
  return { voters, votersOutgoing, learners: [] };
}

/** The twin: the largest value that more than half have reached, found by trying each. */
function naiveMajority(voters: readonly string[], reached: ReadonlyMap<string, number>): number {
  if (voters.length === 0) return Infinity;
  const values = voters.map((id) => reached.get(id) ?? 0);
  return Math.max(
    ...values.filter((candidate) => values.filter((value) => value >= candidate).length * 2 > values.length),
  );
}

function naiveVote(voters: readonly string[], votes: ReadonlyMap<string, boolean>): string {
  const yes = voters.filter((id) => votes.get(id) === true).length;
  const open = voters.filter((id) => !votes.has(id)).length;
  if (voters.length === 0 || yes * 2 > voters.length) return 'won';
  return (yes + open) * 2 > voters.length ? 'pending' : 'lost';
}

function naiveJointVote({ voters, votersOutgoing }: Configuration, votes: ReadonlyMap<string, boolean>): string {
  const halves = [naiveVote(voters, votes), naiveVote(votersOutgoing, votes)];
  if (halves.includes('lost')) return 'lost';
  return halves.includes('pending') ? 'pending' : 'won';
}

describe('a quorum', () => {
  it('agrees with the naive twin for every configuration of up to three joint with up to three of five members', () => {
    const ids = ['a', 'b', 'c', 'd', 'e'];
    const sets = subsets(ids).filter((set) => set.length <= 3);
    let compared = 0;
    for (const voters of sets) {
      for (const outgoing of sets) {
        for (let code = 0; code < 3 ** ids.length; code++) {
          const reached = new Map(ids.map((id, i) => [id, Math.floor(code / 3 ** i) % 3]));
          const expected = Math.min(naiveMajority(voters, reached), naiveMajority(outgoing, reached));
          const found = quorumReached(configurationOf(voters, outgoing), (id) => reached.get(id)!);
          if (found !== expected) expect.fail(`${voters} ${outgoing} ${code}: ${found}, not ${expected}`);
          const votes = new Map([...reached].filter(([, v]) => v > 0).map(([id, v]) => [id, v === 2]));
          const decided = countVotes(configurationOf(voters, outgoing), votes);
          const twin = naiveJointVote(configurationOf(voters, outgoing), votes);
          if (decided !== twin) expect.fail(`votes ${voters} ${outgoing} ${code}: ${decided}, not ${twin}`);
          compared++;
        }
      }
    }
    expect(compared).toBe(26 * 26 * 243);
  });

  it('agrees with the naive twin for random larger configurations', () => {
    const ids = Array.from({ length: 11 }, (_, i) => String.fromCharCode(97 + i));
    fc.assert(
      fc.property(
        fc.subarray(ids, { minLength: 1 }),
        fc.subarray(ids),
        fc.array(fc.nat(20), { minLength: 11, maxLength: 11 }),
        (voters, outgoing, values) => {
          const reached = new Map(ids.map((id, i) => [id, values[i]!]));
          const configuration = configurationOf(voters, outgoing);
          expect(majorityReached(voters, (id) => reached.get(id)!)).toBe(naiveMajority(voters, reached));
          const expected = Math.min(naiveMajority(voters, reached), naiveMajority(outgoing, reached));
          expect(quorumReached(configuration, (id) => reached.get(id)!)).toBe(expected);
          expect(isQuorum(configuration, (id) => reached.get(id)! > 10)).toBe(expected > 10);
        },
      ),
      { seed: 27, numRuns: 2000 },
    );
  });

  it('never lets two disjoint groups both be one', () => {
    const ids = ['a', 'b', 'c', 'd', 'e'];
    for (const voters of subsets(ids).filter((set) => set.length > 0)) {
      for (const group of subsets(ids)) {
        const configuration = configurationOf(voters, []);
        const isOne = isQuorum(configuration, (id) => group.includes(id));
        const isOther = isQuorum(configuration, (id) => !group.includes(id));
        expect(isOne && isOther).toBe(false);
      }
    }
  });
});

function subsets(ids: readonly string[]): string[][] {
  return ids.reduce<string[][]>((sets, id) => [...sets, ...sets.map((set) => [...set, id])], [[]]);
}
