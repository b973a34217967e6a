// One turn's output: what was only noted while inputs were handled (appends, reads, forwarded proposals, the
// acknowledgement) is sent here, once, and everything is collected into a Ready. Called by raft.ts.
import type { RaftState } from './state.ts';
import type { Ready } from './ready.ts';
import { areAppendsDue, flushAppends, sendReadHeartbeats } from './replication.ts';
import { canFlushReads, flushReads } from './read-index.ts';
import { flushAcknowledgement, isAcknowledgementDue } from './follow.ts';
import { flushFinalWrite, isFinalWriteDue } from './snapshot.ts';
import { flushProposals, hasQueuedProposals } from './proposals.ts';
import { hasCommittedEntries, takeCommittedEntries } from './commit.ts';
import { hasWrite, isHardStateDurable, takeMessages, takeWrite } from './durability.ts';
import { flushTimeoutNow, isTimeoutNowDue } from './transfer.ts';
import { configurationStatus, isConfigurationNews } from './configuration-history.ts';
import { isLeaveDue, leaveJoint } from './membership.ts';
import { NOTHING } from './state.ts';

/** Exact: whether takeReady would hand out anything. Changes nothing, so asking does not change what is batched. */
export function hasReady(state: RaftState): boolean {
  const { outbox, snapshot, reads, proposals, softState } = state;
  return (
    outbox.messages.length > 0 ||
    hasWrite(state) ||
    hasCommittedEntries(state) ||
    proposals.results.length > 0 ||
    state.transferResults.length > 0 ||
    isTimeoutNowDue(state) ||
    reads.states.length > 0 ||
    isLeaveDue(state) ||
    areAppendsDue(state) ||
    isConfigurationNews(state) ||
    isAcknowledgementDue(state) ||
    canFlushReads(state) ||
    hasQueuedProposals(state) ||
    (outbox.held.length > 0 && isHardStateDurable(state)) ||
    snapshot.restored !== undefined ||
    snapshot.reads.length > 0 ||
    snapshot.writes.length > 0 ||
    isFinalWriteDue(state) ||
    softState.role !== state.role ||
    softState.leaderId !== state.leaderId ||
    softState.term !== state.term
  );
}

export function takeReady(state: RaftState): Ready {
  // Reads first: a round that one voter confirms by itself answers in this very Ready.
  if (flushReads(state)) sendReadHeartbeats(state);
  flushProposals(state);
  leaveJoint(state);
  flushAppends(state);
  flushTimeoutNow(state);
  flushAcknowledgement(state);
  flushFinalWrite(state);
  const number = ++state.readyNumber;
  const { hardState, entries } = takeWrite(state, number);
  return {
    number,
    hardState,
    entries,
    messages: takeMessages(state),
    snapshot: takeRestored(state),
    committedEntries: takeCommittedEntries(state),
    readStates: takeReadStates(state),
    proposalResults: takeProposalResults(state),
    transferResults: takeTransferResults(state),
    snapshotReads: takeSnapshotReads(state),
    snapshotWrites: takeSnapshotWrites(state),
    softState: takeSoftState(state),
    configuration: takeConfiguration(state),
  };
}

function takeRestored({ snapshot }: RaftState): Ready['snapshot'] {
  const taken = snapshot.restored;
  snapshot.restored = undefined;
  return taken;
}

function takeReadStates({ reads }: RaftState): Ready['readStates'] {
  if (reads.states.length === 0) return NOTHING;
  const taken = reads.states;
  reads.states = [];
  return taken;
}

function takeProposalResults({ proposals }: RaftState): Ready['proposalResults'] {
  if (proposals.results.length === 0) return NOTHING;
  const taken = proposals.results;
  proposals.results = [];
  return taken;
}

function takeTransferResults(state: RaftState): Ready['transferResults'] {
  if (state.transferResults.length === 0) return NOTHING;
  const taken = state.transferResults;
  state.transferResults = [];
  return taken;
}

function takeSnapshotReads({ snapshot }: RaftState): Ready['snapshotReads'] {
  if (snapshot.reads.length === 0) return NOTHING;
  const taken = snapshot.reads;
  snapshot.reads = [];
  return taken;
}

function takeSnapshotWrites({ snapshot }: RaftState): Ready['snapshotWrites'] {
  if (snapshot.writes.length === 0) return NOTHING;
  const taken = snapshot.writes;
  snapshot.writes = [];
  return taken;
}

function takeSoftState(state: RaftState): Ready['softState'] {
  const { role, leaderId, term, softState } = state;
  if (softState.role === role && softState.leaderId === leaderId && softState.term === term) return undefined;
  state.softState = { role, leaderId, term };
  return state.softState;
}

function takeConfiguration(state: RaftState): Ready['configuration'] {
  if (!isConfigurationNews(state)) return undefined;
  state.membership.handedOut = configurationStatus(state);
  return state.membership.handedOut;
}
