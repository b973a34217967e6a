// Leases (§6.4.1), off unless asked for: a leader that a quorum answered knows that nobody else is elected for a while, and
// serves reads without asking again. Both halves are here: the leader's count of that while, and the voter's promise that makes it
// true. The assumption about clocks stands in options.ts. Called by step.ts, replication.ts, read-index.ts and transfer.ts.
//
// Why it holds. A lease begins at the tick at which a heartbeat was SENT that a quorum has answered, not at the answers. Each of
// them gives no vote for an election timeout after it took in that heartbeat, which was later; also not after a restart of its
// own, since it may have promised before. The lease is shorter than that by the drift of clocks, and by a tick for the phases
// of two tickers. Only a transfer breaks the promise, and it ends leases for the rest of the term; and a leader whose clock
// stood still or jumped forgets what it had.
import type { RaftState, Lease } from './state.ts';
import { leaseTicks } from './options.ts';
import { quorumReached } from './quorum.ts';

// The voter's half.

/** A leader of the present term was heard. */
export function promise(state: RaftState): void {
  state.lease.promiseTick = state.tickCount;
}

/** No vote may be given or asked for, but in a transfer. */
export function isPromised(state: RaftState): boolean {
  if (state.options.leaseReads === undefined) return false;
  return state.tickCount - state.lease.promiseTick < state.options.electionTimeoutTicks;
}

/** What an answer to a heartbeat says of it. */
export function promisedTicks(state: RaftState): number | undefined {
  return state.options.leaseReads === undefined ? undefined : state.options.electionTimeoutTicks;
}

// The leader's half.

/** A heartbeat leaves now, under this token. Only the first of a tick is noted: it stands for the others. */
export function noteRound(state: RaftState, token: number): void {
  const { lease, options, tickCount } = state;
  if (options.leaseReads === undefined || lease.rounds.at(-1)?.tick === tickCount) return;
  lease.rounds.push({ token, tick: tickCount });
  // An answer that takes longer than a lease lasts is worth nothing.
  while (lease.rounds[0]!.tick + options.electionTimeoutTicks < tickCount) lease.rounds.shift();
}

/** An answer came: the newest round that a quorum answered begins the lease. */
export function renewLease(state: RaftState): void {
  const { lease, options, reads, progress } = state;
  if (options.leaseReads === undefined || lease.rounds.length === 0) return;
  const { electionTimeoutTicks, leaseReads } = options;
  const confirmed = quorumReached(state.configuration, (id) => {
    if (id === state.id) return reads.lastToken;
    const follower = progress.get(id);
    // Who promises less, or nothing, because it is set up otherwise, is not counted.
    return follower !== undefined && follower.promisedTicks >= electionTimeoutTicks ? follower.ackedToken : 0;
  });
  while (lease.rounds.length > 1 && lease.rounds[1]!.token <= confirmed) lease.rounds.shift();
  const round = lease.rounds[0]!;
  if (round.token > confirmed) return;
  lease.untilTick = Math.max(
    lease.untilTick,
    round.tick + leaseTicks(electionTimeoutTicks, leaseReads.maxDriftPerMille),
  );
}

export function hasLease({ options, role, lease, tickCount }: RaftState): boolean {
  return options.leaseReads !== undefined && role === 'leader' && !lease.isVoid && tickCount < lease.untilTick;
}

/** For the rest of this leadership. */
export function voidLease({ lease }: RaftState): void {
  lease.isVoid = true;
}

/** The own ticks did not count all the time that passed: what was noted by them is forgotten, and answers to it no longer count. */
export function forgetRounds({ lease }: RaftState): void {
  lease.rounds = [];
  lease.untilTick = 0;
}

/** At a change of role. */
export function endLease(state: RaftState): void {
  forgetRounds(state);
  state.lease.isVoid = false;
}

export function blankLease(): Lease {
  return { promiseTick: 0, rounds: [], untilTick: 0, isVoid: false };
}
