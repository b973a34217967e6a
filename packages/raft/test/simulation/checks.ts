// The promises of Figure 3.2 across all members that ever lived, checked against the omniscient record of what was ever committed: Election
// Safety, Leader Completeness, Log Matching, State Machine Safety, and that what is committed is durable on a quorum. Who counts
// is what configurations.ts reads in the logs, and votes are those on the disks.
import type { Configuration, Entry } from '../../src/index.ts';
import { type Member, textOf } from '../member.ts';
import { Configurations, isQuorumOf, newestIn } from './configurations.ts';
import { stateOf } from '../../src/raft.ts';

export interface CommittedEntry {
  readonly term: number;
  /** The term of the leader that committed it. */
  readonly committedIn: number;
  readonly kind: Entry['kind'];
  readonly text: string;
}

export class Checks {
  readonly #members: readonly Member[];
  readonly configurations: Configurations;
  /** Everything that was ever committed, by index; nothing at 0. */
  readonly committed: (CommittedEntry | undefined)[] = [undefined];
  readonly #leaders = new Map<number, string>();
  /** By term and voter: votes that were durable at some time. */
  readonly #votes = new Map<number, Map<string, string>>();
  /** Of leaders: the rounds of reads that were open after their last event. */
  readonly #rounds = new Map<string, { readonly term: number; readonly tick: number; readonly tokens: number[] }>();

  /** `members` grows as they join, and nobody is taken out. */
  constructor(members: readonly Member[], founding: Configuration) {
    this.#members = members;
    this.configurations = new Configurations(founding);
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
    this.#noteVote(member);
    const state = stateOf(member.raft);
    if (state.role === 'leader') {
      const other = this.#leaders.get(state.term);
      if (other === undefined) this.#checkElection(member);
      else if (other !== member.id)
        throw new Error(`Election Safety: ${other} and ${member.id} lead term ${state.term}`);
      this.#leaders.set(state.term, member.id);
    }
    checkOwnTerm(member);
    this.#checkReads(member);
    this.#checkCommit(member);
  }

  /** §6.4: a round that is no longer open was answered by a quorum of both halves; where nothing else can have ended it. */
  #checkReads({ id, raft }: Member): void {
    const { role, term, tickCount: tick, reads, progress, configuration, options } = stateOf(raft);
    const before = this.#rounds.get(id);
    if (role !== 'leader') return void this.#rounds.delete(id);
    const tokens = reads.rounds.map(({ token }) => token);
    this.#rounds.set(id, { term, tick, tokens });
    // Under leases answers come without a round; a tick may have ended what waited for too long.
    if (before === undefined || before.term !== term || before.tick !== tick || options.leaseReads !== undefined)
      return;
    for (const token of before.tokens) {
      if (tokens.includes(token)) continue;
      const isHeard = (other: string): boolean => other === id || (progress.get(other)?.ackedToken ?? 0) >= token;
      if (!isQuorumOf(configuration, isHeard)) throw new Error(`${id} serves reads of round ${token} without a quorum`);
    }
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

  /**
   * Nothing that was committed can be voted away: who lacks the newest committed entry finds no quorum without one of those whose
   * disks have it, while the configuration is the newest committed one. Costly, so not after every event.
   */
  checkStaysCommitted(): void {
    const { configuration } = this.configurations.latest;
    const index = this.commitIndex;
    const term = this.committed[index]?.term;
    if (term === undefined) return;
    const holders = this.#holdersOf(index, term);
    if (isQuorumOf(configuration, (id) => !holders.has(id))) throw new Error(`${index}/${term} could be voted away`);
  }

  #noteVote({ id, disk }: Member): void {
    const { term, votedFor } = disk.hardState ?? {};
    if (term === undefined || votedFor === undefined) return;
    const votes = this.#votes.get(term) ?? new Map<string, string>();
    this.#votes.set(term, votes);
    const before = votes.get(id);
    if (before !== undefined && before !== votedFor) throw new Error(`${id} votes twice in ${term}`);
    votes.set(id, votedFor);
  }

  /** §3.4, §4.3: by the votes of a quorum of its own newest configuration; and nobody wins who is gone. */
  #checkElection(member: Member): void {
    const { id } = member;
    const { term } = stateOf(member.raft);
    this.#checkCompleteness(member);
    const { configuration, index } = newestIn(member, term);
    // Who does not know yet that its removal is certain may be needed (Figure 4.6), and hands over at once.
    const isToldGone = this.configurations.isGone(id, term) && index <= stateOf(member.raft).commitIndex;
    if (isToldGone) throw new Error(`${id} leads ${term}, and was removed`);
    const votes = this.#votes.get(term);
    if (!isQuorumOf(configuration, (voter) => votes?.get(voter) === id)) {
      const voters = [...(votes ?? [])].filter(([, candidate]) => candidate === id).map(([voter]) => voter);
      throw new Error(`${id} leads ${term} by ${voters.join(' ')}, which is no quorum of configuration ${index}`);
    }
  }

  /** Leader Completeness: whoever wins has every entry that was committed in an earlier term. (Votes may come late: later terms may have been.) */
  #checkCompleteness(member: Member): void {
    const { term: won, log } = stateOf(member.raft);
    for (let index = Math.max(log.compactedIndex, 1); index < this.committed.length; index++) {
      const { term, committedIn } = this.committed[index]!;
      const held = member.raft.termAt(index);
      if (committedIn < won && held !== term)
        throw new Error(`Leader Completeness: ${member.id} leads ${won} with ${index}/${held}, not ${term}`);
    }
  }

  #checkCommit(member: Member): void {
    const { commitIndex, log, term: committedIn } = stateOf(member.raft);
    const known = this.commitIndex;
    for (let index = Math.max(log.compactedIndex, 1); index <= commitIndex; index++) {
      const term = member.raft.termAt(index)!;
      const entry = log.entries[index - log.compactedIndex - 1];
      if (index <= known) {
        if (this.committed[index]!.term !== term)
          throw new Error(`State Machine Safety: ${index}/${term} on ${member.id}`);
        continue;
      }
      const { kind, data } = entry as Entry;
      this.#checkDurable(member, index, term);
      this.committed.push({ term, committedIn, kind, text: textOf(data) });
      if (kind === 'configuration') this.configurations.commit(index, data, committedIn);
    }
  }

  /** §4.1: a committed entry is on the disks of a quorum of the newest configuration in the log of whoever commits it. */
  #checkDurable(member: Member, index: number, term: number): void {
    const holders = this.#holdersOf(index, term);
    const { configuration, index: since } = newestIn(member);
    if (isQuorumOf(configuration, (id) => holders.has(id))) return;
    throw new Error(
      `${index}/${term} committed by ${member.id}, durable on ${[...holders].join(' ')}: no quorum of configuration ${since}`,
    );
  }

  #holdersOf(index: number, term: number): Set<string> {
    const holders = this.#members.filter(({ disk }) => {
      if ((disk.snapshot?.meta.lastIncludedIndex ?? 0) >= index) return true;
      return disk.entries[index - disk.compactedIndex - 1]?.term === term;
    });
    return new Set(holders.map(({ id }) => id));
  }
}

/**
 * §4.1, T19: a leader changes the members only once it has committed an entry of its term. It may leave before that a joint configuration that it knows to be
 * committed: whatever another leader did, it can only have left the same one.
 */
function checkOwnTerm({ id, raft }: Member): void {
  const { role, term, log, commitIndex, membership } = stateOf(raft);
  if (role !== 'leader' || raft.termAt(commitIndex) === term) return;
  const change = log.entries.find((entry) => entry.kind === 'configuration' && entry.term === term);
  const before = membership.history.findLast(({ index }) => index < (change?.index ?? 0));
  if (change === undefined || (before !== undefined && before.configuration.votersOutgoing.length > 0)) return;
  throw new Error(`${id} leads ${term}, changes the members at ${change.index} and has committed ${commitIndex}`);
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
