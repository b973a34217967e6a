// Changes of members in a cluster (§4): taken, active at once, carried on by any leader, rolled back. The rules of a single
// change are in configuration-change.test.ts, members that go in removal.test.ts, those that join in joining.test.ts.
import { Cluster, between, ofType } from './cluster.ts';
import { describe, expect, it } from 'vitest';
import { demote, outcome, promote, remove, turns } from './member-changes.ts';
import { bytesOf } from './member.ts';

describe('§4.3 a change of voters', () => {
  it('goes through the joint configuration, which is active as soon as it is in a log', () => {
    const cluster = new Cluster('abc', { learners: 'd' });
    cluster.elect('a');
    cluster.change('a', promote('d'), remove('c'));
    expect(outcome(cluster, 'a')).toBe('2/1');
    expect(cluster.configuration('a')).toBe('abd/abc');
    expect(cluster.status('a')).toMatchObject({ configurationIndex: 2, committedConfigurationIndex: 0 });
    cluster.deliver();
    expect(cluster.configuration('b')).toBe('abd/abc');
    expect(turns(cluster)).toEqual(['a has abd/abc', 'b has abd/abc', 'd has abd/abc', 'c has abd/abc']);
    cluster.settle();
    // The leader goes on by itself; c is told too.
    expect(turns(cluster)).toEqual(['a has abd', 'b has abd', 'd has abd', 'c has abd']);
    for (const id of 'abcd') {
      expect(cluster.status(id)).toMatchObject({
        configurationIndex: 3,
        committedConfigurationIndex: 3,
        commitIndex: 3,
      });
    }
  });

  it('needs a majority of both halves to commit', () => {
    const cluster = new Cluster('abc', { learners: 'de' });
    cluster.elect('a');
    cluster.change('a', promote('d'), promote('e'), demote('b'), demote('c'));
    expect(cluster.configuration('a')).toBe('ade/abc (bc)');
    // All of the new half, and of the old one only the leader.
    cluster.isolate('b');
    cluster.isolate('c');
    cluster.settle();
    expect(cluster.status('a')).toMatchObject({ commitIndex: 1, committedConfigurationIndex: 0 });
    cluster.heal();
    cluster.pass(4);
    expect(cluster.configuration('c')).toBe('ade+bc');
    // From now on the new half alone decides.
    cluster.isolate('b');
    cluster.isolate('c');
    cluster.propose('a', 'p1');
    cluster.settle();
    expect(cluster.applied('d')).toContain('p1');
  });

  it('keeps what is known of a follower, learner or not', () => {
    const cluster = new Cluster('abc', { learners: 'd' });
    cluster.elect('a');
    cluster.propose('a', 'p1', 'p2');
    cluster.settle();
    const before = cluster.status('a').progress.get('d')!;
    expect(before).toMatchObject({ matchIndex: 3, state: 'replicate', isLearner: true });
    cluster.change('a', promote('d'));
    const after = cluster.status('a').progress.get('d')!;
    expect(after).toMatchObject({ matchIndex: 3, state: 'replicate', isLearner: false, isRecentlyActive: true });
    cluster.settle();
    cluster.change('a', demote('d'));
    cluster.settle();
    expect(cluster.status('a').progress.get('d')).toMatchObject({ matchIndex: 7, isLearner: true });
  });

  it('is one simple entry where only learners or records change', () => {
    const cluster = new Cluster('abc', { learners: 'd' });
    cluster.elect('a');
    cluster.change('a', { type: 'update', id: 'a', name: 'one', address: 'h:1' }, remove('d'));
    cluster.settle();
    expect(cluster.status('b')).toMatchObject({ configurationIndex: 2, committedConfigurationIndex: 2, lastIndex: 2 });
    expect(cluster.status('b').configuration.members).toEqual([{ id: 'a', name: 'one', address: 'h:1' }]);
    expect(cluster.configuration('d')).toBe('abc');
  });
});

describe('a change of members is refused', () => {
  it('by anybody but a leader', () => {
    const cluster = new Cluster('abc');
    cluster.change('b', remove('c'));
    expect(outcome(cluster, 'b')).toBe('no-leader');
    cluster.elect('a');
    cluster.change('b', remove('c'));
    expect(outcome(cluster, 'b')).toBe('no-leader');
  });

  it('before the leader has committed an entry of its own term (T19)', () => {
    const cluster = new Cluster('abc');
    cluster.campaign('a');
    cluster.work('a');
    cluster.deliver(ofType('preVoteRequest'));
    cluster.deliver(ofType('preVoteResponse'));
    cluster.work('a');
    for (const id of 'bc') cluster.deliver(between('a', id));
    for (const id of 'bc') cluster.work(id);
    cluster.deliver(ofType('voteResponse'));
    expect(cluster.status('a').role).toBe('leader');
    cluster.change('a', remove('c'));
    expect(outcome(cluster, 'a')).toBe('busy');
    cluster.settle();
    cluster.change('a', remove('c'));
    expect(outcome(cluster, 'a')).toBe('2/1');
  });

  it('while another one is under way, be it joint or not', () => {
    const cluster = new Cluster('abc', { learners: 'd' });
    cluster.elect('a');
    cluster.change('a', { type: 'update', id: 'a', name: 'one', address: 'h:1' });
    cluster.change('a', remove('d'));
    expect(cluster.results('a').map(({ refused }) => refused)).toEqual([undefined, 'busy']);
    cluster.settle();
    cluster.change('a', remove('c'));
    cluster.change('a', remove('d'));
    expect(cluster.results('a').map(({ refused }) => refused)).toEqual([undefined, 'busy']);
    // The joint one is committed; the one that leaves it is not.
    cluster.deliver(between('a', 'b'));
    cluster.work('b');
    cluster.deliver(between('b', 'a'));
    cluster.work('a');
    expect(cluster.configuration('a')).toBe('ab+d');
    cluster.change('a', remove('d'));
    expect(outcome(cluster, 'a')).toBe('busy');
    cluster.settle();
    cluster.change('a', remove('d'));
    expect(outcome(cluster, 'a')).toBe('5/1');
  });

  it('where those who answer would be no quorum of the new configuration', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.crash('c');
    cluster.pass(25);
    cluster.change('a', remove('b'));
    expect(outcome(cluster, 'a')).toBe('unsafe');
    // One that has never answered would be needed at once.
    const member = { name: 'd', address: 'h:d', storeId: undefined };
    cluster.change('a', { type: 'add', member, as: 'voter' });
    expect(outcome(cluster, 'a')).toBe('unsafe');
    cluster.change('a', remove('c'));
    expect(outcome(cluster, 'a')).toBe('2/1');
  });

  it('where a learner to promote lags or does not answer', () => {
    const cluster = new Cluster('abc', { learners: 'd', raft: { maxAppendEntries: 2 } });
    cluster.elect('a');
    cluster.isolate('d');
    cluster.propose('a', 'p1', 'p2', 'p3');
    cluster.settle();
    cluster.results('a');
    cluster.change('a', promote('d'));
    expect(outcome(cluster, 'a')).toBe('not-ready');
    cluster.heal();
    cluster.pass(3);
    cluster.change('a', promote('d'));
    expect(outcome(cluster, 'a')).toBe('5/1');
    cluster.settle();
    cluster.change('a', demote('d'));
    cluster.settle();
    cluster.results('a');
    cluster.isolate('d');
    cluster.pass(25);
    cluster.change('a', promote('d'));
    expect(outcome(cluster, 'a')).toBe('not-ready');
  });

  it('where it makes no sense, in words', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.change('a', promote('b'));
    expect(cluster.results('a')).toEqual([
      { context: 0, index: undefined, term: undefined, refused: 'invalid', detail: 'b votes already' },
    ]);
    expect(cluster.log('a')).toBe('1/1');
  });
});

describe('a change that was interrupted', () => {
  it('is gone on with by the next leader when the joint configuration was committed', () => {
    const cluster = new Cluster('abcd');
    cluster.elect('a');
    cluster.change('a', remove('d'));
    for (const id of 'bc') {
      cluster.deliver(between('a', id));
      cluster.work(id);
      cluster.deliver(between(id, 'a'));
    }
    cluster.work('a');
    expect(cluster.status('a')).toMatchObject({ committedConfigurationIndex: 2, configurationIndex: 3 });
    cluster.crash('a');
    cluster.lose();
    cluster.takeTrace();
    cluster.pass(40);
    expect(turns(cluster).filter((line) => line.includes('has'))).toEqual([
      'd has abc/abcd',
      'c has abc',
      'b has abc',
      'd has abc',
    ]);
    cluster.restart('a');
    cluster.pass(10);
    expect(cluster.configuration('a')).toBe('abc');
  });

  it('is rolled back by those who had it when the next leader does not have it (T20)', () => {
    const cluster = new Cluster('abc', { learners: 'd' });
    cluster.elect('a');
    cluster.isolate('a');
    cluster.change('a', promote('d'), remove('b'));
    expect(cluster.configuration('a')).toBe('acd/abc');
    cluster.campaign('b');
    cluster.pass(30);
    cluster.propose('b', 'p1');
    cluster.settle();
    cluster.heal();
    cluster.pass(30);
    for (const id of 'abcd') expect(cluster.configuration(id)).toBe('abc+d');
    expect(cluster.status('a')).toMatchObject({ role: 'follower', configurationIndex: 0 });
  });

  it('stands where the next leader has it: it commits with that one’s own entry', () => {
    const cluster = new Cluster('abc', { learners: 'd' });
    cluster.elect('a');
    cluster.change('a', promote('d'), remove('a'));
    cluster.deliver(between('a', 'b'));
    cluster.work('b');
    cluster.lose();
    cluster.crash('a');
    cluster.pass(40);
    for (const id of 'bcd') expect(cluster.configuration(id)).toBe('bcd');
    expect(cluster.status('b').role).toBe('leader');
  });

  it('survives a restart: a joint configuration on disk counts both halves', () => {
    const cluster = new Cluster('abc', { learners: 'de' });
    cluster.elect('a');
    cluster.change('a', promote('d'), promote('e'), remove('b'), remove('c'));
    cluster.settle();
    const { entries } = cluster.member('a').disk;
    const joint = entries.find(({ kind }) => kind === 'configuration')!;
    for (const id of 'edcba') {
      const { disk } = cluster.member(id);
      disk.entries = disk.entries.filter(({ index }) => index <= joint.index);
      disk.hardState = { ...disk.hardState!, commitIndex: 1 };
      disk.snapshot = undefined;
      cluster.restart(id);
      expect(cluster.configuration(id)).toBe('ade/abc');
    }
    cluster.isolate('b');
    cluster.isolate('c');
    cluster.pass(60);
    for (const id of 'ade') expect(cluster.status(id).role).not.toBe('leader');
    cluster.heal();
    cluster.pass(60);
    for (const id of 'ade') expect(cluster.configuration(id)).toBe('ade');
  });
});

describe('a learner', () => {
  it('votes when it is asked, though it thinks that it does not count (T21)', () => {
    const cluster = new Cluster('ab', { learners: 'c' });
    cluster.elect('a');
    cluster.change('a', promote('c'));
    // c has not heard of its promotion; b has.
    cluster.lose((message) => message.to === 'c');
    cluster.cut('a', 'c');
    cluster.settle();
    cluster.crash('a');
    expect(cluster.configuration('c')).toBe('ab+c');
    cluster.pass(40);
    expect(cluster.status('b')).toMatchObject({ role: 'leader' });
    expect(cluster.configuration('c')).toBe('abc');
  });

  it('that was demoted is one only when the old half is gone', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.change('a', demote('c'));
    cluster.deliver();
    expect(cluster.status('c').configuration).toMatchObject({ votersOutgoing: ['a', 'b', 'c'], learnersNext: ['c'] });
    cluster.settle();
    expect(cluster.configuration('c')).toBe('ab+c');
  });
});

describe('a configuration entry that makes no sense', () => {
  it.each([
    ['is no configuration', 'x'],
    ['has no voters', '{"voters":[],"votersOutgoing":[],"learners":[]}'],
  ])('is not taken in: %s', (_, text) => {
    const cluster = new Cluster('abc');
    const entries = [{ index: 1, term: 1, kind: 'configuration' as const, data: bytesOf(text) }];
    const head = { from: 'b', to: 'a', term: 1, prevLogIndex: 0, prevLogTerm: 0, leaderCommit: 1 };
    cluster.receive({ ...head, type: 'appendRequest', entries });
    expect(cluster.status('a')).toMatchObject({ lastIndex: 0, commitIndex: 0, configurationIndex: 0 });
  });
});
