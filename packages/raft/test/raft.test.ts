// The facade: what it starts from, what it refuses, and that it is deterministic.
import { Cluster, diskOf } from './cluster.ts';
import { InvariantError, Raft, type RaftInitialState, type RaftOptions } from '../src/index.ts';
import { describe, expect, it } from 'vitest';
import { isMember, isOnlyVoter, isVoter, isWellFormed, membersOf, votersOf } from '../src/configuration.ts';
import { bytesOf } from './member.ts';

const configuration = { voters: ['a', 'b', 'c'], votersOutgoing: [], learners: [] };
const blank: RaftInitialState = {
  hardState: undefined,
  snapshot: undefined,
  entries: [],
  compactedIndex: 0,
  compactedTerm: 0,
  configuration,
};

describe('options', () => {
  it.each<[string, Partial<RaftOptions>]>([
    ['id must not be empty', { id: '' }],
    ['seed -1 is no unsigned', { seed: -1 }],
    ['seed 0.5 is no unsigned', { seed: 0.5 }],
    ['seed 4294967296 is no unsigned', { seed: 2 ** 32 }],
    ['maxAppendEntries 0 is no positive', { maxAppendEntries: 0 }],
    ['maxInflightBytes NaN is no positive', { maxInflightBytes: Number.NaN }],
    ['heartbeatTicks 10 >= electionTimeoutTicks 10', { heartbeatTicks: 10 }],
  ])('are refused: %s', (message, wrong) => {
    expect(() => new Raft({ id: 'a', seed: 1, ...wrong }, blank)).toThrow(message);
    expect(() => new Raft({ id: 'a', seed: 1, ...wrong }, blank)).toThrow(InvariantError);
  });
});

describe('a stored state', () => {
  const entry = (index: number, term: number) => ({ index, term, kind: 'command', data: bytesOf('x') }) as const;
  const meta = { lastIncludedIndex: 5, lastIncludedTerm: 2, configuration };
  const hardState = { term: 3, votedFor: 'b', commitIndex: 6 };

  it('is taken up: term, vote, log, snapshot, and commitIndex as a hint', () => {
    const raft = new Raft(
      { id: 'a', seed: 1 },
      {
        ...blank,
        hardState,
        snapshot: meta,
        entries: [4, 5, 6, 7].map((i) => entry(i, 2)),
        compactedIndex: 3,
        compactedTerm: 1,
      },
    );
    expect(raft.status()).toMatchObject({
      ...{ role: 'follower', term: 3, votedFor: 'b', leaderId: undefined, commitIndex: 6, appliedIndex: 5 },
      ...{ firstIndex: 4, lastIndex: 7, lastTerm: 2, snapshotIndex: 5, persistedIndex: 7 },
    });
    expect(raft.takeReady().committedEntries.map(({ index }) => index)).toEqual([6]);
    expect(raft.termAt(3)).toBe(1);
  });

  it('whose snapshot was installed but whose log was not yet reset begins with the snapshot', () => {
    const old = { ...blank, hardState: { ...hardState, commitIndex: 2 }, snapshot: meta };
    for (const entries of [[entry(1, 1), entry(2, 1)], [1, 2, 3, 4, 5, 6].map((i) => entry(i, 1)), []]) {
      const raft = new Raft({ id: 'a', seed: 1 }, { ...old, entries });
      expect(raft.status()).toMatchObject({ firstIndex: 6, lastIndex: 5, lastTerm: 2, commitIndex: 5 });
    }
  });

  it.each<[string, Partial<RaftInitialState>]>([
    ['entry 3 after 1', { hardState, entries: [entry(1, 1), entry(3, 1)] }],
    ['term 1 at 2 after 2', { hardState, entries: [entry(1, 2), entry(2, 1)] }],
    ['stored commitIndex 6, log ends at 0', { hardState }],
    ['stored term 0, log ends in term 2', { entries: [entry(1, 2)] }],
    ['stored log begins after 9, its snapshot ends at 5', { hardState, snapshot: meta, compactedIndex: 9 }],
    ['configuration without voters', { configuration: { ...configuration, voters: [] } }],
    ['configuration without voters, or with an id twice', { configuration: { ...configuration, learners: ['a'] } }],
  ])('is refused where its parts contradict: %s', (message, wrong) => {
    expect(() => new Raft({ id: 'a', seed: 1 }, { ...blank, ...wrong })).toThrow(message);
  });
});

describe('the same inputs', () => {
  it('give the same Readys, byte for byte, and asking hasReady changes nothing', () => {
    const run = (isAsking: boolean): string => {
      const raft = new Raft({ id: 'a', seed: 77 }, { ...blank, configuration: { ...configuration, voters: ['a'] } });
      const out: unknown[] = [];
      for (let i = 0; i < 60; i++) {
        raft.step({ type: 'tick' });
        if (isAsking) raft.hasReady();
        if (i % 3 === 0) raft.step({ type: 'propose', context: i, data: bytesOf(`p${i}`) });
        if (isAsking) raft.hasReady();
        if (i % 4 === 0) raft.step({ type: 'readIndex', context: i });
        if (isAsking) raft.hasReady();
        const ready = raft.takeReady();
        out.push(ready);
        raft.step({ type: 'persisted', readyNumber: ready.number });
      }
      return JSON.stringify(out);
    };
    expect(run(false)).toBe(run(true));
    expect(run(false)).toContain('"leaderId":"a"');
  });
});

describe('Ready', () => {
  it('counts from 1 and shows role and leader only when they change', () => {
    const cluster = new Cluster('a');
    const { raft } = cluster.member('a');
    raft.step({ type: 'campaign' });
    const first = raft.takeReady();
    expect(first).toMatchObject({
      number: 1,
      softState: { role: 'candidate', leaderId: undefined, term: 1 },
      hardState: { term: 1, votedFor: 'a' },
    });
    expect(raft.takeReady()).toMatchObject({ number: 2, softState: undefined, hardState: undefined });
    raft.step({ type: 'persisted', readyNumber: first.number });
    expect(raft.takeReady()).toMatchObject({
      number: 3,
      softState: { role: 'leader', leaderId: 'a', term: 1 },
      entries: [{ kind: 'empty' }],
    });
  });
});

describe('status', () => {
  it('shows the followers’ progress on the leader alone', () => {
    const cluster = new Cluster('abc', { learners: 'd', disks: { a: diskOf('1', 1) } });
    cluster.elect('a');
    const progress = cluster.status('a').progress;
    expect([...progress.keys()]).toEqual(['b', 'c', 'd']);
    expect(progress.get('d')).toEqual({
      matchIndex: 2,
      nextIndex: 3,
      state: 'replicate',
      isLearner: true,
      priority: 0,
      isRecentlyActive: true,
    });
    expect(cluster.status('b').progress.size).toBe(0);
    expect(cluster.status('d')).toMatchObject({ role: 'follower', leaderId: 'a', commitIndex: 2 });
  });
});

describe('a configuration', () => {
  const joint = { voters: ['a', 'b'], votersOutgoing: ['b', 'c'], learners: ['d'] };

  it('knows who votes and who is a member, each once', () => {
    expect(votersOf(joint)).toEqual(['a', 'b', 'c']);
    expect(membersOf(joint)).toEqual(['a', 'b', 'c', 'd']);
    expect(['a', 'c', 'd', 'e'].map((id) => [isVoter(joint, id), isMember(joint, id)])).toEqual([
      [true, true],
      [true, true],
      [false, true],
      [false, false],
    ]);
  });

  it('knows whether one member decides alone', () => {
    expect(isOnlyVoter({ voters: ['a'], votersOutgoing: [], learners: ['b'] }, 'a')).toBe(true);
    expect(isOnlyVoter({ voters: ['a'], votersOutgoing: ['a'], learners: [] }, 'a')).toBe(true);
    expect(isOnlyVoter({ voters: ['a'], votersOutgoing: ['a', 'b'], learners: [] }, 'a')).toBe(false);
    expect(isOnlyVoter({ voters: ['b'], votersOutgoing: [], learners: [] }, 'a')).toBe(false);
  });

  it('is well-formed with voters and without doubles', () => {
    expect(isWellFormed(joint)).toBe(true);
    expect(isWellFormed({ ...joint, voters: [] })).toBe(false);
    expect(isWellFormed({ ...joint, voters: ['a', 'a'] })).toBe(false);
    expect(isWellFormed({ ...joint, learners: ['c'] })).toBe(false);
  });
});
