// etcd's paper tests (etcd-io/raft, raft_paper_test.go) about the log, retold: §5.3 and §5.4.2 of the Raft paper (§3.5 and
// §3.6.2 of the thesis). Each is named after theirs. A leader's first entry is its empty one, as there.
import { between, diskOf, ofType } from '../cluster.ts';
import { describe, expect, it } from 'vitest';
import type { AppendRequest } from '../../src/index.ts';
import { Scenario } from './scenario.ts';
import { bytesOf } from '../member.ts';

interface Append {
  readonly term?: number;
  readonly prev?: readonly [index: number, term: number];
  /** Terms of the entries. */
  readonly entries?: readonly number[];
  readonly commit?: number;
}

/** From leader 2 to follower 1; an entry's text is "e" and its index. */
function append({ term = 2, prev = [0, 0], entries = [], commit = 0 }: Append): AppendRequest {
  const [prevLogIndex, prevLogTerm] = prev;
  return {
    ...{ type: 'appendRequest', from: '2', to: '1', term, prevLogIndex, prevLogTerm, leaderCommit: commit },
    entries: entries.map((entryTerm, i) => {
      const index = prevLogIndex + 1 + i;
      return { index, term: entryTerm, kind: 'command', data: bytesOf(`e${index}`) };
    }),
  };
}

describe('§5.3 what a leader does', () => {
  it('LeaderStartReplication: appends a proposal, sends it to all with the place before it, and gives it to its disk', () => {
    const scenario = new Scenario('123');
    scenario.elect('1');
    scenario.holdDisk('1');
    scenario.propose('1', 'some data');
    expect(scenario.status('1')).toMatchObject({ lastIndex: 2, commitIndex: 1 });
    const entries = [{ index: 2, term: 1, kind: 'command', data: bytesOf('some data') }];
    const request = {
      type: 'appendRequest',
      from: '1',
      term: 1,
      prevLogIndex: 1,
      prevLogTerm: 1,
      leaderCommit: 1,
      entries,
    };
    expect(scenario.inTransit).toEqual([
      { ...request, to: '2' },
      { ...request, to: '3' },
    ]);
    expect(scenario.member('1').pendingWrites.at(-1)?.entries).toEqual(entries);
  });

  it('LeaderCommitEntry: applies what is safely replicated, and tells the others how far that is', () => {
    const scenario = new Scenario('123');
    scenario.elect('1');
    scenario.propose('1', 'some data');
    scenario.work('1');
    scenario.deliverTo('23');
    for (const id of '23') scenario.work(id);
    expect(scenario.applied('1')).toEqual(['']);
    scenario.deliverTo('1');
    scenario.work('1');
    expect(scenario.status('1').commitIndex).toBe(2);
    expect(scenario.applied('1')).toEqual(['', 'some data']);
    expect(scenario.inTransit).toMatchObject([
      { type: 'appendRequest', to: '2', leaderCommit: 2 },
      { type: 'appendRequest', to: '3', leaderCommit: 2 },
    ]);
  });

  it.each([
    // members, those who accept, whether it is committed
    [1, '', true],
    [3, '', false],
    [3, '2', true],
    [3, '23', true],
    [5, '', false],
    [5, '2', false],
    [5, '23', true],
    [5, '234', true],
    [5, '2345', true],
  ])('LeaderAcknowledgeCommit: of %i members "%s" accept: %s', (size, acceptors, isCommitted) => {
    const scenario = new Scenario('12345'.slice(0, size));
    scenario.elect('1');
    scenario.propose('1', 'some data');
    scenario.stabilize(`1${acceptors}`);
    expect(scenario.status('1').commitIndex > 1).toBe(isCommitted);
  });

  it.each(['', '2', '1 2', '1'])(
    'LeaderCommitPrecedingEntries: with older entries of terms "%s" before its own',
    (terms) => {
      const scenario = new Scenario('123', { disks: { '1': diskOf(terms, 2) } });
      scenario.campaign('1');
      scenario.propose('1', 'lost');
      expect(scenario.results('1')).toMatchObject([{ refused: 'no-leader' }]);
      scenario.stabilize();
      scenario.propose('1', 'some data');
      scenario.stabilize();
      const older = terms.split(' ').filter((term) => term !== '');
      const words = [...older, '3', '3'].map((term, i) => `${i + 1}/${term}`);
      for (const id of '123') {
        expect(scenario.log(id)).toBe(words.join(' '));
        expect(scenario.applied(id)).toEqual([...older.map((term) => `t${term}`), '', 'some data']);
      }
    },
  );

  // Figure 7 of the paper: what a leader of term 8 may find. a to f.
  it.each([
    '1 1 1 4 4 5 5 6 6',
    '1 1 1 4',
    '1 1 1 4 4 5 5 6 6 6 6',
    '1 1 1 4 4 5 5 6 6 6 7 7',
    '1 1 1 4 4 4 4',
    '1 1 1 2 2 2 3 3 3 3 3',
  ])('LeaderSyncFollowerLog: brings a log of terms "%s" into line with its own', (terms) => {
    const disks = { '1': diskOf('1 1 1 4 4 5 5 6 6 6', 8), '2': diskOf(terms, 7), '3': diskOf('', 7) };
    const scenario = new Scenario('123', { disks });
    scenario.campaign('1');
    // The vote of 3, whose log plays no part.
    scenario.stabilize('13');
    expect(scenario.status('1')).toMatchObject({ role: 'leader', term: 9 });
    scenario.cut('1', '3');
    scenario.propose('1', 'p');
    scenario.stabilize('12');
    expect(scenario.log('2')).toBe('1/1 2/1 3/1 4/4 5/4 6/5 7/5 8/6 9/6 10/6 11/9 12/9');
    expect(scenario.log('2')).toBe(scenario.log('1'));
  });
});

describe('§5.3 what a follower does', () => {
  it.each([
    // entries, how far they are committed
    [1, 1],
    [2, 2],
    [2, 1],
  ])('FollowerCommitEntry: of %i entries it applies the first %i, in order', (count, commit) => {
    const scenario = new Scenario('123');
    scenario.receive(append({ term: 1, entries: Array.from({ length: count }, () => 1), commit }));
    scenario.work('1');
    expect(scenario.status('1').commitIndex).toBe(commit);
    expect(scenario.applied('1')).toEqual(['e1', 'e2'].slice(0, commit));
  });

  it.each([
    // the place before, as index and term; what is answered
    [0, 0, { success: true, matchIndex: 1 }],
    [1, 1, { success: true, matchIndex: 1 }],
    [2, 2, { success: true, matchIndex: 2 }],
    [2, 1, { success: false, rejectedIndex: 2, conflictIndex: 1, conflictTerm: 1 }],
    [3, 3, { success: false, rejectedIndex: 3, conflictIndex: 2, conflictTerm: 2 }],
  ])('FollowerCheckMsgApp: with 1/1 committed and 2/2, asked about %i/%i', (index, term, answer) => {
    const scenario = new Scenario('123', { disks: { '1': diskOf('1 2', 2, { commitIndex: 1 }) } });
    scenario.receive(append({ term: 3, prev: [index, term] }));
    scenario.work('1');
    expect(scenario.inTransit).toMatchObject([{ type: 'appendResponse', to: '2', term: 3, ...answer }]);
  });

  it.each([
    // the place before; terms of the entries; the log that follows; what is new on disk
    [2, 2, [3], '1/1 2/2 3/3', '3/3'],
    [1, 1, [3, 4], '1/1 2/3 3/4', '2/3 3/4'],
    [0, 0, [1], '1/1 2/2', ''],
    [0, 0, [3], '1/3', '1/3'],
  ])(
    'FollowerAppendEntries: with 1/1 and 2/2, sent after %i/%i entries of terms %j: %s',
    (index, term, entries, log, written) => {
      const scenario = new Scenario('123', { disks: { '1': diskOf('1 2', 4) } });
      scenario.receive(append({ term: 4, prev: [index, term], entries }));
      expect(scenario.log('1')).toBe(log);
      const writes = scenario.member('1').pendingWrites.flatMap((write) => write.entries);
      expect(writes.map((entry) => `${entry.index}/${entry.term}`).join(' ')).toBe(written);
      scenario.work('1');
      expect(
        scenario
          .member('1')
          .disk.entries.map((entry) => `${entry.index}/${entry.term}`)
          .join(' '),
      ).toBe(log);
    },
  );
});

describe('§5.4.2 committing entries from earlier terms', () => {
  it.each([
    // how far 2 has confirmed, what is committed then
    [1, 0],
    [2, 0],
    [3, 3],
  ])(
    'LeaderOnlyCommitsLogFromCurrentTerm: with 1/1 2/2 3/3 4/3, 2 has %i: %i is committed',
    (matchIndex, commitIndex) => {
      const scenario = new Scenario('12', { disks: { '1': diskOf('1 2', 2), '2': diskOf('1 2', 2) } });
      scenario.campaign('1');
      scenario.deliver(ofType('preVoteRequest'));
      scenario.deliver(ofType('preVoteResponse'));
      scenario.work('1');
      scenario.deliver(ofType('voteRequest'));
      scenario.work('2');
      scenario.deliver(between('2', '1'));
      scenario.propose('1', 'p');
      scenario.work('1');
      expect(scenario.log('1')).toBe('1/1 2/2 3/3 4/3');
      expect(scenario.status('1')).toMatchObject({ role: 'leader', term: 3, persistedIndex: 4, commitIndex: 0 });
      scenario.receive({
        ...{ type: 'appendResponse', from: '2', to: '1', term: 3, success: true, matchIndex },
        ...{ rejectedIndex: 0, conflictIndex: 0, conflictTerm: 0 },
      });
      expect(scenario.status('1').commitIndex).toBe(commitIndex);
    },
  );
});
