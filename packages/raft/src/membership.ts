// Changing the members (§4): when a leader takes a change, how it goes on from the joint configuration by itself, whom it replicates
// to meanwhile, and when it is no leader any more. What a change makes of a configuration is in configuration-change.ts, which
// configuration holds in configuration-history.ts. Called by step.ts, role.ts and take-ready.ts.
import type { Configuration, MemberChange, PeerId } from './entry.ts';
import type { RaftState } from './state.ts';
import { InvariantError } from './assert.ts';
import { accept, appendAsLeader, refuse } from './proposals.ts';
import { activateConfiguration, committedConfiguration, isChangeOpen } from './configuration-history.ts';
import { createProgress } from './progress.ts';
import { hasCommittedInTerm } from './commit.ts';
import { isJoint, isMember, isVoter, membersOf } from './configuration.ts';
import { isQuorum } from './quorum.ts';
import { isTransferring } from './transfer.ts';
import { lastIndexOf } from './log.ts';
import { planChange, withoutOutgoing } from './configuration-change.ts';

/** A caller's wish to change the members: all of it, in one step, or a refusal. */
export function proposeConfiguration(state: RaftState, context: number, changes: readonly MemberChange[]): void {
  if (state.role !== 'leader') return refuse(state, context, 'no-leader');
  // T19: two changes at once, or one before an entry of the own term is committed, could make quorums that do not meet.
  if (isJoint(state.configuration) || isChangeOpen(state) || !hasCommittedInTerm(state) || isTransferring(state)) {
    return refuse(
      state,
      context,
      'busy',
      'another change of members is under way, or the leader is new or handing over',
    );
  }
  const index = lastIndexOf(state.log) + 1;
  const plan = planChange(state.configuration, changes, { index, isCaughtUp: (id) => isCaughtUp(state, id) });
  if (plan.refused !== undefined) return refuse(state, context, plan.refused, plan.detail);
  const { configuration } = plan;
  if (isJoint(configuration) && !isQuorum(configuration, (id) => id === state.id || isActive(state, id))) {
    return refuse(state, context, 'unsafe', 'the voters that answer now would be no quorum');
  }
  const data = tryEncode(state, configuration);
  if (typeof data === 'string') return refuse(state, context, 'invalid', data);
  append(state, configuration, data);
  accept(state, context, index, state.term);
}

/** Not while leadership is handed over: the target, told to campaign, would be behind this entry and lose. The next leader leaves it then. */
export function isLeaveDue(state: RaftState): boolean {
  return state.role === 'leader' && isJoint(state.configuration) && !isChangeOpen(state) && !isTransferring(state);
}

/** §4.3: any leader that finds a joint configuration committed appends the one that leaves it. */
export function leaveJoint(state: RaftState): void {
  if (!isLeaveDue(state)) return;
  const configuration = withoutOutgoing(state.configuration);
  append(state, configuration, state.options.configurationCodec.encode(configuration));
}

/** §4.2.2, T22: until the change is committed it leads on, without counting itself; then somebody else has to. */
export function isRetirementDue(state: RaftState): boolean {
  return state.role === 'leader' && !isVoter(state.configuration, state.id) && !isChangeOpen(state);
}

/**
 * Leader: whom to replicate to, as the configuration is now. Who is known already keeps what is known of it. Who was removed is still told
 * of it (T23): as long as that is not certain, and for an election timeout afterwards.
 */
export function followMembers(state: RaftState): void {
  const { configuration, progress, log } = state;
  const ids = new Set(membersOf(configuration));
  for (const id of membersOf(committedConfiguration(state).configuration)) ids.add(id);
  for (const id of progress.keys()) ids.add(id);
  ids.delete(state.id);
  state.membership.isRetiring = false;
  state.followers = [];
  for (const id of ids) {
    const known = progress.get(id) ?? createProgress(id, false, lastIndexOf(log) + 1);
    known.isLearner = configuration.learners.includes(id);
    state.followers.push(known);
    progress.set(id, known);
  }
}

/** Leader: who was removed for good, and has had its time to hear of it, is let go. */
export function tickMembership(state: RaftState): void {
  let isAnyGone = false;
  for (const progress of state.followers) {
    progress.goneTicks = isOf(state, progress.id) ? 0 : progress.goneTicks + 1;
    isAnyGone ||= progress.goneTicks >= state.options.electionTimeoutTicks;
  }
  if (!isAnyGone) return;
  for (const { id, goneTicks } of state.followers) {
    if (goneTicks >= state.options.electionTimeoutTicks) state.progress.delete(id);
  }
  state.followers = state.followers.filter(({ id }) => state.progress.has(id));
}

/** Whose answers and requests are heard: members, and those who were until just now. */
export function isKnown(state: RaftState, id: PeerId): boolean {
  return isOf(state, id) || state.progress.has(id);
}

function isOf(state: RaftState, id: PeerId): boolean {
  return isMember(state.configuration, id) || isMember(committedConfiguration(state).configuration, id);
}

function append(state: RaftState, configuration: Configuration, data: Uint8Array): void {
  const index = appendAsLeader(state, 'configuration', data);
  activateConfiguration(state, index, configuration);
  followMembers(state);
}

function tryEncode({ options }: RaftState, configuration: Configuration): Uint8Array | string {
  try {
    return options.configurationCodec.encode(configuration);
  } catch (error) {
    if (error instanceof InvariantError) throw error;
    return error instanceof Error ? error.message : String(error);
  }
}

function isActive({ progress }: RaftState, id: PeerId): boolean {
  const known = progress.get(id);
  return known !== undefined && (known.isRecentlyActive || known.wasActive);
}

/** One AppendEntries away from what is committed, at most. */
function isCaughtUp(state: RaftState, id: PeerId): boolean {
  const known = state.progress.get(id);
  if (known === undefined || known.state !== 'replicate' || !isActive(state, id)) return false;
  return known.matchIndex + state.options.maxAppendEntries >= state.commitIndex;
}
