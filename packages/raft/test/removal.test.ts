// Members that go: a leader that is removed leads until that is certain and hands over; the others are told, keep quiet and do not count
// any more. How a change is taken and carried on is in membership.test.ts.
import { Cluster, between, ofType } from './cluster.ts';
import { describe, expect, it } from 'vitest';
import { demote, outcome, remove, turns } from './member-changes.ts';

describe('§4.2.2 a leader that is removed', () => {
  it('leads until that is committed, without counting itself, and then steps down (T22)', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.change('a', remove('a'));
    cluster.settle();
    expect(cluster.status('a')).toMatchObject({ role: 'leader', commitIndex: 3 });
    expect(outcome(cluster, 'a')).toBe('2/1');
    expect(turns(cluster)).toEqual([
      'a has bc/abc',
      'b has bc/abc',
      'c has bc/abc',
      'a has bc',
      'b has bc',
      'c has bc',
    ]);
    // It hands over within a tick, so that nobody waits for an election timeout; that it is through it hears with its next heartbeat.
    cluster.pass(1);
    expect(turns(cluster)).toEqual(['b is candidate of term 2', 'c is follower of term 2', 'b is leader of term 2']);
    cluster.pass(2);
    expect(turns(cluster)).toEqual(['a is follower of term 2']);
    cluster.propose('a', 'p1');
    expect(outcome(cluster, 'a')).toBe('no-leader');
  });

  it.each([
    ['removed', remove('a'), 'b'],
    ['demoted', demote('a'), 'b+a'],
  ])('stands for election as long as it may not be %s, since nobody else can win (Figure 4.6)', (_, change, left) => {
    const cluster = new Cluster('ab');
    cluster.elect('a');
    cluster.change('a', change);
    // The joint configuration is committed; the one that leaves it gets no further than the disk of a, which crashes.
    cluster.deliver();
    cluster.work('b');
    cluster.deliver();
    cluster.work('a');
    expect(cluster.configuration('a')).toBe(left);
    cluster.lose();
    cluster.crash('a');
    cluster.restart('a');
    // b needs the vote of a for the old half, and the log of a is newer.
    cluster.pass(60);
    expect(cluster.configuration('b')).toBe(left);
    expect(cluster.status('b').role).toBe('leader');
    expect(cluster.status('a').role).toBe('follower');
  });

  it('does not count itself for the entry that removes it', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.change('a', remove('a'));
    for (const id of 'bc') {
      cluster.deliver(between('a', id));
      cluster.work(id);
      cluster.deliver(between(id, 'a'));
    }
    cluster.work('a');
    expect(cluster.configuration('a')).toBe('bc');
    // b has it, c has not: with the leader that would be two of three, but it is one of two.
    cluster.isolate('c');
    cluster.settle();
    expect(cluster.status('a')).toMatchObject({ role: 'leader', commitIndex: 2 });
    // It still serves meanwhile, and confirms reads by the others alone.
    cluster.read('a', 1);
    cluster.settle();
    expect(cluster.reads('a')).toEqual([]);
    cluster.heal();
    cluster.pass(4);
    expect(cluster.status('a')).toMatchObject({ role: 'follower' });
    expect(cluster.status('b').configuration.voters).toEqual(['b', 'c']);
  });

  it('steps down without a successor if the one that it chose does not come', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.change('a', remove('a'));
    cluster.settle();
    cluster.tick('a');
    cluster.lose(ofType('timeoutNowRequest'));
    for (let i = 0; i < 12; i++) {
      cluster.tick('a');
      cluster.deliver((message) => message.type !== 'timeoutNowRequest');
      cluster.lose(ofType('timeoutNowRequest'));
      for (const id of 'abc') cluster.work(id);
    }
    expect(cluster.status('a')).toMatchObject({ role: 'follower', term: 1 });
    cluster.pass(40);
    expect(cluster.status('a')).toMatchObject({ role: 'follower' });
    expect([cluster.status('b').role, cluster.status('c').role]).toContain('leader');
  });

  it('becomes a learner likewise when it is demoted', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.change('a', demote('a'));
    cluster.settle();
    expect(cluster.configuration('a')).toBe('bc+a');
    cluster.pass(2);
    expect(cluster.status('a').role).toBe('follower');
    cluster.campaign('a');
    expect(cluster.status('a').role).toBe('follower');
    cluster.pass(40);
    expect(cluster.status('a').leaderId).toMatch(/[bc]/);
  });
});

describe('one that was removed', () => {
  it('hears of it, keeps quiet, and is let go an election timeout later (T23)', () => {
    const cluster = new Cluster('abcd');
    cluster.elect('a');
    cluster.change('a', remove('d'));
    cluster.isolate('d');
    cluster.settle();
    expect(cluster.configuration('a')).toBe('abc');
    expect([...cluster.status('a').progress.keys()]).toEqual(['b', 'c', 'd']);
    cluster.heal();
    cluster.pass(4);
    expect(cluster.status('d')).toMatchObject({ committedConfigurationIndex: 3 });
    cluster.pass(12);
    expect([...cluster.status('a').progress.keys()]).toEqual(['b', 'c']);
    cluster.takeTrace();
    cluster.tick('d', 100);
    cluster.campaign('d');
    expect(cluster.inTransit).toEqual([]);
    expect(cluster.status('d').role).toBe('follower');
  });

  it('is not waited for longer than an election timeout if it is dead', () => {
    const cluster = new Cluster('abcd');
    cluster.elect('a');
    cluster.crash('d');
    cluster.change('a', remove('d'));
    cluster.settle();
    cluster.pass(9);
    expect(cluster.status('a').progress.has('d')).toBe(true);
    cluster.pass(1);
    expect(cluster.status('a').progress.has('d')).toBe(false);
  });

  it('is told by the next leader too, if the change was not certain to the one before', () => {
    const cluster = new Cluster('abcd');
    cluster.elect('a');
    cluster.isolate('d');
    cluster.change('a', remove('d'));
    while (cluster.configuration('b') !== 'abc') {
      for (const id of 'bc') cluster.deliver(between('a', id));
      for (const id of 'abc') cluster.work(id);
      cluster.deliver((message) => message.to === 'a');
    }
    expect(cluster.status('b')).toMatchObject({ configurationIndex: 3, committedConfigurationIndex: 2 });
    cluster.crash('a');
    cluster.lose();
    cluster.heal();
    cluster.pass(40);
    expect(cluster.configuration('d')).toBe('abc');
  });

  it('does not count any more: neither its acknowledgements nor its votes nor its heartbeats (T16)', () => {
    const cluster = new Cluster('abcde');
    cluster.elect('a');
    cluster.change('a', remove('d'), remove('e'));
    cluster.settle();
    expect(cluster.configuration('a')).toBe('abc');
    cluster.propose('a', 'p1');
    cluster.lose();
    const [lastIndex, from] = [cluster.status('a').lastIndex, { to: 'a', term: 1 }];
    for (const id of 'de') {
      const head = { ...from, from: id };
      const none = { rejectedIndex: 0, conflictIndex: 0, conflictTerm: 0 };
      cluster.receive({ ...head, type: 'appendResponse', success: true, matchIndex: lastIndex, ...none });
    }
    expect(cluster.status('a').commitIndex).toBe(3);
    cluster.read('a', 1);
    cluster.lose();
    for (const id of 'de') cluster.receive({ ...from, from: id, type: 'heartbeatResponse', readToken: 1 });
    expect(cluster.reads('a')).toEqual([]);
    // Their silence means nothing, and their answers do not keep a leader in office.
    cluster.isolate('b');
    cluster.isolate('c');
    for (let i = 0; i < 25; i++) {
      cluster.tick('a');
      cluster.settle();
      for (const id of 'de') cluster.receive({ ...from, from: id, type: 'heartbeatResponse', readToken: 0 });
    }
    expect(cluster.status('a').role).not.toBe('leader');
    cluster.campaign('a');
    const { term } = cluster.status('a');
    for (const id of 'de') {
      cluster.receive({ to: 'a', from: id, type: 'preVoteResponse', term: term + 1, granted: true });
      cluster.receive({ to: 'a', from: id, type: 'voteResponse', term: term + 1, granted: true });
    }
    expect(cluster.status('a').role).toBe('preCandidate');
  });
});
