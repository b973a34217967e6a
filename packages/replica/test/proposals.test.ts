// What a proposer is told, in every order in which place and outcome can become known.
import type { Entry } from '@raftkv/raft';
import { describe, expect, it } from 'vitest';
import { Proposals } from '../src/proposals.ts';
import { RaftkvError } from '@raftkv/wire';

type Outcome = { error: RaftkvError | undefined; result: unknown };

function entry(index: number, term: number): Entry {
  return { index, term, kind: 'command', data: new Uint8Array() };
}

function proposed(proposals: Proposals, deadline = 100): { context: number; outcomes: Outcome[] } {
  const outcomes: Outcome[] = [];
  const context = proposals.add((error, result) => outcomes.push({ error, result }), deadline);
  return { context, outcomes };
}

describe('proposals', () => {
  it('answers with the result of the entry at its index and term', () => {
    const proposals = new Proposals();
    const { context, outcomes } = proposed(proposals);
    proposals.place({ context, index: 5, term: 2 }, 4);
    proposals.applied(entry(5, 2), 'done');
    expect(outcomes).toEqual([{ error: undefined, result: 'done' }]);
    expect(proposals.openCount).toBe(0);
  });

  it('says definitely not when another term was committed at its index', () => {
    const proposals = new Proposals();
    const { context, outcomes } = proposed(proposals);
    proposals.place({ context, index: 5, term: 2 }, 4);
    proposals.applied(entry(5, 3), 'of another');
    expect(outcomes[0]!.error).toMatchObject({ code: 'no_leader', definite: true });
  });

  it('finds the result when the entry was applied before the leader said where it went', () => {
    const proposals = new Proposals();
    const { context, outcomes } = proposed(proposals);
    for (let index = 3; index <= 7; index++) proposals.applied(entry(index, 2), `result ${index}`);
    proposals.place({ context, index: 5, term: 2 }, 7);
    expect(outcomes).toEqual([{ error: undefined, result: 'result 5' }]);
  });

  it('says that it may have happened when a place is named that a snapshot has swallowed', () => {
    const proposals = new Proposals();
    const { context, outcomes } = proposed(proposals);
    proposals.place({ context, index: 5, term: 2 }, 90);
    expect(outcomes[0]!.error).toMatchObject({ code: 'timeout', definite: false });
  });

  it('says that it may have happened when a snapshot takes the place of its entry', () => {
    const proposals = new Proposals();
    const one = proposed(proposals);
    const two = proposed(proposals);
    proposals.place({ context: one.context, index: 5, term: 2 }, 4);
    proposals.place({ context: two.context, index: 9, term: 2 }, 4);
    proposals.skipTo(8);
    expect(one.outcomes[0]!.error).toMatchObject({ code: 'timeout', definite: false });
    expect(two.outcomes).toEqual([]);
  });

  it('settles two at one index, in two terms, only by what is committed there: either may win (Figure 3.7)', () => {
    for (const [winner, loser] of [
      [2, 4],
      [4, 2],
    ] as const) {
      const proposals = new Proposals();
      const told = new Map([2, 4].map((term) => [term, proposed(proposals)]));
      for (const [term, { context }] of told) proposals.place({ context, index: 5, term }, 4);
      expect([told.get(2)!.outcomes, told.get(4)!.outcomes]).toEqual([[], []]);
      proposals.applied(entry(5, winner), 'done');
      expect(told.get(winner)!.outcomes).toEqual([{ error: undefined, result: 'done' }]);
      expect(told.get(loser)!.outcomes[0]!.error).toMatchObject({ code: 'no_leader', definite: true });
      expect(proposals.openCount).toBe(0);
    }
  });

  it('forgets one of two at one index without losing the other', () => {
    for (const early of [2, 4]) {
      const proposals = new Proposals();
      const told = new Map(
        [early, 6 - early].map((term, i) => [term, proposed(proposals, i === 0 ? 10 : 20)] as const),
      );
      for (const term of [2, 4]) proposals.place({ context: told.get(term)!.context, index: 5, term }, 4);
      proposals.expire(15);
      expect(told.get(early)!.outcomes[0]!.error).toMatchObject({ code: 'timeout', definite: false });
      proposals.applied(entry(5, 6 - early), 'done');
      expect(told.get(6 - early)!.outcomes).toEqual([{ error: undefined, result: 'done' }]);
      expect(told.get(early)!.outcomes).toHaveLength(1);
    }
  });

  it('fails both of two at one index when a snapshot swallows it', () => {
    const proposals = new Proposals();
    const told = [2, 4].map((term) => ({ term, ...proposed(proposals) }));
    for (const { term, context } of told) proposals.place({ context, index: 5, term }, 4);
    proposals.skipTo(5);
    for (const { outcomes } of told) expect(outcomes[0]!.error).toMatchObject({ definite: false });
    expect(proposals.openCount).toBe(0);
  });

  it('tells those who were forwarded to a leader that is gone to ask again, and nobody else', () => {
    const proposals = new Proposals();
    const placed = proposed(proposals);
    const forwarded = proposed(proposals);
    const inQueue = proposed(proposals);
    proposals.place({ context: placed.context, index: 5, term: 2 }, 4);
    proposals.abandonForwarded(forwarded.context);
    expect(forwarded.outcomes[0]!.error).toMatchObject({ code: 'no_leader', definite: false });
    expect([placed.outcomes, inQueue.outcomes]).toEqual([[], []]);
  });

  it('passes refusals on as definite', () => {
    const proposals = new Proposals();
    const { context, outcomes } = proposed(proposals);
    proposals.place({ context, refused: 'busy' }, 0);
    expect(outcomes[0]!.error).toMatchObject({ code: 'busy', definite: true });
  });

  it('ends those whose time is over as perhaps done, once, and forgets them', () => {
    const proposals = new Proposals();
    const early = proposed(proposals, 10);
    const late = proposed(proposals, 20);
    proposals.place({ context: early.context, index: 5, term: 2 }, 4);
    proposals.expire(15);
    expect(early.outcomes[0]!.error).toMatchObject({ code: 'timeout', definite: false });
    expect(late.outcomes).toEqual([]);
    proposals.applied(entry(5, 2), 'too late');
    expect(early.outcomes).toHaveLength(1);
    expect(proposals.openCount).toBe(1);
  });

  it('fails all that is open when the replica stops', () => {
    const proposals = new Proposals();
    const one = proposed(proposals);
    proposals.failAll(new RaftkvError('closed', 'stopping', { definite: false }));
    expect(one.outcomes[0]!.error).toMatchObject({ code: 'closed', definite: false });
    expect(proposals.openCount).toBe(0);
  });
});
