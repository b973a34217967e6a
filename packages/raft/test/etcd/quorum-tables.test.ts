// etcd's tables for its quorum arithmetic (etcd-io/raft, quorum/testdata), every row of them: what a majority or two of them
// have committed, and how a vote stands. Facts, retold as rows; the arithmetic's own tests are in ../quorum.test.ts.
import { describe, expect, it } from 'vitest';
import { countVotes, majorityReached, quorumReached } from '../../src/quorum.ts';
import type { Configuration } from '../../src/index.ts';

function rowsOf(text: string): string[][] {
  return text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/ +/));
}

/** "1,2,3", or "-" for nobody. */
function idsOf(word: string): string[] {
  return word === '-' ? [] : word.split(',');
}

function configurationOf(voters: string, outgoing: string): Configuration {
  return { voters: idsOf(voters), votersOutgoing: idsOf(outgoing), learners: [] };
}

/** The values stand in the order of all ids, "_" for one that said nothing. */
function valuesOf<T>(
  { voters, votersOutgoing }: Configuration,
  words: string,
  read: (word: string) => T,
): Map<string, T> {
  const values = new Map<string, T>();
  const ids = [...new Set([...voters, ...votersOutgoing])].toSorted((a, b) => Number(a) - Number(b));
  idsOf(words).forEach((word, i) => {
    if (word !== '_') values.set(ids[i]!, read(word));
  });
  return values;
}

/** As etcd's own harness does: the halves swapped, and each set joint with itself or with nobody, decide alike. */
function variantsOf({ voters, votersOutgoing }: Configuration): Configuration[] {
  const variants = [
    { voters, votersOutgoing, learners: [] },
    { voters: votersOutgoing, votersOutgoing: voters, learners: [] },
  ];
  if (votersOutgoing.length === 0) variants.push({ voters, votersOutgoing: voters, learners: [] });
  return variants;
}

function expectCommitted(voters: string, outgoing: string, words: string, expected: string): void {
  const configuration = configurationOf(voters, outgoing);
  const indexes = valuesOf(configuration, words, Number);
  const reached = (id: string): number => indexes.get(id) ?? 0;
  for (const variant of variantsOf(configuration)) {
    expect(quorumReached(variant, reached), `${voters} ${outgoing} ${words}`).toBe(Number(expected));
  }
  if (outgoing === '-') expect(majorityReached(configuration.voters, reached)).toBe(Number(expected));
}

function expectVote(voters: string, outgoing: string, words: string, expected: string): void {
  const configuration = configurationOf(voters, outgoing);
  const votes = valuesOf(configuration, words, (word) => word === 'y');
  for (const variant of variantsOf(configuration)) {
    expect(countVotes(variant, votes), `${voters} ${outgoing} ${words}`).toBe(expected);
  }
}

describe('etcd’s quorum tables', () => {
  it('majority_commit: 16 rows of voters, their indexes, what is committed', () => {
    const rows = rowsOf(`
      - - Infinity
      1 _ 0
      1 12 12
      1,2 _,_ 0
      1,2 12,_ 0
      1,2 12,5 5
      1,2,3 _,_,_ 0
      1,2,3 12,_,_ 0
      1,2,3 12,5,_ 5
      1,2,3 12,5,6 6
      1,2,3 12,5,4 5
      1,2,3 5,5,_ 5
      1,2,3 5,5,12 5
      1,2,3 100,101,103 101
      1,2,3,4,5 101,104,103,103,_ 103
      1,2,3,4,5 101,102,103,103,_ 102`);
    expect(rows).toHaveLength(16);
    for (const [voters, words, expected] of rows) expectCommitted(voters!, '-', words!, expected!);
  });

  it('joint_commit: 50 rows of both halves, their indexes, what is committed', () => {
    const rows = rowsOf(`
      1,2,3 - 100,101,99 100
      1 2 _,_ 0
      1 2 100,_ 0
      1 2 13,100 13
      1 1 _ 0
      1 1 100 100
      1,3 2 _,_,_ 0
      1,3 2 100,_,_ 0
      1,3 2 100,_,50 0
      1,3 2 100,45,50 45
      1,2 2 _,_ 0
      1,2 2 100,_ 0
      1,2 2 _,100 0
      1,2 2 50,100 50
      1,2 2 100,50 50
      1,2 3,4 50,_,_,_ 0
      1,2 3,4 50,_,49,_ 0
      1,2 3,4 50,48,49,_ 0
      1,2 3,4 50,48,49,47 47
      1,2 2,3 _,_,_ 0
      1,2 2,3 100,_,_ 0
      1,2 2,3 _,100,_ 0
      1,2 2,3 _,100,99 0
      1,2 2,3 101,100,99 99
      1,2 1,2 _,_ 0
      1,2 1,2 _,40 0
      1,2 1,2 41,40 40
      1,2,3 4,5,6 _,_,_,_,_,_ 0
      1,2,3 4,5,6 100,_,_,_,_,_ 0
      1,2,3 4,5,6 100,_,_,90,_,_ 0
      1,2,3 4,5,6 100,99,_,_,_,_ 0
      1,2,3 4,5,6 _,99,90,97,95,_ 90
      1,2,3 4,5,6 92,99,90,97,95,_ 92
      1,2,3 4,5,6 92,99,90,97,95,77 92
      1,2,3 1,4,5 _,_,_,_,_ 0
      1,2,3 1,4,5 100,_,_,_,_ 0
      1,2,3 1,4,5 100,101,_,_,_ 0
      1,2,3 1,4,5 100,101,100,_,_ 0
      1,2,3 1,4,5 _,100,_,99,98 0
      1,2,3 1,4,5 _,100,99,99,98 98
      1,2,3 1,4,5 1,100,99,99,98 98
      1,2,3 1,4,5 100,100,99,99,98 99
      1,2,3 2,3,4 _,_,_,_ 0
      1,2,3 2,3,4 _,100,99,_ 99
      1,2,3 2,3,4 98,100,99,_ 99
      1,2,3 2,3,4 100,100,99,_ 99
      1,2,3 2,3,4 100,100,99,98 99
      1,2,3 2,3,4 100,_,_,101 0
      1,2,3 2,3,4 100,99,_,101 99
      1,2,3 1,2,3 50,45,_ 45`);
    expect(rows).toHaveLength(50);
    for (const [voters, outgoing, words, expected] of rows) expectCommitted(voters!, outgoing!, words!, expected!);
  });

  it('majority_vote: 22 rows of voters, their votes, how it stands', () => {
    const rows = rowsOf(`
      - - won
      1 _ pending
      1 n lost
      123 y won
      4,8 _,_ pending
      4,8 n,_ lost
      4,8 y,_ pending
      4,8 n,y lost
      4,8 y,y won
      2,4,7 _,_,_ pending
      2,4,7 n,_,_ pending
      2,4,7 y,_,_ pending
      2,4,7 n,n,_ lost
      2,4,7 y,n,_ pending
      2,4,7 y,y,_ won
      2,4,7 y,y,n won
      2,4,7 n,y,n lost
      1,2,3,4,5,6,7 y,y,n,y,_,_,_ pending
      1,2,3,4,5,6,7 _,y,y,_,n,y,n pending
      1,2,3,4,5,6,7 y,y,n,y,_,n,y won
      1,2,3,4,5,6,7 y,y,_,n,y,n,n pending
      1,2,3,4,5,6,7 y,y,n,y,n,n,n lost`);
    expect(rows).toHaveLength(22);
    for (const [voters, words, expected] of rows) expectVote(voters!, '-', words!, expected!);
  });

  it('joint_vote: 39 rows of both halves, their votes, how it stands', () => {
    const rows = rowsOf(`
      - - - won
      1 - _ pending
      1 - y won
      1 - n lost
      1 1 _ pending
      1 1 y won
      1 1 n lost
      1 2 _,_ pending
      1 2 y,_ pending
      1 2 y,y won
      1 2 y,n lost
      1 2 n,_ lost
      1 2 n,n lost
      1 2 n,y lost
      1,2 3,4 _,_,_,_ pending
      1,2 3,4 y,_,_,_ pending
      1,2 3,4 y,y,_,_ pending
      1,2 3,4 y,y,n,_ lost
      1,2 3,4 y,y,n,n lost
      1,2 3,4 y,y,y,n lost
      1,2 3,4 y,y,y,y won
      1,2 2,3 _,_,_ pending
      1,2 2,3 _,n,_ lost
      1,2 2,3 y,y,_ pending
      1,2 2,3 y,y,n lost
      1,2 2,3 y,y,y won
      1,2 1,2 _,_ pending
      1,2 1,2 y,_ pending
      1,2 1,2 y,n lost
      1,2 1,2 n,_ lost
      1,2 1,2 n,n lost
      1,2,3 2,3,4 _,_,_,_ pending
      1,2,3 2,3,4 _,n,_,_ pending
      1,2,3 2,3,4 _,n,n,_ lost
      1,2,3 2,3,4 _,y,y,_ won
      1,2,3 2,3,4 y,y,_,_ pending
      1,2,3 2,3,4 y,y,n,_ pending
      1,2,3 2,3,4 y,y,n,n lost
      1,2,3 2,3,4 y,y,n,y won`);
    expect(rows).toHaveLength(39);
    for (const [voters, outgoing, words, expected] of rows) expectVote(voters!, outgoing!, words!, expected!);
  });
});
