// Leadership is tied to the progress of the leader's disk (T12): heartbeats need no disk, so a leader whose disk hangs would
// look well to everybody and serve nobody. But it is the comparison with the others that counts, not slowness.
import { describe, expect, it } from 'vitest';
import { Cluster } from './cluster.ts';

/** Lets time pass while each of these disks takes so many ticks for a sync, which takes all that was waiting when it began. */
function withSlowDisks(cluster: Cluster, syncTicks: Readonly<Record<string, number>>): (ticks: number) => void {
  const syncing = new Map<string, { readonly writes: number; left: number }>();
  const work = (id: string, length: number): void => {
    const sync = syncing.get(id);
    if (sync !== undefined && --sync.left > 0) return;
    for (let i = 0; i < (sync?.writes ?? 0); i++) cluster.persistOne(id);
    syncing.set(id, { writes: cluster.member(id).pendingWrites.length, left: length });
  };
  for (const id of Object.keys(syncTicks)) cluster.holdDisk(id);
  return (ticks) => {
    for (let tick = 0; tick < ticks; tick++) {
      for (const [id, length] of Object.entries(syncTicks)) work(id, length);
      cluster.pass(1);
    }
  };
}

const leaders = (cluster: Cluster): string[] => cluster.ids.filter((id) => cluster.status(id).role === 'leader');

describe('§10.2.1 a leader whose disk hangs', () => {
  it('hands over to a member that serves, stays out of elections, and comes back with its disk', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.holdDisk('a');
    cluster.propose('a', 'p1');
    cluster.pass(80);
    const [leader] = leaders(cluster);
    expect(['b', 'c']).toContain(leader);
    cluster.propose(leader!, 'p2');
    cluster.pass(100);
    expect(leaders(cluster)).toEqual([leader]);
    expect(cluster.applied(leader!)).toEqual(['', 'p1', '', 'p2']);
    expect(cluster.applied('a')).toEqual(['']);
    cluster.releaseDisk('a');
    cluster.pass(5);
    expect(cluster.applied('a')).toEqual(['', 'p1', '', 'p2']);
  });

  it('stays while nothing could be committed without it: there is nobody to hand over to', () => {
    for (const voters of ['a', 'ab', 'abc']) {
      const cluster = new Cluster(voters);
      cluster.elect('a');
      if (voters === 'abc') cluster.isolate('c');
      cluster.holdDisk('a');
      cluster.propose('a', 'p1');
      cluster.pass(200);
      expect(cluster.status('a')).toMatchObject({ role: 'leader', term: 1, commitIndex: 1 });
      cluster.releaseDisk('a');
      cluster.settle();
      expect(cluster.applied('a')).toEqual(['', 'p1']);
    }
  });

  it('is not taken for one that is a little slower than the others', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    const pass = withSlowDisks(cluster, { a: 4 });
    for (let i = 1; i <= 200; i++) {
      cluster.propose('a', `p${i}`);
      pass(3);
    }
    expect(cluster.applied('a').length).toBeGreaterThan(190);
    expect(cluster.status('a')).toMatchObject({ role: 'leader', term: 1, isUnwell: false });
  });

  it('is not taken for one among disks that are all slow: it goes on in term 1', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    const pass = withSlowDisks(cluster, { a: 60, b: 55, c: 50 });
    for (let i = 1; i <= 5; i++) {
      cluster.propose('a', `p${i}`);
      pass(120);
    }
    expect(cluster.applied('a')).toEqual(['', 'p1', 'p2', 'p3', 'p4', 'p5']);
    expect(cluster.status('a')).toMatchObject({ role: 'leader', term: 1 });
  });
});

describe('a leader whose disk is slow all the time', () => {
  it('hands over to one that is faster, without an election timeout, and is not asked back', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    const pass = withSlowDisks(cluster, { a: 30 });
    let i = 0;
    for (; leaders(cluster)[0] === 'a' && i < 30; i++) {
      cluster.propose('a', `p${i}`);
      pass(10);
    }
    const [leader] = leaders(cluster);
    expect(['b', 'c']).toContain(leader);
    expect(cluster.status('a')).toMatchObject({ role: 'follower', term: 2, isUnwell: true });
    for (; i < 60; i++) {
      cluster.propose(leader!, `p${i}`);
      pass(10);
    }
    expect(leaders(cluster)).toEqual([leader]);
    expect(cluster.status(leader!).term).toBe(2);
    expect(cluster.status(leader!).progress.get('a')!.priority).toBe(0);
  });

  it('is noticed under little load, too', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    const pass = withSlowDisks(cluster, { a: 30 });
    for (let i = 0; leaders(cluster)[0] === 'a' && i < 20; i++) {
      cluster.propose('a', `p${i}`);
      pass(100);
    }
    expect(cluster.status('a').role).toBe('follower');
  });

  it('does not pass leadership round and round where the disks are equally slow', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    const pass = withSlowDisks(cluster, { a: 30, b: 31, c: 29 });
    for (let i = 1; i <= 120; i++) {
      const [leader] = leaders(cluster);
      if (leader !== undefined) cluster.propose(leader, `p${i}`);
      pass(10);
    }
    expect(cluster.status('a').term).toBeLessThanOrEqual(2);
    expect(cluster.applied('a').length).toBeGreaterThan(90);
  });
});
