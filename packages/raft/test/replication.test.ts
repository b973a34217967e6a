// AppendEntries both ways by the thesis: §3.5, §3.6.2, §10.2, and the traps around them.
import { Cluster, between, diskOf, ofType } from './cluster.ts';
import { describe, expect, it } from 'vitest';
import type { AppendRequest, Entry, Message } from '../src/index.ts';
import { bytesOf } from './member.ts';

function entriesOf(first: number, terms: string): Entry[] {
  return terms
    .split(' ')
    .map((term, i) => ({ index: first + i, term: Number(term), kind: 'command', data: bytesOf('x') }));
}

function append(term: number, prev: [number, number], terms: string, leaderCommit = 0): AppendRequest {
  const entries = terms === '' ? [] : entriesOf(prev[0] + 1, terms);
  return {
    type: 'appendRequest',
    from: 'a',
    to: 'b',
    term,
    prevLogIndex: prev[0],
    prevLogTerm: prev[1],
    leaderCommit,
    entries,
  };
}

describe('§3.5 log replication', () => {
  it('sends everything of one turn to each follower in one message, and tells of the commit at once', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.propose('a', 'p1', 'p2', 'p3');
    cluster.settle();
    expect(cluster.takeTrace()).toEqual([
      'a → b appendRequest term 1 prev 1/1 commit 1 [2/1 3/1 4/1]',
      'a → c appendRequest term 1 prev 1/1 commit 1 [2/1 3/1 4/1]',
      'b → a appendResponse term 1 match 4',
      'c → a appendResponse term 1 match 4',
      'a → b appendRequest term 1 prev 4/1 commit 4 []',
      'a → c appendRequest term 1 prev 4/1 commit 4 []',
    ]);
    expect(cluster.ids.map((id) => cluster.applied(id))).toEqual(cluster.ids.map(() => ['', 'p1', 'p2', 'p3']));
  });

  it('lets followers at the same place share one array, so that it can be encoded once', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.propose('a', 'p1');
    const [one, two] = cluster.inTransit as AppendRequest[];
    expect(one!.entries).toHaveLength(1);
    expect(one!.entries).toBe(two!.entries);
  });

  it('sends several messages in a turn if one would be over a limit', () => {
    const cluster = new Cluster('ab', { raft: { maxAppendEntries: 2 } });
    cluster.elect('a');
    cluster.propose('a', 'p1', 'p2', 'p3', 'p4', 'p5');
    expect((cluster.inTransit as AppendRequest[]).map((m) => m.entries.length)).toEqual([2, 2, 1]);
    const bySize = new Cluster('ab', { raft: { maxAppendBytes: 100 } });
    bySize.elect('a');
    bySize.propose('a', 'p1', 'p2', 'p3', 'p4'.repeat(100), 'p5');
    expect((bySize.inTransit as AppendRequest[]).map((m) => m.entries.length)).toEqual([2, 1, 1, 1]);
  });

  it('sends on without waiting for answers, up to the window in messages', () => {
    const cluster = new Cluster('ab', { raft: { maxInflightMessages: 3, maxAppendEntries: 1 } });
    cluster.elect('a');
    for (let i = 1; i <= 6; i++) cluster.propose('a', `p${i}`);
    expect(cluster.inTransit).toHaveLength(3);
    cluster.deliver();
    cluster.work('b');
    expect(cluster.inTransit.at(-1)).toMatchObject({ type: 'appendResponse', matchIndex: 4 });
    cluster.deliver();
    expect(cluster.inTransit.filter(ofType('appendRequest'))).toHaveLength(3);
  });

  it('and up to the window in bytes, which the last message may cross', () => {
    const cluster = new Cluster('ab', { raft: { maxInflightBytes: 100, maxAppendEntries: 1 } });
    cluster.elect('a');
    for (let i = 1; i <= 6; i++) cluster.propose('a', `p${i}`);
    // 34 bytes each: two leave 32 free, the third crosses.
    expect(cluster.inTransit).toHaveLength(3);
  });

  it('rejects entries that do not follow, and names the place to try', () => {
    const cluster = new Cluster('abc', { disks: { b: diskOf('1 1 1', 3) } });
    cluster.receive(append(3, [5, 3], '3'));
    cluster.receive(append(3, [3, 2], '3'));
    expect(cluster.inTransit).toMatchObject([
      { success: false, rejectedIndex: 5, conflictIndex: 3, conflictTerm: 1 },
      { success: false, rejectedIndex: 3, conflictIndex: 3, conflictTerm: 1 },
    ]);
    expect(cluster.log('b')).toBe('1/1 2/1 3/1');
  });

  it('replaces a conflicting suffix', () => {
    const cluster = new Cluster('abc', { disks: { b: diskOf('1 1 2 2 2', 3) } });
    cluster.receive(append(3, [2, 1], '3 3'));
    expect(cluster.log('b')).toBe('1/1 2/1 3/3 4/3');
    cluster.work('b');
    expect(cluster.member('b').disk.entries.map((entry) => entry.term)).toEqual([1, 1, 3, 3]);
    expect(cluster.inTransit.at(-1)).toMatchObject({ success: true, matchIndex: 4 });
  });

  it('keeps a longer log that agrees, when a shorter request comes late (T6)', () => {
    const cluster = new Cluster('abc');
    cluster.receive(append(1, [0, 0], '1 1 1 1'));
    cluster.receive(append(1, [0, 0], '1 1'));
    cluster.receive(append(1, [1, 1], ''));
    expect(cluster.log('b')).toBe('1/1 2/1 3/1 4/1');
    cluster.work('b');
    expect(cluster.inTransit.at(-1)).toMatchObject({ success: true, matchIndex: 4 });
  });

  it('never cuts what is committed, even if a message says so', () => {
    const cluster = new Cluster('abc', { disks: { b: diskOf('1 1 1', 2, { commitIndex: 2 }) } });
    cluster.receive(append(2, [0, 0], '2 2 2'));
    expect(cluster.log('b')).toBe('1/1 2/1 3/1');
    cluster.receive(append(2, [1, 1], '1 2'));
    expect(cluster.log('b')).toBe('1/1 2/1 3/2');
  });

  it('commits on a follower no further than what this leader’s messages have verified (T7)', () => {
    // 3/1 and 4/1 are an old leader's; the new one has others there.
    const cluster = new Cluster('abc', { disks: { b: diskOf('1 1 1 1', 2) } });
    cluster.receive(append(2, [2, 1], '', 4));
    expect(cluster.status('b').commitIndex).toBe(2);
    cluster.receive(append(2, [2, 1], '2', 4));
    expect(cluster.status('b').commitIndex).toBe(3);
    expect(cluster.log('b')).toBe('1/1 2/1 3/2');
  });

  it('caps a heartbeat’s commitIndex by what that follower is known to hold (T7)', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.cut('a', 'c');
    cluster.propose('a', 'p1', 'p2');
    cluster.settle();
    cluster.heal();
    cluster.tick('a', 2);
    const beats = cluster.inTransit.filter(ofType('heartbeatRequest'));
    expect(beats).toMatchObject([
      { to: 'b', commitIndex: 3 },
      { to: 'c', commitIndex: 1 },
    ]);
  });

  it('brings a restarted follower’s commitIndex up by heartbeats alone', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.propose('a', 'p1');
    cluster.settle();
    cluster.crash('b');
    cluster.restart('b');
    expect(cluster.status('b').commitIndex).toBeLessThan(2);
    cluster.pass(3);
    expect(cluster.status('b').commitIndex).toBe(2);
    expect(cluster.applied('b')).toEqual(['', 'p1']);
  });

  it('ignores entries with gaps, of falling terms or of a term above the sender’s', () => {
    const cluster = new Cluster('abc', { disks: { b: diskOf('1', 3) } });
    const [two, three] = entriesOf(2, '3 3') as [Entry, Entry];
    const base = append(3, [1, 1], '');
    cluster.receive({ ...base, entries: [three] });
    cluster.receive({ ...base, entries: [two, { ...three, index: 4 }] });
    cluster.receive({ ...base, entries: [two, { ...three, term: 2 }] });
    cluster.receive({ ...base, entries: [{ ...two, term: 4 }] });
    expect(cluster.log('b')).toBe('1/1');
    expect(cluster.inTransit).toEqual([]);
  });

  it('tells followers that are idle of a commit once, and is not answered for it', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.propose('a', 'p1');
    cluster.deliver();
    cluster.work('a');
    cluster.work('b');
    cluster.deliver(ofType('appendResponse'));
    expect(cluster.inTransit).toMatchObject([
      { to: 'b', entries: [], leaderCommit: 2 },
      { to: 'c', leaderCommit: 2 },
    ]);
    cluster.settle();
    cluster.takeTrace();
    cluster.pump('a');
    expect(cluster.inTransit).toEqual([]);
  });
});

describe('§3.5 finding where two logs part', () => {
  /** Rounds of probes until the follower has caught up with the leader. */
  function roundsToAgree(leader: string, follower: string): number {
    const last = Math.max(...leader.split(' ').map(Number));
    const disks = { a: diskOf(leader, last), b: diskOf(leader, last), c: diskOf(follower, last) };
    const cluster = new Cluster('abc', { disks });
    cluster.elect('a');
    // elect() settles; what was rejected on the way is what it took.
    const again = new Cluster('abc', {
      disks: { a: diskOf(leader, last), b: diskOf(leader, last), c: diskOf(follower, last) },
    });
    again.campaign('a');
    again.settle();
    expect(again.log('c')).toBe(again.log('a'));
    return again.takeTrace().filter((line) => line.startsWith('c → a appendResponse') && line.includes('rejected'))
      .length;
  }

  it('passes a whole term per round trip, whoever has the longer one (T35)', () => {
    const many = (term: number, count: number): string => Array.from({ length: count }, () => term).join(' ');
    expect(roundsToAgree(many(1, 300), '')).toBe(1);
    expect(roundsToAgree(`1 ${many(3, 300)}`, `1 ${many(2, 300)}`)).toBeLessThanOrEqual(2);
    expect(roundsToAgree(`1 ${many(4, 300)}`, `1 ${many(2, 300)} ${many(3, 200)}`)).toBeLessThanOrEqual(2);
    expect(
      roundsToAgree(`1 1 ${many(2, 100)} ${many(5, 300)}`, `1 1 ${many(3, 300)} ${many(4, 200)}`),
    ).toBeLessThanOrEqual(3);
  });

  it('the figures 3.6 (a) to (f) all end as the leader’s log', () => {
    const leader = '1 1 1 4 4 5 5 6 6 6';
    const followers = [
      '1 1 1 4 4 5 5 6 6',
      '1 1 1 4',
      '1 1 1 4 4 5 5 6 6 6 6',
      '1 1 1 4 4 5 5 6 6 6 7 7',
      '1 1 1 4 4 4 4',
      '1 1 1 2 2 2 3 3 3 3 3',
    ];
    for (const follower of followers) {
      const disks = { a: diskOf(leader, 7), b: diskOf(leader, 7), c: diskOf(follower, 7) };
      const cluster = new Cluster('abc', { disks });
      cluster.campaign('a');
      cluster.settle();
      expect(cluster.log('c'), follower).toBe(cluster.log('a'));
      expect(cluster.status('c').commitIndex).toBe(11);
    }
  });
});

describe('§3.6.2 committing entries of earlier terms', () => {
  it('counts only entries of the own term: Figure 3.7 (T1)', () => {
    // S1 led term 2 and wrote 2/2 on itself and S2; S5 led term 3 and has 2/3 alone; S1 leads again, in term 4.
    const disks = {
      a: diskOf('1 2', 3),
      b: diskOf('1 2', 3),
      c: diskOf('1', 3),
      d: diskOf('1', 3),
      e: diskOf('1 3', 3),
    };
    const cluster = new Cluster('abcde', { disks });
    cluster.isolate('e');
    cluster.campaign('a');
    // Until it leads; the entry of its own term (3/4) is lost each time, 2/2 gets to a majority.
    for (let i = 0; i < 30; i++) {
      cluster.inTransit = cluster.inTransit.map((message) => withoutTerm(message, 4));
      cluster.deliver();
      for (const id of cluster.ids) cluster.work(id);
    }
    expect(cluster.status('a')).toMatchObject({ role: 'leader', term: 4 });
    expect(cluster.status('a').progress.get('c')!.matchIndex).toBe(2);
    expect(cluster.status('a').progress.get('d')!.matchIndex).toBe(2);
    expect(cluster.status('a').commitIndex).toBe(0);
    cluster.tick('a', 2);
    cluster.settle();
    expect(cluster.status('a').commitIndex).toBe(3);
  });

  it('appends an empty entry of the new term at once, whatever the limits say (T2)', () => {
    const raft = { maxUncommittedBytes: 1, maxAppendBytes: 1, maxInflightBytes: 1 };
    const cluster = new Cluster('abc', {
      raft,
      disks: { a: diskOf('1 1 1', 1), b: diskOf('1 1 1', 1), c: diskOf('', 1) },
    });
    cluster.campaign('a');
    cluster.settle();
    expect(cluster.ids.map((id) => cluster.status(id).commitIndex)).toEqual([4, 4, 4]);
  });
});

function withoutTerm(message: Message, term: number): Message {
  if (message.type !== 'appendRequest') return message;
  return { ...message, entries: message.entries.filter((entry) => entry.term !== term) };
}

describe('§10.2 when messages are lost', () => {
  it('a full window whose messages were all lost is recovered on a heartbeat’s answer (T36)', () => {
    const cluster = new Cluster('ab', { raft: { maxInflightMessages: 3, maxAppendEntries: 1 } });
    cluster.elect('a');
    for (let i = 1; i <= 6; i++) cluster.propose('a', `p${i}`);
    expect(cluster.lose()).toHaveLength(3);
    cluster.tick('a', 2);
    cluster.settle();
    cluster.takeTrace();
    expect(cluster.status('b').commitIndex).toBe(7);
  });

  it('so is a full window whose answers were all lost', () => {
    const cluster = new Cluster('ab', { raft: { maxInflightMessages: 2, maxAppendEntries: 1 } });
    cluster.elect('a');
    for (let i = 1; i <= 4; i++) cluster.propose('a', `p${i}`);
    cluster.deliver();
    cluster.work('a');
    cluster.work('b');
    expect(cluster.lose(ofType('appendResponse'))).toHaveLength(2);
    cluster.tick('a', 2);
    cluster.settle();
    expect(cluster.status('b').commitIndex).toBe(5);
  });

  it('a commit that goes on elsewhere does not keep a follower from answering a leader that missed its answer', () => {
    const cluster = new Cluster('abc', { raft: { maxInflightMessages: 1, maxAppendEntries: 1 } });
    cluster.elect('a');
    cluster.propose('a', 'p1');
    cluster.deliver(between('a', 'b'));
    cluster.work('b');
    cluster.lose(between('b', 'a'));
    cluster.propose('a', 'p2', 'p3');
    cluster.settle();
    expect(cluster.status('a').commitIndex).toBe(4);
    cluster.pass(10);
    expect(cluster.log('b')).toBe(cluster.log('a'));
  });

  it('an unreachable follower is probed with one message until it answers', () => {
    const cluster = new Cluster('ab');
    cluster.elect('a');
    cluster.propose('a', 'p1');
    cluster.lose();
    cluster.member('a').step({ type: 'unreachable', peer: 'b' });
    cluster.pump('a');
    expect(cluster.status('a').progress.get('b')!.state).toBe('probe');
    expect(cluster.inTransit).toMatchObject([{ prevLogIndex: 1, entries: [{ index: 2 }] }]);
    cluster.propose('a', 'p2');
    expect(cluster.inTransit).toHaveLength(1);
    cluster.settle();
    expect(cluster.status('a').progress.get('b')).toMatchObject({ state: 'replicate', matchIndex: 3 });
  });

  it('a late rejection does not turn a follower back', () => {
    const cluster = new Cluster('ab');
    cluster.elect('a');
    cluster.propose('a', 'p1');
    cluster.settle();
    const stale = { type: 'appendResponse', from: 'b', to: 'a', term: 1, success: false, matchIndex: 0 } as const;
    cluster.receive({ ...stale, rejectedIndex: 1, conflictIndex: 0, conflictTerm: 0 });
    expect(cluster.status('a').progress.get('b')).toMatchObject({ state: 'replicate', nextIndex: 3 });
  });

  it('answers from the future are ignored', () => {
    const cluster = new Cluster('ab');
    cluster.elect('a');
    const answer = {
      type: 'appendResponse',
      from: 'b',
      to: 'a',
      term: 1,
      conflictIndex: 99,
      conflictTerm: 99,
    } as const;
    cluster.receive({ ...answer, success: true, matchIndex: 99, rejectedIndex: 0 });
    cluster.receive({ ...answer, success: false, matchIndex: 0, rejectedIndex: 99 });
    expect(cluster.status('a')).toMatchObject({ commitIndex: 1 });
    expect(cluster.status('a').progress.get('b')).toMatchObject({ matchIndex: 1, nextIndex: 2, state: 'replicate' });
  });
});
