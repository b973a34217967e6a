// The incremental checker and the invariants of the specification over runs of a small Raft: right ones are accepted, and leaving
// out any one rule is found. Doctored events and states, one for each way of breaking a promise: cluster-doctored.test.ts.
import { describe, expect, it } from 'vitest';
import { AbstractRaft } from './abstract-raft.ts';
import type { Bug } from './abstract-raft.ts';
import { ClusterChecker } from './cluster-checker.ts';
import { checkSpecification } from './spec-invariants.ts';
import type { Verdict } from './verdict.ts';

const STEPS = 1200;

interface Outcome {
  readonly watched: Verdict | undefined;
  readonly sampled: Verdict | undefined;
  readonly committed: number;
  readonly elections: number;
}

/** Runs until a checker objects or the steps are done. */
function run(seed: number, bug?: Bug): Outcome {
  const checker = new ClusterChecker();
  let watched: Verdict | undefined;
  let sampled: Verdict | undefined;
  const raft = new AbstractRaft(seed, {
    size: 5,
    ...(bug === undefined ? {} : { bug }),
    tell: (event) => {
      const verdict = checker.accept(event);
      if (verdict.verdict !== 'holds') watched ??= verdict;
    },
  });
  for (let step = 0; step < STEPS && (watched === undefined || sampled === undefined); step++) {
    raft.step();
    if (step % 10 !== 0 || sampled !== undefined) continue;
    const verdict = checkSpecification(raft.state);
    if (verdict.verdict !== 'holds') sampled = verdict;
  }
  return { watched, sampled, committed: checker.commitIndex, elections: checker.elections };
}

describe('a run of a Raft that follows the rules', () => {
  it('keeps every promise, with crashes, snapshots and changes of members', () => {
    let [committed, elections] = [0, 0];
    for (let seed = 1; seed <= 60; seed++) {
      const outcome = run(seed);
      expect(outcome.watched?.explanation, `seed ${seed}`).toBeUndefined();
      expect(outcome.sampled?.explanation, `seed ${seed}`).toBeUndefined();
      committed += outcome.committed;
      elections += outcome.elections;
    }
    // Where nothing happens nothing is broken.
    expect(committed).toBeGreaterThan(60 * 5);
    expect(elections).toBeGreaterThan(60 * 3);
  });
});

describe('a run of a Raft with one rule left out is found out', () => {
  const bugs: Record<Bug, true> = {
    'votes for logs that lag': true,
    'forgets its vote': true,
    'commits old terms by counting': true,
    'cuts what matches': true,
    'commits what is not verified': true,
    'acknowledges what is not durable': true,
    'counts a majority of one': true,
    'changes members in one step': true,
    'applies before it is committed': true,
  };
  for (const bug of Object.keys(bugs) as Bug[]) {
    it(`that ${bug}`, () => {
      let found: Outcome | undefined;
      let seed = 0;
      while (found === undefined && ++seed <= 400) {
        const outcome = run(seed, bug);
        if (outcome.watched !== undefined || outcome.sampled !== undefined) found = outcome;
      }
      const promises = [found?.watched?.promise, found?.sampled?.promise].filter((name) => name !== undefined);
      console.log(`that ${bug}: in seed ${seed} by ${promises.join(' and ')}`);
      expect(promises).not.toEqual([]);
    });
  }
});
