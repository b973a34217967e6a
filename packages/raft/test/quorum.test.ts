// The majority arithmetic against a naive twin (every configuration of up to five members, then random ones), and against
// the outcomes that etcd publishes for its own (etcd-io/raft, quorum/testdata, retold here as rows).
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

/** "123" voters, joint with "45"; values in the order of the members' names, "_" for none. */
function rows(text: string): [string, string, string, string][] {
  return text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/ +/) as [string, string, string, string]);
}

function assign<T>(voters: string, outgoing: string, values: string, read: (word: string) => T): Map<string, T> {
  const members = [...new Set([...voters, ...outgoing])].filter((id) => id !== '-').toSorted();
  const assigned = new Map<string, T>();
  values.split(',').forEach((word, i) => {
    if (word !== '_') assigned.set(members[i]!, read(word));
  });
  return assigned;
}

function parse(voters: string, outgoing: string): Configuration {
  return configurationOf([...voters], outgoing === '-' ? [] : [...outgoing]);
}

describe('a quorum', () => {
  it('commits what a majority of each half has reached, as etcd publishes it', () => {
    // voters, outgoing voters, indexes, committed
    const table = rows(`
      1 - _ 0
      1 - 12 12
      12 - _,_ 0
      12 - 12,_ 0
      12 - 12,5 5
      123 - _,_,_ 0
      123 - 12,_,_ 0
      123 - 12,5,_ 5
      123 - 12,5,6 6
      123 - 12,5,4 5
      123 - 5,5,_ 5
      123 - 5,5,12 5
      123 - 100,101,103 101
      12345 - 101,104,103,103,_ 103
      12345 - 101,102,103,103,_ 102
      123 - 100,101,99 100
      1 2 _,_ 0
      1 2 100,_ 0
      1 2 13,100 13
      1 1 _ 0
      1 1 100 100
      13 2 100,_,50 0
      13 2 100,45,50 45
      12 2 100,_ 0
      12 2 50,100 50
      12 2 100,50 50
      12 34 50,48,49,_ 0
      12 34 50,48,49,47 47
      12 23 _,100,99 0
      12 23 101,100,99 99
      12 12 41,40 40
      123 456 100,99,_,_,_,_ 0
      123 456 _,99,90,97,95,_ 90
      123 456 92,99,90,97,95,77 92
      123 145 100,101,100,_,_ 0
      123 145 _,100,_,99,98 0
      123 145 1,100,99,99,98 98
      123 145 100,100,99,99,98 99
      123 234 _,100,99,_ 99
      123 234 100,100,99,98 99
      123 234 100,_,_,101 0
      123 234 100,99,_,101 99
      123 123 50,45,_ 45`);
    for (const [voters, outgoing, values, expected] of table) {
      const reached = assign(voters, outgoing, values, Number);
      const found = quorumReached(parse(voters, outgoing), (id) => reached.get(id) ?? 0);
      expect(found, `${voters} ${outgoing} ${values}`).toBe(Number(expected));
    }
  });

  it('decides votes as etcd publishes it', () => {
    const table = rows(`
      1 - _ pending
      1 - n lost
      1 - y won
      48 - n,_ lost
      48 - y,_ pending
      48 - y,y won
      247 - n,_,_ pending
      247 - n,n,_ lost
      247 - y,n,_ pending
      247 - y,y,_ won
      247 - n,y,n lost
      1234567 - y,y,n,y,_,_,_ pending
      1234567 - _,y,y,_,n,y,n pending
      1234567 - y,y,n,y,_,n,y won
      1234567 - y,y,_,n,y,n,n pending
      1234567 - y,y,n,y,n,n,n lost
      1 1 _ pending
      1 1 n lost
      1 2 y,_ pending
      1 2 y,y won
      1 2 y,n lost
      1 2 n,_ lost
      12 34 y,y,_,_ pending
      12 34 y,y,n,_ lost
      12 34 y,y,y,y won
      12 23 _,n,_ lost
      12 23 y,y,_ pending
      12 23 y,y,y won
      12 12 y,_ pending
      12 12 y,n lost
      123 234 _,n,_,_ pending
      123 234 _,n,n,_ lost
      123 234 _,y,y,_ won
      123 234 y,y,n,_ pending
      123 234 y,y,n,n lost
      123 234 y,y,n,y won`);
    for (const [voters, outgoing, values, expected] of table) {
      const votes = assign(voters, outgoing, values, (word) => word === 'y');
      expect(countVotes(parse(voters, outgoing), votes), `${voters} ${outgoing} ${values}`).toBe(expected);
    }
  });

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
