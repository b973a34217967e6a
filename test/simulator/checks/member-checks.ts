// What is checked of one member while it lives: cheap comparisons after each of its events, dear ones now and then. Across its lives: what its disk
// had promised before it died must be there when it starts again.
import type { CommandResult, Store } from '@raftkv/kv';
import type { Configuration, Entry, PeerId, Raft, SnapshotMeta } from '@raftkv/raft';
import { checkState, recordOf } from '@raftkv/raft/invariants';
import type { Replica } from '@raftkv/replica';
import type { StoredState } from '@raftkv/storage';
import { decodeConfiguration, encodeConfiguration } from '@raftkv/wire';
import type { RaftkvError } from '@raftkv/wire';
import type { RunningMember } from '../members/composition.ts';
import { agrees } from '../../checkers/agree.ts';
import { Violation } from '../world/violation.ts';
import type { CoreWatch } from './specification.ts';
import type { CheckedMember, ClusterChecks } from './cluster-checks.ts';
import { ConfirmedReads } from './confirmed-reads.ts';
import { DiskRecord } from './disk-record.ts';
import type { Held } from './configurations.ts';

/** What the disk of a member holds for certain. */
export interface Promised {
  readonly term: number;
  readonly votedFor: PeerId | undefined;
  readonly lastIndex: number;
  /** Of the entries, by index. */
  readonly termAt: (index: number) => number | undefined;
}

/** Whole-state checks come once in so many events of a member. */
const dearEvery = 61;

export class MemberChecks implements CheckedMember {
  readonly name: string;
  /** What its disk has promised. */
  readonly disk = new DiskRecord();
  readonly #cluster: ClusterChecks;
  #id: PeerId | undefined;
  #running: RunningMember | undefined;
  #term = 0;
  #votedFor: PeerId | undefined;
  #commitIndex = 0;
  #appliedIndex = 0;
  /** Of its store. */
  #revision = 0;
  #events = 0;
  /** Of its log, when it was looked at last. */
  #lastIndex = 0;
  #promised: Promised | undefined;
  /** What it had acknowledged before counts on until it is known that it is gone: an answer may be on its way. */
  #hasLostDisk = false;
  #isCopy = false;
  /** Told when a leader commits something for the first time in its term. */
  onFirstCommit: () => void = () => undefined;
  #committedTerm = 0;
  /** Told when a term or a vote is on its way to the disk. */
  onVoting: () => void = () => undefined;
  /** Told when a change of members is in its log, and it leads. */
  onChange: () => void = () => undefined;
  #configuration: Configuration | undefined;
  /** Told while it waits for a quorum to confirm that it leads. */
  onReading: () => void = () => undefined;
  /** Its disk was damaged: it may refuse to start. */
  isDamaged = false;

  constructor(name: string, cluster: ClusterChecks) {
    this.name = name;
    this.#cluster = cluster;
  }

  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  /** A snapshot begins to be written, its own or a leader's: it tells the members as of its index. */
  checkSnapshot({ lastIncludedIndex, configuration }: SnapshotMeta): void {
    const { canon } = this.#cluster;
    if (lastIncludedIndex > canon.lastIndex) this.check();
    const expected = canon.configurations.asOf(lastIncludedIndex);
    if (isSameConfiguration(configuration, expected)) return;
    throw new Violation(
      'snapshots tell the members',
      `${this.name} has ${JSON.stringify(configuration)} at ${lastIncludedIndex}, not ${JSON.stringify(expected)}`,
    );
  }

  noteConfiguration(entry: Entry): void {
    this.#cluster.canon.configurations.noteProposed(entry);
  }

  /** Entry `index` of `term` is on its disk, or what covers it. */
  holds(index: number, term: number): boolean {
    return this.disk.holds(index, term);
  }

  /** It starts again: T4, T5, T29, T38. */
  loaded(stored: StoredState): void {
    const promised = this.#promised;
    this.#term = stored.hardState?.term ?? 0;
    this.#commitIndex = 0;
    this.#appliedIndex = 0;
    if (this.#hasLostDisk) return;
    this.disk.loaded(stored);
    if (promised === undefined) return;
    const { hardState, compactedIndex, snapshot, entries } = stored;
    const term = hardState?.term ?? 0;
    const broken = (what: string): never => {
      throw new Violation('what was durable survives', `${this.name} starts again with ${what}`);
    };
    if (term < promised.term) broken(`term ${term}, durable was ${promised.term}`);
    if (term === promised.term && promised.votedFor !== undefined && hardState?.votedFor !== promised.votedFor) {
      broken(`a vote for ${hardState?.votedFor} in term ${term}, durable was ${promised.votedFor}`);
    }
    // A snapshot that conflicts with the log takes the place of all of it.
    const isReset = entries.length === 0 && compactedIndex === snapshot?.lastIncludedIndex;
    if (compactedIndex + entries.length < promised.lastIndex && !isReset) {
      broken(`a log up to ${compactedIndex + entries.length}, durable was ${promised.lastIndex}`);
    }
    for (const entry of entries) {
      const before = promised.termAt(entry.index);
      if (before !== undefined && before !== entry.term) {
        broken(`${entry.index}/${entry.term}, durable was ${entry.index}/${before}`);
      }
    }
  }

  /** Its core is there, and was asked nothing yet. */
  watches(core: Raft, watch: CoreWatch): void {
    if (this.#hasLostDisk) return;
    this.#id = recordOf(core).id;
    const onStandsBehind = (term: number): void => this.#cluster.entersTerm(this.name, term, true);
    this.#cluster.specification.watch(core, this.disk, { ...watch, onStandsBehind });
    new ConfirmedReads(this.name, () => this.#cluster.canon.lastIndex).watch(core, watch.guard, watch.isMember);
  }

  /** Its replica is there; of a process that is taken over later as well. */
  answers(replica: Replica, guard: CoreWatch['guard']): void {
    new ConfirmedReads(this.name, () => this.#cluster.canon.lastIndex).watchReaders(replica, guard);
  }

  refused(error: RaftkvError): void {
    if (!this.isDamaged)
      throw new Violation('storage opens after a crash', `${this.name}: ${error.message}`, { cause: error });
  }

  runs(running: RunningMember): void {
    if (this.#isCopy) return;
    // T25: its votes and its part of what was committed are gone.
    if (this.#hasLostDisk) {
      throw new Violation('who lost its disk takes no part', `${this.name} is back under its old name`);
    }
    this.#running = running;
    this.#configuration = undefined;
    this.#revision = 0;
    this.check();
  }

  dies(): void {
    if (this.#running !== undefined) this.#promised = promisedBy(this.#running);
    this.#running = undefined;
    if (this.#id !== undefined) this.#cluster.specification.stopped(this.#id, false);
  }

  /** Its disk is gone, with all that it had promised. */
  lostDisk(): void {
    this.#hasLostDisk = true;
    if (this.#id !== undefined) this.#cluster.specification.stopped(this.#id, true);
  }

  /** Its disk is an older one, of which it does not know. It runs, and must be heard by nobody. */
  putBack(): void {
    this.lostDisk();
    this.#isCopy = true;
  }

  /** After each of its events. */
  check(): void {
    const running = this.#running;
    if (running === undefined) return;
    const record = recordOf(running.core);
    if (record.term < this.#term) {
      throw new Violation('terms never fall', `${this.name} goes from term ${this.#term} to ${record.term}`);
    }
    if (record.term !== this.#term) this.#cluster.entersTerm(this.name, record.term, record.votedFor === record.id);
    if (record.votedFor !== this.#votedFor || record.term !== this.#term) {
      this.#votedFor = record.votedFor;
      const { durableTerm, durableVotedFor } = record.durability;
      if (durableTerm !== record.term || durableVotedFor !== record.votedFor) this.onVoting();
    }
    this.#term = record.term;
    this.#checkClaims(record);
    this.#checkStore(running.stateMachine.store);
    if (record.commitIndex !== this.#commitIndex) this.#commit(running, record.commitIndex);
    this.#lastIndex = record.log.compactedIndex + record.log.entries.length;
    if (record.role === 'leader') this.#cluster.leads(this, running.core);
    if (record.reads.rounds.length > 0) this.onReading();
    if (record.configuration !== this.#configuration) {
      const isChange = this.#configuration !== undefined && record.role === 'leader';
      this.#configuration = record.configuration;
      if (isChange) this.onChange();
    }
    this.#events++;
    if (this.#events % dearEvery === 0) {
      checkState(running.core);
      this.#cluster.checkLog(this, running.core);
    }
  }

  /** T5, T29, T30, T38: a core takes for durable what its disk has promised, and no more. */
  #checkClaims({ durability, log }: ReturnType<typeof recordOf>): void {
    const { persistedIndex, durableTerm, durableVotedFor } = durability;
    const { disk } = this;
    const broken = (what: string): never => {
      throw new Violation('what counts as durable is on the disk', `${this.name} counts on ${what}`);
    };
    if (durableTerm > disk.term) broken(`term ${durableTerm}, its disk has ${disk.term}`);
    if (durableTerm === disk.term && durableVotedFor !== undefined && durableVotedFor !== disk.votedFor)
      broken(`a vote for ${durableVotedFor}, its disk has one for ${disk.votedFor}`);
    const term = log.entries[persistedIndex - log.compactedIndex - 1]?.term;
    if (term !== undefined && !disk.mayCountOn(persistedIndex, term, log.compactedIndex))
      broken(`entry ${persistedIndex} of term ${term}`);
  }

  /** T33: whoever looks at it, also while a snapshot comes in, sees it go forward only. */
  #checkStore({ revision }: Store): void {
    if (revision < this.#revision)
      throw new Violation('states never go back', `${this.name} shows revision ${revision} after ${this.#revision}`);
    this.#revision = revision;
  }

  applied(entry: Entry, result: unknown): void {
    const { canon } = this.#cluster;
    if (entry.index <= this.#appliedIndex) {
      throw new Violation('state-machine safety', `${this.name} applies ${entry.index} after ${this.#appliedIndex}`);
    }
    // It is news, perhaps, and so are entries before it that are no commands.
    if (canon.at(entry.index) === undefined) this.check();
    canon.committed(entry, this.name);
    const { result: expected } = canon.at(entry.index)!;
    const told = result as CommandResult | undefined;
    if (!isSameResult(told, expected)) {
      const words = `${JSON.stringify(told)}, not ${JSON.stringify(expected)}`;
      throw new Violation('state-machine safety', `${this.name} answers entry ${entry.index} with ${words}`);
    }
    this.#appliedIndex = entry.index;
  }

  /** By a process whose place another one has taken: what it had led to, and others have, it may come to commit; with it what is before that. */
  appliedBehind(core: Raft, entry: Entry): void {
    const { canon } = this.#cluster;
    const { log } = recordOf(core);
    const inForce = [canon.configurations.latest.configuration];
    for (let index = Math.min(canon.lastIndex + 1, entry.index); index <= entry.index; index++) {
      const each = log.entries[index - log.compactedIndex - 1];
      if (each === undefined || !canon.committed(each, this.name)) continue;
      this.#cluster.committedIn(index, each.term);
      this.#cluster.checkDurable({ index, term: each.term, who: this.name }, inForce);
    }
  }

  /** T28, T37: equal states at equal applied indexes. */
  afterApply(index: number, store: Store): void {
    if (index > this.#cluster.canon.lastIndex) this.check();
    this.#appliedIndex = index;
    this.#cluster.compareState(this, index, store);
  }

  /** A snapshot took the place of the state; what it covers is told by the next afterApply. */
  restored(): void {
    this.#appliedIndex = 0;
  }

  #commit({ core, begunWith }: RunningMember, commitIndex: number): void {
    if (commitIndex < this.#commitIndex) {
      throw new Violation(
        'the commit index never falls',
        `${this.name} goes from ${this.#commitIndex} to ${commitIndex}`,
      );
    }
    const { log, role, term } = recordOf(core);
    for (let index = Math.max(this.#commitIndex, log.compactedIndex) + 1; index <= commitIndex; index++) {
      const entry = log.entries[index - log.compactedIndex - 1];
      if (entry === undefined)
        throw new Violation('committed entries never change', `${this.name} commits ${index} and has no such entry`);
      if (!this.#cluster.canon.committed(entry, this.name)) continue;
      this.#cluster.committedIn(index, term);
      // What it has appended since it was looked at last may have come after that: then the configuration before counted.
      const inForce = [newestIn(core, begunWith, Infinity), newestIn(core, begunWith, this.#lastIndex)];
      this.#cluster.checkDurable({ index, term: entry.term, who: this.name }, inForce);
    }
    this.#commitIndex = commitIndex;
    if (role !== 'leader' || term === this.#committedTerm) return;
    this.#committedTerm = term;
    this.onFirstCommit();
  }
}

/** §4.1: in force is the newest in the log up to `lastIndex`, committed or not. `begunWith`: what it was founded with, or told when it joined. */
function newestIn(core: Raft, begunWith: Held, lastIndex: number): Configuration {
  const { log, snapshot } = recordOf(core);
  for (let at = log.entries.length - 1; at >= 0; at--) {
    const { kind, index, data } = log.entries[at]!;
    if (index <= begunWith.index) break;
    if (kind === 'configuration' && index <= lastIndex) return decodeConfiguration(data);
  }
  const { latest } = snapshot;
  return latest !== undefined && latest.lastIncludedIndex >= begunWith.index
    ? latest.configuration
    : begunWith.configuration;
}

function isSameConfiguration(one: Configuration, two: Configuration): boolean {
  const [a, b] = [encodeConfiguration(one), encodeConfiguration(two)];
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

function promisedBy({ core }: RunningMember): Promised {
  const { durability, log } = recordOf(core);
  const { compactedIndex } = log;
  const terms = log.entries
    .slice(0, Math.max(0, durability.persistedIndex - compactedIndex))
    .map((entry) => entry.term);
  return {
    term: durability.durableTerm,
    votedFor: durability.durableVotedFor,
    lastIndex: durability.persistedIndex,
    termAt: (index) => terms[index - compactedIndex - 1],
  };
}

/** All of it, but for the words of an error. */
export function isSameResult(a: CommandResult | undefined, b: CommandResult | undefined): boolean {
  if (a?.type === 'error' || b?.type === 'error')
    return a?.type === b?.type && agrees({ code: codeOf(a) }, { code: codeOf(b) });
  return agrees(a, b) && agrees(b, a);
}

function codeOf(result: CommandResult | undefined): string | undefined {
  return result?.type === 'error' ? result.code : undefined;
}
