// Whole-state checks for tests and the simulator, subpath `./invariants`: what must hold of one state, and of the step between
// two (Figure 3.2 as far as one member can see it). Each throws InvariantError with the values. Not part of the product's
// run: they read the whole log. docs/invariants.md lists them by name.
import type { Entry, PeerId } from './entry.ts';
import type { Progress } from './progress.ts';
import type { RaftState } from './state.ts';
import type { Role } from './ready.ts';
import { activeConfiguration, committedConfiguration } from './configuration-history.ts';
import { assert } from './assert.ts';
import { entryAt, entryBytes, lastIndexOf, lastTermOf, termAt } from './log.ts';
import { forwardedBytes } from './proposals.ts';
import { hasCommittedInTerm } from './commit.ts';
import { isWellFormed, membersOf } from './configuration.ts';
import { type Raft, stateOf } from './raft.ts';

/** What checkTransition compares with: a copy, made before an input. */
export interface CapturedState {
  readonly role: Role;
  readonly term: number;
  readonly votedFor: PeerId | undefined;
  readonly leaderId: PeerId | undefined;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly handedOutIndex: number;
  readonly compactedIndex: number;
  readonly snapshotIndex: number;
  readonly entries: readonly Entry[];
}

export function captureState(raft: Raft): CapturedState {
  const state = stateOf(raft);
  return {
    role: state.role,
    term: state.term,
    votedFor: state.votedFor,
    leaderId: state.leaderId,
    commitIndex: state.commitIndex,
    appliedIndex: state.application.appliedIndex,
    handedOutIndex: state.application.handedOutIndex,
    compactedIndex: state.log.compactedIndex,
    snapshotIndex: state.snapshot.latest?.lastIncludedIndex ?? 0,
    entries: [...state.log.entries],
  };
}

/** The entries of the log, for checks across members. */
export function logOf(raft: Raft): { readonly compactedIndex: number; readonly entries: readonly Entry[] } {
  const { compactedIndex, entries } = stateOf(raft).log;
  return { compactedIndex, entries };
}

/** The record itself, for checks that must be cheap: to be read, never written. */
export function recordOf(raft: Raft): Readonly<RaftState> {
  return stateOf(raft);
}

/** What must hold after each step. */
export function checkState(raft: Raft): void {
  const state = stateOf(raft);
  checkLog(state);
  checkIndexes(state);
  checkDurability(state);
  checkRole(state);
  for (const progress of state.followers) checkProgress(state, progress);
  checkMembership(state);
  checkAccounts(state);
}

/** What must hold between a state and its successor. */
export function checkTransition(before: CapturedState, raft: Raft): void {
  const after = stateOf(raft);
  assert(after.term >= before.term, () => `term fell from ${before.term} to ${after.term}`);
  if (after.term === before.term) checkSameTerm(before, after);
  for (const name of ['appliedIndex', 'handedOutIndex'] as const) {
    assert(after.application[name] >= before[name], () => `${name} fell from ${before[name]}`);
  }
  assert(after.commitIndex >= before.commitIndex, () => `commitIndex fell from ${before.commitIndex}`);
  assert(after.log.compactedIndex >= before.compactedIndex, () => `compactedIndex fell from ${before.compactedIndex}`);
  assert((after.snapshot.latest?.lastIncludedIndex ?? 0) >= before.snapshotIndex, 'the snapshot went back');
  // Committed entries stay as they are; those of a leader of this term all do (Leader Append-Only).
  const isStillLeader = before.role === 'leader' && after.role === 'leader' && before.term === after.term;
  // §3.6.2: a leader moves commitIndex to an entry of its own term, or not at all.
  assert(
    after.role !== 'leader' ||
      after.commitIndex === before.commitIndex ||
      termAt(after.log, after.commitIndex) === after.term,
    () =>
      `leader of term ${after.term} committed ${after.commitIndex}/${termAt(after.log, after.commitIndex)} by counting`,
  );
  for (const entry of before.entries) {
    if (entry.index <= after.log.compactedIndex) continue;
    if (entry.index > before.commitIndex && !isStillLeader) break;
    assert(entryAt(after.log, entry.index) === entry, () => `entry ${entry.index} changed or vanished`);
  }
}

function checkSameTerm(before: CapturedState, after: RaftState): void {
  assert(
    before.votedFor === undefined || before.votedFor === after.votedFor,
    () => `vote of term ${after.term} went from ${before.votedFor} to ${after.votedFor}`,
  );
  assert(
    before.leaderId === undefined || after.leaderId === undefined || before.leaderId === after.leaderId,
    () => `leader of term ${after.term} went from ${before.leaderId} to ${after.leaderId}`,
  );
}

function checkLog({ log, term }: RaftState): void {
  let bytes = 0;
  let lastTerm = log.compactedTerm;
  for (let i = 0; i < log.entries.length; i++) {
    const entry = log.entries[i]!;
    assert(entry.index === log.compactedIndex + 1 + i, () => `entry ${entry.index} at place ${i}`);
    assert(entry.term >= lastTerm, () => `term falls at ${entry.index}`);
    lastTerm = entry.term;
    bytes += entryBytes(entry);
  }
  assert(lastTerm <= term, () => `log in term ${lastTerm}, member in ${term}`);
  assert(bytes === log.bytes, () => `log of ${bytes} bytes counted as ${log.bytes}`);
}

function checkIndexes({ log, commitIndex, application, acknowledgement, durability, snapshot }: RaftState): void {
  const { appliedIndex, handedOutIndex } = application;
  const { verifiedIndex } = acknowledgement;
  const ordered: [string, number][] = [
    ['appliedIndex', appliedIndex],
    ['handedOutIndex', handedOutIndex],
    ['commitIndex', commitIndex],
    ['last index', lastIndexOf(log)],
  ];
  for (let i = 1; i < ordered.length; i++) {
    const [[lowName, low], [highName, high]] = [ordered[i - 1]!, ordered[i]!];
    assert(low <= high, () => `${lowName} ${low} > ${highName} ${high}`);
  }
  assert(handedOutIndex <= durability.persistedIndex, () => `${handedOutIndex} handed out before it is durable`);
  assert(log.compactedIndex <= handedOutIndex, () => `compacted ${log.compactedIndex} > handed out ${handedOutIndex}`);
  assert(log.compactedIndex <= (snapshot.latest?.lastIncludedIndex ?? 0), 'compacted beyond the snapshot');
  assert(verifiedIndex <= lastIndexOf(log), () => `verified ${verifiedIndex} of ${lastIndexOf(log)}`);
}

function checkDurability({ durability, log, term, outbox }: RaftState): void {
  const { persistedIndex, handedIndex, writes, durableTerm, handedTerm } = durability;
  assert(persistedIndex <= handedIndex, () => `persisted ${persistedIndex} > handed ${handedIndex}`);
  assert(handedIndex <= lastIndexOf(log), () => `handed ${handedIndex} > last ${lastIndexOf(log)}`);
  assert(durableTerm <= handedTerm && handedTerm <= term, () => `terms ${durableTerm}, ${handedTerm}, ${term}`);
  let previous = 0;
  for (const write of writes) {
    assert(write.readyNumber > previous, () => `write ${write.readyNumber} after ${previous}`);
    assert(write.lastIndex <= handedIndex, () => `write claims ${write.lastIndex}, handed ${handedIndex}`);
    previous = write.readyNumber;
  }
  for (const message of outbox.held) {
    assert(message.term === term, () => `${message.type} of term ${message.term} held in ${term}`);
  }
}

function checkRole(state: RaftState): void {
  const { role, id, leaderId, votedFor, durability, term, log, followers, progress, reads } = state;
  assert(followers.length === progress.size, () => `${followers.length} followers, ${progress.size} by id`);
  switch (role) {
    case 'leader':
      assert(leaderId === id && votedFor === id, () => `leader ${id} follows ${leaderId}, voted for ${votedFor}`);
      assert(durability.durableTerm === term, () => `leads ${term}, durable is ${durability.durableTerm}`);
      assert(lastTermOf(log) === term, () => `leads ${term} without an entry of it`);
      return;
    case 'candidate':
      assert(votedFor === id && leaderId === undefined, () => `candidate voted ${votedFor}, follows ${leaderId}`);
      break;
    case 'preCandidate':
      assert(leaderId === undefined, () => `preCandidate follows ${leaderId}`);
      break;
    case 'follower':
      assert(leaderId !== id, () => `follows itself`);
  }
  assert(followers.length === 0 && reads.rounds.length === 0, () => `${role} keeps a leader's books`);
}

/** The configurations are those of the log, neither more nor fewer, and a leader's books are about its members. */
function checkMembership(state: RaftState): void {
  const { membership, configuration, log, role, commitIndex, progress, id: own } = state;
  const active = activeConfiguration(membership);
  assert(active.configuration === configuration, () => `configuration ${active.index} is active, another is used`);
  assert(isWellFormed(configuration), () => `configuration ${active.index} makes no sense`);
  const held = membership.history.map(({ index }) => index);
  for (let i = 1; i < held.length; i++) assert(held[i - 1]! < held[i]!, () => `configurations ${held.join(' ')}`);
  const base = Math.max(log.compactedIndex, state.snapshot.latest?.lastIncludedIndex ?? 0);
  const inLog = log.entries.filter(({ kind, index }) => kind === 'configuration' && index > base);
  const indexes = inLog.map(({ index }) => index);
  const later = held.filter((index) => index > base);
  assert(`${later}` === `${indexes}`, () => `configurations ${later} after ${base}, the log has ${indexes}`);
  assert(committedConfiguration(state).index <= active.index, () => `${active.index} is active, a later one certain`);
  if (role !== 'leader') return;
  // T19: one change at a time.
  const open = inLog.filter(({ index }) => index > commitIndex);
  assert(open.length <= 1 || !hasCommittedInTerm(state), () => `changes ${indexes} are open, committed ${commitIndex}`);
  for (const id of membersOf(configuration)) {
    assert(id === own || progress.has(id), () => `leader without the progress of ${id}`);
  }
  for (const { id, isLearner } of state.followers) {
    assert(isLearner === configuration.learners.includes(id), () => `${id} is ${isLearner ? 'a' : 'no'} learner`);
    assert(id !== own, () => 'a leader that follows itself');
  }
}

function checkProgress({ log, options, commitIndex }: RaftState, progress: Progress): void {
  const { id, matchIndex, nextIndex, inflights, state, transfer, toldCommitIndex } = progress;
  assert(matchIndex < nextIndex, () => `${id}: match ${matchIndex}, next ${nextIndex}`);
  assert(nextIndex <= lastIndexOf(log) + 1, () => `${id}: next ${nextIndex}, last ${lastIndexOf(log)}`);
  assert(toldCommitIndex <= commitIndex, () => `${id}: told ${toldCommitIndex}, commit ${commitIndex}`);
  assert(inflights.count <= options.maxInflightMessages, () => `${id}: ${inflights.count} messages in flight`);
  assert((transfer !== undefined) === (state === 'snapshot'), () => `${id}: ${state} with transfer ${!!transfer}`);
  assert(state === 'replicate' || inflights.count === 0, () => `${id}: ${state} with messages in flight`);
  const isCompacted = termAt(log, nextIndex - 1) === undefined;
  assert(state !== 'replicate' || !isCompacted, () => `${id}: replicates at ${nextIndex}, which is compacted`);
}

function checkAccounts(state: RaftState): void {
  const { reads, proposals, role, commitIndex, log, application } = state;
  let open = reads.incoming.length + reads.incomingRemote.length;
  for (const { contexts, remote } of reads.rounds) open += contexts.length + remote.length;
  for (const { contexts } of reads.forwarded) open += contexts.length;
  assert(open === reads.openCount, () => `${open} open reads counted as ${reads.openCount}`);
  assert(forwardedBytes(state) === proposals.openBytes, () => `${proposals.openBytes} forwarded bytes miscounted`);
  let uncommitted = 0;
  for (let i = commitIndex + 1; i <= lastIndexOf(log); i++) uncommitted += entryBytes(entryAt(log, i)!);
  assert(
    proposals.uncommittedBytes === (role === 'leader' ? uncommitted : 0),
    () => `${uncommitted} uncommitted bytes counted as ${proposals.uncommittedBytes}`,
  );
  const outstanding = application.batches.reduce((sum, batch) => sum + batch.bytes, 0);
  assert(
    outstanding === application.outstandingBytes,
    () => `${application.outstandingBytes} outstanding bytes miscounted`,
  );
  let waiting = 0;
  for (let i = application.handedOutIndex + 1; i <= commitIndex; i++) waiting += entryBytes(entryAt(log, i)!);
  assert(
    application.waitingBytes === (role === 'leader' ? waiting : 0),
    () => `${waiting} waiting bytes counted as ${application.waitingBytes}`,
  );
}
