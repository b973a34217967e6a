// Leadership transfer (§3.10): the leader takes no more proposals, brings the target up to date, and tells it to campaign at
// once. Who is chosen when nobody is named is in priority.ts, when a leader goes by itself in hand-over.ts; the target's
// campaign is in election.ts. Called by step.ts, role.ts and take-ready.ts.
import type { PeerId } from './entry.ts';
import type { RaftState } from './state.ts';
import type { RefusalReason } from './message.ts';
import type { TransferLeadership } from './input.ts';
import { bestTarget } from './priority.ts';
import { lastIndexOf } from './log.ts';
import { send } from './durability.ts';
import { voidLease } from './lease.ts';

/** A caller's wish. Answered by one TransferResult: done as soon as a leader of a newer term is known here. */
export function transferLeadership(state: RaftState, { context, to }: TransferLeadership): void {
  if (state.role !== 'leader') return answer(state, context, 'no-leader');
  if (to === state.id) return answer(state, context, undefined);
  if (state.transfer !== undefined) return joinTransfer(state, context, to);
  if (to !== undefined && !state.configuration.voters.includes(to)) return answer(state, context, 'invalid');
  const target = to === undefined ? bestTarget(state) : state.progress.get(to);
  if (target === undefined || !(target.isRecentlyActive || target.wasActive)) {
    return answer(state, context, 'not-ready');
  }
  beginTransfer(state, target.id, context);
}

/** The leader begins to hand over; without a context by its own idea. */
export function beginTransfer(state: RaftState, target: PeerId, context: number | undefined): void {
  const { term, tickCount, options } = state;
  state.transfer = { context, target, term, deadlineTick: tickCount + options.electionTimeoutTicks, toldTick: -1 };
}

/** While it lasts a leader takes nothing into its log: the target could not come up to a log that goes on growing. */
export function isTransferring(state: RaftState): boolean {
  return state.transfer !== undefined && state.role === 'leader';
}

/** Whether the target has the whole log and is to be told, for the first time or because a heartbeat later nothing has come of it. */
export function isTimeoutNowDue(state: RaftState): boolean {
  const { transfer } = state;
  if (transfer === undefined || state.role !== 'leader') return false;
  if (transfer.toldTick >= 0 && state.tickCount - transfer.toldTick < state.options.heartbeatTicks) return false;
  return state.progress.get(transfer.target)?.matchIndex === lastIndexOf(state.log);
}

export function flushTimeoutNow(state: RaftState): void {
  if (!isTimeoutNowDue(state)) return;
  const transfer = state.transfer!;
  transfer.toldTick = state.tickCount;
  // From here on a vote may be won without an election timeout's silence, now or by a late copy of this message.
  voidLease(state);
  send(state, { type: 'timeoutNowRequest', from: state.id, to: transfer.target, term: state.term });
}

/** §3.10: given up after an election timeout, and the leader takes proposals again. */
export function tickTransfer(state: RaftState): void {
  const { transfer } = state;
  if (transfer === undefined || state.tickCount < transfer.deadlineTick) return;
  state.transfer = undefined;
  // A target that was told may lead by now, unknown to a member that was cut off or removed.
  const mayComeAbout = state.role === 'leader' || transfer.toldTick >= 0;
  answer(state, transfer.context, mayComeAbout ? 'not-ready' : 'no-leader');
}

/** After each change of role: a leader of a newer term is what was waited for. */
export function settleTransfer(state: RaftState): void {
  const { transfer, leaderId, term } = state;
  if (transfer === undefined || leaderId === undefined || term <= transfer.term) return;
  state.transfer = undefined;
  answer(state, transfer.context, leaderId === state.id ? 'not-ready' : undefined);
}

/** What the leader began by itself may be what the caller wants. */
function joinTransfer(state: RaftState, context: number, to: PeerId | undefined): void {
  const transfer = state.transfer!;
  if (transfer.context !== undefined || (to !== undefined && to !== transfer.target)) {
    return answer(state, context, 'busy');
  }
  transfer.context = context;
  transfer.deadlineTick = state.tickCount + state.options.electionTimeoutTicks;
}

function answer(state: RaftState, context: number | undefined, refused: RefusalReason | undefined): void {
  if (context !== undefined) state.transferResults.push({ context, refused });
}
