// Three members that are played by hand for the tests of trace validation: what each of them is, what its disk holds, and a beginning that the specification
// allows, up to a leader of term 1 that has committed an entry. Called by spec-trace.test.ts.
import type { Configuration, Entry, Input, Message } from '@raftkv/raft';
import type { DurableState, LogEntry, LogView } from './cluster-events.ts';
import { logEntryOf } from './spec-ghosts.ts';
import type { SpecMember } from './spec-ghosts.ts';
import { SpecificationTrace } from './spec-trace.ts';
import type { Verdict } from './verdict.ts';

export const three: Configuration = { voters: ['a', 'b', 'c'], votersOutgoing: [], learners: [] };
const nothing: LogView = { compactedIndex: 0, compactedTerm: 0, entries: [] };
const data = new Uint8Array(0);

export const entry = (index: number, term: number, kind: Entry['kind'] = 'command'): Entry => ({
  index,
  term,
  kind,
  data,
});
export const tick: Input = { type: 'tick' };
export const propose: Input = { type: 'propose', context: 1, data };
export const hears = (message: object): Input => ({ type: 'receive', message: message as Message });
export const logOf = (...entries: readonly Entry[]): LogView => ({ ...nothing, entries: entries.map(logEntryOf) });
export const behind = (compactedIndex: number, compactedTerm: number, ...rest: readonly LogEntry[]): LogView => ({
  compactedIndex,
  compactedTerm,
  entries: rest,
});

const refused = { success: true, rejectedIndex: 0, conflictIndex: 0, conflictTerm: 0 };
export const acknowledges = (from: string, to: string, term: number, matchIndex: number): object => {
  return { type: 'appendResponse', from, to, term, matchIndex, ...refused };
};
export const appends = (
  [from, to]: readonly [string, string],
  term: number,
  [prevLogIndex, prevLogTerm]: readonly [number, number],
  leaderCommit: number,
  ...entries: readonly Entry[]
): object => ({ type: 'appendRequest', from, to, term, prevLogIndex, prevLogTerm, leaderCommit, entries });

export class Play {
  readonly #members = new Map<string, SpecMember>();
  readonly disks = new Map<string, DurableState>();
  readonly trace = new SpecificationTrace((id) => this.disks.get(id));
  /** The first thing that was not allowed. */
  broken: Verdict | undefined;

  constructor() {
    for (const id of three.voters) this.restart(id, { term: 0, votedFor: undefined, log: nothing });
  }

  restart(id: string, disk: DurableState, over: Partial<SpecMember> = {}): void {
    this.disks.set(id, disk);
    const rest = { role: 'follower', commitIndex: 0, configuration: three, committedConfiguration: three } as const;
    const member = { id, ...disk, ...rest, ...over };
    this.#members.set(id, member);
    this.#take(this.trace.started(member));
  }

  /** `id` becomes this by that. */
  step(id: string, changes: Partial<SpecMember>, input: Input | undefined): this {
    const before = this.#members.get(id)!;
    const after = Object.keys(changes).length === 0 ? before : { ...before, ...changes };
    this.#members.set(id, after);
    this.#take(this.trace.stepped({ before, after, input }));
    return this;
  }

  /** All that `id` is is on its disk. */
  sync(id: string): this {
    const { term, votedFor, log } = this.#members.get(id)!;
    this.disks.set(id, { term, votedFor, log });
    return this;
  }

  sends(message: object): this {
    const { from } = message as Message;
    this.#take(this.trace.sent(from, [message as Message]));
    return this;
  }

  /** `from` sends it and `to` becomes this by it. */
  delivers(message: object, changes: Partial<SpecMember>): this {
    return this.sends(message).step((message as Message).to, changes, hears(message));
  }

  #take(verdict: Verdict): void {
    if (verdict.verdict !== 'holds') this.broken ??= verdict;
  }
}

export const asks = (from: string, to: string, term: number, lastIndex = 0, lastTerm = 0): object => {
  return { type: 'voteRequest', from, to, term, lastIndex, lastTerm };
};
export const grants = (from: string, to: string, term: number): object => {
  return { type: 'voteResponse', from, to, term, granted: true };
};

/** `id` stands in `term`, which nobody has heard of. */
export function stands(play: Play, id: string, term: number): Play {
  return play.step(id, { term, votedFor: id, role: 'candidate' }, tick).sync(id);
}

/** a leads term 1 by the vote of b. */
export function elected(): Play {
  const play = stands(new Play(), 'a', 1)
    .delivers(asks('a', 'b', 1), { term: 1, votedFor: 'a' })
    .sync('b');
  return play.delivers(grants('b', 'a', 1), { role: 'leader', log: logOf(entry(1, 1, 'empty')) });
}

/** And its first entry is committed: a and b hold it, a alone knows. */
export function committed(): Play {
  const first = entry(1, 1, 'empty');
  const play = elected()
    .sync('a')
    .delivers(appends(['a', 'b'], 1, [0, 0], 0, first), { log: logOf(first) })
    .sync('b');
  return play.delivers(acknowledges('b', 'a', 1, 1), { commitIndex: 1 });
}
