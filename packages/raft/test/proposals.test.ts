// Proposals: appended, forwarded or refused, and what the proposer may believe of the answer.
import { Cluster, between, diskOf, ofType } from './cluster.ts';
import { describe, expect, it } from 'vitest';

describe('a proposal on the leader', () => {
  it('becomes an entry, and its place comes with the same Ready', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    const { raft } = cluster.member('a');
    raft.step({ type: 'propose', context: 9, data: new Uint8Array([1, 2]) });
    const ready = raft.takeReady();
    expect(ready.proposalResults).toEqual([{ context: 9, index: 2, term: 1, refused: undefined }]);
    expect(ready.entries).toMatchObject([{ index: 2, term: 1, kind: 'command' }]);
    expect(ready.messages).toHaveLength(2);
  });

  it('is refused as busy above the limit of uncommitted bytes, but one alone always passes', () => {
    const cluster = new Cluster('abc', { raft: { maxUncommittedBytes: 100 } });
    cluster.elect('a');
    cluster.propose('a', 'p1'.repeat(200));
    cluster.propose('a', 'p2');
    expect(cluster.results('a')).toMatchObject([{ index: 2 }, { context: 2, refused: 'busy' }]);
    cluster.settle();
    expect(cluster.status('a').uncommittedBytes).toBe(0);
    cluster.propose('a', 'p3', 'p4', 'p5');
    expect(cluster.results('a')).toMatchObject([{ index: 3 }, { index: 4 }, { context: 5, refused: 'busy' }]);
  });

  it('that finds uncommitted entries of earlier leaders counts them', () => {
    const disks = { a: diskOf('1 1 1', 1), b: diskOf('1 1 1', 1) };
    const cluster = new Cluster('ab', { disks, raft: { maxUncommittedBytes: 120 } });
    cluster.campaign('a');
    while (cluster.status('a').role !== 'leader') {
      cluster.deliver();
      for (const id of cluster.ids) cluster.work(id);
    }
    expect(cluster.status('a').uncommittedBytes).toBe(3 * 34 + 32);
    cluster.propose('a', 'p1');
    expect(cluster.results('a')).toMatchObject([{ refused: 'busy' }]);
  });
});

describe('a leader whose state machine does not keep up', () => {
  it('refuses proposals as busy above the limit of unapplied bytes, and takes them again when it has caught up', () => {
    const cluster = new Cluster('abc', { raft: { maxUnappliedBytes: 100, maxCommittedBytes: 64 } });
    cluster.elect('a');
    cluster.holdMachine('a');
    for (const text of ['p1', 'p2', 'p3']) {
      cluster.propose('a', text);
      cluster.settle();
    }
    // Three entries of 34 bytes are committed, the first two of them handed out; none is applied.
    cluster.propose('a', 'p4');
    cluster.propose('b', 'p5');
    cluster.settle();
    expect(cluster.results('a').at(-1)).toMatchObject({ context: 4, refused: 'busy' });
    expect(cluster.results('b').at(-1)).toMatchObject({ context: 5, refused: 'busy' });
    cluster.releaseMachine('a');
    cluster.settle();
    cluster.propose('b', 'p6');
    cluster.settle();
    expect(cluster.results('b').at(-1)).toMatchObject({ context: 6, index: 5 });
    expect(cluster.applied('a')).toEqual(['', 'p1', 'p2', 'p3', 'p6']);
  });

  it('counts what an earlier leader had committed when it is elected', () => {
    const cluster = new Cluster('abc', { raft: { maxUnappliedBytes: 60 } });
    cluster.elect('a');
    cluster.holdMachine('b');
    cluster.propose('a', 'p1', 'p2');
    cluster.settle();
    cluster.tick('c', 10);
    cluster.tick('a', 10);
    cluster.lose();
    cluster.elect('b');
    cluster.propose('b', 'p3');
    expect(cluster.results('b').at(-1)).toMatchObject({ refused: 'busy' });
  });
});

describe('a proposal on a follower', () => {
  it('goes to the leader with all others of its turn, and the answer names the places', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.propose('b', 'p1', 'p2', 'p3');
    cluster.deliver();
    cluster.deliver(ofType('proposeResponse'));
    expect(cluster.takeTrace()).toEqual([
      'b → a proposeRequest term 1 3 proposals',
      'a → b proposeResponse term 1 accepted 3 at 2/1',
    ]);
    expect(cluster.results('b')).toMatchObject([
      { context: 1, index: 2, term: 1 },
      { context: 2, index: 3, term: 1 },
      { context: 3, index: 4, term: 1 },
    ]);
    cluster.settle();
    expect(cluster.applied('b')).toEqual(['', 'p1', 'p2', 'p3']);
  });

  it('is split into requests as large as an AppendEntries may be', () => {
    const cluster = new Cluster('ab', { raft: { maxAppendEntries: 2 } });
    cluster.elect('a');
    cluster.propose('b', 'p1', 'p2', 'p3');
    cluster.settle();
    expect(cluster.results('b').map((result) => result.index)).toEqual([2, 3, 4]);
    expect(cluster.applied('b')).toEqual(['', 'p1', 'p2', 'p3']);
  });

  it('is refused for the rest when the leader takes only some', () => {
    const cluster = new Cluster('abc', { raft: { maxUncommittedBytes: 100 } });
    cluster.elect('a');
    cluster.propose('a', 'p1');
    cluster.propose('b', 'p2', 'p3');
    cluster.deliver(ofType('proposeRequest'));
    cluster.deliver(ofType('proposeResponse'));
    expect(cluster.results('b')).toMatchObject([
      { context: 2, index: 3 },
      { context: 3, refused: 'busy' },
    ]);
  });

  it('is refused without a leader, and by a member that is none', () => {
    const cluster = new Cluster('abc');
    cluster.propose('b', 'p1');
    expect(cluster.results('b')).toMatchObject([{ context: 1, refused: 'no-leader' }]);
    cluster.elect('a');
    cluster.propose('b', 'p2');
    const [request] = cluster.lose(ofType('proposeRequest'));
    cluster.receive({ ...request!, to: 'c' });
    cluster.deliver(ofType('proposeResponse'));
    expect(cluster.results('b')).toMatchObject([{ context: 2, refused: 'no-leader' }]);
  });

  it('has an unknown outcome when the answer does not come in time: no result, and it is forgotten', () => {
    const cluster = new Cluster('abc', { raft: { maxForwardedBytes: 100, proposalTimeoutTicks: 35 } });
    cluster.elect('a');
    cluster.propose('b', 'p1', 'p2');
    const [late] = takeAnswer(cluster);
    cluster.pass(34);
    cluster.propose('b', 'p3');
    expect(cluster.results('b')).toMatchObject([{ context: 3, refused: 'busy' }]);
    cluster.pass(1);
    cluster.propose('b', 'p4');
    cluster.settle();
    cluster.receive(late!);
    expect(cluster.results('b')).toMatchObject([{ context: 4, index: 4 }]);
  });

  it('has its result from a leader that answers late, but in time', () => {
    const cluster = new Cluster('abc', { raft: { proposalTimeoutTicks: 35 } });
    cluster.elect('a');
    cluster.propose('b', 'p1');
    const [late] = takeAnswer(cluster);
    cluster.pass(34);
    cluster.receive(late!);
    expect(cluster.results('b')).toMatchObject([{ context: 1, index: 2, term: 1 }]);
  });

  it('is refused if it had not left when the leader was lost, and unknown if it had', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.propose('b', 'p1');
    cluster.lose();
    const { raft } = cluster.member('b');
    raft.step({ type: 'propose', context: 2, data: new Uint8Array(1) });
    raft.step({
      type: 'receive',
      message: { type: 'heartbeatRequest', from: 'c', to: 'b', term: 4, commitIndex: 0, readToken: 0 },
    });
    cluster.pump('b');
    expect(cluster.results('b')).toMatchObject([{ context: 2, refused: 'no-leader' }]);
  });

  it('is given up at a new term, though the leader be the same: what it answered in the old one is not heard', () => {
    const cluster = new Cluster('abc', { raft: { maxForwardedBytes: 100 } });
    cluster.elect('a');
    cluster.propose('b', 'p1', 'p2');
    const [late] = takeAnswer(cluster);
    cluster.read('b', 7);
    const beat = { type: 'heartbeatRequest', from: 'a', to: 'b', term: 2, commitIndex: 0, readToken: 0 } as const;
    cluster.receive(beat);
    cluster.receive(late!);
    expect(cluster.status('b')).toMatchObject({ term: 2, leaderId: 'a' });
    expect(cluster.reads('b')).toMatchObject([{ context: 7, refused: 'no-leader' }]);
    cluster.propose('b', 'p3');
    expect(cluster.results('b')).toEqual([]);
    expect(cluster.lose(ofType('proposeRequest'))).toHaveLength(1);
  });

  it('that an old leader accepted is told apart by its term', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.isolate('a');
    cluster.propose('a', 'p1');
    const [promised] = cluster.results('a');
    expect(promised).toMatchObject({ index: 2, term: 1 });
    cluster.pass(60);
    cluster.heal();
    cluster.pass(30);
    expect(cluster.member('a').raft.termAt(2)).not.toBe(1);
    expect(cluster.applied('a')).not.toContain('p1');
  });
});

function takeAnswer(cluster: Cluster): ReturnType<Cluster['lose']> {
  cluster.deliver(between('b', 'a'));
  return cluster.lose(ofType('proposeResponse'));
}
