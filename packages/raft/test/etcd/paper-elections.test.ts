// etcd's paper tests (etcd-io/raft, raft_paper_test.go) about terms, timeouts and votes, retold: §5.1, §5.2 and §5.4.1 of the
// Raft paper (§3.3, §3.4 and §3.6.1 of the thesis). Each is named after theirs. What differs: a pre-vote goes before each
// election (§9.6), and a stale request is answered instead of ignored, so that a member stuck at a higher term is released.
import { describe, expect, it } from 'vitest';
import { diskOf, ofType } from '../cluster.ts';
import type { Message } from '../../src/index.ts';
import { Scenario } from './scenario.ts';
import { bytesOf } from '../member.ts';
import { stateOf } from '../../src/raft.ts';

const TIMEOUT = 10;
const raft = { electionTimeoutTicks: TIMEOUT };
const heartbeat = (from: string, to: string, term: number): Message => ({
  ...{ type: 'heartbeatRequest', from, to, term },
  ...{ commitIndex: 0, readToken: 0 },
});
const append = (from: string, to: string, term: number, terms: number[] = []): Message => ({
  ...{ type: 'appendRequest', from, to, term, prevLogIndex: 0, prevLogTerm: 0, leaderCommit: 0 },
  entries: terms.map((entryTerm, i) => ({ index: i + 1, term: entryTerm, kind: 'command', data: bytesOf('x') })),
});

/** One member among `size`, the others played by the test. */
function alone(size: number, disk = diskOf('', 0)): Scenario {
  return new Scenario('12345'.slice(0, size), { raft, disks: { '1': disk } });
}

/** 1 becomes a candidate of the next term: it asks, and enough of the others answer that they would vote for it. */
function becomeCandidate(scenario: Scenario): void {
  const term = scenario.status('1').term + 1;
  scenario.campaign('1');
  for (const from of scenario.ids.filter((id) => id !== '1')) {
    if (scenario.status('1').role !== 'preCandidate') break;
    scenario.receive({ type: 'preVoteResponse', from, to: '1', term, granted: true });
  }
  scenario.work('1');
  expect(scenario.status('1').term).toBe(term);
}

function becomeLeader(scenario: Scenario): void {
  becomeCandidate(scenario);
  const { term } = scenario.status('1');
  for (const from of scenario.ids.slice(1))
    scenario.receive({ type: 'voteResponse', from, to: '1', term, granted: true });
  scenario.work('1');
  expect(scenario.status('1').role).toBe('leader');
}

const roles: [string, (scenario: Scenario) => void][] = [
  ['Follower', (scenario) => scenario.receive(heartbeat('2', '1', 1))],
  ['Candidate', becomeCandidate],
  ['Leader', becomeLeader],
];

describe('§5.1 terms', () => {
  it.each(roles)('%sUpdateTermFromMessage: a message of a newer term makes it a follower in that term', (_, become) => {
    const scenario = alone(3);
    become(scenario);
    expect(scenario.status('1').term).toBe(1);
    scenario.receive(append('2', '1', 2));
    expect(scenario.status('1')).toMatchObject({ role: 'follower', term: 2, leaderId: '2' });
  });

  it.each(roles)('%sUpdateTermFromMessage: so does an answer, which tells no leader', (_, become) => {
    const scenario = alone(3);
    become(scenario);
    const refusal = { success: false, matchIndex: 0, rejectedIndex: 1, conflictIndex: 0, conflictTerm: 0 };
    scenario.receive({ type: 'appendResponse', from: '2', to: '1', term: 2, ...refusal });
    expect(scenario.status('1')).toMatchObject({ role: 'follower', term: 2, leaderId: undefined });
  });

  it('RejectStaleTermMessage: a request of an older term changes nothing, and is told the newer one', () => {
    const scenario = alone(3, diskOf('', 2));
    scenario.receive(append('2', '1', 1, [1]));
    expect(scenario.status('1')).toMatchObject({ term: 2, lastIndex: 0, leaderId: undefined });
    expect(scenario.inTransit).toMatchObject([{ type: 'appendResponse', to: '2', term: 2, success: false }]);
  });
});

describe('§5.2 heartbeats and timeouts', () => {
  it('StartAsFollower: whatever the disk says', () => {
    expect(alone(3).status('1').role).toBe('follower');
    expect(alone(3, diskOf('1 2', 3, { votedFor: '1' })).status('1').role).toBe('follower');
  });

  it('LeaderBcastBeat: a heartbeat without entries or a log position goes to all at each interval', () => {
    const scenario = alone(3);
    becomeLeader(scenario);
    for (let i = 0; i < 10; i++) scenario.propose('1', `p${i}`);
    scenario.lose();
    scenario.tick('1');
    const beat = { type: 'heartbeatRequest', from: '1', term: 1, commitIndex: 0, readToken: 0 };
    expect(scenario.inTransit).toEqual([
      { ...beat, to: '2' },
      { ...beat, to: '3' },
    ]);
  });

  it.each(roles.slice(0, 2))(
    '%sStartElection: without a leader or a majority it stands in the next term',
    (_, become) => {
      const scenario = alone(3);
      become(scenario);
      scenario.work('1');
      scenario.lose();
      for (let i = 1; i < 2 * TIMEOUT && scenario.status('1').role !== 'preCandidate'; i++) scenario.tick('1');
      const ask = { from: '1', term: 2, lastIndex: 0, lastTerm: 0 };
      expect(scenario.lose()).toEqual(['2', '3'].map((to) => ({ ...ask, to, type: 'preVoteRequest' })));
      expect(scenario.status('1').term).toBe(1);
      scenario.receive({ type: 'preVoteResponse', from: '2', to: '1', term: 2, granted: true });
      scenario.work('1');
      expect(scenario.status('1')).toMatchObject({ role: 'candidate', term: 2, votedFor: '1' });
      expect(stateOf(scenario.member('1').raft).votes.get('1')).toBe(true);
      expect(scenario.lose()).toEqual(['2', '3'].map((to) => ({ ...ask, to, type: 'voteRequest' })));
    },
  );

  it.each(roles.slice(0, 2))('%sElectionTimeoutRandomized: each number of ticks in [n, 2n) comes up', (_, become) => {
    const scenario = alone(3);
    const seen = new Set<number>();
    for (let round = 0; round < 200; round++) {
      if (round === 0 || become === becomeCandidate) become(scenario);
      else scenario.receive(heartbeat('2', '1', scenario.status('1').term + 1));
      let ticks = 0;
      while (scenario.status('1').role !== 'preCandidate') {
        scenario.tick('1');
        ticks++;
      }
      seen.add(ticks);
    }
    expect([...seen].toSorted((a, b) => a - b)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
  });

  it.each(['Followers', 'Candidates'])('%sElectionTimeoutNonconflict: mostly one alone is the first', (role) => {
    let conflicts = 0;
    for (let round = 0; round < 200; round++) {
      const scenario = new Scenario('12345', { raft: { ...raft, seed: round } });
      for (const id of scenario.ids) {
        if (role === 'Followers') scenario.receive(heartbeat('z', id, 1));
        else scenario.campaign(id);
      }
      const askers = (): number => new Set(scenario.inTransit.filter(ofType('preVoteRequest')).map((m) => m.from)).size;
      scenario.lose();
      while (askers() === 0) scenario.tickAll();
      if (askers() > 1) conflicts++;
    }
    expect(conflicts / 200).toBeLessThanOrEqual(0.3);
  });
});

describe('§5.2 votes', () => {
  it.each([
    // members, votes of 2, 3, …: granted, refused, not heard of; the role that follows
    [1, '', 'leader'],
    [3, 'yy', 'leader'],
    [3, 'y', 'leader'],
    [5, 'yyyy', 'leader'],
    [5, 'yyy', 'leader'],
    [5, 'yy', 'leader'],
    [3, 'nn', 'follower'],
    [5, 'nnnn', 'follower'],
    [5, 'ynnn', 'follower'],
    [3, '', 'candidate'],
    [5, 'y', 'candidate'],
    [5, 'nn', 'candidate'],
    [5, '', 'candidate'],
  ])('LeaderElectionInOneRoundRPC: of %i members, answers "%s": %s', (size, votes, role) => {
    const scenario = alone(size);
    becomeCandidate(scenario);
    [...votes].forEach((vote, i) => {
      const from = String(i + 2);
      scenario.receive({ type: 'voteResponse', from, to: '1', term: 1, granted: vote === 'y' });
    });
    expect(scenario.status('1')).toMatchObject({ role, term: 1 });
  });

  it.each([
    [undefined, '2', true],
    [undefined, '3', true],
    ['2', '2', true],
    ['3', '3', true],
    ['2', '3', false],
    ['3', '2', false],
  ])('FollowerVote: having voted for %s, asked by %s: %s', (votedFor, from, granted) => {
    const scenario = alone(3, diskOf('', 1, votedFor === undefined ? {} : { votedFor }));
    scenario.receive({ type: 'voteRequest', from, to: '1', term: 1, lastIndex: 0, lastTerm: 0 });
    scenario.work('1');
    expect(scenario.inTransit).toMatchObject([{ type: 'voteResponse', to: from, term: 1, granted }]);
  });

  it.each([1, 2])('CandidateFallback: a leader of term %i is followed by a candidate of term 1', (term) => {
    const scenario = alone(3);
    becomeCandidate(scenario);
    scenario.receive(append('2', '1', term));
    expect(scenario.status('1')).toMatchObject({ role: 'follower', term, leaderId: '2' });
  });
});

describe('§5.4.1 the election restriction', () => {
  it.each([
    [[1], 2],
    [[1, 2], 3],
  ])('VoteRequest: with a log of terms %j it names its last entry to all others, in term %i', (terms, term) => {
    const scenario = alone(3);
    scenario.receive(append('2', '1', term - 1, terms));
    scenario.work('1');
    scenario.lose();
    while (scenario.status('1').role !== 'preCandidate') scenario.tick('1');
    scenario.receive({ type: 'preVoteResponse', from: '3', to: '1', term, granted: true });
    scenario.work('1');
    const ask = { from: '1', term, lastIndex: terms.length, lastTerm: terms.at(-1) };
    expect(scenario.inTransit).toEqual([
      { ...ask, to: '2', type: 'preVoteRequest' },
      { ...ask, to: '3', type: 'preVoteRequest' },
      { ...ask, to: '2', type: 'voteRequest' },
      { ...ask, to: '3', type: 'voteRequest' },
    ]);
  });

  it.each([
    // the voter's log, the candidate's last term and index, whether it gets the vote
    ['1', 1, 1, true],
    ['1', 1, 2, true],
    ['1 1', 1, 1, false],
    ['1', 2, 1, true],
    ['1', 2, 2, true],
    ['1 1', 2, 1, true],
    ['2', 1, 1, false],
    ['2', 1, 2, false],
    ['2 2', 1, 1, false],
    ['1 1', 1, 1, false],
  ])(
    'Voter: with a log of terms "%s", asked with last term %i and index %i: %s',
    (terms, lastTerm, lastIndex, granted) => {
      const scenario = new Scenario('12', { disks: { '1': diskOf(terms, 2) } });
      for (const type of ['preVoteRequest', 'voteRequest'] as const) {
        scenario.receive({ type, from: '2', to: '1', term: 3, lastTerm, lastIndex });
      }
      scenario.work('1');
      expect(scenario.inTransit).toMatchObject([
        { type: 'preVoteResponse', granted },
        { type: 'voteResponse', granted },
      ]);
    },
  );
});
