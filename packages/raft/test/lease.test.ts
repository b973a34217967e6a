// Reads under leases (§6.4.1, T17): from when to when, what ends them, and the voters' half of the bargain.
import { Cluster, diskOf, ofType } from './cluster.ts';
import { describe, expect, it } from 'vitest';

/** Ten ticks an election timeout, a heartbeat each second one: a lease of floor(9 × 0.9) = 8 ticks. */
const raft = { leaseReads: { maxDriftPerMille: 100 } };

function leased(voters = 'abc'): Cluster {
  const cluster = new Cluster(voters, { raft });
  // Voters elect nobody for an election timeout after their own start.
  cluster.tickAll(10);
  cluster.lose();
  cluster.elect('a');
  cluster.pass(2);
  return cluster;
}

describe('a leader with a lease', () => {
  it('serves reads at once, its own and forwarded ones, without a message to ask', () => {
    const cluster = leased();
    expect(cluster.status('a').hasLease).toBe(true);
    cluster.read('a', 1);
    expect(cluster.reads('a')).toEqual([{ context: 1, index: 1, refused: undefined }]);
    expect(cluster.inTransit).toEqual([]);
    cluster.read('b', 2);
    cluster.deliver();
    expect(cluster.inTransit.map(({ type }) => type)).toEqual(['readIndexResponse']);
  });

  it('counts it from the heartbeat that was answered, not from the answers', () => {
    const cluster = leased();
    cluster.tick('a', 2);
    const sentAt = 2;
    const requests = cluster.lose(ofType('heartbeatRequest'));
    // Five ticks later the answers come; the lease is eight ticks from when they were asked.
    cluster.tick('a', 5);
    cluster.lose();
    for (const request of requests) cluster.receive(request);
    cluster.settle();
    let ticks = 0;
    while (cluster.status('a').hasLease && ticks < 50) {
      cluster.tick('a');
      cluster.lose();
      ticks++;
    }
    expect(ticks + 5 + sentAt).toBe(8 + sentAt);
  });

  it('asks a quorum again when it is over', () => {
    const cluster = leased();
    cluster.isolate('a');
    cluster.tick('a', 8);
    expect(cluster.status('a')).toMatchObject({ role: 'leader', hasLease: false });
    cluster.read('a', 1);
    expect(cluster.reads('a')).toEqual([]);
  });

  it('loses it with a transfer, for the rest of the term', () => {
    const cluster = leased();
    cluster.cut('b', 'a');
    cluster.cut('b', 'c');
    cluster.member('a').step({ type: 'transferLeadership', context: 1, to: 'b' });
    cluster.pump('a');
    expect(cluster.status('a').hasLease).toBe(false);
    cluster.deliver(ofType('timeoutNowRequest'));
    cluster.pass(11);
    expect(cluster.status('a')).toMatchObject({ role: 'leader', transferTo: undefined, hasLease: false });
    cluster.pass(5);
    expect(cluster.status('a').hasLease).toBe(false);
    // Reads go on, the slow way.
    cluster.read('a', 7);
    cluster.settle();
    expect(cluster.reads('a')).toMatchObject([{ context: 7, index: 1 }]);
  });

  it('loses it with a gap in its time, and answers from before do not bring it back', () => {
    const cluster = leased();
    cluster.tick('a', 2);
    cluster.deliver(ofType('heartbeatRequest'));
    cluster.member('a').step({ type: 'clockGap' });
    expect(cluster.status('a').hasLease).toBe(false);
    cluster.settle();
    expect(cluster.status('a').hasLease).toBe(false);
    cluster.pass(2);
    expect(cluster.status('a').hasLease).toBe(true);
  });

  it('does not count voters that promise nothing, or less', () => {
    const cluster = leased();
    cluster.tick('a', 2);
    const requests = cluster.lose(ofType('heartbeatRequest'));
    cluster.tick('a', 8);
    cluster.lose();
    for (const { to, type, ...request } of requests) {
      if (type !== 'heartbeatRequest' || !('readToken' in request)) throw new Error('no heartbeat');
      const answer = {
        type: 'heartbeatResponse',
        from: to,
        to: 'a',
        term: 1,
        readToken: request.readToken + 4,
      } as const;
      cluster.receive(to === 'b' ? answer : { ...answer, promisedTicks: 9 });
    }
    expect(cluster.status('a').hasLease).toBe(false);
  });

  it('is not there without the option: nothing is sent that was not sent before', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.tick('a', 2);
    cluster.deliver(ofType('heartbeatRequest'));
    expect(cluster.inTransit.every((message) => !('promisedTicks' in message))).toBe(true);
    expect(cluster.status('a').hasLease).toBe(false);
  });
});

describe('a voter with leases', () => {
  const request = { type: 'voteRequest', from: 'c', to: 'b', term: 9, lastIndex: 50, lastTerm: 8 } as const;

  it('gives no vote for an election timeout after its own start, and none after a leader’s word', () => {
    const cluster = new Cluster('abc', { raft, disks: { b: diskOf('1', 1) } });
    cluster.tick('b', 9);
    cluster.receive(request);
    cluster.work('b');
    expect(cluster.status('b')).toMatchObject({ term: 1, votedFor: undefined });
    cluster.tick('b', 1);
    cluster.receive(request);
    cluster.work('b');
    expect(cluster.status('b')).toMatchObject({ term: 9, votedFor: 'c' });
  });

  it('keeps its promise though it has forgotten the leader over a higher term', () => {
    const cluster = leased();
    cluster.receive({ type: 'preVoteResponse', from: 'c', to: 'b', term: 5, granted: false });
    expect(cluster.status('b')).toMatchObject({ term: 5, leaderId: undefined });
    cluster.receive(request);
    cluster.receive({ ...request, type: 'preVoteRequest' });
    cluster.work('b');
    expect(cluster.status('b')).toMatchObject({ term: 5, votedFor: undefined });
    cluster.campaign('b');
    expect(cluster.status('b').role).toBe('follower');
  });

  it('breaks it for a transfer alone, which the leader asked for', () => {
    const cluster = leased();
    cluster.receive({ ...request, isTransfer: true });
    cluster.work('b');
    expect(cluster.status('b')).toMatchObject({ term: 9, votedFor: 'c' });
  });
});
