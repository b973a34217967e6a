// One input in: first the rules about terms (§3.3), then the only switch over inputs and the only one over messages. What
// each of them means is written in the module of its concern. `raft.ts` is the caller.
import type { Input } from './input.ts';
import type { Message } from './message.ts';
import type { PeerId } from './entry.ts';
import type { RaftState } from './state.ts';
import { advanceCommit, markApplied } from './commit.ts';
import {
  answerVote,
  campaign,
  countOwnVote,
  handlePreVoteRequest,
  handlePreVoteResponse,
  handleTimeoutNow,
  handleVoteRequest,
  handleVoteResponse,
  isLeaderFresh,
  refusePreVote,
  tickCheckQuorum,
  tickElection,
  tickRetirement,
} from './election.ts';
import {
  acknowledgeToken,
  expireReads,
  handleReadIndexRequest,
  handleReadIndexResponse,
  refuseReadIndexRequest,
  requestRead,
} from './read-index.ts';
import { becomeFollower } from './role.ts';
import { becomeProbe } from './progress.ts';
import {
  compact,
  handleInstallSnapshotRequest,
  handleInstallSnapshotResponse,
  handleSnapshotChunk,
  handleSnapshotPersisted,
} from './snapshot.ts';
import {
  expireForwardedProposals,
  handleProposeRequest,
  handleProposeResponse,
  propose,
  refuseProposeRequest,
} from './proposals.ts';
import { becomeUnwell, changePriority, tickHandOver } from './hand-over.ts';
import { forgetRounds, isPromised, promise } from './lease.ts';
import { handleAppendRequest, handleHeartbeatRequest, reject } from './follow.ts';
import { handleAppendResponse, handleHeartbeatResponse, probeCompacted, tickHeartbeat } from './replication.ts';
import { hold, markPersisted } from './durability.ts';
import { isKnown, proposeConfiguration, tickMembership } from './membership.ts';
import { tickTransfer, transferLeadership } from './transfer.ts';
import { unreachable } from './assert.ts';

/** Above this no honest cluster comes; a forged one would leave no room to count on. */
const MAX_TERM = 2 ** 48;

export function step(state: RaftState, input: Input): void {
  switch (input.type) {
    case 'tick':
      return tick(state);
    case 'receive':
      return receive(state, input.message);
    case 'propose':
      return propose(state, input.context, input.data);
    case 'proposeConfiguration':
      return proposeConfiguration(state, input.context, input.changes);
    case 'readIndex':
      return requestRead(state, input.context);
    case 'campaign':
      return campaign(state);
    case 'transferLeadership':
      return transferLeadership(state, input);
    case 'setPriority':
      return changePriority(state, input.priority);
    case 'unwell':
      return becomeUnwell(state);
    case 'clockGap':
      return forgetRounds(state);
    case 'persisted':
      return persisted(state, input.readyNumber);
    case 'applied':
      return markApplied(state, input.index);
    case 'snapshotChunk':
      return handleSnapshotChunk(state, input);
    case 'snapshotPersisted':
      return handleSnapshotPersisted(state, input);
    case 'compact':
      compact(state, input);
      return probeCompacted(state);
    case 'unreachable':
      return markUnreachable(state, input.peer);
    default:
      return unreachable(input);
  }
}

function tick(state: RaftState): void {
  state.tickCount++;
  if (state.role === 'leader') tickCheckQuorum(state);
  else tickElection(state);
  if (state.role === 'leader') {
    tickHandOver(state);
    tickHeartbeat(state);
    tickMembership(state);
    tickRetirement(state);
  }
  tickTransfer(state);
  expireReads(state);
  expireForwardedProposals(state);
}

function persisted(state: RaftState, readyNumber: number): void {
  markPersisted(state, readyNumber);
  countOwnVote(state);
  if (state.role === 'leader') advanceCommit(state);
}

/** The transport lost something: what was streamed may be gone, so find out where the follower is (§10.2). */
function markUnreachable(state: RaftState, peer: PeerId): void {
  const progress = state.progress.get(peer);
  if (progress?.state === 'replicate') becomeProbe(progress);
}

function receive(state: RaftState, message: Message): void {
  if (message.to !== state.id || message.from === state.id) return;
  if (!(message.term >= 0 && message.term <= MAX_TERM)) return;
  // Leaders and candidates may belong to a configuration that we have yet to learn of; nobody else speaks to strangers.
  if (!isFromLeader(message) && !isElectionRequest(message) && !isKnown(state, message.from)) return;
  // Whatever its term: where leases are on, a leader counts on it that this member elects nobody for now.
  if (isPromised(state) && isElectionRequest(message) && !isTransferVote(message)) return;
  if (message.term < state.term) return answerStale(state, message);
  if (message.term > state.term && !enterHigherTerm(state, message)) return;
  if (isFromLeader(message) && !acceptLeader(state, message.from)) return;
  dispatch(state, message);
}

/** §3.3, a higher term: follow it, with the exceptions of §4.2.3 and §9.6. Answers whether the message is to be handled. */
function enterHigherTerm(state: RaftState, message: Message): boolean {
  switch (message.type) {
    case 'preVoteRequest':
      return !isLeaderFresh(state);
    case 'preVoteResponse':
      // A grant names the term that we asked about; nobody is in it yet. A refusal names the responder's own.
      if (!message.granted) becomeFollower(state, message.term, undefined);
      return message.granted;
    case 'voteRequest':
      if (isLeaderFresh(state) && message.isTransfer !== true) return false;
      becomeFollower(state, message.term, undefined);
      return true;
    default:
      becomeFollower(state, message.term, isFromLeader(message) ? message.from : undefined);
      return true;
  }
}

/**
 * §3.3, a lower term: requests are refused with our own. Silence would be wrong for a leader's messages: a member that is
 * stuck at a higher term (it was cut off while a candidate) takes no leader's word, and with pre-vote and stickiness its
 * own requests go unheard. Its answer makes the leader step down and a new term begin, which releases it.
 */
function answerStale(state: RaftState, message: Message): void {
  const [from, to, term] = [state.id, message.from, state.term];
  switch (message.type) {
    case 'appendRequest':
      return reject(state, message);
    case 'heartbeatRequest':
      return hold(state, { type: 'heartbeatResponse', from, to, term, readToken: 0 });
    case 'installSnapshotRequest': {
      const { lastIncludedIndex } = message.meta;
      const failed = true;
      return hold(state, {
        type: 'installSnapshotResponse',
        from,
        to,
        term,
        lastIncludedIndex,
        offset: 0,
        done: false,
        failed,
      });
    }
    case 'preVoteRequest':
      return refusePreVote(state, message);
    case 'voteRequest':
      return answerVote(state, message, false);
    case 'readIndexRequest':
      return refuseReadIndexRequest(state, message);
    case 'proposeRequest':
      return refuseProposeRequest(state, message);
    default:
      // An answer to a question of an older term.
      return;
  }
}

/** The sender leads this term (§3.4). False if that cannot be: a term has one leader. */
function acceptLeader(state: RaftState, from: PeerId): boolean {
  if (state.role === 'leader') return false;
  if (state.role === 'follower' && state.leaderId !== undefined && state.leaderId !== from) return false;
  if (state.role !== 'follower' || state.leaderId === undefined) becomeFollower(state, state.term, from);
  state.electionElapsedTicks = 0;
  promise(state);
  return true;
}

function dispatch(state: RaftState, message: Message): void {
  const isLeader = state.role === 'leader';
  switch (message.type) {
    case 'preVoteRequest':
      return handlePreVoteRequest(state, message);
    case 'preVoteResponse':
      return handlePreVoteResponse(state, message);
    case 'voteRequest':
      return handleVoteRequest(state, message);
    case 'voteResponse':
      return handleVoteResponse(state, message);
    case 'appendRequest':
      return handleAppendRequest(state, message);
    case 'appendResponse':
      return isLeader ? handleAppendResponse(state, message) : undefined;
    case 'heartbeatRequest':
      return handleHeartbeatRequest(state, message);
    case 'heartbeatResponse':
      if (!isLeader) return;
      handleHeartbeatResponse(state, message);
      return acknowledgeToken(state, message.from, message.readToken);
    case 'timeoutNowRequest':
      return handleTimeoutNow(state);
    case 'installSnapshotRequest':
      return handleInstallSnapshotRequest(state, message);
    case 'installSnapshotResponse':
      return isLeader ? handleInstallSnapshotResponse(state, message) : undefined;
    case 'readIndexRequest':
      return handleReadIndexRequest(state, message);
    case 'readIndexResponse':
      return handleReadIndexResponse(state, message);
    case 'proposeRequest':
      return handleProposeRequest(state, message);
    case 'proposeResponse':
      return handleProposeResponse(state, message);
    default:
      return unreachable(message);
  }
}

function isFromLeader({ type }: Message): boolean {
  switch (type) {
    case 'appendRequest':
    case 'heartbeatRequest':
    case 'installSnapshotRequest':
    case 'timeoutNowRequest':
      return true;
    default:
      return false;
  }
}

function isTransferVote(message: Message): boolean {
  return message.type === 'voteRequest' && message.isTransfer === true;
}

function isElectionRequest({ type }: Message): boolean {
  return type === 'preVoteRequest' || type === 'voteRequest';
}
