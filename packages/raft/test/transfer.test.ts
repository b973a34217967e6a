// Leadership transfer (§3.10): its steps, its refusals, and what it must not do.
import { Cluster, between, diskOf, ofType } from './cluster.ts';
import { describe, expect, it } from 'vitest';

function transfer(cluster: Cluster, from: string, to?: string, context = 1): void {
  cluster.member(from).step({ type: 'transferLeadership', context, to });
  cluster.pump(from);
}
const answers = (cluster: Cluster, id: string): unknown[] => cluster.member(id).transferResults.splice(0);

describe('§3.10 a transfer', () => {
  it('tells the target to campaign at once; it wins without a pre-vote, though all hear the leader', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    transfer(cluster, 'a', 'b');
    cluster.settle();
    expect(cluster.takeTrace().slice(0, 6)).toEqual([
      'a → b timeoutNowRequest term 1',
      'b is candidate of term 2',
      'b → a voteRequest term 2 last 1/1 transfer',
      'a is follower of term 2',
      'b → c voteRequest term 2 last 1/1 transfer',
      'c is follower of term 2',
    ]);
    expect(cluster.status('b')).toMatchObject({ role: 'leader', term: 2 });
    expect(answers(cluster, 'a')).toEqual([{ context: 1, refused: undefined }]);
  });

  it('waits until the target has the whole log, and takes no proposals meanwhile', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.propose('a', 'p1');
    cluster.member('c').step({ type: 'propose', context: 7, data: new Uint8Array(1) });
    cluster.pump('c');
    transfer(cluster, 'a', 'b');
    expect(cluster.inTransit.some(({ type }) => type === 'timeoutNowRequest')).toBe(false);
    cluster.propose('a', 'p2');
    expect(cluster.results('a')).toMatchObject([{ context: 1 }, { context: 2, refused: 'busy' }]);
    cluster.settle();
    expect(cluster.results('c')).toMatchObject([{ context: 7, refused: 'busy' }]);
    expect(cluster.status('b')).toMatchObject({ role: 'leader', term: 2, lastIndex: 3, commitIndex: 3 });
    expect(cluster.applied('a')).toEqual(['', 'p1', '']);
  });

  it('goes to the one that is best up to date when nobody is named', () => {
    const cluster = new Cluster('abcd', { learners: 'e' });
    cluster.elect('a');
    cluster.cut('b', 'a');
    cluster.propose('a', 'p1');
    cluster.settle();
    transfer(cluster, 'a');
    expect(cluster.status('a').transferTo).toBe('c');
    cluster.settle();
    expect(cluster.status('c').role).toBe('leader');
  });

  it('is given up after an election timeout; then the leader takes proposals again', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.cut('a', 'b');
    transfer(cluster, 'a', 'b');
    cluster.pass(9);
    cluster.propose('a', 'p1');
    expect(cluster.results('a')).toMatchObject([{ refused: 'busy' }]);
    expect(answers(cluster, 'a')).toEqual([]);
    cluster.pass(1);
    expect(answers(cluster, 'a')).toEqual([{ context: 1, refused: 'not-ready' }]);
    cluster.propose('a', 'p2');
    cluster.settle();
    expect(cluster.applied('a')).toEqual(['', 'p2']);
  });

  it('says it again when the word was lost', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    transfer(cluster, 'a', 'b');
    expect(cluster.lose(ofType('timeoutNowRequest'))).toHaveLength(1);
    cluster.pass(3);
    expect(cluster.status('b')).toMatchObject({ role: 'leader', term: 2 });
  });

  it('is refused where it makes no sense', () => {
    const cluster = new Cluster('abc', { learners: 'd' });
    cluster.elect('a');
    transfer(cluster, 'b', 'c');
    expect(answers(cluster, 'b')).toEqual([{ context: 1, refused: 'no-leader' }]);
    transfer(cluster, 'a', 'd', 2);
    transfer(cluster, 'a', 'nobody', 3);
    transfer(cluster, 'a', 'a', 4);
    transfer(cluster, 'a', 'b', 5);
    transfer(cluster, 'a', 'c', 6);
    expect(answers(cluster, 'a')).toEqual([
      { context: 2, refused: 'invalid' },
      { context: 3, refused: 'invalid' },
      { context: 4, refused: undefined },
      { context: 6, refused: 'busy' },
    ]);
  });

  it('is refused to one that has been silent, and by a leader that is alone', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.isolate('c');
    cluster.pass(30);
    transfer(cluster, 'a', 'c');
    expect(answers(cluster, 'a')).toEqual([{ context: 1, refused: 'not-ready' }]);
    const alone = new Cluster('a');
    alone.elect('a');
    transfer(alone, 'a');
    expect(answers(alone, 'a')).toEqual([{ context: 1, refused: 'not-ready' }]);
  });

  it('is answered without a leader’s word when leadership was lost in its own term', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.pass(8);
    cluster.isolate('a');
    transfer(cluster, 'a', 'b');
    cluster.pass(30);
    expect(cluster.status('a').role).not.toBe('leader');
    expect(answers(cluster, 'a')).toHaveLength(1);
  });

  it('is never said not to have come about once the target was told: the old leader may not hear of it', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    transfer(cluster, 'a', 'b');
    cluster.deliver(ofType('timeoutNowRequest'));
    cluster.work('b');
    cluster.deliver(between('b', 'a'));
    cluster.isolate('a');
    cluster.pass(12);
    expect(cluster.status('b').role).toBe('leader');
    expect(answers(cluster, 'a')).toEqual([{ context: 1, refused: 'not-ready' }]);
  });

  it('goes before the end of a change of members: the target would be behind the entry that leaves the joint configuration', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.change('a', { type: 'remove', id: 'a' });
    transfer(cluster, 'a', 'b');
    for (const id of 'bc') {
      cluster.deliver(between('a', id));
      cluster.work(id);
      cluster.deliver(between(id, 'a'));
    }
    cluster.work('a');
    // Committed, while the word to b is on its way.
    expect(cluster.status('a')).toMatchObject({ commitIndex: 2, lastIndex: 2, transferTo: 'b' });
    cluster.settle();
    expect(cluster.status('b')).toMatchObject({ role: 'leader', term: 2 });
    expect(answers(cluster, 'a')).toEqual([{ context: 1, refused: undefined }]);
    expect(cluster.configuration('c')).toBe('bc');
  });

  it('that is given up lets the change of members come to its end', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.change('a', { type: 'remove', id: 'c' });
    transfer(cluster, 'a', 'b');
    for (let ticks = 0; ticks < 10; ticks++) {
      expect(cluster.configuration('a')).toBe('ab/abc');
      cluster.tickAll();
      for (let round = 0; round < 8; round++) {
        cluster.lose(ofType('timeoutNowRequest'));
        cluster.deliver();
        for (const id of 'abc') cluster.work(id);
      }
    }
    cluster.settle();
    expect(answers(cluster, 'a')).toEqual([{ context: 1, refused: 'not-ready' }]);
    expect(cluster.status('a').role).toBe('leader');
    expect(cluster.configuration('b')).toBe('ab');
  });

  it('to a target whose log is behind elects nobody: the voters see to that', () => {
    const cluster = new Cluster('abc', { disks: { b: diskOf('1', 1), a: diskOf('1 1', 1), c: diskOf('1 1', 1) } });
    cluster.receive({ type: 'timeoutNowRequest', from: 'a', to: 'b', term: 1 });
    cluster.settle();
    expect(cluster.status('b')).toMatchObject({ term: 2, role: 'follower' });
    expect([cluster.status('a').role, cluster.status('c').role]).not.toContain('leader');
  });

  it('does not make a learner, or a stale or repeated word, start an election', () => {
    const cluster = new Cluster('abc', { learners: 'd' });
    cluster.elect('a');
    cluster.receive({ type: 'timeoutNowRequest', from: 'a', to: 'd', term: 1 });
    expect(cluster.status('d')).toMatchObject({ role: 'follower', term: 1 });
    transfer(cluster, 'a', 'b');
    const [word] = cluster.inTransit.filter(ofType('timeoutNowRequest'));
    cluster.settle();
    cluster.receive(word!);
    cluster.settle();
    expect(cluster.status('b')).toMatchObject({ role: 'leader', term: 2 });
  });

  it('flags only the campaign that was asked for: the next one asks with a pre-vote, and is ignored', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.cut('b', 'a');
    cluster.cut('b', 'c');
    transfer(cluster, 'a', 'b');
    cluster.settle();
    expect(cluster.status('b')).toMatchObject({ role: 'candidate', term: 2 });
    cluster.heal();
    cluster.tick('b', 20);
    const requests = cluster.inTransit.filter(between('b', 'c'));
    expect(requests.map(({ type }) => type)).toContain('preVoteRequest');
    expect(requests.filter((message) => message.type === 'voteRequest' && message.isTransfer)).toEqual([]);
  });
});
