// Linearizable reads (§6.4) and their traps: T14, T15, T16.
import { Cluster, between, diskOf, ofType } from './cluster.ts';
import { describe, expect, it } from 'vitest';
import type { HeartbeatResponse } from '../src/index.ts';

function served(cluster: Cluster, id: string): (number | string)[][] {
  return cluster.reads(id).map((state) => [state.context, state.refused ?? state.index!]);
}

describe('§6.4 ReadIndex on a leader', () => {
  it('confirms all reads of one turn by one round of heartbeats', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    for (const context of [1, 2, 3]) cluster.member('a').step({ type: 'readIndex', context });
    cluster.settle();
    expect(cluster.takeTrace()).toEqual([
      'a → b heartbeatRequest term 1 commit 1 token 1',
      'a → c heartbeatRequest term 1 commit 1 token 1',
      'b → a heartbeatResponse term 1 token 1',
      'c → a heartbeatResponse term 1 token 1',
    ]);
    expect(served(cluster, 'a')).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
    ]);
  });

  it('waits until an entry of the own term is committed, then knows the last leader’s commits (T14)', () => {
    // a was elected with 2/1 and 3/1 in its log; whether they are committed it learns with its own entry.
    const cluster = new Cluster('abc', { disks: { a: diskOf('1 1', 1), b: diskOf('1 1', 1), c: diskOf('1 1', 1) } });
    cluster.campaign('a');
    while (cluster.status('a').role !== 'leader') {
      cluster.deliver();
      for (const id of cluster.ids) cluster.work(id);
    }
    const appends = cluster.lose(ofType('appendRequest'));
    cluster.read('a', 7);
    cluster.settle();
    expect(served(cluster, 'a')).toEqual([]);
    for (const append of appends) cluster.receive(append);
    cluster.settle();
    expect(served(cluster, 'a')).toEqual([[7, 3]]);
  });

  it('does not take an answer to an earlier heartbeat for a later read (T15)', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.read('a', 1);
    cluster.deliver(ofType('heartbeatRequest'));
    const early = cluster.lose(ofType('heartbeatResponse')) as HeartbeatResponse[];
    expect(early).toHaveLength(2);
    // Meanwhile others elect b and commit; a does not know.
    cluster.isolate('a');
    cluster.tick('c', 10);
    cluster.campaign('b');
    cluster.settle();
    cluster.propose('b', 'p1');
    cluster.settle();
    expect(cluster.status('b')).toMatchObject({ role: 'leader', commitIndex: 3 });
    cluster.read('a', 2);
    for (const answer of early) cluster.receive(answer);
    // The first read began before anything was committed elsewhere and may be served; the second may not.
    expect(served(cluster, 'a')).toEqual([[1, 1]]);
    cluster.tick('a', 30);
    expect(served(cluster, 'a')).toEqual([[2, 'no-leader']]);
  });

  it('gives each round a token of its own, and an answer confirms the older ones too', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.read('a', 1);
    cluster.propose('a', 'p1');
    cluster.settle();
    cluster.takeTrace();
    cluster.reads('a');
    cluster.read('a', 2);
    cluster.read('a', 3);
    cluster.read('a', 4);
    const beats = cluster.lose(between('a', 'b'));
    expect(beats.map((m) => m.type === 'heartbeatRequest' && m.readToken)).toEqual([2, 3, 4]);
    cluster.lose();
    cluster.receive({ type: 'heartbeatResponse', from: 'b', to: 'a', term: 1, readToken: 3 });
    expect(served(cluster, 'a')).toEqual([
      [2, 2],
      [3, 2],
    ]);
  });

  it('repairs a lost round with the next heartbeat, which carries the newest open token', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.read('a', 1);
    cluster.read('a', 2);
    cluster.lose();
    cluster.tick('a', 2);
    expect(cluster.inTransit).toMatchObject([{ readToken: 2 }, { readToken: 2 }]);
    cluster.settle();
    expect(served(cluster, 'a')).toEqual([
      [1, 1],
      [2, 1],
    ]);
    cluster.tick('a', 2);
    expect(cluster.inTransit).toMatchObject([{ readToken: 0 }, { readToken: 0 }]);
  });

  it('counts only voters (T16)', () => {
    const cluster = new Cluster('abc', { learners: 'de' });
    cluster.elect('a');
    cluster.read('a', 1);
    expect(cluster.inTransit.map((message) => message.to)).toEqual(['b', 'c']);
    cluster.lose();
    for (const from of ['d', 'e', 'z']) {
      cluster.receive({ type: 'heartbeatResponse', from, to: 'a', term: 1, readToken: 1 });
    }
    expect(served(cluster, 'a')).toEqual([]);
    cluster.receive({ type: 'heartbeatResponse', from: 'b', to: 'a', term: 1, readToken: 1 });
    expect(served(cluster, 'a')).toEqual([[1, 1]]);
  });

  it('needs a majority of both halves of a joint configuration (T16)', () => {
    const cluster = new Cluster('ade', { learners: 'bc' });
    cluster.elect('a');
    cluster.change('a', { type: 'promote', id: 'b' }, { type: 'promote', id: 'c' }, { type: 'remove', id: 'd' });
    expect(cluster.configuration('a')).toBe('abce/ade');
    cluster.lose();
    cluster.read('a', 1);
    cluster.deliver((message) => message.to === 'b' || message.to === 'c');
    cluster.deliver(ofType('heartbeatResponse'));
    expect(served(cluster, 'a')).toEqual([]);
    cluster.read('a', 2);
    cluster.deliver((message) => message.to === 'd');
    cluster.deliver(ofType('heartbeatResponse'));
    expect(served(cluster, 'a')).toEqual([[1, 1]]);
    cluster.settle();
    expect(served(cluster, 'a')).toEqual([[2, 1]]);
  });

  it('is not fooled by a token that was never given out', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.receive({ type: 'heartbeatResponse', from: 'b', to: 'a', term: 1, readToken: 1000 });
    cluster.read('a', 1);
    cluster.lose();
    expect(served(cluster, 'a')).toEqual([]);
  });

  it('needs no message where the leader is the only voter', () => {
    const cluster = new Cluster('a', { learners: 'b' });
    cluster.elect('a');
    cluster.read('a', 1);
    expect(served(cluster, 'a')).toEqual([[1, 1]]);
    expect(cluster.inTransit).toEqual([]);
  });
});

describe('ReadIndex on a follower', () => {
  it('asks the leader once for all reads of a turn', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    for (const context of [1, 2, 3]) cluster.member('b').step({ type: 'readIndex', context });
    cluster.settle();
    const lines = cluster.takeTrace();
    expect(lines.filter((line) => line.includes('readIndex'))).toEqual([
      'b → a readIndexRequest term 1',
      'a → b readIndexResponse term 1 index 1',
    ]);
    expect(served(cluster, 'b')).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
    ]);
  });

  it('has its own reads and its followers’ confirmed by one round', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.read('b', 1);
    cluster.read('c', 2);
    const { raft } = cluster.member('a');
    raft.step({ type: 'readIndex', context: 3 });
    for (const message of cluster.lose()) raft.step({ type: 'receive', message });
    cluster.pump('a');
    expect(cluster.inTransit.map((message) => message.type)).toEqual(['heartbeatRequest', 'heartbeatRequest']);
    cluster.settle();
    expect([served(cluster, 'a'), served(cluster, 'b'), served(cluster, 'c')]).toEqual([[[3, 1]], [[1, 1]], [[2, 1]]]);
  });

  it('takes the index that its leader knew, which may be ahead of its own', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.cut('a', 'b');
    cluster.propose('a', 'p1');
    cluster.settle();
    cluster.heal();
    cluster.read('b', 1);
    cluster.deliver(ofType('readIndexRequest'));
    cluster.deliver(ofType('heartbeatRequest'));
    cluster.deliver(ofType('heartbeatResponse'));
    cluster.deliver(ofType('readIndexResponse'));
    // It must wait until it has applied 2, and has not even got it.
    expect(served(cluster, 'b')).toEqual([[1, 2]]);
    expect(cluster.status('b').appliedIndex).toBe(1);
  });

  it('does not take an answer from before its restart for an answer to a new read', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.read('b', 1);
    cluster.settle();
    cluster.read('b', 2);
    cluster.deliver(ofType('readIndexRequest'));
    cluster.deliver(ofType('heartbeatRequest'));
    cluster.deliver(ofType('heartbeatResponse'));
    const [late] = cluster.lose(ofType('readIndexResponse'));
    cluster.crash('b');
    cluster.propose('a', 'p1');
    cluster.settle();
    cluster.restart('b');
    cluster.tick('a', 2);
    cluster.settle();
    cluster.read('b', 3);
    cluster.receive(late!);
    expect(served(cluster, 'b')).toEqual([]);
    cluster.settle();
    expect(served(cluster, 'b')).toEqual([[3, 2]]);
  });
});

describe('a read is refused, definitely', () => {
  it('without a leader', () => {
    const cluster = new Cluster('abc');
    cluster.read('a', 1);
    expect(served(cluster, 'a')).toEqual([[1, 'no-leader']]);
  });

  it('when its leader steps down, wherever it was asked', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.read('a', 1);
    cluster.read('b', 2);
    cluster.deliver(ofType('readIndexRequest'));
    cluster.lose();
    cluster.receive({ type: 'voteResponse', from: 'c', to: 'a', term: 5, granted: false });
    expect(served(cluster, 'a')).toEqual([[1, 'no-leader']]);
    cluster.work('a');
    expect(cluster.inTransit).toMatchObject([{ type: 'readIndexResponse', to: 'b', term: 5, index: undefined }]);
    cluster.settle();
    expect(served(cluster, 'b')).toEqual([[2, 'no-leader']]);
  });

  it('by a member that is not the leader any more', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.receive({ type: 'readIndexRequest', from: 'b', to: 'c', term: 1, requestId: 4 });
    expect(cluster.inTransit).toMatchObject([{ type: 'readIndexResponse', requestId: 4, index: undefined }]);
  });

  it('when no answer comes within an election timeout', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.read('b', 1);
    cluster.lose();
    cluster.pass(9);
    expect(served(cluster, 'b')).toEqual([]);
    cluster.pass(1);
    expect(served(cluster, 'b')).toEqual([[1, 'no-leader']]);
    expect(cluster.status('b').pendingReads).toBe(0);
  });

  it('when too many are open', () => {
    const cluster = new Cluster('abc', { raft: { maxPendingReads: 2 } });
    cluster.elect('a');
    cluster.read('a', 1, 2, 3);
    expect(served(cluster, 'a')).toEqual([[3, 'busy']]);
    cluster.settle();
    cluster.read('a', 4);
    cluster.settle();
    expect(served(cluster, 'a').map(([context]) => context)).toEqual([1, 2, 4]);
    expect(cluster.status('a').pendingReads).toBe(0);
  });
});
