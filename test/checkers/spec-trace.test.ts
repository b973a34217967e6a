// Trace validation: a run that the specification allows is accepted, and for each of its actions and each message that makes a promise, the same run with that one
// step doctored is found out. Right runs at length are those of the simulator.
import type { Configuration } from '@raftkv/raft';
import { describe, expect, it } from 'vitest';
import {
  Play,
  acknowledges,
  appends,
  asks,
  behind,
  committed,
  elected,
  entry,
  grants,
  hears,
  logOf,
} from './spec-play.ts';
import { propose, stands, three, tick } from './spec-play.ts';

const [first, second, third] = [entry(1, 1, 'empty'), entry(2, 1), entry(3, 1)];
const other = entry(2, 2);
const joint: Configuration = { voters: ['a', 'b', 'd'], votersOutgoing: ['a', 'b', 'c'], learners: [] };
const meta = { lastIncludedIndex: 1, lastIncludedTerm: 1, configuration: three };
const snapshot = { type: 'snapshotPersisted', lastIncludedIndex: 1, offset: 1, done: true, ok: true } as const;
const compacts = { type: 'compact', snapshotIndex: 1, compactTo: 1 } as const;
const beats = (from: string, to: string, term: number, commitIndex: number): object => {
  return { type: 'heartbeatRequest', from, to, term, commitIndex, readToken: 0 };
};

describe('a run that the specification allows', () => {
  it('is accepted, with elections, conflicts, snapshots, restarts and a change of members', () => {
    const play = committed();
    play.delivers(beats('a', 'b', 1, 1), { commitIndex: 1 });
    play.step('a', { log: logOf(first, second) }, propose).sync('a');
    // c has heard of nothing, and takes over from b, which has not either.
    play.step('b', { role: 'preCandidate' }, tick);
    stands(play, 'b', 2)
      .delivers(asks('b', 'c', 2, 1, 1), { term: 2, votedFor: 'b' })
      .sync('c');
    play.delivers(grants('c', 'b', 2), { role: 'leader', log: logOf(first, other) }).sync('b');
    play.delivers(appends(['b', 'a'], 2, [1, 1], 1, other), {
      term: 2,
      votedFor: undefined,
      role: 'follower',
      log: logOf(first, other),
    });
    play.sync('a').delivers(acknowledges('a', 'b', 2, 2), { commitIndex: 2 });
    const log = logOf(first, other, entry(3, 2, 'configuration'));
    play.step('b', { log, configuration: joint, committedConfiguration: three }, propose).sync('b');
    play.step('b', { log: behind(2, 2, log.entries[2]!) }, { ...compacts, snapshotIndex: 2, compactTo: 2 });
    const late = { lastIncludedIndex: 2, lastIncludedTerm: 2, configuration: three };
    play.delivers({ type: 'installSnapshotRequest', from: 'b', to: 'c', term: 2, meta: late }, {});
    play.step('c', { log: behind(2, 2), commitIndex: 2 }, { ...snapshot, lastIncludedIndex: 2 }).sync('c');
    play.trace.stopped('a', undefined);
    play.restart('c', play.disks.get('c')!, { commitIndex: 2 });
    expect(play.broken?.explanation).toBeUndefined();
    expect(play.trace.steps).toBeGreaterThan(12);
    expect(play.trace.checkState().explanation).toBe('');
  });

  it('is accepted where a new leader leaves a joint configuration that is committed, before it has committed an entry of its own term', () => {
    const play = ledWithin(joint).step('b', { log: logOf(first, other, change), configuration: left }, tick);
    expect(play.broken?.explanation).toBeUndefined();
  });
});

/** What follows `joint`, and the entry that says so. */
const left: Configuration = { ...joint, votersOutgoing: [] };
const change = entry(3, 2, 'configuration');

/** b leads term 2 within this configuration, which is committed, by the vote of a; of its own term it has committed nothing. */
function ledWithin(configuration: Configuration): Play {
  const play = committed();
  const over = { configuration, committedConfiguration: configuration, commitIndex: 1 };
  for (const id of ['a', 'b']) play.restart(id, { term: 1, votedFor: undefined, log: logOf(first) }, over);
  stands(play, 'b', 2)
    .delivers(asks('b', 'a', 2, 1, 1), { term: 2, votedFor: 'b' })
    .sync('a');
  return play.delivers(grants('a', 'b', 2), { role: 'leader', log: logOf(first, other) });
}

const cases: Readonly<Record<string, readonly [rule: string, play: () => Play]>> = {
  'a term that falls': ['UpdateTerm', () => elected().step('b', { term: 0 }, tick)],
  'a term for which nobody stands': ['UpdateTerm', () => new Play().step('b', { term: 4 }, hears(asks('a', 'b', 4)))],
  'a term that no message speaks of': ['UpdateTerm', () => stands(new Play(), 'a', 1).step('b', { term: 1 }, tick)],
  'a term that was only asked about': [
    'UpdateTerm',
    () => stands(new Play(), 'a', 1).step('b', { term: 1 }, hears({ ...asks('a', 'b', 1), type: 'preVoteRequest' })),
  ],
  'a candidate that leaves a term out': ['Timeout', () => stands(new Play(), 'a', 2)],
  'a candidate that votes for another': [
    'Timeout',
    () => new Play().step('a', { term: 1, votedFor: 'b', role: 'candidate' }, tick),
  ],
  'a candidate that was made one by a vote request': [
    'Timeout',
    () => new Play().step('a', { term: 1, votedFor: 'a', role: 'candidate' }, hears(asks('b', 'a', 1))),
  ],
  'a candidate that is no voter': [
    'Timeout',
    () => {
      const configuration = { ...three, voters: ['b', 'c'] };
      const play = new Play();
      play.restart('a', play.disks.get('a')!, { configuration, committedConfiguration: configuration });
      return stands(play, 'a', 1);
    },
  ],
  'a leader that is a candidate in its own term': [
    'Timeout',
    () => elected().step('a', { role: 'preCandidate' }, tick),
  ],
  'a second vote': [
    'HandleRequestVote',
    () => stands(elected(), 'c', 1).step('b', { votedFor: 'c' }, hears(asks('c', 'b', 1))),
  ],
  'a vote for a log that lags': [
    'HandleRequestVote',
    () => stands(stands(committed(), 'c', 1), 'c', 2).step('b', { term: 2, votedFor: 'c' }, hears(asks('c', 'b', 2))),
  ],
  'a vote for a log that is longer, and older': [
    'HandleRequestVote',
    () =>
      stands(stands(committed(), 'c', 1), 'c', 2).step('b', { term: 2, votedFor: 'c' }, hears(asks('c', 'b', 2, 9, 0))),
  ],
  'a vote that nobody asked for': [
    'HandleRequestVote',
    () => stands(new Play(), 'a', 1).step('b', { votedFor: 'a' }, tick),
  ],
  'a vote for who does not stand': [
    'HandleRequestVote',
    () => stands(new Play(), 'a', 1).step('b', { term: 1, votedFor: 'c' }, hears(asks('c', 'b', 1))),
  ],
  'a vote that was never given': [
    'HandleRequestVoteResponse',
    () => stands(new Play(), 'a', 1).step('a', {}, hears(grants('b', 'a', 1))),
  ],
  'a leader without votes': ['BecomeLeader', () => stands(new Play(), 'a', 1).step('a', { role: 'leader' }, tick)],
  'a leader whose own vote is not durable': [
    'BecomeLeader',
    () => {
      const play = stands(new Play(), 'a', 1)
        .delivers(asks('a', 'b', 1), { term: 1, votedFor: 'a' })
        .sync('b');
      play.disks.set('a', { term: 0, votedFor: undefined, log: logOf() });
      return play.delivers(grants('b', 'a', 1), { role: 'leader', log: logOf(first) });
    },
  ],
  'a leader that did not stand': ['BecomeLeader', () => new Play().step('a', { role: 'leader' }, tick)],
  'a second leader of a term': [
    'BecomeLeader',
    () => stands(elected(), 'c', 1).step('c', { role: 'leader', log: logOf(first) }, tick),
  ],
  'a leader that cuts its log': ['ClientRequest', () => committed().step('a', { log: logOf() }, tick)],
  'a leader that changes an entry': ['ClientRequest', () => committed().step('a', { log: logOf(entry(1, 1)) }, tick)],
  'a leader that appends in another term': [
    'ClientRequest',
    () => committed().step('a', { log: logOf(first, other) }, propose),
  ],
  'a follower that appends by itself': ['log', () => committed().step('b', { log: logOf(first, second) }, propose)],
  'a change of members before an entry of the term is committed': [
    'ChangeMembers',
    () => elected().step('a', { log: logOf(first, entry(2, 1, 'configuration')), configuration: joint }, propose),
  ],
  'a change of voters that a new leader starts': [
    'ChangeMembers',
    () => ledWithin(three).step('b', { log: logOf(first, other, change), configuration: joint }, propose),
  ],
  'a change without voters that a new leader starts': [
    'ChangeMembers',
    () => {
      const configuration = { ...three, learners: ['d'] };
      return ledWithin(three).step('b', { log: logOf(first, other, change), configuration }, propose);
    },
  ],
  'a new leader that leaves a joint configuration for other voters': [
    'ChangeMembers',
    () => {
      const configuration = { ...left, voters: ['a', 'b', 'e'] };
      return ledWithin(joint).step('b', { log: logOf(first, other, change), configuration }, tick);
    },
  ],
  'a new leader that leaves a joint configuration for other learners': [
    'ChangeMembers',
    () => {
      const configuration = { ...left, learners: ['e'] };
      return ledWithin(joint).step('b', { log: logOf(first, other, change), configuration }, tick);
    },
  ],
  'a joint configuration that is left before it is committed': [
    'ChangeMembers',
    () => {
      const log = logOf(first, entry(2, 1, 'configuration'));
      const play = committed().step('a', { log, configuration: joint }, propose);
      return play.step('a', { log: logOf(first, entry(2, 1, 'configuration'), third), configuration: left }, tick);
    },
  ],
  'a change of members in one step': [
    'ChangeMembers',
    () => {
      const configuration = { ...three, voters: ['a', 'd', 'e'] };
      return committed().step('a', { log: logOf(first, entry(2, 1, 'configuration')), configuration }, propose);
    },
  ],
  'a change of members while one is open': [
    'ChangeMembers',
    () => {
      const play = committed().step('a', { log: logOf(first, second), configuration: joint }, propose);
      const configuration = { ...joint, votersOutgoing: [] };
      return play.step('a', { log: logOf(first, second, third), configuration }, propose);
    },
  ],
  'entries of who does not lead': [
    'HandleAppendEntries',
    () => committed().step('c', { term: 1, log: logOf(first) }, hears(appends(['b', 'c'], 1, [0, 0], 0, first))),
  ],
  'entries behind what does not match': [
    'HandleAppendEntries',
    () =>
      committed().step('c', { term: 1, log: logOf(first, second) }, hears(appends(['a', 'c'], 1, [1, 1], 0, second))),
  ],
  'another entry than was sent': [
    'HandleAppendEntries',
    () => committed().step('c', { term: 1, log: logOf(entry(1, 1)) }, hears(appends(['a', 'c'], 1, [0, 0], 0, first))),
  ],
  'a log that is cut without a conflict': [
    'HandleAppendEntries',
    () => {
      const play = committed()
        .step('a', { log: logOf(first, second) }, propose)
        .sync('a');
      play.delivers(appends(['a', 'b'], 1, [1, 1], 1, second), { log: logOf(first, second), commitIndex: 1 });
      return play.step('b', { log: logOf(first) }, hears(appends(['a', 'b'], 1, [0, 0], 1, first)));
    },
  ],
  'a compaction of what is not committed': ['Compact', () => elected().step('a', { log: behind(1, 1) }, compacts)],
  'a compaction that takes too much': [
    'Compact',
    () => {
      const play = committed().step('a', { log: logOf(first, second) }, propose);
      return play.step('a', { log: behind(1, 1) }, compacts);
    },
  ],
  'a snapshot of what nobody committed': [
    'InstallSnapshot',
    () => elected().step('c', { log: behind(1, 1), commitIndex: 1 }, snapshot),
  ],
  'a snapshot of less than is committed': [
    'InstallSnapshot',
    () => committed().step('a', { log: behind(1, 1) }, snapshot),
  ],
  'a commit index that falls': ['AdvanceCommitIndex', () => committed().step('a', { commitIndex: 0 }, tick)],
  'a commit that is on one disk': [
    'AdvanceCommitIndex',
    () =>
      elected()
        .sync('a')
        .step('a', { commitIndex: 1 }, hears(acknowledges('b', 'a', 1, 1))),
  ],
  'a commit of an older term by counting': [
    'AdvanceCommitIndex',
    () => {
      const play = elected().sync('a');
      play.delivers(appends(['a', 'b'], 1, [0, 0], 0, first), { log: logOf(first) }).sync('b');
      stands(play, 'b', 2)
        .delivers(asks('b', 'c', 2, 1, 1), { term: 2, votedFor: 'b' })
        .sync('c');
      play.delivers(grants('c', 'b', 2), { role: 'leader', log: logOf(first, other) });
      return play.step('b', { commitIndex: 1 }, tick);
    },
  ],
  'a commit that nobody told of': ['AdvanceCommitIndex', () => committed().step('b', { commitIndex: 1 }, tick)],
  'a commit beyond what was told': [
    'AdvanceCommitIndex',
    () => committed().step('b', { commitIndex: 1 }, hears(beats('a', 'b', 1, 0))),
  ],
  'a commit beyond what is known to match': [
    'AdvanceCommitIndex',
    () => {
      const play = committed();
      play.restart('c', { term: 1, votedFor: undefined, log: logOf(first) });
      return play.step('c', { commitIndex: 1 }, hears(appends(['a', 'c'], 1, [0, 0], 1)));
    },
  ],
  'a commit of another entry': [
    'AdvanceCommitIndex',
    () => {
      const play = committed();
      play.restart('c', { term: 1, votedFor: undefined, log: logOf(entry(1, 1)) });
      return play.step('c', { commitIndex: 1 }, hears(beats('a', 'c', 1, 1)));
    },
  ],
  'a start with another vote than the disk has': [
    'Restart',
    () => {
      const play = elected();
      play.restart('b', play.disks.get('b')!, { votedFor: undefined });
      return play;
    },
  ],
  'a start with less than the disk has': [
    'Restart',
    () => {
      const play = committed();
      play.restart('b', play.disks.get('b')!, { log: logOf() });
      return play;
    },
  ],
  'a start that knows of more than was committed': [
    'Restart',
    () => {
      const play = elected().sync('a');
      play.restart('a', play.disks.get('a')!, { commitIndex: 1 });
      return play;
    },
  ],
  'a start as a leader': [
    'Restart',
    () => {
      const play = elected();
      play.restart('a', play.disks.get('a')!, { role: 'leader' });
      return play;
    },
  ],
  'a vote request before the own vote is durable': [
    'Send',
    () => new Play().step('a', { term: 1, votedFor: 'a', role: 'candidate' }, tick).sends(asks('a', 'b', 1)),
  ],
  'a vote request that praises its log': ['Send', () => stands(new Play(), 'a', 1).sends(asks('a', 'b', 1, 5, 0))],
  'a vote before it is durable': [
    'Send',
    () =>
      stands(new Play(), 'a', 1)
        .delivers(asks('a', 'b', 1), { term: 1, votedFor: 'a' })
        .sends(grants('b', 'a', 1)),
  ],
  'a heartbeat of who does not lead': ['Send', () => elected().sends(beats('b', 'a', 1, 0))],
  'a heartbeat that says more than is held': ['Send', () => committed().sends(beats('a', 'c', 1, 1))],
  'a heartbeat that says more than is committed': [
    'Send',
    () =>
      elected()
        .sync('a')
        .sends(beats('a', 'b', 1, 1)),
  ],
  'entries that the leader does not have': ['Send', () => committed().sends(appends(['a', 'b'], 1, [1, 1], 1, second))],
  'entries behind another one': ['Send', () => committed().sends(appends(['a', 'b'], 1, [1, 0], 1))],
  'entries with more committed than there is': ['Send', () => elected().sends(appends(['a', 'b'], 1, [1, 1], 1))],
  'an acknowledgement of what is not durable': [
    'Send',
    () => {
      const play = elected().delivers(appends(['a', 'b'], 1, [0, 0], 0, first), { log: logOf(first) });
      return play.sends(acknowledges('b', 'a', 1, 1));
    },
  ],
  'an acknowledgement of what the leader does not have': [
    'Send',
    () => {
      const play = committed();
      play.restart('c', { term: 1, votedFor: undefined, log: logOf(first, other) });
      return play.sends(acknowledges('c', 'a', 1, 2));
    },
  ],
  'a snapshot that nobody committed': [
    'Send',
    () => elected().sends({ type: 'installSnapshotRequest', from: 'a', to: 'c', term: 1, meta }),
  ],
  'the word that a snapshot is done which is not on the disk': [
    'Send',
    () =>
      committed().sends({
        type: 'installSnapshotResponse',
        from: 'c',
        to: 'a',
        term: 1,
        lastIncludedIndex: 1,
        done: true,
      }),
  ],
};

describe('a run is found out by', () => {
  for (const [what, [rule, play]] of Object.entries(cases)) {
    it(`${what}`, () => expect(play().broken).toMatchObject({ promise: `specification: ${rule}` }));
  }
});
