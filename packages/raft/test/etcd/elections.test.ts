// etcd's scripts about elections (etcd-io/raft, testdata), retold: campaign, single_node, checkquorum, prevote,
// prevote_checkquorum. Indexes are the scripts'; terms are one higher, since our members begin in the term of their snapshot.
// Pre-vote and check-quorum are always on here, so where a script does without, its voters are first let out of patience.
import { ELECTION_TICKS, Scenario } from './scenario.ts';
import { describe, expect, it } from 'vitest';
import { ofType } from '../cluster.ts';

describe('campaign', () => {
  it('elects the one that campaigns, whose empty entry is committed and known so everywhere', () => {
    const scenario = new Scenario('123', { index: 2 });
    scenario.campaign('1');
    scenario.stabilize();
    expect(scenario.state()).toEqual([
      '1 leader term 2 commit 3',
      '2 follower term 2 commit 3',
      '3 follower term 2 commit 3',
    ]);
    expect(scenario.progress('1')).toEqual(['2 replicate match 3 next 4', '3 replicate match 3 next 4']);
    for (const id of '123') {
      expect(scenario.log(id)).toBe('3/2');
      expect(scenario.applied(id)).toEqual(['start', '']);
      expect(scenario.status(id).leaderId).toBe('1');
    }
  });
});

describe('single_node', () => {
  it('elects the only voter, which commits alone', () => {
    const scenario = new Scenario('1', { index: 3 });
    scenario.campaign('1');
    scenario.stabilize();
    expect(scenario.state()).toEqual(['1 leader term 2 commit 4']);
    expect(scenario.applied('1')).toEqual(['start', '']);
  });
});

describe('checkquorum', () => {
  it('keeps a leader that is heard, deposes one that hears nobody, and gives no vote while a leader is fresh', () => {
    const scenario = new Scenario('123', { index: 10 });
    scenario.elect('1');

    scenario.campaign('2');
    scenario.stabilize();
    expect(scenario.state('13')).toEqual(['1 leader term 2 commit 11', '3 follower term 2 commit 11']);

    // The followers answered in the present interval, so it takes the silence of another one.
    scenario.tickElection('1');
    expect(scenario.status('1').role).toBe('leader');
    scenario.tickElection('1');
    expect(scenario.status('1')).toMatchObject({ role: 'follower', leaderId: undefined, term: 2 });

    // The heartbeats that it sent meanwhile arrive at last.
    expect(scenario.inTransit.filter(ofType('heartbeatRequest')).length).toBeGreaterThan(0);
    scenario.stabilize();
    scenario.campaign('2');
    scenario.deliverTo('13');
    expect(scenario.inTransit).toMatchObject([{ type: 'preVoteResponse', from: '1', granted: true }]);
    scenario.stabilize('12');
    expect(scenario.status('2')).toMatchObject({ role: 'leader', term: 3 });
    // 3 was not ticked: it heard a leader, and gave no vote. The new one's entries it takes.
    expect(scenario.status('3')).toMatchObject({ term: 2, votedFor: '1' });
    scenario.stabilize();
    expect(scenario.state()).toEqual([
      '1 follower term 3 commit 12',
      '2 leader term 3 commit 12',
      '3 follower term 3 commit 12',
    ]);
    expect(scenario.status('3').votedFor).toBeUndefined();
  });
});

describe('prevote', () => {
  it('is refused to a member whose log is behind, and changes nothing; one that is up to date wins', () => {
    const scenario = new Scenario('123', { index: 10 });
    scenario.elect('1');
    scenario.propose('1', 'prop_1');
    scenario.deliverTo('2');
    scenario.work('2');
    expect(scenario.log('2')).toBe('11/2 12/2');

    // The entry is still on its way to 3, which campaigns without it. 2 no longer waits for 1, yet 3 does not get its word.
    scenario.outwait('23');
    const late = scenario.lose(({ to }) => to === '3');
    expect(late).toHaveLength(1);
    scenario.campaign('3');
    scenario.deliverTo('12');
    expect(scenario.inTransit.filter(({ from }) => from === '2')).toMatchObject([
      { type: 'preVoteResponse', granted: false },
    ]);
    scenario.receive(late[0]!);
    scenario.stabilize();
    expect(scenario.state()).toEqual([
      '1 leader term 2 commit 12',
      '2 follower term 2 commit 12',
      '3 follower term 2 commit 12',
    ]);

    scenario.outwait('3');
    scenario.campaign('2');
    scenario.stabilize();
    expect(scenario.state()).toEqual([
      '1 follower term 3 commit 13',
      '2 leader term 3 commit 13',
      '3 follower term 3 commit 13',
    ]);
  });
});

describe('prevote_checkquorum', () => {
  it('lets nobody in while a leader is heard; out of patience, or both of them willing, two of three replace it', () => {
    const scenario = new Scenario('123', { index: 10 });
    scenario.elect('1');
    scenario.campaign('2');
    scenario.stabilize();
    expect(scenario.state('13')).toEqual(['1 leader term 2 commit 11', '3 follower term 2 commit 11']);

    scenario.beat('1');
    scenario.stabilize();
    scenario.setElectionTimeout('2', 5);
    scenario.tick('2', ELECTION_TICKS);
    expect(scenario.status('2').role).toBe('follower');
    scenario.campaign('3');
    scenario.stabilize();
    expect(scenario.state()).toEqual([
      '1 follower term 3 commit 12',
      '2 follower term 3 commit 12',
      '3 leader term 3 commit 12',
    ]);

    // 1 and 2 both campaign although 3 leads and was heard just now: each alone is not answered, but one that campaigns has
    // given its leader up, and so votes for the other.
    scenario.campaign('1');
    scenario.stabilize();
    expect(scenario.state('13')).toEqual(['1 preCandidate term 3 commit 12', '3 leader term 3 commit 12']);
    scenario.campaign('2');
    scenario.stabilize();
    expect(scenario.state()).toEqual([
      '1 follower term 4 commit 13',
      '2 leader term 4 commit 13',
      '3 follower term 4 commit 13',
    ]);
  });
});

describe('forget_leader', () => {
  it('a follower that is about to give its leader up campaigns at the very tick that its timeout names', () => {
    const scenario = new Scenario('123', { index: 10 });
    scenario.elect('1');
    scenario.setElectionTimeout('2', ELECTION_TICKS);
    scenario.tick('2', 2);
    expect(scenario.status('2')).toMatchObject({ role: 'follower', leaderId: '1' });
    scenario.tick('2');
    expect(scenario.status('2')).toMatchObject({ role: 'preCandidate', leaderId: undefined, term: 2 });
  });
});
