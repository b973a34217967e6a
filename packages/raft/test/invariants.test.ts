// The checks themselves: each must fail on a state that breaks what it watches, or it watches nothing.
import { Cluster } from './cluster.ts';
import type { RaftState } from '../src/state.ts';
import { captureState, checkState, checkTransition } from '../src/invariants.ts';
import { describe, expect, it } from 'vitest';
import { bytesOf } from './member.ts';
import { stateOf } from '../src/raft.ts';

function leaderWithLog(): Cluster {
  const cluster = new Cluster('abc');
  cluster.elect('a');
  cluster.propose('a', 'p1', 'p2');
  cluster.settle();
  return cluster;
}

describe('checkState', () => {
  it('is content with a leader and its followers', () => {
    const cluster = leaderWithLog();
    for (const id of cluster.ids) checkState(cluster.member(id).raft);
  });

  it.each<[string, (state: RaftState) => void]>([
    ['entry 9 at place 1', ({ log }) => void (log.entries[1] = { ...log.entries[1]!, index: 9 })],
    ['term falls at 3', ({ log }) => void (log.entries[2] = { ...log.entries[2]!, term: 0 })],
    ['log in term 1, member in 0', (state) => void (state.term = 0)],
    ['bytes counted as', ({ log }) => void (log.bytes += 1)],
    ['handedOutIndex 3 > commitIndex 2', (state) => void (state.commitIndex = 2)],
    ['appliedIndex 4 > handedOutIndex 3', ({ application }) => void (application.appliedIndex = 4)],
    ['handed out before it is durable', ({ durability }) => void (durability.persistedIndex = 2)],
    ['persisted 3 > handed 2', ({ durability }) => void (durability.handedIndex = 2)],
    ['verified 9 of 3', ({ acknowledgement }) => void (acknowledgement.verifiedIndex = 9)],
    ['leader a follows b', (state) => void (state.leaderId = 'b')],
    ['leads 1, durable is 0', ({ durability }) => void (durability.durableTerm = 0)],
    ['match 3, next 3', ({ followers }) => void (followers[0]!.nextIndex = 3)],
    ['next 9, last 3', ({ followers }) => void (followers[0]!.nextIndex = 9)],
    ['told 9, commit 3', ({ followers }) => void (followers[0]!.toldCommitIndex = 9)],
    ['snapshot with transfer false', ({ followers }) => void (followers[0]!.state = 'snapshot')],
    ['2 followers, 1 by id', ({ progress }) => void progress.delete('b')],
    ['keeps a leader', (state) => void ((state.role = 'follower'), (state.leaderId = 'b'))],
    ['0 open reads counted as 1', ({ reads }) => void (reads.openCount = 1)],
    ['uncommitted bytes counted as', ({ proposals }) => void (proposals.uncommittedBytes = 5)],
    ['forwarded bytes miscounted', ({ proposals }) => void (proposals.openBytes = 5)],
    ['waiting bytes counted as', ({ application }) => void (application.waitingBytes = 5)],
    ['outstanding bytes miscounted', ({ application }) => void (application.outstandingBytes = 5)],
  ])('finds: %s', (message, spoil) => {
    const cluster = leaderWithLog();
    const { raft } = cluster.member('a');
    spoil(stateOf(raft));
    expect(() => checkState(raft)).toThrow(message);
  });
});

describe('checkTransition', () => {
  it.each<[string, (state: RaftState) => void]>([
    ['term fell from 1 to 0', (state) => void (state.term = 0)],
    ['vote of term 1 went from a to b', (state) => void (state.votedFor = 'b')],
    ['leader of term 1 went from a to b', (state) => void (state.leaderId = 'b')],
    ['commitIndex fell from 3', (state) => void (state.commitIndex = 2)],
    ['appliedIndex fell from 3', ({ application }) => void (application.appliedIndex = 1)],
    ['entry 2 changed or vanished', ({ log }) => void (log.entries[1] = { ...log.entries[1]! })],
    ['entry 3 changed or vanished', ({ log }) => void log.entries.pop()],
  ])('finds: %s', (message, spoil) => {
    const cluster = leaderWithLog();
    const { raft } = cluster.member('a');
    const before = captureState(raft);
    spoil(stateOf(raft));
    expect(() => checkTransition(before, raft)).toThrow(message);
  });

  it('finds a leader that commits an entry of an older term by counting (§3.6.2)', () => {
    const cluster = leaderWithLog();
    const { raft } = cluster.member('a');
    const state = stateOf(raft);
    state.term = 2;
    state.log.entries.push({ index: 4, term: 1, kind: 'command', data: bytesOf('x') });
    const before = captureState(raft);
    state.commitIndex = 4;
    expect(() => checkTransition(before, raft)).toThrow('leader of term 2 committed 4/1 by counting');
  });

  it('lets a follower’s uncommitted entries go, but not a leader’s', () => {
    const cluster = leaderWithLog();
    const { raft } = cluster.member('a');
    stateOf(raft).log.entries.push({ index: 4, term: 1, kind: 'command', data: bytesOf('x') });
    const before = captureState(raft);
    stateOf(raft).log.entries.pop();
    expect(() => checkTransition(before, raft)).toThrow('entry 4 changed or vanished');
    stateOf(raft).role = 'follower';
    checkTransition(before, raft);
  });
});
