// The promises of Figure 3.2 across members, watched event by event: Election Safety, one vote a term, Leader Append-Only, Log
// Matching, Leader Completeness, State Machine Safety, committed entries never change, equal state at equal index. Each
// event costs a few look-ups. The same promises over all members at one moment, by brute force: spec-invariants.ts.
import type { PeerId } from '@raftkv/raft';
import type { ClusterEvent, LogEntry, LogView } from './cluster-events.ts';
import { TrackedMember } from './tracked-member.ts';
import { holds, violation } from './verdict.ts';
import type { Verdict } from './verdict.ts';

const KEPT = holds('cluster');

/** An entry's place in history: by Log Matching, its term and the term before it say what the whole log was up to it. */
interface Known extends LogEntry {
  readonly previousTerm: number;
  readonly member: PeerId;
}

interface Committed extends LogEntry {
  /** A term by which it was committed. */
  readonly byTerm: number;
  readonly member: PeerId;
}

interface Applied {
  /** Undefined: passed over, as what is no command. */
  readonly entry: LogEntry | undefined;
  readonly member: PeerId;
}

class Broken extends Error {
  readonly verdict: Verdict;
  constructor(promise: string, explanation: string) {
    super(explanation);
    this.verdict = violation(promise, explanation);
  }
}

const nameOf = ({ index, term }: { readonly index: number; readonly term: number }): string => `entry ${index}/${term}`;

export class ClusterChecker {
  readonly #members = new Map<PeerId, TrackedMember>();
  readonly #leaders = new Map<number, PeerId>();
  readonly #votes = new Map<string, PeerId>();
  /** By index; the few entries that ever stood there. */
  readonly #known: Known[][] = [];
  /** By index; nothing at 0. */
  readonly #committed: (Committed | undefined)[] = [undefined];
  readonly #applied: (Applied | undefined)[] = [];
  readonly #hashes = new Map<number, { readonly hash: string; readonly member: PeerId }>();

  /** Takes in what happened. After a violation its picture of that member is not to be trusted: end the run. */
  accept(event: ClusterEvent): Verdict {
    try {
      this.#take(event);
      return KEPT;
    } catch (error) {
      if (error instanceof Broken) return error.verdict;
      throw error;
    }
  }

  /** The highest index known to be committed anywhere. */
  get commitIndex(): number {
    return this.#committed.length - 1;
  }

  get elections(): number {
    return this.#leaders.size;
  }

  /** What is committed at an index, if anything is known to be. */
  committedAt(index: number): LogEntry | undefined {
    return this.#committed[index];
  }

  #take(event: ClusterEvent): void {
    const member = this.#member(event.member);
    switch (event.type) {
      case 'started':
        return this.#start(member, event.term, event.commitIndex, event.log);
      case 'stopped':
        return;
      case 'term':
        if (event.term < member.term)
          throw new Broken('terms rise', `${member.id} went from term ${member.term} back to ${event.term}`);
        member.term = event.term;
        return;
      case 'voted':
        return this.#vote(member, event.term, event.candidate);
      case 'leader':
        return this.#lead(member, event.term);
      case 'appended':
        return this.#append(member, event.entries);
      case 'truncated':
        return this.#truncate(member, event.lastIndex, []);
      case 'snapshot':
        return this.#install(member, event.lastIncludedIndex, event.lastIncludedTerm, event.keepsLog);
      case 'compacted':
        return this.#compact(member, event.index);
      case 'committed':
        return this.#commit(member, event.commitIndex);
      case 'applied':
        return this.#apply(member, event.entry);
      case 'restored':
        return this.#restore(member, event.appliedIndex);
      case 'stateHash':
        return this.#compareHash(member, event.appliedIndex, event.hash);
    }
  }

  #member(id: PeerId): TrackedMember {
    let member = this.#members.get(id);
    if (member === undefined) this.#members.set(id, (member = new TrackedMember(id)));
    return member;
  }

  #start(member: TrackedMember, term: number, commitIndex: number, log: LogView): void {
    this.#expectCommitted(member, log.compactedIndex, log.compactedTerm, 'begins with a snapshot of');
    member.start(term, { ...log, entries: [] });
    for (const entry of log.entries) this.#push(member, entry);
    if (commitIndex > member.commitIndex) this.#commit(member, commitIndex);
  }

  #vote(member: TrackedMember, term: number, candidate: PeerId): void {
    const key = `${term} ${member.id}`;
    const before = this.#votes.get(key);
    if (before !== undefined && before !== candidate)
      throw new Broken('one vote a term', `${member.id} voted for ${before} and for ${candidate} in term ${term}`);
    this.#votes.set(key, candidate);
  }

  #lead(member: TrackedMember, term: number): void {
    const other = this.#leaders.get(term);
    if (other !== undefined && other !== member.id)
      throw new Broken('Election Safety', `${other} and ${member.id} both lead term ${term}`);
    this.#leaders.set(term, member.id);
    member.term = Math.max(member.term, term);
    let index = this.commitIndex;
    // A leader of an older term that has not heard yet need not have what was committed in later ones.
    while (index > 0 && this.#committed[index]!.byTerm > term) index--;
    if (index <= member.compactedIndex) return;
    const found = member.termAt(index);
    const wanted = this.#committed[index]!;
    if (found !== wanted.term)
      throw new Broken(
        'Leader Completeness',
        `${member.id} leads term ${term} ${found === undefined ? 'without an entry' : `with term ${found}`} at ${index}, where ${nameOf(wanted)} was committed by term ${wanted.byTerm} (seen at ${wanted.member})`,
      );
  }

  #append(member: TrackedMember, entries: readonly LogEntry[]): void {
    const first = entries[0]!.index;
    if (first <= member.compactedIndex)
      throw new Broken('committed never changes', `${member.id} wrote ${first} anew, which is part of its snapshot`);
    if (first <= member.lastIndex) this.#truncate(member, first - 1, entries);
    for (const entry of entries) this.#push(member, entry);
  }

  /** What is committed must come back at once, and the same. */
  #truncate(member: TrackedMember, lastIndex: number, entries: readonly LogEntry[]): void {
    if (this.#leaders.get(member.term) === member.id)
      throw new Broken(
        'Leader Append-Only',
        `${member.id}, leader of term ${member.term}, cut its log at ${lastIndex}`,
      );
    for (const entry of member.truncateAfter(lastIndex)) {
      const committed = this.#committed[entry.index];
      const isCommitted = entry.index <= member.commitIndex || committed?.term === entry.term;
      if (isCommitted && entries[entry.index - lastIndex - 1]?.term !== entry.term)
        throw new Broken(
          'committed never changes',
          `${member.id} cut off ${nameOf(entry)}, committed as ${committed?.member ?? member.id} saw`,
        );
    }
  }

  #push(member: TrackedMember, entry: LogEntry): void {
    const previousTerm = member.termAt(member.lastIndex)!;
    if (entry.index !== member.lastIndex + 1)
      throw new Broken('Log Matching', `${member.id} appends ${nameOf(entry)} behind ${member.lastIndex}: a gap`);
    if (entry.term < previousTerm)
      throw new Broken('Log Matching', `${member.id} appends ${nameOf(entry)} behind an entry of term ${previousTerm}`);
    this.#compareKnown(member, entry, previousTerm);
    member.entries.push(entry);
  }

  /** Log Matching, by induction: the same (index, term) is the same entry behind the same one. */
  #compareKnown(member: TrackedMember, entry: LogEntry, previousTerm: number): void {
    const list = (this.#known[entry.index] ??= []);
    const known = list.find((each) => each.term === entry.term);
    if (known === undefined) {
      list.push({ ...entry, previousTerm, member: member.id });
      return;
    }
    if (known.digest !== entry.digest)
      throw new Broken(
        'Log Matching',
        `${nameOf(entry)} is ${known.digest} at ${known.member} and ${entry.digest} at ${member.id}`,
      );
    if (known.previousTerm !== previousTerm)
      throw new Broken(
        'Log Matching',
        `${nameOf(entry)} follows term ${known.previousTerm} at ${known.member} and term ${previousTerm} at ${member.id}`,
      );
  }

  #install(member: TrackedMember, index: number, term: number, keepsLog: boolean): void {
    this.#expectCommitted(member, index, term, 'was given a snapshot of');
    if (index < member.commitIndex)
      throw new Broken('committed never changes', `${member.id} went from ${member.commitIndex} back to ${index}`);
    if (!keepsLog) {
      for (const entry of member.truncateAfter(Math.max(index, member.compactedIndex))) {
        if (this.#committed[entry.index]?.term === entry.term)
          throw new Broken(
            'committed never changes',
            `${member.id} gave up ${nameOf(entry)} for a snapshot of ${index}`,
          );
      }
      member.reset(index, term);
    } else if (member.termAt(index) !== term)
      throw new Broken(
        'Log Matching',
        `${member.id} keeps its log at a snapshot of ${index}/${term} that it does not hold`,
      );
    member.commitIndex = index;
  }

  #expectCommitted(member: TrackedMember, index: number, term: number, what: string): void {
    if (index === 0) return;
    const committed = this.#committed[index];
    if (committed?.term !== term)
      throw new Broken(
        'State Machine Safety',
        `${member.id} ${what} ${index}/${term}, where ${committed === undefined ? 'nothing is committed' : `${nameOf(committed)} is`}`,
      );
  }

  #compact(member: TrackedMember, index: number): void {
    if (index <= member.compactedIndex) return;
    if (index > member.commitIndex)
      throw new Broken('committed never changes', `${member.id} compacted ${index}, committed ${member.commitIndex}`);
    member.compact(index);
  }

  #commit(member: TrackedMember, commitIndex: number): void {
    if (commitIndex < member.commitIndex)
      throw new Broken(
        'committed never changes',
        `the commitIndex of ${member.id} fell from ${member.commitIndex} to ${commitIndex}`,
      );
    for (let index = Math.max(member.commitIndex, member.compactedIndex) + 1; index <= commitIndex; index++) {
      const entry = member.entryAt(index);
      if (entry === undefined)
        throw new Broken('committed never changes', `${member.id} committed ${index} and does not hold it`);
      const before = this.#committed[index];
      if (before === undefined) this.#committed[index] = { ...entry, byTerm: member.term, member: member.id };
      else if (before.term !== entry.term || before.digest !== entry.digest)
        throw new Broken(
          'committed never changes',
          `${nameOf(before)} (${before.digest}) was committed as ${before.member} saw, and ${nameOf(entry)} (${entry.digest}) as ${member.id} does`,
        );
    }
    member.commitIndex = commitIndex;
  }

  #apply(member: TrackedMember, entry: LogEntry): void {
    const { index } = entry;
    if (index <= member.appliedIndex)
      throw new Broken('State Machine Safety', `${member.id} applied ${index} after ${member.appliedIndex}`);
    if (index > member.commitIndex)
      throw new Broken('State Machine Safety', `${member.id} applied ${index}, committed ${member.commitIndex}`);
    for (let passed = member.appliedIndex + 1; passed < index; passed++)
      this.#compareApplied(member, passed, undefined);
    this.#compareApplied(member, index, entry);
    member.appliedIndex = index;
  }

  #compareApplied(member: TrackedMember, index: number, entry: LogEntry | undefined): void {
    const committed = this.#committed[index];
    if (entry !== undefined && (committed?.term !== entry.term || committed.digest !== entry.digest))
      throw new Broken(
        'State Machine Safety',
        `${member.id} applied ${nameOf(entry)} (${entry.digest}), committed is ${committed === undefined ? 'nothing' : `${nameOf(committed)} (${committed.digest})`}`,
      );
    const before = this.#applied[index];
    if (before === undefined) this.#applied[index] = { entry, member: member.id };
    else if ((before.entry === undefined) !== (entry === undefined)) {
      const [passed, applied] = entry === undefined ? [member.id, before.member] : [before.member, member.id];
      throw new Broken('State Machine Safety', `${applied} applied entry ${index}, ${passed} passed over it`);
    }
  }

  #restore(member: TrackedMember, appliedIndex: number): void {
    if (appliedIndex > this.commitIndex)
      throw new Broken(
        'State Machine Safety',
        `${member.id} restored a state of ${appliedIndex}, committed ${this.commitIndex}`,
      );
    member.appliedIndex = appliedIndex;
  }

  #compareHash(member: TrackedMember, appliedIndex: number, hash: string): void {
    if (member.appliedIndex > appliedIndex)
      throw new Broken(
        'equal state',
        `${member.id} told the hash of ${appliedIndex} when it had applied ${member.appliedIndex}`,
      );
    const before = this.#hashes.get(appliedIndex);
    if (before === undefined) this.#hashes.set(appliedIndex, { hash, member: member.id });
    else if (before.hash !== hash)
      throw new Broken(
        'equal state',
        `at applied index ${appliedIndex} the state of ${before.member} is ${before.hash} and that of ${member.id} is ${hash}`,
      );
  }
}
