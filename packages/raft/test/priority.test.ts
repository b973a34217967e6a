// Who should rather lead: hand-overs to a higher priority and away from a member that is unwell, and who campaigns first.
import { Cluster } from './cluster.ts';
import { describe, expect, it } from 'vitest';

function setPriority(cluster: Cluster, priorities: Readonly<Record<string, number>>): void {
  for (const [id, priority] of Object.entries(priorities)) cluster.member(id).step({ type: 'setPriority', priority });
}
function unwell(cluster: Cluster, id: string): void {
  cluster.member(id).step({ type: 'unwell' });
  cluster.pump(id);
}
/** The one of the newest term: who has crashed stays as it was. */
function leaderOf(cluster: Cluster): string | undefined {
  const leaders = cluster.ids.filter((id) => cluster.status(id).role === 'leader');
  return leaders.toSorted((one, two) => cluster.status(two).term - cluster.status(one).term)[0];
}

describe('a leader', () => {
  it('hands over to a voter of higher priority that has caught up, and keeps what it has to one of its own', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.pass(40);
    expect(leaderOf(cluster)).toBe('a');
    setPriority(cluster, { c: 50 });
    cluster.pass(20);
    expect(leaderOf(cluster)).toBe('c');
    expect(cluster.status('c').term).toBe(2);
    cluster.pass(200);
    expect(cluster.status('c')).toMatchObject({ role: 'leader', term: 2 });
  });

  it('waits for it to catch up', () => {
    const cluster = new Cluster('abc', { raft: { priority: 10 } });
    cluster.elect('a');
    setPriority(cluster, { c: 50 });
    cluster.holdDisk('c');
    cluster.propose('a', 'p1');
    cluster.pass(60);
    expect(leaderOf(cluster)).toBe('a');
    cluster.releaseDisk('c');
    cluster.pass(30);
    expect(leaderOf(cluster)).toBe('c');
  });

  it('tries at most once in ten election timeouts', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    setPriority(cluster, { c: 50 });
    let words = 0;
    let previous: string | undefined;
    for (let i = 0; i < 250; i++) {
      cluster.tickAll();
      cluster.lose(({ type }) => type === 'timeoutNowRequest');
      const { transferTo } = cluster.status('a');
      if (transferTo !== undefined && previous === undefined) words++;
      previous = transferTo;
      cluster.settle();
    }
    expect(cluster.status('a')).toMatchObject({ role: 'leader', term: 1 });
    expect(words).toBeGreaterThanOrEqual(2);
    expect(words).toBeLessThanOrEqual(3);
  });

  it('whose priority falls hands over in the same turn, and does not rest for an attempt before', () => {
    const cluster = new Cluster('abc');
    setPriority(cluster, { a: 50, b: 5, c: 7 });
    cluster.elect('a');
    cluster.pass(15);
    const fallTo = (priority: number): string[] => {
      cluster.member('a').step({ type: 'setPriority', priority });
      cluster.pump('a');
      return cluster.inTransit.map(({ type, to }) => `${type} ${to}`);
    };
    expect(fallTo(8)).not.toContain('timeoutNowRequest c');
    expect(fallTo(6)).toContain('timeoutNowRequest c');
    for (let i = 0; i < 12; i++) {
      cluster.lose(({ type }) => type === 'timeoutNowRequest');
      cluster.settle();
      cluster.tickAll();
    }
    cluster.settle();
    expect(cluster.status('a')).toMatchObject({ role: 'leader', term: 1, transferTo: undefined });
    expect(fallTo(0)).toContain('timeoutNowRequest c');
    cluster.settle();
    expect(leaderOf(cluster)).toBe('c');
  });

  it('whose priority falls goes on where nobody else should rather lead, until somebody should', () => {
    const cluster = new Cluster('abc');
    setPriority(cluster, { b: 0, c: 0 });
    cluster.elect('a');
    cluster.pass(15);
    cluster.member('a').step({ type: 'setPriority', priority: 0 });
    cluster.pass(300);
    expect(cluster.status('a')).toMatchObject({ role: 'leader', term: 1 });
    setPriority(cluster, { b: 5 });
    cluster.pass(15);
    expect(leaderOf(cluster)).toBe('b');
  });

  it('hands over when it is unwell, is not given it back while it is, and is afterwards', () => {
    const cluster = new Cluster('abc');
    setPriority(cluster, { a: 90 });
    cluster.elect('a');
    cluster.pass(20);
    unwell(cluster, 'a');
    cluster.pass(25);
    const next = leaderOf(cluster)!;
    expect(['b', 'c']).toContain(next);
    cluster.pass(500);
    expect(leaderOf(cluster)).toBe(next);
    cluster.pass(150);
    expect(leaderOf(cluster)).toBe('a');
    // The second time it is believed for longer.
    unwell(cluster, 'a');
    cluster.pass(1000);
    expect(leaderOf(cluster)).not.toBe('a');
  });

  it('takes no notice of a stall that befell all of them, whoever complains first, and refuses nobody meanwhile', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.pass(15);
    unwell(cluster, 'a');
    cluster.pass(2);
    for (const id of ['c', 'b']) unwell(cluster, id);
    for (let i = 0; i < 300; i++) {
      cluster.propose('a', `p${i}`);
      cluster.pass(1);
      expect(cluster.results('a')[0]).toMatchObject({ refused: undefined });
    }
    expect(cluster.status('a')).toMatchObject({ role: 'leader', term: 1, isUnwell: true });
  });

  it('stays where all are unwell', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    for (const id of ['c', 'b']) unwell(cluster, id);
    cluster.pass(5);
    unwell(cluster, 'a');
    cluster.pass(300);
    expect(cluster.status('a')).toMatchObject({ role: 'leader', term: 1, isUnwell: true });
  });
});

describe('without a leader', () => {
  it('who has less than the best of the others waits an election timeout longer, whatever the dice say', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const cluster = new Cluster('abcd', { raft: { seed } });
      setPriority(cluster, { a: 90, b: 2, c: 3, d: 2 });
      cluster.elect('a');
      cluster.pass(10);
      cluster.crash('a');
      cluster.pass(45);
      expect(leaderOf(cluster), `seed ${seed}`).toBe('c');
    }
  });

  it('does not wait for ever for one that does not come', () => {
    const cluster = new Cluster('abcde');
    setPriority(cluster, { a: 90, b: 90 });
    cluster.elect('a');
    cluster.pass(10);
    cluster.crash('a');
    cluster.isolate('b');
    cluster.pass(60);
    expect(['c', 'd', 'e']).toContain(leaderOf(cluster));
  });

  it('one of priority 0 campaigns when a candidate lacks what it has, and hands over when that one has it', () => {
    const cluster = new Cluster('abc');
    setPriority(cluster, { b: 0 });
    cluster.elect('a');
    cluster.pass(4);
    cluster.isolate('c');
    cluster.propose('a', 'p1');
    cluster.settle();
    cluster.crash('a');
    cluster.pass(100);
    expect(cluster.status('b')).toMatchObject({ role: 'follower', term: 1 });
    cluster.heal();
    for (let i = 0; i < 100 && leaderOf(cluster) !== 'b'; i++) cluster.pass(1);
    expect(cluster.status('b')).toMatchObject({ role: 'leader', term: 2 });
    cluster.pass(40);
    expect(cluster.status('c')).toMatchObject({ role: 'leader', term: 3 });
    expect(cluster.applied('c').filter((text) => text !== '')).toEqual(['p1']);
  });

  it('one of priority 0 never campaigns, though it votes, and gives up a leader that is gone', () => {
    const cluster = new Cluster('abc');
    setPriority(cluster, { b: 0, c: 0 });
    cluster.elect('a');
    cluster.pass(4);
    cluster.crash('a');
    cluster.pass(200);
    expect(cluster.status('c').role).toBe('follower');
    expect(cluster.status('b')).toMatchObject({ role: 'follower', leaderId: undefined, term: 1 });
    cluster.restart('a');
    cluster.pass(40);
    expect(leaderOf(cluster)).toBe('a');
    cluster.member('a').step({ type: 'transferLeadership', context: 1, to: 'b' });
    cluster.pump('a');
    cluster.settle();
    expect(leaderOf(cluster)).toBe('b');
  });
});
