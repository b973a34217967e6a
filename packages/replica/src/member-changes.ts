// The open changes of members: from `changeMembers` until the configuration that comes of it is committed and no longer joint, or it is refused,
// overwritten or out of time. Called by the replica's loop alone. Contexts are negative, so that they are told from those of proposals.
import type { Configuration, ProposalResult, Raft, RefusalReason } from '@raftkv/raft';
import { RaftkvError } from '@raftkv/wire';

interface Waiting {
  readonly deadline: number;
  readonly resolve: (configuration: Configuration) => void;
  readonly reject: (error: RaftkvError) => void;
  /** Where its entry is; 0 until the core has said so. */
  index: number;
  term: number;
}

export class MemberChanges {
  readonly #waiting = new Map<number, Waiting>();
  #lastContext = 0;

  wait(deadline: number, begin: (context: number) => void): Promise<Configuration> {
    const context = (this.#lastContext -= 1);
    return new Promise((resolve, reject) => {
      this.#waiting.set(context, { deadline, resolve, reject, index: 0, term: 0 });
      begin(context);
    });
  }

  /** True if the result was of one of these. */
  place(result: ProposalResult): boolean {
    const waiting = this.#waiting.get(result.context);
    if (waiting === undefined) return result.context < 0;
    if (result.refused === undefined) {
      waiting.index = result.index;
      waiting.term = result.term;
      return true;
    }
    this.#waiting.delete(result.context);
    waiting.reject(refusal(result.refused, result.detail));
    return true;
  }

  /** Something was committed, or time passed. */
  look(raft: Pick<Raft, 'status' | 'termAt'>, now: number): void {
    if (this.#waiting.size === 0) return;
    const { commitIndex, committedConfiguration, committedConfigurationIndex } = raft.status();
    for (const [context, waiting] of this.#waiting) {
      const { index, term, deadline } = waiting;
      const isCommitted = index > 0 && index <= commitIndex;
      const found = isCommitted ? raft.termAt(index) : undefined;
      const isLeft = committedConfigurationIndex >= index && committedConfiguration.votersOutgoing.length === 0;
      if (isCommitted && found === undefined) {
        this.#reject(context, unknown('its outcome lies inside a snapshot that this member received'));
      } else if (isCommitted && found !== term) {
        this.#reject(context, overwritten());
      } else if (isCommitted && isLeft) {
        this.#waiting.delete(context);
        waiting.resolve(committedConfiguration);
      } else if (now >= deadline) {
        this.#reject(context, unknown('it was not committed in time; it may still happen'));
      }
    }
  }

  #reject(context: number, error: RaftkvError): void {
    const waiting = this.#waiting.get(context)!;
    this.#waiting.delete(context);
    waiting.reject(error);
  }

  failAll(error: RaftkvError): void {
    const open = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of open) reject(error);
  }
}

function overwritten(): RaftkvError {
  return new RaftkvError('no_leader', 'the leader changed and the change of members was dropped; it did not happen');
}

function unknown(why: string): RaftkvError {
  return new RaftkvError('timeout', `a change of members: ${why}`, { definite: false });
}

function refusal(reason: RefusalReason, detail = 'this change of members is refused'): RaftkvError {
  switch (reason) {
    case 'no-leader':
      return new RaftkvError('no_leader', 'this member does not lead; ask the leader');
    case 'unsafe':
      return new RaftkvError('unsafe_change', `${detail}; bring members back, or remove dead ones first`);
    case 'not-ready':
      return new RaftkvError('not_caught_up', detail);
    case 'invalid':
      return new RaftkvError('invalid_argument', detail);
    default:
      return new RaftkvError('busy', detail);
  }
}
