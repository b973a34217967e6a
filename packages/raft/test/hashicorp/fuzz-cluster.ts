// A cluster in the manner of hashicorp/raft's fuzzy tests: time passes, every message takes its while, members are parted into
// groups that do not hear each other, one client applies commands all the time. What it checks in the end is what theirs
// does: equal logs, every acknowledged apply in them, one sequence at all state machines; and on the way one leader a term.
import { Cluster, ofType } from '../cluster.ts';
import type { MemberChange, Message, ProposalResult, RaftOptions } from '../../src/index.ts';
import { type Acknowledged, findWrongs } from './end-checks.ts';
import { World } from '../simulation/world.ts';

/** So many ticks more than a message usually takes. */
export type Slowness = (message: Message) => number;

/** Contexts of what is not an apply. */
const FIRST_OTHER_CONTEXT = 1_000_000;

const raft: Partial<RaftOptions> = { electionTimeoutTicks: 10, heartbeatTicks: 2 };

export class FuzzCluster extends Cluster {
  readonly world: World;
  /** Members that the end is judged by: those that were removed are not among them. */
  judged: string[];
  #tick = 0;
  readonly #due = new WeakMap<Message, number>();
  readonly #groups = new Map<string, number>();
  #nextGroup = 1;
  readonly #leaderOfTerm = new Map<number, string>();
  #slowness: Slowness = () => 0;
  /** The client proposes a command each so many ticks; 0 while it rests. */
  #applyTicks = 0;
  #proposed = 0;
  #lastContext = FIRST_OTHER_CONTEXT;
  readonly #answers = new Map<number, ProposalResult>();
  /** By context: proposed and told an index, not yet known to be committed there. */
  readonly #open: (Acknowledged & { readonly at: string })[] = [];
  readonly acknowledged: Acknowledged[] = [];
  readonly #findings: string[] = [];

  constructor(voters: string, seed: number) {
    super(voters, { raft: { ...raft, seed } });
    this.world = new World(seed, voters.length);
    this.judged = [...voters];
  }

  /** The leader of the highest term; time passes until there is one. */
  leader(): string {
    const leader = this.#leaderWithin(1000);
    if (leader === undefined) throw new Error('no leader within 1000 ticks');
    return leader;
  }

  /** The leader, if there is one soon, and others, `count` in all. */
  leaderPlus(count: number): string[] {
    const leader = this.#leaderWithin(10);
    const others = this.judged.filter((id) => id !== leader);
    return leader === undefined ? others.slice(0, count) : [leader, ...others].slice(0, Math.max(1, count));
  }

  slowDown(slowness: Slowness): void {
    this.#slowness = slowness;
  }

  /** The client proposes a command each so many ticks, to whoever leads; 0 stops it. */
  applyAllTheTime(everyTicks: number): void {
    this.#applyTicks = everyTicks;
  }

  /** Proposes `count` commands, a few at each tick, and waits until none of them is open. */
  applyMany(count: number): void {
    const end = this.#proposed + count;
    for (let i = 0; i < 20_000 && (this.#proposed < end || this.#open.length > 0); i++) {
      if (this.#proposed < end) this.#propose(Math.min(10, end - this.#proposed));
      this.run(1);
    }
    if (this.#proposed < end || this.#open.length > 0) this.#findings.push(`${this.#open.length} proposals hang`);
  }

  /** From now on these hear only each other. Answers what to heal them by. */
  partOff(ids: readonly string[]): number {
    const group = this.#nextGroup++;
    for (const id of ids) this.#groups.set(id, group);
    return group;
  }
  healGroup(group: number): void {
    for (const [id, at] of this.#groups) if (at === group) this.#groups.delete(id);
  }
  healAll(): void {
    this.#groups.clear();
  }

  /** A new member: a learner first, a voter once it has caught up. Answers its id. */
  addVoter(name: string): string {
    const member = { name, address: `host:${name}`, storeId: `store-${name}` };
    const index = this.#changeMembers({ type: 'add', member, as: 'learner' });
    const id = index.toString(16).padStart(16, '0');
    this.join(id, this.leader());
    this.judged = [...this.judged, id];
    this.#changeMembers({ type: 'promote', id });
    return id;
  }

  /** It runs on, but what becomes of it is not judged any more. */
  removeMember(id: string): void {
    this.#changeMembers({ type: 'remove', id });
    this.judged = this.judged.filter((other) => other !== id);
  }

  /** Whoever leads hands over to whom it thinks best; time passes until somebody else leads. */
  transferLeadership(): void {
    const before = this.leader();
    const { term } = this.status(before);
    this.#ask(before, (context) => this.member(before).step({ type: 'transferLeadership', context, to: undefined }));
    for (let i = 0; i < 20; i++) {
      const after = this.leader();
      if (after !== before && this.status(after).term > term) return;
      this.run(1);
    }
    this.#findings.push(`${before} did not hand over`);
  }

  /** Lets time pass: a tick of everyone, then all that is due. */
  run(ticks: number): void {
    for (let i = 0; i < ticks; i++) {
      this.#tick++;
      if (this.#applyTicks > 0 && this.#tick % this.#applyTicks === 0) this.#propose(1);
      this.tickAll();
      // Within a tick a message may be answered, and the answer again.
      for (let hop = 0; hop < 4; hop++) this.#carry();
    }
  }

  /** Everything heals, the client stops, and all must come to one state within a bounded time. */
  comeToRest(): void {
    this.applyAllTheTime(0);
    this.healAll();
    this.slowDown(() => 0);
    for (let i = 0; i < 400; i++) {
      this.run(1);
      const states = this.judged.map((id) => [this.status(id).appliedIndex, this.status(id).lastIndex]);
      if (this.#open.length === 0 && new Set(states.flat()).size === 1) return;
    }
    throw new Error(`no rest: ${JSON.stringify(this.judged.map((id) => this.status(id)))}`);
  }

  /** The end checks, and what was seen on the way. */
  findings(): string[] {
    const remains = this.judged.map((id) => {
      const { disk, applied } = this.member(id);
      return { id, entries: disk.entries, applied };
    });
    return [...this.#findings, ...findWrongs(remains, this.acknowledged)];
  }

  /** Carries a change out at whoever leads until it is certain; refusals that pass are waited out. Answers its entry's index. */
  #changeMembers(change: MemberChange): number {
    for (let i = 0; i < 500; i++) {
      const leader = this.leader();
      const answer = this.#ask(leader, (context) => {
        this.member(leader).step({ type: 'proposeConfiguration', context, changes: [change] });
      });
      if (answer?.index !== undefined && this.#becomesCertain(answer.index, answer.term)) return answer.index;
      if (answer?.refused === 'invalid') throw new Error(`refused: ${JSON.stringify(change)}`);
      this.run(1);
    }
    throw new Error(`not carried out: ${JSON.stringify(change)}`);
  }

  #becomesCertain(index: number, term: number): boolean {
    for (let i = 0; i < 300; i++) {
      const leader = this.leader();
      const { committedConfiguration, committedConfigurationIndex } = this.status(leader);
      if (this.member(leader).raft.termAt(index) !== term) return false;
      if (committedConfigurationIndex >= index && committedConfiguration.votersOutgoing.length === 0) return true;
      this.run(1);
    }
    return false;
  }

  #ask(id: string, step: (context: number) => void): ProposalResult | undefined {
    const context = ++this.#lastContext;
    step(context);
    this.pump(id);
    this.#collect();
    return this.#answers.get(context);
  }

  #leaderWithin(ticks: number): string | undefined {
    for (let i = 0; i <= ticks; i++) {
      const leaders = this.judged.filter((id) => this.status(id).role === 'leader');
      const [newest] = leaders.toSorted((a, b) => this.status(b).term - this.status(a).term);
      if (newest !== undefined) return newest;
      this.run(1);
    }
    return undefined;
  }

  #propose(count: number): void {
    const leader = this.judged.find((id) => this.status(id).role === 'leader');
    if (leader === undefined) return;
    for (let i = 0; i < count; i++) this.propose(leader, `p${++this.#proposed}`);
  }

  #carry(): void {
    for (const message of this.inTransit) this.#admit(message);
    this.lose(({ from, to }) => (this.#groups.get(from) ?? 0) !== (this.#groups.get(to) ?? 0));
    this.deliver((message) => this.#due.get(message)! <= this.#tick);
    for (const id of this.ids) this.work(id);
    this.#collect();
  }

  /** Sees each message once: draws how long it takes, and checks that a term has one leader. */
  #admit(message: Message): void {
    if (this.#due.has(message)) return;
    this.#due.set(message, this.#tick + this.#slowness(message) + (this.world.chance(0.3) ? 1 : 0));
    if (!ofType('appendRequest', 'heartbeatRequest', 'installSnapshotRequest')(message)) return;
    const leader = this.#leaderOfTerm.get(message.term) ?? message.from;
    if (leader !== message.from) this.#findings.push(`${leader} and ${message.from} lead term ${message.term}`);
    this.#leaderOfTerm.set(message.term, leader);
  }

  /** What a proposer was told becomes an acknowledgement when it sees the entry applied; another one in its place ends it too. */
  #collect(): void {
    for (const at of this.ids) {
      for (const result of this.results(at)) {
        const { context, index, term } = result;
        if (context >= FIRST_OTHER_CONTEXT) this.#answers.set(context, result);
        else if (index !== undefined) this.#open.push({ at, text: `p${context}`, index, term });
      }
    }
    for (let i = this.#open.length - 1; i >= 0; i--) {
      const { at, index, term, text } = this.#open[i]!;
      const applied = this.member(at).applied[index - 1];
      if (applied === undefined) continue;
      this.#open.splice(i, 1);
      if (applied.term === term) this.acknowledged.push({ index, term, text });
    }
  }
}
