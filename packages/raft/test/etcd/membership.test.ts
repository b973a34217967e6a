// etcd's scripts about changes of members (etcd-io/raft, testdata), retold: campaign_learner_must_vote, confchange_v1_*,
// confchange_v2_*. Here a change of voters always goes through a joint configuration and is left by the leader itself, it is
// active once appended, and a member that is added gets its id from the log; so where a script names its newcomer 2 or 4, here
// it is called by the index of the entry that added it.
import { describe, expect, it } from 'vitest';
import type { MemberChange } from '../../src/index.ts';
import { promote, remove } from '../member-changes.ts';
import { ELECTION_TICKS, Scenario } from './scenario.ts';

const add = (name: string, as: 'learner' | 'voter' = 'voter'): MemberChange => ({
  type: 'add',
  member: { name, address: `host:${name}`, storeId: `store-${name}` },
  as,
});

/** The id of the member that the entry at `index` added first. */
function idOf(index: number, ordinal = 0): string {
  return ordinal.toString(16).padStart(2, '0') + index.toString(16).padStart(14, '0');
}

describe('campaign_learner_must_vote', () => {
  it('one that takes itself for a learner votes for a candidate that knows it as a voter, and is caught up by it', () => {
    const scenario = new Scenario('12', { index: 2, learners: '3' });
    scenario.elect('1');
    expect(scenario.changeMembers('1', promote('3'))).toBe('4/2');
    // The learner hears nothing of its promotion, which 1 and 2 carry out.
    scenario.stabilize('12');
    scenario.dropTo('3');
    // The new half is 1, 2 and 3: 1 and 2 are enough for it.
    expect(scenario.configuration('2')).toBe('123');
    expect(scenario.configuration('3')).toBe('12+3');

    // 1 is dead.
    scenario.outwait('23');
    scenario.campaign('2');
    scenario.dropTo('1');
    scenario.stabilize('3');
    scenario.stabilize('2');
    scenario.dropTo('1');
    scenario.stabilize('3');
    expect(scenario.status('3').votedFor).toBe('2');
    scenario.stabilize('23');
    expect(scenario.state('23')).toEqual(['2 leader term 3 commit 6', '3 follower term 3 commit 6']);
    expect(scenario.log('3')).toBe('3/2 4/2 5/2 6/3');
    expect(scenario.configuration('3')).toBe('123');
  });
});

describe('confchange_v1_add_single, confchange_v2_add_single_auto, confchange_v2_add_double_implicit', () => {
  it('a second voter is added by the only one, which needs its word before it leaves the joint configuration', () => {
    const scenario = new Scenario('1', { index: 2 });
    scenario.elect('1');
    const second = idOf(4);
    // The one voter is a quorum of the old half; of the new one it is not, and who is to join is not there yet.
    expect(scenario.changeMembers('1', add('n2'))).toBe('unsafe');
    expect(scenario.changeMembers('1', add('n2', 'learner'))).toBe('4/2');
    scenario.stabilize();
    scenario.join(second, '1');
    scenario.beat('1');
    scenario.stabilize();
    expect(scenario.status('1').progress.get(second)).toMatchObject({ state: 'replicate', matchIndex: 4 });

    expect(scenario.changeMembers('1', promote(second))).toBe('5/2');
    scenario.stabilize('1');
    expect(scenario.configuration('1')).toBe('[4]1/1');
    expect(scenario.status('1').commitIndex).toBe(4);
    scenario.stabilize();
    expect(scenario.state()).toEqual(['1 leader term 2 commit 6', `${second} follower term 2 commit 6`]);
    for (const id of ['1', second]) expect(scenario.configuration(id)).toBe('[4]1');
    // From now on the first is alone no quorum.
    scenario.propose('1', 'p1');
    scenario.stabilize('1');
    expect(scenario.status('1').commitIndex).toBe(6);
    scenario.stabilize();
    expect(scenario.status('1').commitIndex).toBe(7);
  });
});

describe('confchange_v2_add_double_auto', () => {
  it('two voters are added at once and two removed at once, while proposals go on', () => {
    const scenario = new Scenario('1', { index: 2 });
    scenario.elect('1');
    const [second, third] = [idOf(4), idOf(4, 1)];
    scenario.changeMembers('1', add('n2', 'learner'), add('n3', 'learner'));
    scenario.stabilize();
    scenario.compact('1');
    for (const id of [second, third]) scenario.join(id, '1');
    scenario.beat('1');
    // Each is brought up by a snapshot, which holds the configuration.
    scenario.stabilize(['1', second]);
    expect(scenario.status(second).snapshotIndex).toBe(4);
    scenario.stabilize(['1', third]);
    scenario.stabilize();
    expect(scenario.changeMembers('1', promote(second), promote(third))).toBe('5/2');
    scenario.stabilize();
    for (const id of scenario.ids) expect(scenario.configuration(id)).toBe('[4][4.1]1');
    expect(scenario.state()).toEqual([
      '1 leader term 2 commit 6',
      `${second} follower term 2 commit 6`,
      `${third} follower term 2 commit 6`,
    ]);

    expect(scenario.changeMembers('1', remove(second), remove(third))).toBe('7/2');
    expect(scenario.configuration('1')).toBe('1/[4][4.1]1');
    scenario.stabilize('1');
    // The old half has not answered.
    expect(scenario.status('1').commitIndex).toBe(6);
    scenario.propose('1', 'foo');
    scenario.propose('1', 'bar');
    scenario.stabilize();
    // The joint configuration is left once, whatever else was proposed meanwhile.
    expect(scenario.log('1')).toBe('5/2 6/2 7/2 8/2 9/2 10/2');
    expect(scenario.state('1')).toEqual(['1 leader term 2 commit 10']);
    for (const id of scenario.ids) expect(scenario.configuration(id)).toBe('1');
    scenario.outwait([second, third]);
    scenario.campaign(second);
    scenario.campaign(third);
    scenario.stabilize();
    expect(scenario.state()).toEqual([
      '1 leader term 2 commit 10',
      `${second} follower term 2 commit 10`,
      `${third} follower term 2 commit 10`,
    ]);
  });
});

describe('confchange_v2_add_single_explicit', () => {
  it('no further change is taken while one is joint; a new leader goes on with the one it finds', () => {
    const scenario = new Scenario('123', { index: 2, learners: '4' });
    scenario.elect('1');
    expect(scenario.changeMembers('1', promote('4'))).toBe('4/2');
    expect(scenario.changeMembers('1', add('n5'), add('n6'))).toBe('busy');
    // All have the joint configuration and commit it; then 1 dies before it says that it is left.
    scenario.deliverTo('234');
    for (const id of '234') scenario.work(id);
    scenario.dropTo('1');
    for (const id of '1234') expect(scenario.configuration(id)).toBe('1234/123');
    scenario.isolate('1');
    scenario.outwait('234');
    scenario.campaign('2');
    scenario.stabilize('234');
    expect(scenario.status('2')).toMatchObject({ role: 'leader', term: 3 });
    for (const id of '234') expect(scenario.configuration(id)).toBe('1234');
    expect(scenario.log('4')).toBe('3/2 4/2 5/3 6/3');
    // And is not left twice.
    scenario.stabilize('234');
    expect(scenario.status('2').lastIndex).toBe(6);
    expect(scenario.changeMembers('2', remove('1'))).toBe('7/3');
  });
});

describe('NewLeaderPendingConfig', () => {
  it('a new leader takes no change before an entry of its own is committed', () => {
    const scenario = new Scenario('123', { index: 2, learners: '4' });
    scenario.outwait('23');
    scenario.campaign('1');
    for (let round = 0; round < 2; round++) {
      for (const ids of ['23', '1']) {
        scenario.deliverTo(ids);
        for (const id of ids) scenario.work(id);
      }
    }
    expect(scenario.state('1')).toEqual(['1 leader term 2 commit 2']);
    expect(scenario.changeMembers('1', add('n5'))).toBe('busy');
    scenario.stabilize();
    expect(scenario.changeMembers('1', add('n5'))).toBe('4/2');
  });
});

describe('confchange_v1_remove_leader, confchange_v1_remove_leader_stepdown', () => {
  it('a leader that removes itself does not count itself, leads until that is certain, and then steps down', () => {
    const scenario = new Scenario('123', { index: 2 });
    scenario.elect('1');
    expect(scenario.changeMembers('1', remove('1'))).toBe('4/2');
    scenario.propose('1', 'foo');
    scenario.stabilize('2');
    scenario.propose('1', 'bar');
    scenario.stabilize('1');
    // With 2 the old half has it (1 and 2), the new one (2 and 3) has not.
    expect(scenario.state('1')).toEqual(['1 leader term 2 commit 3']);
    scenario.stabilize('2');
    scenario.stabilize('1');
    expect(scenario.state('1')).toEqual(['1 leader term 2 commit 3']);
    scenario.stabilize('3');
    scenario.stabilize('1');
    // The joint configuration is committed and left; that 1 is none is not certain yet, so it neither goes nor has others go on.
    expect(scenario.configuration('1')).toBe('23');
    scenario.tick('1');
    scenario.tick('1');
    expect(scenario.status('1').role).toBe('leader');
    scenario.results('1');
    scenario.propose('1', 'more');
    expect(scenario.results('1').map(({ refused }) => refused)).toEqual([undefined]);
    scenario.stabilize('123');
    // All of it is committed, and 1 is a member no more. At its next tick it tells one of the others to lead at once, and by
    // the answer to its heartbeat after that it knows that this has come about.
    scenario.tick('1');
    scenario.stabilize();
    scenario.tick('1');
    scenario.stabilize();
    expect(scenario.status('1')).toMatchObject({ role: 'follower' });
    const [leader, ...more] = ['2', '3'].filter((id) => scenario.status(id).role === 'leader');
    expect([leader === undefined, more]).toEqual([false, []]);
    for (const id of '123') expect(scenario.configuration(id)).toBe('23');
    for (const id of '23') expect(scenario.applied(id)).toEqual(expect.arrayContaining(['foo', 'bar']));
    scenario.propose('1', 'baz');
    scenario.tickElection('1');
    scenario.campaign('1');
    scenario.stabilize();
    expect(scenario.status('1').role).toBe('follower');
    expect(scenario.status(leader!).role).toBe('leader');
  });
});

describe('confchange_v2_replace_leader', () => {
  it('a leader that is being replaced hands over to the newcomer and cannot come back', () => {
    const scenario = new Scenario('123', { index: 2, learners: '4' });
    scenario.elect('1');
    expect(scenario.changeMembers('1', remove('1'), promote('4'))).toBe('4/2');
    expect(scenario.configuration('1')).toBe('234/123');
    scenario.input('1', { type: 'transferLeadership', context: 8, to: '4' });
    expect(scenario.status('1').role).toBe('leader');
    scenario.stabilize();
    expect(scenario.status('4')).toMatchObject({ role: 'leader', term: 3 });
    for (const id of '234') expect(scenario.configuration(id)).toBe('234');
    for (const id of '23') expect(scenario.status(id).leaderId).toBe('4');
    // The joint configuration was left by the newcomer, not by the one that had entered it: that one was handing over.
    expect(scenario.log('4')).toBe('3/2 4/2 5/3 6/3');

    // Make sure that 1 cannot come back.
    scenario.tickElection('1');
    scenario.campaign('1');
    scenario.stabilize();
    expect(scenario.status('1').role).toBe('follower');
    expect(scenario.status('4')).toMatchObject({ role: 'leader', term: 3 });
  });
});

describe('confchange_v2_replace_leader_stepdown', () => {
  it('one of the others campaigns once the leader that was replaced has stepped down', () => {
    const scenario = new Scenario('123', { index: 2, learners: '4' });
    scenario.elect('1');
    scenario.changeMembers('1', remove('1'), promote('4'));
    // Nobody takes its word that they should lead.
    for (let i = 0; i < 50; i++) {
      scenario.lose(({ type }) => type === 'timeoutNowRequest');
      scenario.deliver();
      for (const id of '1234') scenario.work(id);
    }
    scenario.tick('1', 2 * ELECTION_TICKS);
    scenario.lose(({ type }) => type === 'timeoutNowRequest');
    scenario.stabilize();
    expect(scenario.status('1').role).toBe('follower');
    scenario.outwait('34');
    scenario.campaign('2');
    scenario.stabilize();
    expect(scenario.status('2')).toMatchObject({ role: 'leader' });
    for (const id of '234') expect(scenario.configuration(id)).toBe('234');
  });
});
