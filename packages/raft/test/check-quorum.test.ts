// Who keeps leading and who does not: stickiness to a leader that is heard (§4.2.3), check-quorum (§6.2), and what
// partitions make of the two (T9, T10).
import { Cluster, diskOf } from './cluster.ts';
import { describe, expect, it } from 'vitest';
import { isLeaderFresh } from '../src/election.ts';
import { stateOf } from '../src/raft.ts';

describe('§4.2.3 a leader that is heard is not unseated', () => {
  it('by a vote request of a higher term, within the shortest election timeout', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    const request = { type: 'voteRequest', from: 'c', term: 99, lastIndex: 50, lastTerm: 50 } as const;
    cluster.receive({ ...request, to: 'b' });
    cluster.receive({ ...request, to: 'a' });
    cluster.receive({ ...request, type: 'preVoteRequest', to: 'b' });
    cluster.settle();
    expect(cluster.inTransit).toEqual([]);
    expect([cluster.status('a').term, cluster.status('b').term]).toEqual([1, 1]);
    cluster.tick('b', 10);
    expect(isLeaderFresh(stateOf(cluster.member('b').raft))).toBe(false);
    cluster.receive({ ...request, to: 'b' });
    cluster.work('b');
    expect(cluster.status('b')).toMatchObject({ term: 99, votedFor: 'c' });
  });
});

describe('§6.2 check-quorum', () => {
  it('makes a leader that no quorum answers step down within two election timeouts', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.isolate('a');
    cluster.pass(20);
    expect(cluster.status('a')).toMatchObject({ term: 1, leaderId: undefined });
    expect(cluster.status('a').role).not.toBe('leader');
  });

  it('keeps a leader that one follower of two still answers', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.isolate('c');
    cluster.pass(100);
    expect(cluster.status('a')).toMatchObject({ role: 'leader', term: 1 });
  });

  it('does not show a follower that answers as silent between a round and its next answer', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.isolate('c');
    for (let i = 0; i < 40; i++) {
      cluster.tickAll();
      const { progress } = cluster.status('a');
      expect(progress.get('b')!.isRecentlyActive).toBe(true);
      if (i > 20) expect(progress.get('c')!.isRecentlyActive).toBe(false);
      cluster.settle();
    }
  });

  it('does not count learners', () => {
    const cluster = new Cluster('abc', { learners: 'de' });
    cluster.elect('a');
    cluster.isolate('b');
    cluster.isolate('c');
    cluster.pass(20);
    expect(cluster.status('a').role).not.toBe('leader');
  });

  it('needs both halves of a joint configuration', () => {
    const cluster = new Cluster('ade', { learners: 'bc' });
    cluster.elect('a');
    cluster.change('a', { type: 'promote', id: 'b' }, { type: 'promote', id: 'c' });
    expect(cluster.configuration('a')).toBe('abcde/ade');
    cluster.isolate('d');
    cluster.isolate('e');
    cluster.pass(20);
    expect(cluster.status('a').role).not.toBe('leader');
  });
});

describe('a member that is stuck at a higher term', () => {
  it('is released: its answer to the leader’s messages carries its term, and a new leader comes (T9)', () => {
    // c was a candidate of term 6 when it was cut off; a leads term 1 with b.
    const cluster = new Cluster('abc', { disks: { c: diskOf('', 6, { votedFor: 'c' }) } });
    cluster.isolate('c');
    cluster.elect('a');
    cluster.propose('a', 'p1');
    cluster.settle();
    cluster.heal();
    cluster.pass(60);
    expect(cluster.status('c')).toMatchObject({ role: 'follower', commitIndex: cluster.status('a').commitIndex });
    expect(cluster.applied('c')).toContain('p1');
    expect(cluster.status('c').term).toBeGreaterThan(6);
  });

  it.each(['appendRequest', 'heartbeatRequest', 'installSnapshotRequest'] as const)('answers %s so', (type) => {
    const cluster = new Cluster('abc', { disks: { c: diskOf('', 6) } });
    const base = { from: 'a', to: 'c', term: 2 };
    const meta = { lastIncludedIndex: 5, lastIncludedTerm: 2, configuration: cluster.status('c').configuration };
    if (type === 'appendRequest') {
      cluster.receive({ ...base, type, prevLogIndex: 0, prevLogTerm: 0, leaderCommit: 0, entries: [] });
    } else if (type === 'heartbeatRequest') {
      cluster.receive({ ...base, type, commitIndex: 0, readToken: 8 });
    } else {
      cluster.receive({ ...base, type, meta, offset: 0, data: new Uint8Array(3), done: false });
    }
    expect(cluster.inTransit).toMatchObject([{ to: 'a', term: 6 }]);
    expect(cluster.status('c').leaderId).toBeUndefined();
  });
});

describe('asymmetric partitions', () => {
  it('do not depose a leader that a quorum hears, when one member cannot hear it (T10)', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.cut('a', 'c');
    for (let i = 0; i < 30; i++) {
      cluster.pass(5);
      cluster.propose('a', `p${i}`);
      cluster.settle();
    }
    expect(cluster.status('a')).toMatchObject({ role: 'leader', term: 1, commitIndex: 31 });
    expect(cluster.status('b')).toMatchObject({ term: 1, leaderId: 'a' });
  });

  it('bring a new leader when the old one can send but not hear', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.cut('b', 'a');
    cluster.cut('c', 'a');
    cluster.pass(80);
    const leader = cluster.ids.find((id) => cluster.status(id).role === 'leader')!;
    expect(['b', 'c']).toContain(leader);
    cluster.propose(leader, 'p1');
    cluster.settle();
    expect(cluster.applied(leader)).toContain('p1');
  });
});
