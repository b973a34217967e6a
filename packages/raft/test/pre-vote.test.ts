// The pre-vote of §9.6: it changes nothing, disturbs nobody, and brings the asker up to date.
import { Cluster, between, diskOf } from './cluster.ts';
import { describe, expect, it } from 'vitest';

describe('§9.6 pre-vote', () => {
  it('changes nothing of those who are asked', () => {
    const cluster = new Cluster('abc');
    const before = { ...cluster.status('b') };
    cluster.receive({ type: 'preVoteRequest', from: 'a', to: 'b', term: 9, lastIndex: 0, lastTerm: 0 });
    expect({ ...cluster.status('b') }).toEqual(before);
    // The grant names the term that was asked about, and leaves without a write.
    expect(cluster.inTransit).toMatchObject([{ type: 'preVoteResponse', term: 9, granted: true }]);
    expect(cluster.member('b').pendingWrites).toEqual([]);
  });

  it('lets a member that was cut off come back without disturbing the leader', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.isolate('c');
    cluster.pass(100);
    expect(cluster.status('c')).toMatchObject({ role: 'preCandidate', term: 1, leaderId: undefined });
    cluster.heal();
    cluster.pass(30);
    expect(cluster.status('a')).toMatchObject({ role: 'leader', term: 1 });
    expect(cluster.status('c')).toMatchObject({ role: 'follower', leaderId: 'a' });
  });

  it('is refused with the own term when it comes from an older one, which brings the asker up to date', () => {
    const cluster = new Cluster('abc', { disks: { b: diskOf('1 2', 5), c: diskOf('1 2', 5), a: diskOf('1', 1) } });
    cluster.campaign('a');
    cluster.deliver(between('a', 'b'));
    expect(cluster.inTransit).toMatchObject([{}, { type: 'preVoteResponse', from: 'b', term: 5, granted: false }]);
    cluster.deliver(between('b', 'a'));
    expect(cluster.status('a')).toMatchObject({ role: 'follower', term: 5 });
  });

  it('does not count a grant for another term than the one it asks about', () => {
    const cluster = new Cluster('abc', { disks: { a: diskOf('1', 4) } });
    cluster.campaign('a');
    cluster.receive({ type: 'preVoteResponse', from: 'b', to: 'a', term: 4, granted: true });
    cluster.receive({ type: 'preVoteResponse', from: 'c', to: 'a', term: 7, granted: true });
    expect(cluster.status('a')).toMatchObject({ role: 'preCandidate', term: 4 });
    cluster.receive({ type: 'preVoteResponse', from: 'c', to: 'a', term: 5, granted: true });
    expect(cluster.status('a')).toMatchObject({ role: 'candidate', term: 5 });
  });
});
