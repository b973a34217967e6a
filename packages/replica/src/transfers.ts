// The open requests to hand leadership over: from `transferLeadership` until the core has answered. The core sees to it that each is answered
// within an election timeout of ticks; a member that stops fails them. Called by the replica's loop alone.
import type { RefusalReason, TransferResult } from '@raftkv/raft';
import { RaftkvError } from '@raftkv/wire';

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: RaftkvError) => void;
}

export class Transfers {
  readonly #waiting = new Map<number, Waiting>();
  #nextContext = 1;

  /** `begin` is given the context for the core. */
  wait(begin: (context: number) => void): Promise<void> {
    const context = this.#nextContext++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(context, { resolve, reject });
      begin(context);
    });
  }

  settle({ context, refused }: TransferResult): void {
    const waiting = this.#waiting.get(context);
    this.#waiting.delete(context);
    if (refused === undefined) waiting?.resolve();
    else waiting?.reject(refusal(refused));
  }

  failAll(error: RaftkvError): void {
    const open = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of open) reject(error);
  }
}

function refusal(reason: RefusalReason): RaftkvError {
  switch (reason) {
    case 'no-leader':
      return new RaftkvError('no_leader', 'this member does not lead; ask the leader');
    case 'invalid':
      return new RaftkvError('invalid_argument', 'only a voter of the cluster can take over');
    case 'not-ready':
      return new RaftkvError('timeout', 'no other voter took over within an election timeout; it still may', {
        definite: false,
      });
    default:
      return new RaftkvError('busy', 'leadership is being handed over already');
  }
}
