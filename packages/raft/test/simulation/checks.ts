// The promises of Figure 3.2 across members, checked against the omniscient record of what was ever committed: Election
// Safety, Leader Completeness, Log Matching, State Machine Safety, and that what is committed is durable on a quorum.
import type { Entry } from '../../src/index.ts';
import { type Member, textOf } from '../member.ts';
import { stateOf } from '../../src/raft.ts';

export interface CommittedEntry {
  readonly term: number;
  readonly text: string;
}

export class Checks {
  readonly #members: readonly Member[];
  readonly #voterCount: number;
  /** Everything that was ever committed, by index; nothing at 0. */
  readonly committed: (CommittedEntry | undefined)[] = [undefined];
  readonly #leaders = new Map<number, string>();

  /** The voters come first among the members. */
  constructor(members: readonly Member[], voterCount: number) {
    this.#members = members;
    this.#voterCount = voterCount;
  }

  /** The highest index known to be committed anywhere. */
  get commitIndex(): number {
    return this.committed.length - 1;
  }
  get electionCount(): number {
    return this.#leaders.size;
  }

  /** After an event at this member. */
  checkMember(member: Member): void {
    const state = stateOf(member.raft);
    if (state.role === 'leader') {
      const other = this.#leaders.get(state.term);
      if (other === undefined) this.#checkCompleteness(member);
      else if (other !== member.id)
        throw new Error(`Election Safety: ${other} and ${member.id} lead term ${state.term}`);
      this.#leaders.set(state.term, member.id);
    }
    this.#checkCommit(member);
  }

  checkApplied({ id, applied }: Member): void {
    for (let i = Math.max(0, applied.length - 200); i < applied.length; i++) {
      const { index, term, text } = applied[i]!;
      const committed = this.committed[i + 1];
      if (index !== i + 1 || committed?.term !== term || committed.text !== text) {
        throw new Error(`State Machine Safety: ${id} applied ${index}/${term} as number ${i + 1}`);
      }
    }
  }

  /** Every two logs; costly, so not after every event. */
  checkLogMatching(): void {
    for (const [i, one] of this.#members.entries()) {
      for (const two of this.#members.slice(i + 1)) checkPair(one, two);
    }
  }

  /** Leader Completeness: whoever wins has every committed entry. */
  #checkCompleteness(member: Member): void {
    for (let index = 1; index < this.committed.length; index++) {
      const term = member.raft.termAt(index);
      if (index < stateOf(member.raft).log.compactedIndex) continue;
      if (term !== this.committed[index]!.term)
        throw new Error(`Leader Completeness: ${member.id} has ${index}/${term}`);
    }
  }

  #checkCommit(member: Member): void {
    const { commitIndex, log } = stateOf(member.raft);
    const known = this.commitIndex;
    for (let index = Math.max(log.compactedIndex, 1); index <= commitIndex; index++) {
      const term = member.raft.termAt(index)!;
      const entry = log.entries[index - log.compactedIndex - 1];
      if (index <= known) {
        if (this.committed[index]!.term !== term)
          throw new Error(`State Machine Safety: ${index}/${term} on ${member.id}`);
        continue;
      }
      this.#checkDurable(index, term);
      this.committed.push({ term, text: textOf((entry as Entry).data) });
    }
  }

  /** A committed entry is on the disks of a quorum. */
  #checkDurable(index: number, term: number): void {
    const voters = this.#members.slice(0, this.#voterCount);
    const holders = voters.filter(({ disk }) => {
      if ((disk.snapshot?.meta.lastIncludedIndex ?? 0) >= index) return true;
      return disk.entries[index - disk.compactedIndex - 1]?.term === term;
    });
    if (holders.length * 2 <= voters.length)
      throw new Error(`${index}/${term} committed, durable on ${holders.length}`);
  }
}

/** Log Matching: where two logs hold one entry, they agree up to there. */
function checkPair(memberOne: Member, memberTwo: Member): void {
  const [one, two] = [stateOf(memberOne.raft).log, stateOf(memberTwo.raft).log];
  const first = Math.max(one.compactedIndex, two.compactedIndex) + 1;
  const last = Math.min(one.compactedIndex + one.entries.length, two.compactedIndex + two.entries.length);
  let mustMatch = false;
  for (let index = last; index >= first; index--) {
    const a = one.entries[index - one.compactedIndex - 1]!;
    const b = two.entries[index - two.compactedIndex - 1]!;
    if (a.term === b.term) mustMatch = true;
    else if (mustMatch) throw new Error(`Log Matching: ${memberOne.id} and ${memberTwo.id} differ at ${index}`);
    if (a.term === b.term && a.data !== b.data && textOf(a.data) !== textOf(b.data)) {
      throw new Error(`Log Matching: ${index}/${a.term} is two entries`);
    }
  }
}
