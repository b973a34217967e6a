// The RaftState of a member that starts: from its storage's content, or as one of the founders of a new cluster. Here the
// stored parts are checked against each other: a log with a hole in it must stop the member, not be voted with.
import type { RaftInitialState, RaftOptions } from './options.ts';
import type { RaftState } from './state.ts';
import { assert } from './assert.ts';
import { blankLease } from './lease.ts';
import { createLog, lastIndexOf, resetLog, termAt } from './log.ts';
import { drawBelow, seedRandom } from './random.ts';
import { activeConfiguration, configurationStatus, createMembership } from './configuration-history.ts';
import { resolveOptions } from './options.ts';

/** Throws InvariantError if options or stored state make no sense. */
export function createState(raftOptions: RaftOptions, initial: RaftInitialState): RaftState {
  const options = resolveOptions(raftOptions);
  const { snapshot: latest } = initial;
  const log = createLog(initial.compactedIndex, initial.compactedTerm, initial.entries);
  const snapshotIndex = latest?.lastIncludedIndex ?? 0;
  assert(
    log.compactedIndex <= snapshotIndex,
    () => `stored log begins after ${log.compactedIndex}, its snapshot ends at ${snapshotIndex}`,
  );
  // The log does not hold the snapshot's end: it was received, and a crash came before the log was reset with it.
  if (latest !== undefined && termAt(log, snapshotIndex) !== latest.lastIncludedTerm) {
    resetLog(log, snapshotIndex, latest.lastIncludedTerm);
  }
  const term = initial.hardState?.term ?? 0;
  const votedFor = initial.hardState?.votedFor;
  const commitIndex = Math.max(initial.hardState?.commitIndex ?? 0, snapshotIndex);
  const lastIndex = lastIndexOf(log);
  assert(commitIndex <= lastIndex, () => `stored commitIndex ${commitIndex}, log ends at ${lastIndex}`);
  assert(
    (termAt(log, lastIndex) ?? 0) <= term,
    () => `stored term ${term}, log ends in term ${termAt(log, lastIndex)}`,
  );
  const membership = createMembership(options, initial, log);
  const { configuration } = activeConfiguration(membership);
  const state = blankState(options, { configuration, membership, log, term, votedFor, commitIndex });
  membership.handedOut = configurationStatus(state);
  state.snapshot.latest = latest;
  state.application.handedOutIndex = snapshotIndex;
  state.application.appliedIndex = snapshotIndex;
  // Answers to requests from before a restart must not meet a request of ours that has the same number.
  state.lastRequestId = drawBelow(state, 2 ** 32) * 2 ** 16 + drawBelow(state, 2 ** 16);
  state.electionDeadlineTicks = options.electionTimeoutTicks + drawBelow(state, options.electionTimeoutTicks);
  return state;
}

function blankState(
  options: RaftState['options'],
  stored: Pick<RaftState, 'configuration' | 'membership' | 'log' | 'term' | 'votedFor' | 'commitIndex'>,
): RaftState {
  const { configuration, membership, log, term, votedFor, commitIndex } = stored;
  const lastIndex = lastIndexOf(log);
  return {
    id: options.id,
    options,
    random: seedRandom(options.seed, options.id),
    tickCount: 0,
    readyNumber: 0,
    lastRequestId: 0,
    role: 'follower',
    term,
    votedFor,
    leaderId: undefined,
    electionElapsedTicks: 0,
    electionDeadlineTicks: 0,
    heartbeatElapsedTicks: 0,
    outpacedTicks: 0,
    votes: new Map(),
    configuration,
    membership,
    log,
    commitIndex,
    durability: {
      handedIndex: lastIndex,
      persistedIndex: lastIndex,
      handedTerm: term,
      handedVotedFor: votedFor,
      handedCommitIndex: commitIndex,
      durableTerm: term,
      durableVotedFor: votedFor,
      writes: [],
    },
    outbox: { messages: [], held: [] },
    acknowledgement: { verifiedIndex: commitIndex, requestedIndex: 0, isOwed: false, sentIndex: 0, sentTick: -1 },
    application: { handedOutIndex: 0, appliedIndex: 0, batches: [], outstandingBytes: 0, waitingBytes: 0 },
    snapshot: {
      latest: undefined,
      restored: undefined,
      installedIndex: 0,
      incoming: undefined,
      nextTransferId: 0,
      answersDue: [],
      reads: [],
      writes: [],
    },
    reads: {
      lastToken: 0,
      incoming: [],
      incomingRemote: [],
      incomingTick: 0,
      rounds: [],
      forwarded: [],
      openCount: 0,
      states: [],
    },
    proposals: {
      results: [],
      queuedContexts: [],
      queuedData: [],
      forwarded: [],
      openBytes: 0,
      uncommittedBytes: 0,
    },
    standing: {
      priority: options.priority,
      unwellUntilTick: 0,
      unwellSinceTick: 0,
      unwellCount: 0,
      topPriority: 0,
      isNeeded: false,
      restUntilTick: 0,
      settledIndex: 0,
    },
    disk: { markIndex: 0, markTick: 0, slowTicks: 0 },
    lease: blankLease(),
    transfer: undefined,
    transferResults: [],
    followers: [],
    progress: new Map(),
    softState: { role: 'follower', leaderId: undefined, term },
  };
}
