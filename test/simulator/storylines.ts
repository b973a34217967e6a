// Weather with a plot: what goes wrong at one moment that a fault of its own accord would hardly hit. Each waits for what production code comes to by itself
// (a leader with old entries, a snapshot that takes its place, a candidate) and strikes there; chances are drawn for the seed. Called by `faults.ts`.
import type { Configuration, Entry, PeerId, Raft } from '@raftkv/raft';
import { recordOf } from '@raftkv/raft/invariants';
import { isQuorum } from '../checkers/quorums.ts';
import { isHealthy } from './members/budget.ts';
import type { Budget } from './members/budget.ts';
import type { Cluster } from './members/cluster.ts';
import type { Member } from './members/member.ts';
import type { Random } from './world/random.ts';
import type { World } from './world/world.ts';

/** What the faults lend: it is for them to say what may break, and to mend it. */
interface Hands {
  readonly isOver: () => boolean;
  readonly mendAfter: (lasts: number, mend: () => void) => void;
  readonly mendAll: () => void;
  /** It dies at one of its next storage operations. */
  readonly dieAt: (member: Member, operations: number, random: Random) => void;
}

/** An entry of an older term in the hands of a new leader, and the first of its own. */
interface OldEntry {
  readonly leader: Member;
  readonly term: number;
  readonly index: number;
  readonly entryTerm: number;
  readonly ownIndex: number;
}

export class Storylines {
  readonly #world: World;
  readonly #cluster: Cluster;
  readonly #budget: Budget;
  readonly #hands: Hands;
  readonly #random: Random;
  readonly #electionMilliseconds: number;
  #old: OldEntry | undefined;
  /** The newest term in which somebody stood. */
  #seenTerm = 0;
  /** A leader that is cut off until somebody stands against it. */
  #awaited: { readonly leader: Member; readonly mend: () => void } | undefined;
  /** When the last story ends, at the latest and as it seems now. */
  #finale: { readonly deadline: number; end: number } | undefined;

  constructor(world: World, { cluster, budget }: { readonly cluster: Cluster; readonly budget: Budget }, hands: Hands) {
    this.#world = world;
    this.#cluster = cluster;
    this.#budget = budget;
    this.#hands = hands;
    this.#random = world.random('storylines');
    this.#electionMilliseconds = world.swarm.tickMilliseconds * world.swarm.electionTimeoutTicks;
  }

  /** T1, Figure 3.7: a new leader may bring entries of older terms with it that no quorum has. */
  newLeader(leader: Member): void {
    this.#old = undefined;
    if (!this.#world.swarm.fallsSilent || leader.running === undefined) return;
    this.#world.scheduler.after(this.#random.exponential(this.#electionMilliseconds), undefined, () => {
      if (leader.isLeader) this.#silence(leader, this.#random.exponential(2.5));
    });
    const { term, log } = recordOf(leader.running.core);
    const entry = this.#firstOfFew(leader.running.core);
    const own = log.entries.find((each) => each.term === term);
    if (entry === undefined || own === undefined || entry.term === term) return;
    this.#old = { leader, term, index: entry.index, entryTerm: entry.term, ownIndex: own.index };
  }

  /** After each event of a member. */
  looked(member: Member): void {
    if (!this.#world.swarm.fallsSilent || this.#hands.isOver()) return;
    this.#lookAtCandidate(member);
    const old = this.#old;
    if (old === undefined) return;
    const { leader, term, index, entryTerm, ownIndex } = old;
    const record = leader.running === undefined ? undefined : recordOf(leader.running.core);
    if (record?.role !== 'leader' || record.term !== term) this.#old = undefined;
    else if (this.#isOnQuorum(record.configuration, ownIndex, term)) this.#old = undefined;
    else if (this.#isOnQuorum(record.configuration, index, entryTerm)) this.#endOldEntry(leader);
  }

  /** T4: one of the others does not hear that it stands, and may stand itself in the same term. */
  #askFewer(candidate: Member): void {
    if (!this.#random.chance(0.4)) return;
    const { links, members } = this.#cluster;
    const { host } = candidate;
    const deaf = this.#random.below(members.length);
    this.#hands.mendAfter(
      this.#electionMilliseconds * this.#random.exponential(2.5),
      links.cut((from, to) => from === host && to === deaf),
    );
  }

  /** It has asked for votes, and says nothing more: if it wins, what it appends stays with it alone. Those that have such entries are spared. */
  #lookAtCandidate(member: Member): void {
    if (member.running === undefined) return;
    const { role, term, votedFor, durability } = recordOf(member.running.core);
    const isAsking = role === 'candidate' && durability.durableTerm === term && durability.durableVotedFor === votedFor;
    if (!isAsking || this.#seenTerm >= term) return;
    this.#seenTerm = term;
    const isSpared = this.#firstOfFew(member.running.core) !== undefined;
    if (!isSpared && this.#random.chance(0.85)) {
      // What it has said is under way then, and no answer has come.
      this.#world.scheduler.after(0.05, undefined, () => this.#silence(member, this.#random.exponential(2.5)));
    }
  }

  /** It hears that its old entry is everywhere, and tells nobody of its own; the others may elect whom they like. */
  #endOldEntry(leader: Member): void {
    this.#old = undefined;
    if (this.#random.chance(0.8)) this.#hands.mendAll();
    this.#silence(leader, this.#random.between(2, 6));
  }

  /** For so many election timeouts the other members do not hear it. */
  #silence(member: Member, electionTimeouts: number): void {
    if (this.#hands.isOver()) return;
    this.#world.trace.note(`${member.name} falls silent`);
    const { host } = member;
    const { links, members } = this.#cluster;
    this.#hands.mendAfter(
      this.#electionMilliseconds * electionTimeouts,
      links.cut((from, to) => from === host && to < members.length),
    );
  }

  /** The first entry of its log that no quorum has. */
  #firstOfFew(core: Raft): Entry | undefined {
    const { commitIndex, log, configuration } = recordOf(core);
    return log.entries
      .slice(commitIndex - log.compactedIndex)
      .find(({ index, term }) => !this.#isOnQuorum(configuration, index, term));
  }

  /** `configuration`: the newest in the log of whoever asks (§4.1). */
  #isOnQuorum(configuration: Configuration, index: number, term: number): boolean {
    const holders = new Set<PeerId>();
    for (const { identity, checks } of this.#cluster.members)
      if (identity !== undefined && checks.holds(index, term)) holders.add(identity.id);
    return isQuorum(configuration, holders);
  }

  /** T31: a snapshot of this member was written, and is about to take its place. */
  snapshotWritten(member: Member): void {
    if (this.#hands.isOver() || !this.#random.chance(this.#world.swarm.snapshotCrash)) return;
    this.#hands.dieAt(member, 1 + this.#random.below(10), this.#random.fork());
  }

  /**
   * T9, before the end: a leader is cut off until somebody stands against it, is heard again at once, and the requests for votes come late. So they are not
   * heard, and who stood is left alone in a newer term. Answers whether that is over.
   */
  isFinaleOver(): boolean {
    const { swarm, now } = this.#world;
    if (!swarm.standsInVain || !this.#canDoWithoutLeader) return true;
    this.#finale ??= { deadline: now + this.#electionMilliseconds * 20, end: Infinity };
    const { deadline, end } = this.#finale;
    if (now > Math.min(deadline, end)) return true;
    if (this.#awaited === undefined && end === Infinity) this.#cutOffLeader();
    return false;
  }

  /** Whoever it is: the others must be able to elect somebody, in every configuration that may count. */
  get #canDoWithoutLeader(): boolean {
    const candidates = this.#budget.candidates();
    return candidates.every((leader) => this.#budget.isEnough((each) => each !== leader && isHealthy(each)));
  }

  #cutOffLeader(): void {
    const { leader, links, members } = this.#cluster;
    const others = this.#budget.candidates().filter(({ isSpoilt }) => !isSpoilt);
    if (leader?.running === undefined || others.some(({ running }) => running === undefined)) return;
    // Between two terms nobody can be said to stand against it.
    const { term } = recordOf(leader.running.core);
    if (others.some(({ running }) => recordOf(running!.core).term !== term)) return;
    const { host } = leader;
    const isMute = this.#random.chance(0.5);
    const mend = links.cut(
      (from, to) => from < members.length && to < members.length && (from === host || (!isMute && to === host)),
    );
    const awaited = { leader, mend };
    this.#awaited = awaited;
    this.#world.trace.note(`the leader ${leader.name} is not heard`);
    this.#hands.mendAfter(this.#electionMilliseconds * 4, () => {
      mend();
      if (this.#awaited === awaited) this.#awaited = undefined;
    });
  }

  /** A term or a vote of this member is on its way to its disk. */
  voting(member: Member): void {
    if (member.running === undefined || recordOf(member.running.core).role !== 'candidate') return;
    if (this.#world.swarm.fallsSilent && !this.#hands.isOver()) this.#askFewer(member);
    const awaited = this.#awaited;
    if (awaited === undefined || this.#finale === undefined || member === awaited.leader) return;
    this.#awaited = undefined;
    this.#world.trace.note(`${member.name} stands against ${awaited.leader.name}, which is back`);
    awaited.mend();
    const { heartbeatTicks, tickMilliseconds, links } = this.#world.swarm;
    const late = (heartbeatTicks + 1) * tickMilliseconds * this.#random.between(1, 2) + links.meanLatency * 3;
    member.disk.stalledUntil = this.#world.now + late;
    this.#hands.mendAfter(late, () => (member.disk.stalledUntil = 0));
    this.#finale.end = this.#world.now + late + links.meanLatency * 3;
  }
}
