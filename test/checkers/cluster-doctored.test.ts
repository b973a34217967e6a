// Doctored events and states: one small right run, and for each way of breaking a promise the run with that one thing changed.
// Whole runs, right and wrong, are in cluster.test.ts.
import { describe, expect, it } from 'vitest';
import { ClusterChecker } from './cluster-checker.ts';
import type { ClusterEvent, GlobalState, LogEntry, LogView, MemberState } from './cluster-events.ts';
import { checkSpecification, specInvariants } from './spec-invariants.ts';
import type { Verdict } from './verdict.ts';

const entry = (index: number, term: number, digest = `${index}.${term}`): LogEntry => ({ index, term, digest });
const log = (...entries: LogEntry[]): LogView => ({ compactedIndex: 0, compactedTerm: 0, entries });
const started = (member: string, view = log()): ClusterEvent => ({
  type: 'started',
  member,
  term: 0,
  commitIndex: 0,
  log: view,
});

/** a leads term 1 and commits two entries with b; c is behind. */
const begin: ClusterEvent[] = [
  ...['a', 'b', 'c'].map((member) => started(member)),
  ...['a', 'b', 'c'].map((member): ClusterEvent => ({ type: 'term', member, term: 1 })),
  { type: 'voted', member: 'a', term: 1, candidate: 'a' },
  { type: 'voted', member: 'b', term: 1, candidate: 'a' },
  { type: 'leader', member: 'a', term: 1 },
  { type: 'appended', member: 'a', entries: [entry(1, 1), entry(2, 1)] },
  { type: 'appended', member: 'b', entries: [entry(1, 1), entry(2, 1)] },
  { type: 'committed', member: 'a', commitIndex: 2 },
  { type: 'committed', member: 'b', commitIndex: 1 },
  { type: 'applied', member: 'a', entry: entry(1, 1) },
  { type: 'applied', member: 'a', entry: entry(2, 1) },
  { type: 'stateHash', member: 'a', appliedIndex: 2, hash: 'x' },
];

function judge(events: readonly ClusterEvent[]): Verdict | undefined {
  const checker = new ClusterChecker();
  return events.map((event) => checker.accept(event)).find(({ verdict }) => verdict !== 'holds');
}

/** What goes on rightly, and what breaks a promise, after `begin`. */
const right: Record<string, ClusterEvent[]> = {
  'a vote that is repeated': [{ type: 'voted', member: 'b', term: 1, candidate: 'a' }],
  'a new leader that holds what is committed': [{ type: 'leader', member: 'b', term: 2 }],
  'a tail that was never committed and is replaced': [
    { type: 'appended', member: 'a', entries: [entry(3, 1)] },
    { type: 'term', member: 'a', term: 2 },
    { type: 'appended', member: 'a', entries: [entry(3, 2)] },
  ],
  'a snapshot of what is committed': [
    { type: 'snapshot', member: 'c', lastIncludedIndex: 2, lastIncludedTerm: 1, keepsLog: false },
    { type: 'restored', member: 'c', appliedIndex: 2 },
    { type: 'stateHash', member: 'c', appliedIndex: 2, hash: 'x' },
    { type: 'appended', member: 'c', entries: [entry(3, 1)] },
  ],
  'an entry that both pass over': [
    { type: 'committed', member: 'b', commitIndex: 2 },
    { type: 'applied', member: 'b', entry: entry(1, 1) },
    { type: 'applied', member: 'b', entry: entry(2, 1) },
  ],
  'a restart with all of it': [{ type: 'stopped', member: 'b' }, started('b', log(entry(1, 1), entry(2, 1)))],
};

const wrong: [name: string, promise: string, events: ClusterEvent[]][] = [
  ['two leaders of a term', 'Election Safety', [{ type: 'leader', member: 'c', term: 1 }]],
  ['a second vote', 'one vote a term', [{ type: 'voted', member: 'b', term: 1, candidate: 'c' }]],
  [
    'a second vote after a restart',
    'one vote a term',
    [{ type: 'stopped', member: 'b' }, started('b'), { type: 'voted', member: 'b', term: 1, candidate: 'b' }],
  ],
  ['a term that falls', 'terms rise', [{ type: 'term', member: 'b', term: 0 }]],
  ['a leader without what is committed', 'Leader Completeness', [{ type: 'leader', member: 'c', term: 2 }]],
  [
    'a leader with something else there',
    'Leader Completeness',
    [
      { type: 'appended', member: 'c', entries: [entry(1, 1), entry(2, 0)].map((each) => ({ ...each, term: 0 })) },
      { type: 'leader', member: 'c', term: 2 },
    ],
  ],
  ['a leader that cuts its log', 'Leader Append-Only', [{ type: 'truncated', member: 'a', lastIndex: 1 }]],
  ['an entry with other content', 'Log Matching', [{ type: 'appended', member: 'c', entries: [entry(1, 1, 'other')] }]],
  [
    'an entry behind another one',
    'Log Matching',
    [{ type: 'appended', member: 'c', entries: [{ ...entry(1, 0) }, entry(2, 1)] }],
  ],
  ['a gap in a log', 'Log Matching', [{ type: 'appended', member: 'c', entries: [entry(2, 1)] }]],
  ['a term that falls in a log', 'Log Matching', [{ type: 'appended', member: 'b', entries: [entry(3, 0)] }]],
  ['a log on disk that is another', 'Log Matching', [started('c', log(entry(1, 1, 'other')))]],
  ['a committed entry that is cut off', 'committed never changes', [{ type: 'truncated', member: 'b', lastIndex: 1 }]],
  [
    'a committed entry that is replaced',
    'committed never changes',
    [
      { type: 'term', member: 'b', term: 2 },
      { type: 'appended', member: 'b', entries: [entry(2, 2)] },
    ],
  ],
  [
    'two entries committed at one index',
    'committed never changes',
    [
      { type: 'appended', member: 'c', entries: [entry(1, 1), entry(2, 2)] },
      { type: 'committed', member: 'c', commitIndex: 2 },
    ],
  ],
  ['a commitIndex that falls', 'committed never changes', [{ type: 'committed', member: 'a', commitIndex: 1 }]],
  ['a commitIndex beyond the log', 'committed never changes', [{ type: 'committed', member: 'c', commitIndex: 1 }]],
  [
    'a log compacted beyond what is committed',
    'committed never changes',
    [{ type: 'compacted', member: 'b', index: 2 }],
  ],
  [
    'a snapshot of what is not committed',
    'State Machine Safety',
    [{ type: 'snapshot', member: 'c', lastIncludedIndex: 3, lastIncludedTerm: 1, keepsLog: false }],
  ],
  [
    'a snapshot of another history',
    'State Machine Safety',
    [{ type: 'snapshot', member: 'c', lastIncludedIndex: 2, lastIncludedTerm: 2, keepsLog: false }],
  ],
  [
    'a log kept that the snapshot does not match',
    'Log Matching',
    [{ type: 'snapshot', member: 'c', lastIncludedIndex: 2, lastIncludedTerm: 1, keepsLog: true }],
  ],
  [
    'an entry applied before it is committed',
    'State Machine Safety',
    [{ type: 'applied', member: 'b', entry: entry(2, 1) }],
  ],
  ['an entry applied twice', 'State Machine Safety', [{ type: 'applied', member: 'a', entry: entry(2, 1) }]],
  ['another entry applied', 'State Machine Safety', [{ type: 'applied', member: 'b', entry: entry(1, 1, 'other') }]],
  [
    'an entry that one passes over',
    'State Machine Safety',
    [
      { type: 'committed', member: 'b', commitIndex: 2 },
      { type: 'applied', member: 'b', entry: entry(2, 1) },
    ],
  ],
  ['a state beyond what is committed', 'State Machine Safety', [{ type: 'restored', member: 'c', appliedIndex: 3 }]],
  [
    'two states of one index',
    'equal state',
    [
      { type: 'restored', member: 'c', appliedIndex: 2 },
      { type: 'stateHash', member: 'c', appliedIndex: 2, hash: 'y' },
    ],
  ],
  ['the hash of a state that is past', 'equal state', [{ type: 'stateHash', member: 'a', appliedIndex: 1, hash: 'x' }]],
];

describe('events', () => {
  it('of a right run are accepted', () => expect(judge(begin)).toBeUndefined());

  for (const [name, events] of Object.entries(right)) {
    it(`with ${name} are accepted`, () => expect(judge([...begin, ...events])).toBeUndefined());
  }
  for (const [name, promise, events] of wrong) {
    it(`with ${name} break ${promise}`, () => {
      const verdict = judge([...begin, ...events]);
      expect(verdict?.promise).toBe(promise);
      expect(verdict?.explanation).toMatch(/\b[abc]\b/);
    });
  }
});

const configuration = { voters: ['a', 'b', 'c'], votersOutgoing: [], learners: [] };
const member = (id: string, view: LogView, rest: Partial<MemberState> = {}): MemberState => ({
  id,
  term: 2,
  votedFor: undefined,
  role: 'follower',
  commitIndex: 2,
  configuration,
  committedConfiguration: configuration,
  log: view,
  durable: { term: 2, votedFor: undefined, log: view },
  ...rest,
});

const full = log(entry(1, 1), entry(2, 2));
const leader = member('a', full, { role: 'leader' });
const follower = member('b', full);
const behind = member('c', log(entry(1, 1)), { commitIndex: 1 });
/** With one member changed, the invariants that are to object; others may too. */
const broken: [name: string, invariant: keyof typeof specInvariants, members: MemberState[]][] = [
  ['two committed logs that differ', 'logInv', [leader, follower, member('c', log(entry(1, 1), entry(2, 2, 'other')))]],
  [
    'a committed entry that a snapshot contradicts',
    'logInv',
    [leader, follower, member('c', { compactedIndex: 2, compactedTerm: 1, entries: [] })],
  ],
  ['two leaders of a term', 'moreThanOneLeader', [leader, { ...follower, role: 'leader' }, behind]],
  [
    'entries of a term beyond its leader',
    'electionSafety',
    [leader, member('b', log(...full.entries, entry(3, 2)), { commitIndex: 2 }), behind],
  ],
  [
    'one entry behind two',
    'logMatching',
    [leader, follower, member('c', log(entry(1, 0), entry(2, 2)), { commitIndex: 0 })],
  ],
  [
    'one entry behind two on disks',
    'logMatching',
    [leader, follower, { ...behind, durable: { ...behind.durable, log: log(entry(1, 0), entry(2, 2)) } }],
  ],
  ['a quorum that does not know', 'quorumLog', [leader, member('b', log(entry(1, 1)), { commitIndex: 1 }), behind]],
  [
    'a configuration of one that does not know',
    'quorumLog',
    [{ ...leader, configuration: { voters: ['c'], votersOutgoing: [], learners: [] } }, follower, behind],
  ],
  [
    'a newer log without what is committed',
    'moreUpToDateCorrect',
    [leader, follower, member('c', log(entry(1, 1), entry(2, 3)), { commitIndex: 1 })],
  ],
  [
    'a longer log without what is committed',
    'moreUpToDateCorrect',
    [leader, follower, member('c', log(entry(1, 2), entry(2, 2)), { commitIndex: 0 })],
  ],
  [
    'one that disks would elect without what is committed',
    'electableHasCommitted',
    [leader, { ...follower, durable: { ...follower.durable, log: log(entry(1, 1)) } }, behind],
  ],
  [
    'a leader without what is committed',
    'leaderCompleteness',
    [{ ...behind, role: 'leader' }, follower, { ...leader, role: 'follower' }],
  ],
  [
    'committed entries in memory alone',
    'committedIsDurable',
    [leader, { ...follower, durable: { ...follower.durable, log: log(entry(1, 1)) } }, behind],
  ],
  [
    'committed entries that half of a joint configuration has',
    'committedIsDurable',
    [leader, follower, behind].map((each) => ({
      ...each,
      committedConfiguration: { voters: ['c'], votersOutgoing: ['a', 'b'], learners: [] },
    })),
  ],
];

describe('states', () => {
  it('of a right run are accepted', () => {
    expect(checkSpecification({ members: [leader, follower, behind] }).explanation).toBe('');
    const compacted = member('b', { compactedIndex: 1, compactedTerm: 1, entries: [entry(2, 2)] });
    expect(checkSpecification({ members: [leader, compacted, behind] }).explanation).toBe('');
    // c is lost: no quorum can count on it, and it had what is committed.
    expect(checkSpecification({ members: [leader, follower] }).explanation).toBe('');
  });

  it('that the published text would object to and Raft reaches are accepted', () => {
    // a leads term 4 and commits 1/2 by 2/4 with b and c; d has heard of the first alone; e led term 3 and reached nobody.
    const five = { voters: ['a', 'b', 'c', 'd', 'e'], votersOutgoing: [], learners: [] };
    const rest = { term: 4, configuration: five, committedConfiguration: five };
    const all = log(entry(1, 2), entry(2, 4));
    const members = [
      member('a', all, { ...rest, role: 'leader' }),
      member('b', all, { ...rest, commitIndex: 0 }),
      member('c', all, { ...rest, commitIndex: 0 }),
      member('d', log(entry(1, 2)), { ...rest, commitIndex: 1 }),
      member('e', log(entry(1, 3)), { ...rest, term: 3, role: 'leader', commitIndex: 0 }),
    ];
    expect(checkSpecification({ members }).explanation).toBe('');
  });

  for (const [name, invariant, members] of broken) {
    it(`with ${name} break ${invariant}`, () => {
      const state: GlobalState = { members };
      expect(specInvariants[invariant](state)).toMatch(/\b[abc]\b/);
      expect(checkSpecification(state).verdict).toBe('violation');
    });
  }
});
