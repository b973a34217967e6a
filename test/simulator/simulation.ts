// One seed from its beginning to its verdict: a cluster and its clients under virtual time, a phase in which anything fails and nothing may be wrong, then
// one in which a quorum is healed and everything must work. Whoever runs it calls `step`, lets the microtasks run dry, and calls `settle`.
import { HistoryRecorder } from '../checkers/recorder.ts';
import type { FinalContent } from '../checkers/exactly-once.ts';
import { Canon } from './checks/canon.ts';
import { ClusterChecks } from './checks/cluster-checks.ts';
import { judge } from './checks/judgement.ts';
import type { Caller } from './clients/caller.ts';
import { SimulatedClient } from './clients/client.ts';
import { SimulatedObserver } from './clients/observer.ts';
import type { Watcher } from './clients/watcher.ts';
import { Oracle } from './clients/oracle.ts';
import { ChangeFaults } from './change-faults.ts';
import { Doubles } from './doubles.ts';
import { Faults } from './faults.ts';
import { Liveness, callsOfEach } from './liveness.ts';
import type { LivenessGoal } from './liveness.ts';
import { Budget } from './members/budget.ts';
import { Cluster } from './members/cluster.ts';
import type { Member } from './members/member.ts';
import { Operator } from './members/operator.ts';
import { HostClock, Process } from './world/process.ts';
import type { Swarm } from './world/swarm.ts';
import { Violation } from './world/violation.ts';
import { World } from './world/world.ts';
import type { WorldOptions } from './world/world.ts';

/** What became of a seed. */
export interface Verdict {
  readonly seed: number;
  readonly failure:
    | { readonly checker: string; readonly message: string; readonly recent: readonly string[] }
    | undefined;
  readonly traceHash: string;
  /** What shrinking goes by. */
  readonly faults: readonly string[];
  readonly swarm: Swarm;
  readonly simulatedMilliseconds: number;
  readonly events: number;
  readonly committed: number;
  readonly acknowledged: number;
  readonly reads: number;
  readonly failedCalls: number;
  readonly elections: number;
  readonly lives: number;
  readonly recoveryMilliseconds: number;
  /** 1: too much was lost for a second phase. */
  readonly unmendable: number;
  /** Processes whose disk another one took over, and copies of disks that came to life. */
  readonly takeovers: number;
  readonly copies: number;
  /** Of members, held against the specification, and states of all of them, held against its invariants. */
  readonly steps: number;
  readonly states: number;
}

/** A world in which so much happens in one moment does not move on. */
const maxEvents = 3_000_000;

export class Simulation {
  readonly world: World;
  readonly recorder = new HistoryRecorder();
  readonly #cluster: Cluster;
  readonly #checks: ClusterChecks;
  readonly #oracle: Oracle;
  readonly #clients: readonly SimulatedClient[];
  readonly #watchers: readonly Watcher[];
  readonly #observers: readonly SimulatedObserver[];
  readonly #faults: Faults;
  readonly #budget: Budget;
  readonly #doubles: Doubles;
  /** Undefined: members do not change. */
  #changes: { readonly operator: Operator; readonly faults: ChangeFaults } | undefined;
  #liveness: Liveness | undefined;
  #isOver = false;
  #isUnmendable = false;
  #settled = 0;

  constructor(options: WorldOptions) {
    const world = new World(options);
    this.world = world;
    const { swarm } = world;
    world.trace.note(`seed ${world.seed}: ${JSON.stringify(swarm)}`);
    const canon = new Canon({ maxSessions: swarm.maxSessions, retainedRevisions: swarm.retainedRevisions });
    this.#checks = new ClusterChecks(canon);
    this.#oracle = new Oracle(canon);
    this.#cluster = new Cluster(
      world,
      this.#checks,
      swarm.clients + swarm.observers + (swarm.spareMachines > 0 ? 1 : 0),
    );
    this.#budget = new Budget(this.#cluster, canon);
    for (const member of this.#cluster.members) member.start();
    this.#clients = Array.from({ length: swarm.clients }, (_, at) => this.#client(at));
    this.#watchers = this.#clients.flatMap((client) => client.watch(canon, swarm.watches));
    this.#observers = Array.from({ length: swarm.observers }, (_, at) => this.#observer(at));
    this.#faults = new Faults(world, this.#cluster, this.#budget);
    this.#faults.observers = this.#observers;
    this.#doubles = new Doubles(world, { cluster: this.#cluster, budget: this.#budget });
    this.#checks.onLeader = (name) => this.#faults.newLeader(name);
    if (swarm.spareMachines > 0) this.#changes = this.#beginChanges();
    this.#cluster.onEnrolled = (member) => this.#hook(member);
    for (const member of this.#cluster.members) this.#hook(member);
    this.#faults.begin();
  }

  /** Lets one event happen; false when all is over. */
  step(): boolean {
    if (this.#isOver) return false;
    try {
      if (this.world.scheduler.step()) return true;
      throw new Violation('time goes on', 'nothing is left to happen');
    } catch (error) {
      this.world.fail(error);
      return true;
    }
  }

  /** After the microtasks of an event: looks at what became of it. */
  settle(): void {
    const { world } = this;
    const { scheduler } = world;
    const { party } = scheduler;
    try {
      if (party !== undefined) {
        const host = (party as Process).host;
        world.trace.mark(2, host, scheduler.count);
        const member = this.#cluster.members[host];
        if (member !== undefined) {
          this.#checkMember(member);
          this.#faults.looked(member);
        }
      }
      this.#settled++;
      if (this.#settled % 16 === 0) this.#lookAtTime();
    } catch (error) {
      world.fail(error);
    }
    if (world.failure !== undefined) this.#isOver = true;
  }

  verdict(): Verdict {
    const { world } = this;
    const canon = this.#checks.canon;
    return {
      seed: world.seed,
      failure: world.failure === undefined ? undefined : describeFailure(world.failure, world.trace.recent),
      traceHash: world.trace.hash,
      faults: [...this.#faults.counts.keys()],
      swarm: world.swarm,
      simulatedMilliseconds: world.now,
      events: world.scheduler.count,
      committed: canon.lastIndex,
      acknowledged: this.#oracle.acknowledged,
      reads: this.#oracle.confirmedReads,
      failedCalls: this.#callers.reduce((sum, caller) => sum + caller.failed, 0),
      elections: this.#checks.elections,
      lives: this.#cluster.members.reduce((sum, member) => sum + member.lives, 0),
      recoveryMilliseconds: this.#liveness?.recoveryMilliseconds ?? 0,
      steps: this.#checks.specification.steps,
      states: this.#checks.specification.states,
      unmendable: this.#isUnmendable ? 1 : 0,
      takeovers: this.#doubles.takeovers,
      copies: this.#doubles.copies,
    };
  }

  /** What the checks of a member notice is a moment for faults. */
  #hook(member: Member): void {
    member.checks.onVoting = () => this.#faults.voting(member);
    member.checks.onFirstCommit = () => this.#faults.firstCommit(member);
    member.checks.onChange = () => this.#changes?.faults.changing(member);
    member.checks.onReading = () => this.#faults.reading(member);
    member.disk.onSnapshotWritten = () => this.#faults.snapshotWritten(member);
  }

  #checkMember(member: Member): void {
    if (member.running !== undefined) member.checks.check();
  }

  #lookAtTime(): void {
    const { world } = this;
    for (const watcher of this.#watchers) watcher.look();
    this.#doubles.look();
    if (world.scheduler.count > maxEvents)
      throw new Violation('time goes on', `${maxEvents} events until ${world.now}`);
    if (this.#liveness === undefined) {
      if (world.now < world.swarm.safetyMilliseconds || !this.#faults.isThrough()) return;
      this.#faults.end();
      this.#doubles.end();
      this.#changes?.operator.end();
      this.#changes?.faults.end();
      const place = { cluster: this.#cluster, budget: this.#budget };
      if (!Liveness.isPossible(place)) {
        this.#checks.specification.checkState();
        this.#isUnmendable = true;
        this.#isOver = true;
        return;
      }
      this.#liveness = new Liveness(world, place, (core) => this.#goals(core));
    } else if (this.#liveness.check()) {
      this.#checks.specification.checkState();
      this.#oracle.checkRefused(this.#callers.flatMap((caller) => caller.refused));
      this.#checkRefusedStores();
      const { revision } = this.#checks.canon.store;
      const watches = this.#watchers.flatMap((watcher) => watcher.records(revision));
      judge(this.#checks.canon, this.recorder.operations, this.#contents(), watches);
      this.#isOver = true;
    }
  }

  get #callers(): readonly Caller[] {
    return [...this.#clients.map(({ caller }) => caller), ...this.#observers.flatMap(({ callers }) => callers)];
  }

  #checkRefusedStores(): void {
    const { configurations } = this.#checks.canon;
    for (const { name, refusedStores } of this.#cluster.members) {
      for (const storeId of refusedStores)
        if (configurations.knowsStore(storeId))
          throw new Violation('a definite failure did not happen', `${name} was refused, and let in with ${storeId}`);
    }
  }

  /** What the members that are up hold at the end. */
  #contents(): readonly FinalContent[] {
    return this.#staying(this.#liveness?.core ?? []).flatMap(({ name, running }) => {
      const store = running?.stateMachine.store;
      const scanned = store?.scan({ from: '', to: undefined });
      if (store === undefined || scanned?.type !== 'scan') return [];
      return [{ holder: name, revision: store.revision, entries: scanned.entries }];
    });
  }

  #goals(core: readonly Member[]): readonly LivenessGoal[] {
    const before = this.#clients.map(({ caller }) => caller.done);
    const observed = this.#observers.map(({ done }) => done);
    const { canon } = this.#checks;
    return [
      { what: 'no leader', isReached: () => core.some((member) => member.isLeader) },
      {
        what: 'calls of clients do not go through',
        isReached: () => this.#clients.every(({ caller }, at) => caller.done >= before[at]! + callsOfEach),
      },
      {
        what: 'calls of observers do not go through',
        isReached: () => {
          for (const observer of this.#observers) observer.start();
          return this.#observers.every(({ done }, at) => done === undefined || done >= observed[at]! + 5);
        },
      },
      {
        what: 'the core does not come to one state',
        isReached: () => {
          for (const { caller } of this.#clients) caller.stop();
          for (const observer of this.#observers) observer.stop();
          if (this.#clients.some(({ caller }) => caller.open > 0)) return false;
          if (this.#observers.some(({ open }) => open > 0)) return false;
          return this.#staying(core).every(
            (member) => member.running !== undefined && member.checks.appliedIndex === canon.lastIndex,
          );
        },
        // Once nothing more is called for, the end of the log stays where it is.
        progress: () => Math.min(...this.#staying(core).map(({ checks }) => checks.appliedIndex)),
      },
      { what: 'changes of members do not come to their end', isReached: () => this.#isSettled(core) },
      {
        what: 'watches do not come to the newest revision',
        isReached: () => this.#watchers.every((watcher) => watcher.hasAll(canon.store.revision)),
      },
      {
        what: 'observers do not come to the newest revision',
        isReached: () => {
          for (const observer of this.#observers) observer.start();
          const { revision } = canon.store;
          return revision === 1 || this.#observers.every((observer) => observer.revision === revision);
        },
      },
    ];
  }

  /** Those of the core that are members still: what was under way when it was healed may have removed some. */
  #staying(core: readonly Member[]): readonly Member[] {
    const { configurations } = this.#checks.canon;
    return core.filter(({ identity }) => identity !== undefined && configurations.isMember(identity.id));
  }

  /** No change is under way, and who was to be promoted votes. */
  #isSettled(core: readonly Member[]): boolean {
    const { configuration } = this.#checks.canon.configurations.latest;
    const { voters, votersOutgoing, members = [] } = configuration;
    if (votersOutgoing.length > 0) return false;
    const staying = this.#staying(core);
    const isOpen = staying.some(({ running }) => {
      const raft = running?.core.status();
      return raft === undefined || raft.configurationIndex !== raft.committedConfigurationIndex;
    });
    return (
      !isOpen &&
      staying.every(({ identity }) => {
        const record = members.find((member) => member.id === identity?.id);
        // Without handshakes nobody knows the storage of a founder, and nobody without one is promoted.
        return record === undefined || voters.includes(record.id) || !record.plan || record.storeId === undefined;
      })
    );
  }

  #beginChanges(): { readonly operator: Operator; readonly faults: ChangeFaults } {
    const { world } = this;
    const host = this.#cluster.members.length + world.swarm.clients + world.swarm.observers;
    const clock = new HostClock(world.scheduler, 1, 0);
    const options = { host, name: 'operator', clock, random: world.random('changes').fork(), lateness: 0 };
    const process = new Process(world.scheduler, options);
    const operator = new Operator(world, {
      cluster: this.#cluster,
      budget: this.#budget,
      canon: this.#checks.canon,
      process,
      dial: (endpoint, signal) => this.#cluster.dial(process, endpoint, 'client', signal),
    });
    return { operator, faults: new ChangeFaults(world, this.#cluster) };
  }

  #observer(at: number): SimulatedObserver {
    const { world } = this;
    const random = world.random('observers');
    return new SimulatedObserver(world, {
      host: this.#cluster.members.length + world.swarm.clients + at,
      name: `o${at + 1}`,
      clock: new HostClock(world.scheduler, 1, random.below(1e6)),
      random: random.fork(),
      endpoints: random.shuffle(this.#cluster.endpoints),
      dial: (process, endpoint, signal) => this.#cluster.dial(process, endpoint, 'client', signal),
      onDied: (process, isTold) => this.#cluster.channels.died(process, isTold),
      canon: this.#checks.canon,
      calls: world.swarm.observersCall
        ? { random: world.random('readers').fork(), oracle: this.#oracle, recorder: this.recorder }
        : undefined,
    });
  }

  #client(at: number): SimulatedClient {
    const { world } = this;
    const random = world.random('clients');
    const clock = new HostClock(world.scheduler, 1, random.below(1e6));
    const host = this.#cluster.members.length + at;
    const options = { host, name: `c${at + 1}`, clock, random: random.fork(), lateness: world.swarm.lateness };
    const process = new Process(world.scheduler, options);
    return new SimulatedClient(world, {
      process,
      random: random.fork(),
      endpoints: random.shuffle(this.#cluster.endpoints),
      dial: (endpoint, signal) => this.#cluster.dial(process, endpoint, 'client', signal),
      oracle: this.#oracle,
      recorder: this.recorder,
    });
  }
}

function describeFailure(failure: unknown, recent: readonly string[]): NonNullable<Verdict['failure']> {
  const checker = failure instanceof Violation ? failure.checker : 'nothing is thrown';
  const error = failure instanceof Error ? failure : new Error(String(failure));
  const cause = error.cause instanceof Error ? `\n${error.cause.stack}` : '';
  return { checker, message: `${error.message}\n${error.stack}${cause}`, recent };
}
