// The open linearizable reads of this member (§6.4). All readers of one turn share one context of the core, so that one
// round confirms thousands; each waits until the state machine has applied the confirmed index. Called by the replica's loop alone.
import type { ReadState } from '@raftkv/raft';
import { RaftkvError } from '@raftkv/wire';
import { refusal } from './proposals.ts';

/** Told once: undefined = the state now in the state machine is linearizable for this reader. */
export type ReadCallback = (error: RaftkvError | undefined) => void;

interface Group {
  readonly context: number;
  readonly readers: ReadCallback[];
  readonly deadline: number;
  /** Confirmed index; 0 = not yet. */
  index: number;
}

export class Reads {
  /** Readers of this turn, not yet handed to the core. */
  #arriving: ReadCallback[] = [];
  /** Handed to the core, in order of their deadlines. */
  readonly #unconfirmed = new Map<number, Group>();
  /** Confirmed and waiting to be applied, ordered by index as good as always; few. */
  #confirmed: Group[] = [];
  #nextContext = 1;
  #openCount = 0;

  get openCount(): number {
    return this.#openCount;
  }

  add(callback: ReadCallback): void {
    this.#arriving.push(callback);
    this.#openCount++;
  }

  /** The context of this turn's readers for the core, or undefined if there are none. */
  takeContext(deadline: number): number | undefined {
    if (this.#arriving.length === 0) return undefined;
    const group: Group = { context: this.#nextContext++, readers: this.#arriving, deadline, index: 0 };
    this.#arriving = [];
    this.#unconfirmed.set(group.context, group);
    return group.context;
  }

  confirm(state: ReadState, appliedIndex: number): void {
    const group = this.#unconfirmed.get(state.context);
    if (group === undefined) return;
    this.#unconfirmed.delete(state.context);
    if (state.refused !== undefined) {
      this.#finish(group, refusal(state.refused));
      return;
    }
    group.index = state.index;
    if (group.index <= appliedIndex) this.#finish(group, undefined);
    else this.#confirmed.push(group);
  }

  applied(appliedIndex: number): void {
    if (this.#confirmed.length === 0) return;
    const waiting: Group[] = [];
    const ready: Group[] = [];
    for (const group of this.#confirmed) (group.index <= appliedIndex ? ready : waiting).push(group);
    this.#confirmed = waiting;
    for (const group of ready) this.#finish(group, undefined);
  }

  expire(now: number): void {
    for (const group of this.#unconfirmed.values()) {
      if (group.deadline > now) break;
      this.#unconfirmed.delete(group.context);
      this.#finish(group, new RaftkvError('timeout', 'no quorum confirmed the read in time'));
    }
    if (this.#confirmed.some((group) => group.deadline <= now)) {
      const late = this.#confirmed.filter((group) => group.deadline <= now);
      this.#confirmed = this.#confirmed.filter((group) => group.deadline > now);
      for (const group of late) this.#finish(group, new RaftkvError('timeout', 'this member did not catch up in time'));
    }
  }

  failAll(error: RaftkvError): void {
    const groups = [...this.#unconfirmed.values(), ...this.#confirmed];
    const arriving = this.#arriving;
    this.#unconfirmed.clear();
    this.#confirmed = [];
    this.#arriving = [];
    for (const group of groups) this.#finish(group, error);
    this.#openCount -= arriving.length;
    for (const callback of arriving) callback(error);
  }

  #finish(group: Group, error: RaftkvError | undefined): void {
    this.#openCount -= group.readers.length;
    for (const callback of group.readers) callback(error);
  }
}
