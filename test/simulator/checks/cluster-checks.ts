// What is checked across members: Figure 3.2 of the thesis against the omniscient record, and that what is committed is durable on a quorum.
import type { Store } from '@raftkv/kv';
import type { Configuration, PeerId, Raft } from '@raftkv/raft';
import { logOf, recordOf } from '@raftkv/raft/invariants';
import { isQuorum } from '../../checkers/quorums.ts';
import { isSameEntry, logEntryOf } from '../../checkers/spec-ghosts.ts';
import { Violation } from '../world/violation.ts';
import type { Canon } from './canon.ts';
import { Specification } from './specification.ts';

/** A member, as far as it is compared with others. */
export interface CheckedMember {
  readonly name: string;
  /** Entry `index` of `term` is on its disk, or what covers it. */
  readonly holds: (index: number, term: number) => boolean;
}

export class ClusterChecks {
  readonly canon: Canon;
  readonly specification = new Specification();
  readonly #leaders = new Map<number, CheckedMember>();
  readonly #begunTerms = new Set<number>();
  readonly #committedIn = new Map<number, number>();
  /** Whoever was a member: an id is never used again. */
  readonly #members = new Map<PeerId, CheckedMember>();
  #lives = new Map<CheckedMember, Raft>();
  /** Told of each new leader. */
  onLeader: (name: string) => void = () => undefined;
  /** State hashes that were compared. */
  comparisons = 0;

  constructor(canon: Canon) {
    this.canon = canon;
  }

  join(id: PeerId, member: CheckedMember): void {
    this.#members.set(id, member);
  }

  get elections(): number {
    return this.#leaders.size;
  }

  /** T8: a term begins with a candidate, who votes for itself in it. That others were asked whether they would vote begins nothing. */
  entersTerm(name: string, term: number, isCandidate: boolean): void {
    if (isCandidate) this.#begunTerms.add(term);
    else if (!this.#begunTerms.has(term)) {
      throw new Violation('terms begin with a candidate', `${name} enters term ${term}, for which nobody stood`);
    }
  }

  /** It leads now, or still does. */
  leads(member: CheckedMember, core: Raft): void {
    const { term } = recordOf(core);
    const known = this.#leaders.get(term);
    if (known === member && this.#lives.get(member) === core) return;
    if (known !== undefined && known !== member) {
      throw new Violation('election safety', `${known.name} and ${member.name} lead term ${term}`);
    }
    this.#leaders.set(term, member);
    this.#lives.set(member, core);
    this.#checkCompleteness(member, core);
    this.onLeader(member.name);
  }

  /** Entry `index` was first seen to be committed by a member that was in `term`. */
  committedIn(index: number, term: number): void {
    this.#committedIn.set(index, term);
  }

  /** Whoever wins has every entry that was committed in an earlier term (§3.6.4): votes may come late, when a later term has a leader and commits. */
  #checkCompleteness(member: CheckedMember, core: Raft): void {
    const { compactedIndex, entries } = logOf(core);
    const { term: leaderTerm } = recordOf(core);
    for (let index = compactedIndex + 1; index <= this.canon.lastIndex; index++) {
      const entry = entries[index - compactedIndex - 1];
      const { term } = this.canon.at(index)!;
      if (entry?.term === term || (this.#committedIn.get(index) ?? term) >= leaderTerm) continue;
      throw new Violation(
        'leader completeness',
        `${member.name} leads with ${index}/${entry?.term}, committed is ${index}/${term}`,
      );
    }
  }

  /** Log matching against what is committed, and against the others. */
  checkLog(member: CheckedMember, core: Raft): void {
    const { compactedIndex, entries } = logOf(core);
    const { commitIndex } = recordOf(core);
    const end = Math.min(commitIndex, this.canon.lastIndex) - compactedIndex;
    for (let at = 0; at < end; at++) {
      const { term } = this.canon.at(compactedIndex + 1 + at)!;
      if (entries[at]!.term === term) continue;
      throw new Violation(
        'committed entries never change',
        `${member.name} has ${compactedIndex + 1 + at}/${entries[at]!.term}, committed is ${term}`,
      );
    }
    this.#lives.set(member, core);
    for (const [other, theirs] of this.#lives) if (other !== member) checkPair(member, core, other, theirs);
  }

  gone(member: CheckedMember): void {
    this.#lives.delete(member);
  }

  /** §4.1: a committed entry is on the disks of a quorum of the newest configuration in the log of whoever commits it; of both halves, while that is joint. */
  checkDurable(
    { index, term, who }: { index: number; term: number; who: string },
    configurations: readonly Configuration[],
  ): void {
    const holders = new Set<PeerId>();
    for (const [id, member] of this.#members) if (member.holds(index, term)) holders.add(id);
    if (configurations.some((configuration) => isQuorum(configuration, holders))) return;
    const { voters, votersOutgoing } = configurations[0]!;
    const names = [...holders].map((id) => this.#members.get(id)!.name).join(' ');
    throw new Violation(
      'committed entries are durable',
      `${who} commits ${index}/${term}, which the disks of ${names || 'nobody'} hold: no quorum of ${voters.join(' ')} ${votersOutgoing.join(' ')}`,
    );
  }

  compareState(member: CheckedMember, index: number, store: Store): void {
    const expected = this.canon.at(index);
    if (expected === undefined)
      throw new Violation('state-machine safety', `${member.name} applied ${index}, which nobody committed`);
    this.comparisons++;
    if (store.revision === expected.revision && store.contentHash() === expected.hash) return;
    const words = `revision ${store.revision}, not ${expected.revision}, hash ${store.contentHash()}, not ${expected.hash}`;
    throw new Violation('equal states at equal indexes', `${member.name} at ${index}: ${words}`);
  }
}

/** Where two logs hold one entry, they agree up to there. */
function checkPair(one: CheckedMember, core: Raft, two: CheckedMember, other: Raft): void {
  const a = logOf(core);
  const b = logOf(other);
  const first = Math.max(a.compactedIndex, b.compactedIndex) + 1;
  const last = Math.min(a.compactedIndex + a.entries.length, b.compactedIndex + b.entries.length);
  let mustMatch = false;
  for (let index = last; index >= first; index--) {
    const mine = a.entries[index - a.compactedIndex - 1]!;
    const theirs = b.entries[index - b.compactedIndex - 1]!;
    if (mine.term === theirs.term) mustMatch = true;
    else if (mustMatch)
      throw new Violation('log matching', `${one.name} and ${two.name} differ at ${index} and agree later`);
    if (mine.term === theirs.term && !isSameEntry(logEntryOf(mine), logEntryOf(theirs))) {
      throw new Violation('log matching', `${index}/${mine.term} of ${one.name} and ${two.name} are two entries`);
    }
  }
}
