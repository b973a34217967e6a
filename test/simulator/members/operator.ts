// Who runs the cluster: machines that join, and members that are added, promoted, replaced, removed and renamed, through the client's own commands, and
// through a replica's where the client has none. What is drawn is what an operator might do, sensible or not, so long as the cluster can outlive it.
import { bytes, connect } from '@raftkv/client';
import type { ClusterKv } from '@raftkv/client';
import type { Configuration, MemberChange, PeerId } from '@raftkv/raft';
import type { Channel } from '@raftkv/transport';
import { RaftkvError } from '@raftkv/wire';
import type { ClusterMembers, MemberPlan } from '@raftkv/wire';
import type { Canon } from '../checks/canon.ts';
import { idsOf } from '../checks/configurations.ts';
import type { Process } from '../world/process.ts';
import type { Random } from '../world/random.ts';
import { Violation } from '../world/violation.ts';
import type { World } from '../world/world.ts';
import { isHealthy } from './budget.ts';
import type { Budget } from './budget.ts';
import type { Cluster } from './cluster.ts';
import type { Member } from './member.ts';

const most = { members: 8, voters: 6, requests: 3 } as const;

const actions = [
  'join',
  'join',
  'join',
  'rejoin',
  'rejoin',
  'lose',
  'place',
  'remove',
  'remove',
  'remove',
  'removeLeader',
  'promote',
  'replace',
  'rename',
  'demote',
  'several',
  'transfer',
] as const;

/** Where learners are kept. */
const quietActions = ['join', 'join', 'rejoin', 'rename', 'transfer'] as const;

export interface OperatorOptions {
  readonly cluster: Cluster;
  readonly budget: Budget;
  readonly canon: Canon;
  readonly process: Process;
  readonly dial: (endpoint: string, signal: AbortSignal) => Promise<Channel>;
}

export class Operator {
  readonly #world: World;
  readonly #options: OperatorOptions;
  readonly #random: Random;
  readonly #kv: ClusterKv<Uint8Array>;
  #names = 0;
  #open = 0;
  #isOver = false;
  /** What was asked, and done. */
  readonly done = new Map<string, number>();

  constructor(world: World, options: OperatorOptions) {
    const { swarm } = world;
    const random = world.random('changes');
    this.#world = world;
    this.#options = options;
    this.#random = random;
    this.#kv = connect<Uint8Array>({
      endpoints: random.shuffle(options.cluster.endpoints),
      codec: bytes,
      dial: (endpoint, { signal }) => options.dial(endpoint, signal),
      clock: options.process,
      random: () => random.next(),
      requestTimeoutMilliseconds: swarm.requestTimeoutMilliseconds * 2,
      connectTimeoutMilliseconds: Math.max(200, swarm.requestTimeoutMilliseconds),
      compression: false,
    });
    this.#later();
  }

  /** Nothing is asked any more. What is under way may still happen. */
  end(): void {
    this.#isOver = true;
  }

  #later(): void {
    this.#world.scheduler.after(this.#random.exponential(this.#world.swarm.changeMilliseconds), undefined, () => {
      if (this.#isOver) return;
      if (this.#options.budget.isFounded && this.#open < most.requests) this.#act();
      this.#later();
    });
  }

  #act(): void {
    const { voters, learners } = this.#latest;
    const random = this.#random;
    const action = random.pick(this.#world.swarm.keepsLearners ? quietActions : actions);
    const hasRoom = voters.length < most.voters && voters.length + learners.length < most.members;
    switch (action) {
      case 'join':
        return hasRoom ? this.#join() : undefined;
      case 'rejoin':
        return this.#rejoin();
      case 'lose':
        return this.#lose();
      case 'place':
        return hasRoom ? this.#keepPlace() : undefined;
      case 'remove':
        return this.#remove(random.chance(this.#world.swarm.removesLeader) ? this.#leaderId : this.#anyMember());
      case 'removeLeader':
        return this.#remove(this.#leaderId);
      case 'promote':
        return this.#promote();
      case 'replace':
        return this.#replace();
      case 'rename':
        return this.#rename();
      case 'demote':
      case 'several':
        return this.#changeAtLeader(action);
      case 'transfer':
        return void this.#ask('transfer', () => this.#kv.transferLeader(this.#anyMember()));
    }
  }

  #join(): void {
    const idle = this.#options.cluster.members.filter(({ origin, phase }) => origin === undefined && phase === 'down');
    if (idle.length === 0) return;
    const machine = this.#random.pick(idle);
    const kept = this.#recordAt(machine.address);
    const voter = this.#random.pick(this.#latest.voters);
    // Its old place is not free: it takes that, if whoever had it does not answer.
    const isAgain = kept !== undefined && !this.#latest.learners.includes(kept.id);
    if (isAgain) return this.#takeOver(machine, kept.id);
    const plan = this.#random.chance(0.25) ? { replaces: voter } : this.#drawPlan();
    machine.join({ type: 'joiner', name: kept?.name ?? this.#newName(), address: machine.address, plan });
  }

  /** A machine whose member was removed, or lost its storage, joins as another one. */
  #rejoin(): void {
    const { members } = this.#options.cluster;
    const { isGone } = this.#configurations;
    const broken = members.filter(
      ({ phase, isSpoilt, identity }) =>
        phase === 'refused' || isSpoilt || (identity !== undefined && isGone.call(this.#configurations, identity.id)),
    );
    if (broken.length === 0) return;
    const machine = this.#random.pick(broken);
    const id = this.#recordAt(machine.address)?.id ?? machine.identity?.id;
    if (id !== undefined && this.#configurations.isMember(id)) return this.#takeOver(machine, id);
    machine.join({ type: 'joiner', name: this.#newName(), address: machine.address, plan: this.#drawPlan() });
  }

  /** As `raftkv join --replace` with the name that it had. */
  #takeOver(machine: Member, id: PeerId): void {
    const name = this.#nameOf(id) ?? machine.name;
    machine.join({ type: 'joiner', name, address: machine.address, plan: { replaces: name } });
  }

  #lose(): void {
    const { cluster, budget } = this.#options;
    const machine = this.#random.pick(cluster.members);
    const isSpared = !isHealthy(machine) || !budget.isEnough((each) => each !== machine && isHealthy(each));
    if (!isSpared) machine.lose();
  }

  #keepPlace(): void {
    const idle = this.#options.cluster.members.filter(({ origin, phase }) => origin === undefined && phase === 'down');
    if (idle.length === 0) return;
    const { address } = this.#random.pick(idle);
    const name = this.#newName();
    const plan = this.#drawPlan();
    void this.#ask(`keep a place for ${name}`, () => this.#kv.members.add({ name, address, plan }));
  }

  /** Only where the others can do without. */
  #remove(id: PeerId | undefined): void {
    const { budget } = this.#options;
    if (id === undefined || budget.doubtful.has(id) || this.#latest.voters.length < 2) return;
    budget.doubtful.add(id);
    if (!budget.isEnough(isHealthy)) return void budget.doubtful.delete(id);
    const asked = this.#ask(`remove ${id}`, async () => {
      this.#expectGone(id, await this.#kv.members.remove(id));
    });
    void asked.then((isKnown) => isKnown && budget.doubtful.delete(id));
  }

  #promote(): void {
    const { learners } = this.#latest;
    if (learners.length === 0 || this.#latest.voters.length >= most.voters) return;
    const id = this.#random.pick(learners);
    void this.#ask(`promote ${id}`, () => this.#kv.members.promote(id));
  }

  #replace(): void {
    const { learners, voters } = this.#latest;
    if (learners.length === 0) return;
    const [old, by] = [this.#random.pick(voters), this.#random.pick(learners)];
    void this.#ask(`replace ${old} by ${by}`, () => this.#kv.members.replace(old, by));
  }

  #rename(): void {
    const id = this.#anyMember();
    const name = this.#newName();
    if (id !== undefined) void this.#ask(`name ${id} ${name}`, () => this.#kv.members.update(id, { name }));
  }

  /** What only the core knows: a voter that becomes a learner, and several changes at once. */
  #changeAtLeader(action: 'demote' | 'several'): void {
    const { cluster, budget } = this.#options;
    const leader = cluster.leader?.running;
    const { voters, learners } = this.#latest;
    if (leader === undefined || voters.length < 3) return;
    const out = this.#random.pick(voters);
    const machine = cluster.members.find(({ identity }) => identity?.id === out);
    // A voter that is lost, made a learner, would only be in the way.
    if (budget.doubtful.has(out) || machine === undefined || !isHealthy(machine)) return;
    budget.doubtful.add(out);
    if (!budget.isEnough(isHealthy)) return void budget.doubtful.delete(out);
    const changes: MemberChange[] = [{ type: action === 'demote' ? 'demote' : 'remove', id: out }];
    if (action === 'several')
      for (const id of this.#random.shuffle(learners).slice(0, 2)) changes.push({ type: 'promote', id });
    const words = changes.map((change) => (change.type === 'add' ? '' : `${change.type} ${change.id}`)).join(', ');
    const asked = this.#ask(words, () => leader.replica.changeMembers(changes));
    void asked.then((isKnown) => isKnown && budget.doubtful.delete(out));
  }

  /** Answers whether it is known what came of it. */
  async #ask(words: string, ask: () => Promise<unknown>): Promise<boolean> {
    const { trace } = this.#world;
    trace.note(`asked: ${words}`);
    this.#open += 1;
    try {
      await ask();
      trace.note(`done: ${words}`);
      const [kind] = words.split(' ') as [string];
      this.done.set(kind, (this.done.get(kind) ?? 0) + 1);
      return true;
    } catch (error) {
      if (!(error instanceof RaftkvError)) {
        this.#world.fail(error);
        return false;
      }
      trace.note(`refused: ${words}: ${error.code}${error.definite ? '' : ', or not'} ${error.message}`);
      return error.definite;
    } finally {
      this.#open -= 1;
    }
  }

  #expectGone(id: PeerId, { index }: ClusterMembers): void {
    if (this.#configurations.isGone(id)) return;
    throw new Violation('a change that was told is done', `${id} was removed as of ${index}, and is a member`);
  }

  get #configurations(): Canon['configurations'] {
    return this.#options.canon.configurations;
  }

  get #latest(): Configuration {
    return this.#configurations.latest.configuration;
  }

  get #leaderId(): PeerId | undefined {
    return this.#options.cluster.leader?.identity?.id;
  }

  #anyMember(): PeerId | undefined {
    return this.#random.pick([...idsOf(this.#latest)]);
  }

  #recordAt(address: string): { readonly id: PeerId; readonly name: string } | undefined {
    const record = (this.#latest.members ?? []).find((member) => member.address === address);
    const machine = this.#options.cluster.members.find((member) => member.address === address);
    const identity = machine?.identity;
    if (record !== undefined) return record;
    return identity !== undefined && this.#configurations.isMember(identity.id) ? identity : undefined;
  }

  #nameOf(id: PeerId): string | undefined {
    return this.#latest.members?.find((member) => member.id === id)?.name;
  }

  #newName(): string {
    this.#names += 1;
    return `n${this.#names}`;
  }

  #drawPlan(): MemberPlan | undefined {
    if (this.#random.chance(this.#world.swarm.staysLearner)) return 'stay';
    return this.#random.chance(0.5) ? 'promote' : undefined;
  }
}
