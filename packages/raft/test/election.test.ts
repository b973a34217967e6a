// Elections by the thesis: §3.4, §3.6.1, §3.8, and the traps around them. Pre-vote and check-quorum have files of their own.
import { Cluster, diskOf, ofType } from './cluster.ts';
import { describe, expect, it } from 'vitest';
import { stateOf } from '../src/raft.ts';

describe('§3.4 leader election', () => {
  it('asks first, then votes, then appends and commits an entry of the new term', () => {
    const cluster = new Cluster('abc');
    cluster.campaign('a');
    cluster.settle();
    expect(cluster.takeTrace()).toEqual([
      'a is preCandidate of term 0',
      'a → b preVoteRequest term 1 last 0/0',
      'a → c preVoteRequest term 1 last 0/0',
      'b → a preVoteResponse term 1 granted',
      'a is candidate of term 1',
      'c → a preVoteResponse term 1 granted',
      'a → b voteRequest term 1 last 0/0',
      'b is follower of term 1',
      'a → c voteRequest term 1 last 0/0',
      'c is follower of term 1',
      'b → a voteResponse term 1 granted',
      'a is leader of term 1',
      'c → a voteResponse term 1 granted',
      'a → b appendRequest term 1 prev 0/0 commit 0 [1/1]',
      'a → c appendRequest term 1 prev 0/0 commit 0 [1/1]',
      'b → a appendResponse term 1 match 1',
      'c → a appendResponse term 1 match 1',
      'a → b appendRequest term 1 prev 1/1 commit 1 []',
      'a → c appendRequest term 1 prev 1/1 commit 1 []',
    ]);
    for (const id of cluster.ids) expect(cluster.status(id).commitIndex).toBe(1);
  });

  it('begins when nobody was heard for a timeout between n and 2n ticks, and not before', () => {
    const seen = new Set<number>();
    for (let seed = 0; seed < 200; seed++) {
      const cluster = new Cluster('abc', { raft: { seed } });
      let ticks = 0;
      while (cluster.status('a').role === 'follower') {
        cluster.tick('a');
        ticks++;
      }
      expect(ticks).toBeGreaterThanOrEqual(10);
      expect(ticks).toBeLessThan(20);
      seen.add(ticks);
    }
    expect(seen.size).toBe(10);
  });

  it('draws a new timeout at each change of role, so that members with one seed part ways', () => {
    const cluster = new Cluster('abc');
    const deadlines = new Set<number>();
    for (let i = 0; i < 30; i++) {
      cluster.campaign('a');
      deadlines.add(stateOf(cluster.member('a').raft).electionDeadlineTicks);
    }
    expect(deadlines.size).toBeGreaterThan(5);
    const first = cluster.ids.map((id) => stateOf(new Cluster('abc').member(id).raft).electionDeadlineTicks);
    expect(new Set(first).size).toBeGreaterThan(1);
  });

  it('elects somebody in a calm cluster by ticks alone', () => {
    for (let seed = 0; seed < 20; seed++) {
      const cluster = new Cluster('abcde', { raft: { seed } });
      cluster.pass(60);
      expect(cluster.ids.filter((id) => cluster.status(id).role === 'leader')).toHaveLength(1);
    }
  });

  it('gives one vote a term, to whoever asks first, and gives it again if asked again', () => {
    const cluster = new Cluster('abc');
    const request = { type: 'voteRequest', to: 'c', term: 5, lastIndex: 0, lastTerm: 0 } as const;
    const answers: unknown[] = [];
    for (const [from, lastIndex] of [
      ['a', 0],
      ['b', 9],
      ['a', 0],
    ] as const) {
      cluster.receive({ ...request, from, lastIndex });
      cluster.work('c');
      for (const message of cluster.lose())
        if (message.type === 'voteResponse') answers.push([message.to, message.granted]);
    }
    expect(answers).toEqual([
      ['a', true],
      ['b', false],
      ['a', true],
    ]);
  });

  it('returns a candidate to follower when it hears its term’s leader, and stops asking for votes', () => {
    const cluster = new Cluster('abc');
    cluster.campaign('a');
    cluster.deliver(ofType('preVoteRequest'));
    cluster.deliver(ofType('preVoteResponse'));
    expect(cluster.status('a').role).toBe('candidate');
    cluster.receive({ type: 'heartbeatRequest', from: 'b', to: 'a', term: 1, commitIndex: 0, readToken: 0 });
    expect(cluster.status('a')).toMatchObject({ role: 'follower', term: 1, leaderId: 'b', votedFor: 'a' });
    cluster.work('a');
    expect(cluster.inTransit.map((m) => m.type)).toEqual(['heartbeatResponse']);
  });

  it('gives up when a majority refuses', () => {
    const cluster = new Cluster('abc', { disks: { a: diskOf('1', 1), b: diskOf('1 1', 1), c: diskOf('1 1', 1) } });
    cluster.campaign('a');
    cluster.settle();
    expect(cluster.status('a')).toMatchObject({ role: 'follower', term: 1 });
  });

  it('elects the only voter by itself, as soon as its vote is durable', () => {
    const cluster = new Cluster('a');
    cluster.holdDisk('a');
    cluster.campaign('a');
    cluster.work('a');
    expect(cluster.status('a').role).toBe('candidate');
    cluster.releaseDisk('a');
    cluster.settle();
    expect(cluster.status('a')).toMatchObject({ role: 'leader', term: 1, commitIndex: 1 });
    expect(cluster.takeTrace().filter((line) => line.includes('→'))).toEqual([]);
  });
});

describe('§3.6.1 the candidate’s log must be up to date', () => {
  it.each([
    // voter's log, candidate's last index and term, granted
    ['', 0, 0, true],
    ['1', 0, 0, false],
    ['1', 1, 1, true],
    ['1 1', 1, 1, false],
    ['1 1', 3, 1, true],
    ['1 1 1', 1, 2, true],
    ['1 2', 9, 1, false],
    ['1 2', 2, 2, true],
    ['1 2', 1, 3, true],
  ])('a voter with terms "%s" asked with last %i/%i: %s', (terms, lastIndex, lastTerm, granted) => {
    const cluster = new Cluster('abc', { disks: { b: diskOf(terms, 3) } });
    cluster.receive({ type: 'preVoteRequest', from: 'a', to: 'b', term: 4, lastIndex, lastTerm });
    cluster.receive({ type: 'voteRequest', from: 'a', to: 'b', term: 4, lastIndex, lastTerm });
    cluster.work('b');
    expect(cluster.inTransit).toMatchObject([
      { type: 'preVoteResponse', granted },
      { type: 'voteResponse', granted },
    ]);
  });
});

describe('§3.8 a vote is durable before it is given', () => {
  it('withholds the answer until then', () => {
    const cluster = new Cluster('abc');
    cluster.holdDisk('b');
    cluster.receive({ type: 'voteRequest', from: 'a', to: 'b', term: 1, lastIndex: 0, lastTerm: 0 });
    cluster.tick('b', 3);
    expect(cluster.inTransit).toEqual([]);
    cluster.persistOne('b');
    expect(cluster.inTransit).toMatchObject([{ type: 'voteResponse', term: 1, granted: true }]);
    expect(cluster.member('b').disk.hardState).toMatchObject({ term: 1, votedFor: 'a' });
  });

  it('lets nobody win twice in a term when a voter crashes between vote and disk', () => {
    const cluster = new Cluster('abc');
    cluster.holdDisk('c');
    cluster.receive({ type: 'voteRequest', from: 'a', to: 'c', term: 1, lastIndex: 0, lastTerm: 0 });
    cluster.crash('c');
    cluster.restart('c');
    cluster.receive({ type: 'voteRequest', from: 'b', to: 'c', term: 1, lastIndex: 0, lastTerm: 0 });
    cluster.work('c');
    // It votes again, for another one: so the first answer must never have left.
    expect(cluster.inTransit).toMatchObject([{ type: 'voteResponse', to: 'b', granted: true }]);
  });

  it('makes a candidate wait for its own disk before it asks for votes or counts its own', () => {
    const cluster = new Cluster('abc');
    cluster.holdDisk('a');
    cluster.campaign('a');
    cluster.settle();
    expect(cluster.status('a')).toMatchObject({ role: 'candidate', term: 1 });
    expect(stateOf(cluster.member('a').raft).votes.size).toBe(0);
    expect(cluster.status('b').term).toBe(0);
    cluster.crash('a');
    cluster.restart('a');
    expect(cluster.status('a').term).toBe(0);
    cluster.elect('a');
  });

  it('does not take the durability of an older term for that of its vote', () => {
    const cluster = new Cluster('a');
    cluster.holdDisk('a');
    cluster.campaign('a');
    cluster.campaign('a');
    expect(cluster.status('a')).toMatchObject({ role: 'candidate', term: 2 });
    cluster.persistOne('a');
    expect(cluster.status('a').role).toBe('candidate');
    cluster.persistOne('a');
    expect(cluster.status('a')).toMatchObject({ role: 'leader', term: 2 });
  });

  it('does not believe a vote that answers a request which never left', () => {
    const cluster = new Cluster('abc');
    cluster.holdDisk('a');
    cluster.campaign('a');
    cluster.settle();
    cluster.receive({ type: 'voteResponse', from: 'b', to: 'a', term: 1, granted: true });
    cluster.receive({ type: 'voteResponse', from: 'c', to: 'a', term: 1, granted: true });
    expect(cluster.status('a').role).toBe('candidate');
  });

  it('forgets a withheld vote of an older term', () => {
    const cluster = new Cluster('abc');
    cluster.holdDisk('c');
    cluster.receive({ type: 'voteRequest', from: 'a', to: 'c', term: 1, lastIndex: 0, lastTerm: 0 });
    cluster.receive({ type: 'voteRequest', from: 'b', to: 'c', term: 2, lastIndex: 0, lastTerm: 0 });
    cluster.releaseDisk('c');
    cluster.work('c');
    expect(cluster.inTransit).toMatchObject([{ to: 'b', term: 2, granted: true }]);
  });

  it('withholds a heartbeat’s answer, and a refusal, until the term that they carry is durable', () => {
    const cluster = new Cluster('abc');
    cluster.holdDisk('b');
    cluster.receive({ type: 'heartbeatRequest', from: 'a', to: 'b', term: 7, commitIndex: 0, readToken: 3 });
    cluster.receive({
      ...{ type: 'appendRequest', from: 'a', to: 'b', term: 7, leaderCommit: 0, entries: [] },
      ...{ prevLogIndex: 4, prevLogTerm: 2 },
    });
    expect(cluster.inTransit).toEqual([]);
    cluster.persistOne('b');
    expect(cluster.inTransit.map((m) => m.type)).toEqual(['heartbeatResponse', 'appendResponse']);
  });
});

describe('members that do not vote', () => {
  it('never campaign', () => {
    const cluster = new Cluster('abc', { learners: 'd' });
    cluster.tick('d', 100);
    cluster.campaign('d');
    expect(cluster.status('d')).toMatchObject({ role: 'follower', term: 0 });
  });

  it('do not go on believing in a leader that is gone: what they forward would go nowhere', () => {
    const cluster = new Cluster('abc', { learners: 'd' });
    cluster.elect('a');
    for (const id of 'abc') cluster.crash(id);
    cluster.tick('d', 20);
    expect(cluster.status('d')).toMatchObject({ role: 'follower', term: 1, leaderId: undefined });
    cluster.propose('d', 'p1');
    expect(cluster.results('d')).toMatchObject([{ context: 1, refused: 'no-leader' }]);
    // And do once it is back, in the same term.
    cluster.receive({ type: 'heartbeatRequest', from: 'a', to: 'd', term: 1, commitIndex: 1, readToken: 0 });
    expect(cluster.status('d').leaderId).toBe('a');
  });

  it('answer when they are asked, since they may be voters by now (T21)', () => {
    const cluster = new Cluster('abc', { learners: 'd' });
    cluster.receive({ type: 'voteRequest', from: 'z', to: 'd', term: 3, lastIndex: 0, lastTerm: 0 });
    cluster.work('d');
    expect(cluster.inTransit).toMatchObject([{ type: 'voteResponse', to: 'z', granted: true }]);
  });

  it('are not counted, nor are strangers', () => {
    const cluster = new Cluster('abc', { learners: 'de' });
    cluster.campaign('a');
    for (const from of ['d', 'e', 'y', 'z']) {
      cluster.receive({ type: 'preVoteResponse', from, to: 'a', term: 1, granted: true });
    }
    expect(cluster.status('a').role).toBe('preCandidate');
    cluster.receive({ type: 'preVoteResponse', from: 'b', to: 'a', term: 1, granted: true });
    cluster.work('a');
    for (const from of ['d', 'e', 'y', 'z']) {
      cluster.receive({ type: 'voteResponse', from, to: 'a', term: 1, granted: true });
    }
    expect(cluster.status('a').role).toBe('candidate');
  });
});

describe('messages that are not for us', () => {
  it('are ignored: for another, from ourselves, of an absurd term, an answer from a stranger', () => {
    const cluster = new Cluster('abc');
    const vote = { type: 'voteRequest', from: 'b', to: 'a', term: 5, lastIndex: 0, lastTerm: 0 } as const;
    const { raft } = cluster.member('a');
    raft.step({ type: 'receive', message: { ...vote, to: 'c' } });
    raft.step({ type: 'receive', message: { ...vote, from: 'a' } });
    raft.step({ type: 'receive', message: { ...vote, term: Number.MAX_SAFE_INTEGER } });
    raft.step({ type: 'receive', message: { type: 'heartbeatResponse', from: 'z', to: 'a', term: 9, readToken: 0 } });
    expect(raft.hasReady()).toBe(false);
    expect(cluster.status('a').term).toBe(0);
  });

  it('include those of a second leader of one term', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.receive({ type: 'heartbeatRequest', from: 'c', to: 'b', term: 1, commitIndex: 0, readToken: 0 });
    cluster.receive({ type: 'heartbeatRequest', from: 'c', to: 'a', term: 1, commitIndex: 0, readToken: 0 });
    expect(cluster.inTransit).toEqual([]);
    expect(cluster.status('a').role).toBe('leader');
    expect(cluster.status('b').leaderId).toBe('a');
  });
});
