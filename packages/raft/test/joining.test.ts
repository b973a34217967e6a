// Members that join, with an empty log and what they were told; and snapshots, which carry the configuration as of their end. How the
// others change the members is in membership.test.ts.
import { Cluster } from './cluster.ts';
import { Member, emptyDisk, jsonCodec } from './member.ts';
import { describe, expect, it } from 'vitest';
import type { Configuration, Entry, MemberChange } from '../src/index.ts';
import { Raft } from '../src/index.ts';
import { describeConfiguration } from './trace.ts';

function newcomer(name: string, as: 'learner' | 'voter' = 'learner'): MemberChange {
  return { type: 'add', member: { name, address: `h:${name}`, storeId: undefined }, as };
}
const idOf = (index: number): string => index.toString(16).padStart(16, '0');

/** Adds a learner and starts it. Answers its id. */
function join(cluster: Cluster, leader: string, name: string): string {
  cluster.change(leader, newcomer(name));
  cluster.settle();
  const id = idOf(cluster.results(leader)[0]!.index!);
  cluster.join(id, leader);
  return id;
}

describe('a member that joins', () => {
  it('is brought up from an empty log, and may then be promoted', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.propose('a', 'p1', 'p2');
    cluster.settle();
    cluster.results('a');
    const id = join(cluster, 'a', 'd');
    expect(id).toBe(idOf(4));
    expect(cluster.configuration(id)).toBe('abc+[4]');
    cluster.pass(3);
    expect(cluster.applied(id).slice(1, 3)).toEqual(['p1', 'p2']);
    cluster.change('a', { type: 'promote', id, storeId: 's' });
    cluster.settle();
    expect(cluster.configuration(id)).toBe('[4]abc');
    expect(cluster.status(id).configuration.members).toMatchObject([{ id, name: 'd', address: 'h:d', storeId: 's' }]);
  });

  it('gets a snapshot where the log has been compacted, and so the configuration', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.propose('a', 'p1', 'p2');
    cluster.settle();
    cluster.results('a');
    const id = join(cluster, 'a', 'd');
    cluster.compact('a');
    cluster.pass(6);
    expect(cluster.applied(id).slice(1, 3)).toEqual(['p1', 'p2']);
    expect(cluster.status(id)).toMatchObject({ snapshotIndex: 4, configurationIndex: 4 });
    expect(cluster.configuration(id)).toBe('abc+[4]');
  });

  it('holds on to what it was told while its log tells of older configurations', () => {
    const cluster = new Cluster('abc', { raft: { maxAppendEntries: 1, maxInflightMessages: 1 } });
    cluster.elect('a');
    cluster.change('a', { type: 'remove', id: 'c' });
    cluster.settle();
    cluster.results('a');
    const id = join(cluster, 'a', 'd');
    cluster.takeTrace();
    cluster.pass(10);
    // Its log has abc, ab/abc and ab by now, and it followed none of them.
    expect(cluster.takeTrace().filter((line) => line.startsWith(`${id} has`))).toEqual([]);
    expect(cluster.status(id)).toMatchObject({ lastIndex: 4, configurationIndex: 4 });
    expect(cluster.configuration(id)).toBe('ab+[4]');
  });

  it('does not campaign, voter or not, before its log has told it what it is (T24)', () => {
    const told: Configuration = { voters: ['a', 'd'], votersOutgoing: [], learners: [] };
    const member = new Member({ id: 'd', seed: 1 }, told, emptyDisk(), 5);
    for (let i = 0; i < 100; i++) member.step({ type: 'tick' });
    member.step({ type: 'campaign' });
    expect(member.raft.status()).toMatchObject({ role: 'follower', term: 0, committedConfigurationIndex: 5 });
    // A founder with the same would.
    const founder = new Member({ id: 'd', seed: 1 }, told);
    founder.step({ type: 'campaign' });
    expect(founder.raft.status().role).toBe('preCandidate');
  });

  it('takes no snapshot of its own before that: it could not say who the members were', () => {
    const told: Configuration = { voters: ['a'], votersOutgoing: [], learners: ['d'] };
    const member = new Member({ id: 'd', seed: 1 }, told, emptyDisk(), 3);
    const entries: Entry[] = [1, 2].map((index) => ({ index, term: 1, kind: 'empty', data: new Uint8Array(0) }));
    const head = { from: 'a', to: 'd', term: 1, prevLogTerm: 0, type: 'appendRequest' } as const;
    member.step({ type: 'receive', message: { ...head, prevLogIndex: 0, leaderCommit: 2, entries } });
    expect(member.raft.configurationAt(2)).toBeUndefined();
    const change: Entry = { index: 3, term: 1, kind: 'configuration', data: jsonCodec.encode(told) };
    const request = { ...head, prevLogIndex: 2, prevLogTerm: 1, leaderCommit: 3, entries: [change] };
    member.step({ type: 'receive', message: request });
    expect(member.raft.configurationAt(3)).toEqual(told);
  });

  it('takes a snapshot that is older than what it was told, and holds on to that', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.propose('a', 'p1');
    cluster.settle();
    cluster.compact('a');
    cluster.results('a');
    const id = join(cluster, 'a', 'd');
    cluster.cut(id, 'a');
    cluster.heal();
    cluster.pass(1);
    expect(cluster.configuration(id)).toBe('abc+[3]');
    cluster.pass(6);
    expect(cluster.status(id)).toMatchObject({ snapshotIndex: 2, lastIndex: 3 });
    expect(describeConfiguration(cluster.member(id).raft.configurationAt(2)!)).toBe('abc');
    expect(cluster.configuration(id)).toBe('abc+[3]');
  });

  it('that is added again has another id: none is used twice', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    const first = join(cluster, 'a', 'd');
    cluster.change('a', { type: 'remove', id: first });
    cluster.settle();
    cluster.results('a');
    const second = join(cluster, 'a', 'd');
    expect([first, second]).toEqual([idOf(2), idOf(4)]);
  });
});

describe('a snapshot', () => {
  it('carries the configuration as of its last index, not the active one', () => {
    const cluster = new Cluster('abc', { learners: 'd' });
    cluster.elect('a');
    cluster.propose('a', 'p1');
    cluster.settle();
    cluster.isolate('a');
    // Appended, active, and never to be committed.
    cluster.change('a', { type: 'remove', id: 'd' });
    cluster.work('a');
    expect(cluster.configuration('a')).toBe('abc');
    cluster.compact('a');
    const { meta } = cluster.member('a').disk.snapshot!;
    expect(describeConfiguration(meta.configuration)).toBe('abc+d');
    // The change is rolled back; a restart begins with what is true.
    cluster.pass(60);
    cluster.heal();
    cluster.pass(30);
    expect(cluster.configuration('a')).toBe('abc+d');
    cluster.restart('a');
    expect(cluster.configuration('a')).toBe('abc+d');
  });

  it('of a joint configuration is one that is left when it is installed elsewhere', () => {
    const cluster = new Cluster('abc', { learners: 'd' });
    cluster.elect('a');
    cluster.isolate('d');
    cluster.propose('a', 'p1');
    cluster.settle();
    cluster.change('a', { type: 'remove', id: 'c' });
    cluster.settle();
    cluster.propose('a', 'p2');
    cluster.settle();
    // As if its driver had taken it at index 3, the joint one.
    const { raft } = cluster.member('a');
    expect(describeConfiguration(raft.configurationAt(3)!)).toBe('ab/abc+d');
    expect(describeConfiguration(raft.configurationAt(4)!)).toBe('ab+d');
    cluster.compact('a');
    cluster.heal();
    cluster.pass(6);
    expect(cluster.configuration('d')).toBe('ab+d');
    expect(cluster.status('d')).toMatchObject({ snapshotIndex: 5, configurationIndex: 5 });
  });
});

describe('a core without a codec', () => {
  const blank = { hardState: undefined, snapshot: undefined, entries: [], compactedIndex: 0, compactedTerm: 0 };
  const configuration: Configuration = { voters: ['a'], votersOutgoing: [], learners: [] };

  it('refuses a log in which members change', () => {
    const entries: Entry[] = [{ index: 1, term: 1, kind: 'configuration', data: jsonCodec.encode(configuration) }];
    const hardState = { term: 1, votedFor: undefined, commitIndex: 0 };
    const stored = { ...blank, hardState, entries, configuration };
    expect(() => new Raft({ id: 'a', seed: 1 }, stored)).toThrow(/no configurationCodec/);
    const raft = new Raft({ id: 'a', seed: 1, configurationCodec: jsonCodec }, stored);
    expect(raft.status()).toMatchObject({ configurationIndex: 1, committedConfigurationIndex: 0 });
  });
});
