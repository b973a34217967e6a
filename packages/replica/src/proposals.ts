// The open proposals of this member: from `propose` until the entry is applied here, refused, overwritten or out of time.
// Called by the replica's loop alone. The core says where a proposal went (index and term); what is applied at that index
// with that term is its outcome, anything else at that index proves that it did not happen (§3.4: one leader a term, one entry an index and term).
import type { Entry, ProposalResult, RefusalReason } from '@raftkv/raft';
import { RaftkvError } from '@raftkv/wire';

/** Told once: the state machine's result, or why there is none. */
export type ProposalCallback = (error: RaftkvError | undefined, result: unknown) => void;

interface Proposal {
  readonly context: number;
  readonly callback: ProposalCallback;
  readonly deadline: number;
  index: number;
  term: number;
  isDone: boolean;
  /** Another one that was placed at the same index, in another term. */
  twin: Proposal | undefined;
}

interface AppliedResult {
  readonly index: number;
  readonly term: number;
  readonly result: unknown;
}

/** How many results are remembered while a forwarded proposal may still be told its index: more than one Ready can apply. */
const recentResultsLimit = 8_192;

export class Proposals {
  /** Not yet placed: no index known. */
  readonly #unplaced = new Map<number, Proposal>();
  /**
   * Placed, by index, twins linked. Two at one index, in two terms, may both still win: that a leader of term 2 put its own entry there does
   * not prove that the entry of term 1 is gone, for a leader of term 3 may hold that one and commit it (§3.6.2, Figure 3.7).
   */
  readonly #placed = new Map<number, Proposal>();
  /** All open ones in order of their deadlines. */
  #queue: Proposal[] = [];
  #queueHead = 0;
  /** What was applied of late, without gaps in the index, kept while a forwarded proposal waits for its place. */
  #recent: AppliedResult[] = [];
  #nextContext = 1;
  #openCount = 0;

  get openCount(): number {
    return this.#openCount;
  }

  /** Deadlines must not decrease from call to call. Answers the context for the core. */
  add(callback: ProposalCallback, deadline: number): number {
    const proposal: Proposal = {
      context: this.#nextContext++,
      callback,
      deadline,
      index: 0,
      term: 0,
      isDone: false,
      twin: undefined,
    };
    this.#unplaced.set(proposal.context, proposal);
    this.#queue.push(proposal);
    this.#openCount++;
    return proposal.context;
  }

  /** The core placed or refused one. `appliedIndex`: how far the state machine is. */
  place(result: ProposalResult, appliedIndex: number): void {
    const proposal = this.#unplaced.get(result.context);
    if (proposal === undefined) return; // out of time meanwhile
    this.#unplaced.delete(result.context);
    if (result.refused !== undefined) {
      this.#finish(proposal, refusal(result.refused), undefined);
      return;
    }
    // The race on a follower: (1) the leader appends our proposal and answers; (2) the entry and the commit index
    // overtake the answer; (3) the entry was applied before we know that it is ours. So look back first.
    if (result.index <= appliedIndex) {
      const early = this.#recent[result.index - (this.#recent[0]?.index ?? 0)];
      if (early === undefined || early.index !== result.index)
        this.#finish(proposal, unknown('applied before its place was known'), undefined);
      else if (early.term === result.term) this.#finish(proposal, undefined, early.result);
      else this.#finish(proposal, overwritten(), undefined);
      return;
    }
    proposal.index = result.index;
    proposal.term = result.term;
    proposal.twin = this.#placed.get(result.index);
    this.#placed.set(result.index, proposal);
  }

  /** The state machine applied `entry`; `result` is what it answered. Called for every entry, in order. */
  applied(entry: Entry, result: unknown): void {
    if (this.#unplaced.size > 0) this.#remember(entry, result);
    let proposal = this.#placed.get(entry.index);
    if (proposal === undefined) return;
    this.#placed.delete(entry.index);
    for (; proposal !== undefined; proposal = proposal.twin) {
      if (proposal.term === entry.term) this.#finish(proposal, undefined, result);
      else this.#finish(proposal, overwritten(), undefined);
    }
  }

  /** A snapshot took the place of every entry up to `index`: whatever was placed there has an unknown outcome. */
  skipTo(index: number): void {
    for (const [at, newest] of this.#placed) {
      if (at > index) continue;
      this.#placed.delete(at);
      for (let proposal: Proposal | undefined = newest; proposal !== undefined; proposal = proposal.twin) {
        this.#finish(proposal, unknown('the outcome lies inside a snapshot that this member received'), undefined);
      }
    }
  }

  /**
   * The leader, or its term, changed: whatever was handed to the core up to `context` and has no place by now was forwarded to the old one, and the core
   * gives no more word of it (it may be in that one's log, or not). Its proposer need not wait for the deadline to ask again under its session.
   */
  abandonForwarded(context: number): void {
    for (const [at, proposal] of this.#unplaced) {
      if (at > context) break;
      this.#unplaced.delete(at);
      this.#finish(
        proposal,
        unknown('the leader changed while the write was on its way to it; it may still happen', 'no_leader'),
        undefined,
      );
    }
  }

  /** Ends those whose time is over. Placed or forwarded ones may still happen. */
  expire(now: number): void {
    while (this.#queueHead < this.#queue.length) {
      const proposal = this.#queue[this.#queueHead]!;
      if (!proposal.isDone && proposal.deadline > now) break;
      this.#queueHead++;
      if (proposal.isDone) continue;
      this.#forget(proposal);
      this.#finish(
        proposal,
        new RaftkvError('timeout', 'the write was not committed in time; it may still happen', { definite: false }),
        undefined,
      );
    }
    if (this.#queueHead > 1024 && this.#queueHead * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#queueHead);
      this.#queueHead = 0;
    }
    if (this.#unplaced.size === 0 && this.#recent.length > 0) this.#recent = [];
  }

  failAll(error: RaftkvError): void {
    const open = this.#queue.slice(this.#queueHead).filter((proposal) => !proposal.isDone);
    this.#unplaced.clear();
    this.#placed.clear();
    this.#queue = [];
    this.#queueHead = 0;
    this.#recent = [];
    for (const proposal of open) this.#finish(proposal, error, undefined);
  }

  #remember(entry: Entry, result: unknown): void {
    const last = this.#recent.at(-1);
    if (last !== undefined && last.index + 1 !== entry.index) this.#recent = [];
    this.#recent.push({ index: entry.index, term: entry.term, result });
    if (this.#recent.length > recentResultsLimit * 2) this.#recent = this.#recent.slice(-recentResultsLimit);
  }

  #forget(proposal: Proposal): void {
    this.#unplaced.delete(proposal.context);
    const newest = this.#placed.get(proposal.index);
    if (newest === proposal) {
      if (proposal.twin === undefined) this.#placed.delete(proposal.index);
      else this.#placed.set(proposal.index, proposal.twin);
      return;
    }
    for (let at = newest; at !== undefined; at = at.twin) if (at.twin === proposal) at.twin = proposal.twin;
  }

  #finish(proposal: Proposal, error: RaftkvError | undefined, result: unknown): void {
    if (proposal.isDone) return;
    proposal.isDone = true;
    this.#openCount--;
    proposal.callback(error, result);
  }
}

export function refusal(reason: RefusalReason): RaftkvError {
  switch (reason) {
    case 'busy':
      return new RaftkvError('busy', 'too much is waiting to be committed; try again later');
    case 'stopped':
      return new RaftkvError('closed', 'this member is stopping');
    case 'no-leader':
      return new RaftkvError('no_leader', 'no leader is known at the moment');
    case 'unsafe':
      return new RaftkvError(
        'unsafe_change',
        'the voters that answer now would be no quorum of the new configuration; bring members back, or add learners first',
      );
    case 'not-ready':
      return new RaftkvError('not_caught_up', 'a learner that is to be promoted has not caught up, or does not answer');
    case 'invalid':
      return new RaftkvError('invalid_argument', 'this change of members makes no sense');
  }
}

function overwritten(): RaftkvError {
  return new RaftkvError('no_leader', 'the leader changed and the write was dropped; it did not happen');
}

function unknown(message: string, code: 'timeout' | 'no_leader' = 'timeout'): RaftkvError {
  return new RaftkvError(code, message, { definite: false });
}
