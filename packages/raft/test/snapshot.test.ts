// Compaction and InstallSnapshot (§5.1, §5.2) and their traps: T18, T31, T32, T34.
import { Cluster, between, diskOf, ofType } from './cluster.ts';
import { describe, expect, it } from 'vitest';
import type { InstallSnapshotRequest } from '../src/index.ts';
import { bytesOf } from './member.ts';

/** a leads with b; c, cut off, lags behind a compacted log. Chunks of 60 bytes. */
function lagging(options: { proposals?: number; keep?: number; chunk?: number } = {}): Cluster {
  const { proposals = 3, keep = 0, chunk = 60 } = options;
  const cluster = new Cluster('abc', { raft: { snapshotChunkBytes: chunk } });
  cluster.elect('a');
  cluster.isolate('c');
  for (let i = 1; i <= proposals; i++) {
    cluster.propose('a', `p${i}`);
    cluster.settle();
  }
  cluster.member('a').step({ type: 'unreachable', peer: 'c' });
  // Its silence makes a forget that c was ever active.
  cluster.pass(25);
  cluster.compact('a', keep);
  cluster.heal();
  cluster.takeTrace();
  return cluster;
}

const snapshotLines = (cluster: Cluster): string[] => cluster.takeTrace().filter((line) => line.includes('Snapshot'));

describe('§5.1 compaction', () => {
  it('drops the log up to what is asked, keeps the term of the last entry dropped, and counts the bytes', () => {
    const cluster = lagging({ keep: 2 });
    expect(cluster.status('a')).toMatchObject({ firstIndex: 3, lastIndex: 4, snapshotIndex: 4, logBytes: 68 });
    expect([1, 2, 3].map((index) => cluster.member('a').raft.termAt(index))).toEqual([undefined, 1, 1]);
  });

  it('never goes beyond the snapshot, and takes none of what is not applied', () => {
    const cluster = new Cluster('a');
    cluster.elect('a');
    cluster.propose('a', 'p1', 'p2');
    cluster.settle();
    cluster.member('a').step({ type: 'compact', snapshotIndex: 2, compactTo: 3 });
    expect(cluster.status('a')).toMatchObject({ firstIndex: 3, snapshotIndex: 2 });
    expect(() => cluster.member('a').step({ type: 'compact', snapshotIndex: 4, compactTo: 4 })).toThrow('applied 3');
  });

  it('ignores a snapshot that was overtaken', () => {
    const cluster = new Cluster('a');
    cluster.elect('a');
    cluster.propose('a', 'p1', 'p2');
    cluster.settle();
    cluster.member('a').step({ type: 'compact', snapshotIndex: 3, compactTo: 3 });
    cluster.member('a').step({ type: 'compact', snapshotIndex: 2, compactTo: 1 });
    expect(cluster.status('a')).toMatchObject({ firstIndex: 4, snapshotIndex: 3 });
  });

  it('while a received one is being installed notes the own one, which is what is left if that fails', () => {
    const cluster = lagging({ chunk: 1000 });
    cluster.holdSnapshots('c');
    cluster.pass(4);
    expect(cluster.member('c').pendingChunks).toMatchObject([{ done: true }]);
    cluster.compact('c');
    // The log stands still meanwhile; but storage's latest snapshot is now the own one, and must be asked for under its name.
    expect(cluster.status('c')).toMatchObject({ snapshotIndex: 1, firstIndex: 1, appliedIndex: 1 });
    cluster.member('c').writeChunk(false);
    cluster.pump('c');
    expect(cluster.status('c')).toMatchObject({ snapshotIndex: 1, commitIndex: 1 });
    cluster.releaseSnapshots('c');
    cluster.pass(8);
    expect(cluster.applied('c')).toEqual(['', 'p1', 'p2', 'p3']);
  });

  it('lets a restarted member begin with its snapshot and the log after it', () => {
    const cluster = lagging({ keep: 1 });
    cluster.restart('a');
    expect(cluster.status('a')).toMatchObject({
      firstIndex: 4,
      lastIndex: 4,
      snapshotIndex: 4,
      commitIndex: 4,
      appliedIndex: 4,
    });
  });
});

describe('§5.2 InstallSnapshot', () => {
  it('brings a follower up chunk by chunk, then the log goes on', () => {
    const cluster = lagging();
    cluster.propose('a', 'p4');
    cluster.pass(4);
    expect(snapshotLines(cluster)).toEqual([
      'a → c installSnapshotRequest term 1 to 4/1 bytes 0+60',
      'c → a installSnapshotResponse term 1 to 4 wants 60',
      'a → c installSnapshotRequest term 1 to 4/1 bytes 60+60',
      'c → a installSnapshotResponse term 1 to 4 wants 120',
      'a → c installSnapshotRequest term 1 to 4/1 bytes 120+11 done',
      'c → a installSnapshotResponse term 1 to 4 wants 131 done',
    ]);
    expect(cluster.applied('c')).toEqual(['', 'p1', 'p2', 'p3', 'p4']);
    expect(cluster.status('c')).toMatchObject({ firstIndex: 5, lastIndex: 5, snapshotIndex: 4 });
    expect(cluster.status('a').progress.get('c')).toMatchObject({ state: 'replicate', matchIndex: 5 });
  });

  it('is not begun for a follower that is not heard of', () => {
    const cluster = lagging();
    cluster.isolate('c');
    cluster.pass(40);
    expect(cluster.status('a').progress.get('c')).toMatchObject({ state: 'probe', isRecentlyActive: false });
    expect(cluster.member('a').pendingReads).toEqual([]);
  });

  it('is what a probe falls to when its range was compacted (T34)', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.cut('a', 'c');
    cluster.propose('a', 'p1');
    cluster.settle();
    cluster.member('a').step({ type: 'unreachable', peer: 'c' });
    cluster.pump('a');
    expect(cluster.status('a').progress.get('c')).toMatchObject({ state: 'probe', nextIndex: 2 });
    cluster.compact('a');
    cluster.heal();
    // The probe is out and lost; the next heartbeat's answer allows another, whose range is gone.
    cluster.tick('a', 2);
    cluster.deliver();
    cluster.deliver();
    expect(cluster.status('a').progress.get('c')!.state).toBe('snapshot');
    cluster.settle();
    expect(cluster.applied('c')).toEqual(['', 'p1']);
  });

  it('is also what a stream falls to when its range was compacted', () => {
    const cluster = new Cluster('abc', { raft: { maxInflightMessages: 1, maxAppendEntries: 1 } });
    cluster.elect('a');
    cluster.cut('a', 'c');
    cluster.propose('a', 'p1', 'p2', 'p3');
    cluster.settle();
    expect(cluster.status('a').progress.get('c')).toMatchObject({ state: 'replicate', nextIndex: 3 });
    cluster.compact('a');
    cluster.heal();
    cluster.pass(4);
    expect(cluster.applied('c')).toEqual(['', 'p1', 'p2', 'p3']);
  });

  it('sends a lost chunk again when it stays unanswered', () => {
    const cluster = lagging();
    cluster.tick('a', 2);
    cluster.deliver();
    cluster.deliver();
    cluster.work('a');
    expect(cluster.lose(ofType('installSnapshotRequest'))).toHaveLength(1);
    cluster.pass(9);
    expect(snapshotLines(cluster)).toEqual([]);
    cluster.pass(3);
    expect(cluster.applied('c')).toEqual(['', 'p1', 'p2', 'p3']);
  });

  it('is not made to send twice by a duplicate answer', () => {
    const cluster = lagging();
    cluster.holdSnapshots('c');
    cluster.pass(4);
    const chunk = { type: 'installSnapshotResponse', from: 'c', to: 'a', term: 1, lastIncludedIndex: 4 } as const;
    cluster.receive({ ...chunk, offset: 0, done: false, failed: false });
    cluster.receive({ ...chunk, offset: 0, done: false, failed: false });
    expect(cluster.member('a').pendingReads).toEqual([]);
    cluster.releaseSnapshots('c');
    cluster.settle();
    expect(snapshotLines(cluster).filter((line) => line.includes('Request'))).toHaveLength(3);
  });

  it('starts over when the follower crashed in the middle', () => {
    const cluster = lagging();
    cluster.tick('a', 2);
    for (let i = 0; i < 4; i++) {
      cluster.deliver();
      cluster.work('a');
      cluster.work('c');
    }
    cluster.crash('c');
    cluster.settle();
    cluster.restart('c');
    cluster.pass(20);
    expect(cluster.applied('c')).toEqual(['', 'p1', 'p2', 'p3']);
  });

  it('starts over when the follower could not use it', () => {
    const cluster = lagging();
    cluster.holdSnapshots('c');
    cluster.pass(4);
    cluster.member('c').writeChunk(false);
    cluster.pump('c');
    cluster.releaseSnapshots('c');
    cluster.pass(8);
    const lines = snapshotLines(cluster);
    expect(lines).toContain('c → a installSnapshotResponse term 1 to 4 wants 60 failed');
    expect(cluster.applied('c')).toEqual(['', 'p1', 'p2', 'p3']);
  });

  it('goes to a newer snapshot when the old one can no longer be read', () => {
    const cluster = lagging();
    cluster.tick('a', 2);
    cluster.deliver();
    cluster.deliver();
    const [read] = cluster.member('a').pendingReads.splice(0);
    cluster.propose('a', 'p4');
    cluster.deliver((message) => message.to === 'b');
    cluster.settle();
    cluster.compact('a');
    const { to, offset, meta } = read!;
    const { lastIncludedIndex } = meta;
    cluster.member('a').step({ type: 'snapshotChunk', to, offset, lastIncludedIndex, data: undefined, done: false });
    cluster.pass(5);
    expect(snapshotLines(cluster).filter((line) => line.includes('to 4/'))).toEqual([]);
    expect(cluster.status('c')).toMatchObject({ snapshotIndex: 5, commitIndex: 5 });
  });

  it('is answered as done at once by a follower that has come so far', () => {
    const cluster = new Cluster('abc', { disks: { b: diskOf('1 1 1', 1, { commitIndex: 2 }) } });
    const configuration = { voters: ['a', 'b', 'c'], votersOutgoing: [], learners: [] };
    const request = (index: number): InstallSnapshotRequest => ({
      ...{ type: 'installSnapshotRequest', from: 'a', to: 'b', term: 1, offset: 0, data: bytesOf('x'), done: true },
      meta: { lastIncludedIndex: index, lastIncludedTerm: 1, configuration },
    });
    cluster.receive(request(2));
    // In the log, though not known to be committed: a snapshot speaks of committed entries only. The suffix stays.
    cluster.receive(request(3));
    expect(cluster.inTransit).toMatchObject([
      { done: true, lastIncludedIndex: 2 },
      { done: true, lastIncludedIndex: 3 },
    ]);
    expect(cluster.status('b')).toMatchObject({ commitIndex: 3, lastIndex: 3, snapshotIndex: 0 });
    expect(cluster.member('b').pendingChunks).toEqual([]);
  });

  it('is answered by a follower that has it in its log only when that is durable', () => {
    const cluster = new Cluster('abc', { disks: { b: diskOf('', 1) } });
    const configuration = { voters: ['a', 'b', 'c'], votersOutgoing: [], learners: [] };
    const entry = { index: 1, term: 1, kind: 'command', data: bytesOf('x') } as const;
    const base = { from: 'a', to: 'b', term: 1 } as const;
    cluster.holdDisk('b');
    cluster.receive({
      ...base,
      type: 'appendRequest',
      prevLogIndex: 0,
      prevLogTerm: 0,
      leaderCommit: 1,
      entries: [entry],
    });
    const meta = { lastIncludedIndex: 1, lastIncludedTerm: 1, configuration };
    cluster.receive({ ...base, type: 'installSnapshotRequest', meta, offset: 0, data: bytesOf('x'), done: true });
    expect(cluster.inTransit).toEqual([]);
    cluster.persistOne('b');
    expect(cluster.inTransit).toMatchObject([{ type: 'appendResponse', success: true, matchIndex: 1 }]);
  });

  it('replaces a log that differs', () => {
    const cluster = new Cluster('abc', {
      disks: { a: diskOf('1 1 3 3', 3), b: diskOf('1 1 3 3', 3), c: diskOf('1 1 2 2 2 2 2', 3) },
    });
    cluster.isolate('c');
    cluster.elect('a');
    cluster.compact('a');
    cluster.heal();
    cluster.pass(12);
    expect(cluster.status('c')).toMatchObject({ firstIndex: 6, lastIndex: 5, snapshotIndex: 5, commitIndex: 5 });
    expect(cluster.member('c').disk.entries).toEqual([]);
  });

  it('waits with the last chunk until no write of the log is open, and takes no entries until it is installed (T32)', () => {
    const cluster = lagging({ chunk: 1000 });
    cluster.holdDisk('c');
    const old = { index: 2, term: 1, kind: 'command', data: bytesOf('p1') } as const;
    const append = { type: 'appendRequest', from: 'a', to: 'c', term: 1, prevLogTerm: 1, leaderCommit: 1 } as const;
    cluster.receive({ ...append, prevLogIndex: 1, entries: [old] });
    cluster.pass(3);
    expect(cluster.member('c').pendingWrites).toHaveLength(1);
    expect(cluster.member('c').pendingChunks).toEqual([]);
    cluster.holdSnapshots('c');
    cluster.persistOne('c');
    expect(cluster.member('c').pendingChunks).toMatchObject([{ done: true, resetLog: true }]);
    // Appends that arrive now would be lost with the log: they are not taken.
    cluster.receive({ ...append, prevLogIndex: 2, entries: [{ ...old, index: 3 }] });
    cluster.campaign('c');
    expect(cluster.member('c').pendingWrites).toEqual([]);
    expect(cluster.log('c')).toBe('1/1 2/1');
    expect(cluster.status('c').role).toBe('follower');
    cluster.releaseSnapshots('c');
    cluster.releaseDisk('c');
    cluster.pass(4);
    expect(cluster.applied('c')).toEqual(['', 'p1', 'p2', 'p3']);
  });

  it('is seen through when the term changes after its last chunk was taken in', () => {
    const cluster = lagging({ chunk: 1000 });
    cluster.holdSnapshots('c');
    cluster.pass(4);
    cluster.receive({ type: 'voteRequest', from: 'b', to: 'c', term: 1, lastIndex: 9, lastTerm: 1 });
    cluster.receive({ type: 'heartbeatRequest', from: 'b', to: 'c', term: 8, commitIndex: 0, readToken: 0 });
    expect(cluster.status('c').term).toBe(8);
    cluster.releaseSnapshots('c');
    cluster.work('c');
    expect(cluster.status('c')).toMatchObject({ snapshotIndex: 4, commitIndex: 4 });
    expect(cluster.applied('c')).toEqual(['', 'p1', 'p2', 'p3']);
  });

  it('is dropped when the term changes in the middle, and a late answer of the driver does no harm', () => {
    const cluster = lagging();
    cluster.holdSnapshots('c');
    cluster.pass(4);
    cluster.receive({ type: 'heartbeatRequest', from: 'b', to: 'c', term: 8, commitIndex: 0, readToken: 0 });
    cluster.lose();
    cluster.member('c').writeChunk();
    cluster.work('c');
    expect(cluster.inTransit).toMatchObject([{ type: 'heartbeatResponse', term: 8 }]);
    expect(cluster.status('c').snapshotIndex).toBe(0);
  });

  it('is handed to the state machine before anything after it, and a second one waits for the first (T18, T32)', () => {
    const cluster = lagging({ chunk: 1000 });
    cluster.holdMachine('c');
    cluster.propose('a', 'p4');
    cluster.pass(6);
    expect(cluster.member('c').pendingApplies).toMatchObject([
      { snapshot: { lastIncludedIndex: 4 } },
      { entries: [{ index: 5 }] },
    ]);
    expect(cluster.status('c')).toMatchObject({ appliedIndex: 1, commitIndex: 5 });
    // A read waits for its index to be applied, so for the snapshot too.
    cluster.read('c', 1);
    cluster.settle();
    expect(cluster.reads('c')).toMatchObject([{ index: 5 }]);
    cluster.isolate('c');
    cluster.propose('a', 'p5');
    cluster.settle();
    cluster.compact('a');
    cluster.heal();
    cluster.pass(15);
    expect(cluster.member('c').pendingChunks).toEqual([]);
    cluster.releaseMachine('c');
    cluster.pass(15);
    expect(cluster.applied('c')).toEqual(['', 'p1', 'p2', 'p3', 'p4', 'p5']);
  });

  it('is abandoned when the follower catches up by itself', () => {
    const cluster = lagging();
    cluster.holdSnapshots('c');
    cluster.pass(4);
    expect(cluster.status('a').progress.get('c')).toMatchObject({ state: 'snapshot', transferIndex: 4 });
    cluster.receive({
      ...{ type: 'appendResponse', from: 'c', to: 'a', term: 1, success: true, matchIndex: 4 },
      ...{ rejectedIndex: 0, conflictIndex: 0, conflictTerm: 0 },
    });
    expect(cluster.status('a').progress.get('c')).toMatchObject({ state: 'replicate', matchIndex: 4 });
    expect(cluster.status('a').progress.get('c')!.transferIndex).toBeUndefined();
  });

  it('of no sense is ignored', () => {
    const cluster = new Cluster('abc');
    const configuration = { voters: ['a', 'b', 'c'], votersOutgoing: [], learners: [] };
    const base = {
      type: 'installSnapshotRequest',
      from: 'a',
      to: 'b',
      term: 1,
      offset: 0,
      data: bytesOf('x'),
      done: true,
    } as const;
    const meta = { lastIncludedIndex: 5, lastIncludedTerm: 1, configuration };
    cluster.receive({ ...base, meta: { ...meta, lastIncludedIndex: 0 } });
    cluster.receive({ ...base, meta: { ...meta, lastIncludedTerm: 2 } });
    cluster.receive({ ...base, meta: { ...meta, configuration: { ...configuration, voters: [] } } });
    cluster.work('b');
    expect(cluster.lose(between('b', 'a'))).toEqual([]);
    expect(cluster.member('b').pendingChunks).toEqual([]);
  });
});
