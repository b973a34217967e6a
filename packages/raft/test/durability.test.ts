// What is withheld until which write is durable, and what commits when: §3.8, §10.2.1, T4, T29, T30.
import { Cluster, diskOf, ofType } from './cluster.ts';
import { describe, expect, it } from 'vitest';
import type { Entry } from '../src/index.ts';
import { bytesOf } from './member.ts';

const entry = (index: number, term: number): Entry => ({ index, term, kind: 'command', data: bytesOf(`e${index}`) });
const append = (term: number, prevLogIndex: number, prevLogTerm: number, entries: Entry[], from = 'a') =>
  ({ type: 'appendRequest', from, to: 'b', term, prevLogIndex, prevLogTerm, leaderCommit: 0, entries }) as const;

describe('a leader', () => {
  it('sends before its own disk has written (§10.2.1)', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.holdDisk('a');
    cluster.propose('a', 'p1');
    expect(cluster.inTransit.filter(ofType('appendRequest'))).toHaveLength(2);
  });

  it('counts itself only once its disk has (T29)', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.holdDisk('a');
    cluster.isolate('c');
    cluster.propose('a', 'p1');
    cluster.settle();
    expect(cluster.status('a').progress.get('b')!.matchIndex).toBe(2);
    expect(cluster.status('a').commitIndex).toBe(1);
    cluster.persistOne('a');
    expect(cluster.status('a').commitIndex).toBe(2);
  });

  it('may commit without itself, but applies only what it has on disk', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.holdDisk('a');
    cluster.propose('a', 'p1');
    cluster.settle();
    expect(cluster.status('a')).toMatchObject({ commitIndex: 2, appliedIndex: 1 });
    cluster.releaseDisk('a');
    cluster.settle();
    expect(cluster.applied('a')).toEqual(['', 'p1']);
  });

  it('that is alone acknowledges nothing that a crash could take back (T29)', () => {
    const cluster = new Cluster('a');
    cluster.elect('a');
    cluster.holdDisk('a');
    cluster.propose('a', 'p1');
    cluster.settle();
    expect(cluster.status('a').commitIndex).toBe(1);
    expect(cluster.applied('a')).toEqual(['']);
  });
});

describe('a follower', () => {
  it('acknowledges entries when they are durable, each part as it becomes so', () => {
    const cluster = new Cluster('abc', { disks: { b: diskOf('', 1) } });
    cluster.holdDisk('b');
    cluster.receive(append(1, 0, 0, [entry(1, 1), entry(2, 1)]));
    cluster.receive(append(1, 2, 1, [entry(3, 1)]));
    expect(cluster.inTransit).toEqual([]);
    cluster.persistOne('b');
    expect(cluster.inTransit).toMatchObject([{ success: true, matchIndex: 2 }]);
    cluster.persistOne('b');
    expect(cluster.inTransit).toMatchObject([{ matchIndex: 2 }, { matchIndex: 3 }]);
  });

  it('answers a probe at once with what is durable already, so that the leader streams on meanwhile', () => {
    const cluster = new Cluster('abc', { disks: { b: diskOf('1 1', 1) } });
    cluster.holdDisk('b');
    cluster.receive(append(1, 2, 1, [entry(3, 1)]));
    expect(cluster.inTransit).toMatchObject([{ success: true, matchIndex: 2 }]);
  });

  it('answers all requests of a turn once', () => {
    const cluster = new Cluster('abc', { disks: { b: diskOf('', 1) } });
    const { raft } = cluster.member('b');
    raft.step({ type: 'receive', message: append(1, 0, 0, [entry(1, 1)]) });
    raft.step({ type: 'receive', message: append(1, 1, 1, [entry(2, 1)]) });
    raft.step({ type: 'receive', message: append(1, 0, 0, [entry(1, 1)]) });
    cluster.work('b');
    expect(cluster.inTransit).toMatchObject([{ matchIndex: 2 }]);
  });

  it('does not take an overtaken write for the entries that replaced its own (T30)', () => {
    const cluster = new Cluster('abc', { disks: { b: diskOf('1', 1, { commitIndex: 1 }) } });
    cluster.holdDisk('b');
    cluster.receive(append(1, 1, 1, [entry(2, 1), entry(3, 1)]));
    cluster.receive(append(2, 1, 1, [entry(2, 2), entry(3, 2)], 'c'));
    expect(cluster.member('b').pendingWrites).toHaveLength(2);
    cluster.persistOne('b');
    // The first write is durable: of it, nothing is left in the log. What agreed before (1) was acknowledged at once.
    expect(cluster.status('b').persistedIndex).toBe(1);
    expect(cluster.inTransit).toMatchObject([{ to: 'a', term: 1, matchIndex: 1 }]);
    cluster.persistOne('b');
    expect(cluster.inTransit.slice(1)).toMatchObject([{ to: 'c', term: 2, matchIndex: 3 }]);
  });

  it('drops the acknowledgement that it owed the leader of an older term', () => {
    const cluster = new Cluster('abc', { disks: { b: diskOf('', 1) } });
    cluster.holdDisk('b');
    cluster.receive(append(1, 0, 0, [entry(1, 1)]));
    cluster.receive({ type: 'heartbeatRequest', from: 'c', to: 'b', term: 2, commitIndex: 0, readToken: 0 });
    cluster.releaseDisk('b');
    cluster.work('b');
    expect(cluster.inTransit).toMatchObject([{ type: 'heartbeatResponse', to: 'c', term: 2 }]);
  });

  it('takes back nothing that it acknowledged, when it restarts', () => {
    const cluster = new Cluster('abc', { disks: { b: diskOf('', 1) } });
    cluster.receive(append(1, 0, 0, [entry(1, 1), entry(2, 1)]));
    cluster.work('b');
    cluster.restart('b');
    expect(cluster.log('b')).toBe('1/1 2/1');
    expect(cluster.status('b').persistedIndex).toBe(2);
  });
});

describe('what is withheld while a disk stalls', () => {
  it('stays bounded: a newer answer takes the place of an older one, and the oldest of many go', () => {
    const cluster = new Cluster('abc');
    cluster.holdDisk('b');
    for (let readToken = 1; readToken <= 50; readToken++) {
      cluster.receive({ type: 'heartbeatRequest', from: 'a', to: 'b', term: 1, commitIndex: 0, readToken });
    }
    for (let requestId = 1; requestId <= 5000; requestId++) {
      cluster.receive({ type: 'readIndexRequest', from: 'c', to: 'b', term: 1, requestId });
    }
    cluster.receive({ type: 'heartbeatRequest', from: 'a', to: 'b', term: 1, commitIndex: 0, readToken: 51 });
    cluster.releaseDisk('b');
    cluster.work('b');
    expect(cluster.inTransit).toHaveLength(1024);
    expect(cluster.inTransit.at(-1)).toMatchObject({ type: 'heartbeatResponse', readToken: 51 });
    expect(cluster.inTransit.at(-2)).toMatchObject({ type: 'readIndexResponse', requestId: 5000 });
  });
});

describe('a write', () => {
  it('is not asked for by a new commitIndex alone, which rides along with the next', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.propose('a', 'p1');
    cluster.settle();
    const { hardState } = cluster.member('b').disk;
    expect(cluster.status('b').commitIndex).toBe(2);
    expect(hardState!.commitIndex).toBeLessThan(2);
    cluster.propose('a', 'p2');
    cluster.settle();
    expect(cluster.member('b').disk.hardState!.commitIndex).toBe(2);
  });

  it('carries term, vote and entries in one Ready', () => {
    const cluster = new Cluster('abc');
    const { raft } = cluster.member('b');
    raft.step({ type: 'receive', message: append(4, 0, 0, [entry(1, 4)]) });
    const ready = raft.takeReady();
    expect(ready).toMatchObject({ number: 1, hardState: { term: 4 }, entries: [{ index: 1 }], messages: [] });
    expect(raft.hasReady()).toBe(false);
    raft.step({ type: 'persisted', readyNumber: 1 });
    expect(raft.takeReady().messages).toMatchObject([{ type: 'appendResponse', matchIndex: 1, term: 4 }]);
  });

  it('that was never handed out cannot be reported durable', () => {
    const cluster = new Cluster('a');
    expect(() => cluster.member('a').step({ type: 'persisted', readyNumber: 3 })).toThrow('persisted: Ready 3 after 0');
  });
});

describe('committed entries', () => {
  it('are handed out within the limit, and no further ahead of a slow state machine', () => {
    const cluster = new Cluster('a', { raft: { maxCommittedBytes: 100 } });
    cluster.elect('a');
    cluster.holdMachine('a');
    cluster.propose('a', 'p1', 'p2', 'p3', 'p4', 'p5', 'p6');
    cluster.settle();
    const handedOut = (): number[] =>
      cluster.member('a').pendingApplies.map((item) => ('entries' in item ? item.entries.length : 0));
    // 34 bytes each: two fit into 100, a third crosses the limit in a Ready of its own, then the machine must move.
    expect(handedOut()).toEqual([2, 1]);
    cluster.member('a').applyOne();
    cluster.pump('a');
    expect(handedOut()).toEqual([1, 1, 1]);
    cluster.releaseMachine('a');
    cluster.settle();
    expect(cluster.applied('a')).toEqual(['', 'p1', 'p2', 'p3', 'p4', 'p5', 'p6']);
  });

  it('cannot be applied before they are handed out', () => {
    const cluster = new Cluster('a');
    cluster.elect('a');
    expect(() => cluster.member('a').step({ type: 'applied', index: 9 })).toThrow('applied 9, handed out 1');
  });
});
