// A machine over the lives of the member on it: it starts on its disk, dies, and starts again; with another disk it joins as another member. What a life
// consists of is in composition.ts; when it ends is for the faults to say; what must be true of it all the time is checked by `checks/`.
import type { Raft } from '@raftkv/raft';
import type { CrashPolicy, MemoryDisk } from '@raftkv/storage';
import type { Transport } from '@raftkv/transport';
import type { RaftkvError } from '@raftkv/wire';
import type { SimulatedDisk } from '../disk/simulated-disk.ts';
import { Process } from '../world/process.ts';
import type { HostClock } from '../world/process.ts';
import type { MemberChecks } from '../checks/member-checks.ts';
import { Violation } from '../world/violation.ts';
import { composeMember } from './composition.ts';
import type { RunningMember, Surroundings } from './composition.ts';
import type { MemberIdentity, Origin } from './home.ts';
import type { World } from '../world/world.ts';

/** `refused`: its storage does not open any more, the others do not take it back, or it was removed; only another member can take its place. */
export type MemberPhase = 'down' | 'starting' | 'running' | 'refused';

/** The same for all lives. */
export type MemberContext = Pick<Surroundings, 'clusterId' | 'founders' | 'endpoints'> & {
  /** The network of this life; undefined where there is a mesh. */
  readonly datagrams: ((process: Process, id: string) => Transport) | undefined;
  readonly dial: (process: Process, ...call: Parameters<Surroundings['dial']>) => ReturnType<Surroundings['dial']>;
  readonly listen: (process: Process, ...door: Parameters<Surroundings['listen']>) => void;
  readonly onDied: (process: Process, isTold: boolean) => void;
  /** Checks for who has just become a member on this machine. */
  readonly enrol: (member: Member, identity: MemberIdentity) => MemberChecks;
  /** For certain, and for ever. */
  readonly isRemoved: (id: string) => boolean;
};

const endsOfZombies: readonly string[] = ['storage_locked', 'storage_failed', 'member_superseded'];

export class Member {
  readonly host: number;
  /** Of the machine. */
  readonly name: string;
  readonly address: string;
  readonly clock: HostClock;
  readonly disk: SimulatedDisk;
  /** Of the member that it is at present. */
  checks: MemberChecks;
  readonly #world: World;
  readonly #context: MemberContext;
  readonly #priority: number | undefined;
  /** As what it starts; undefined: nobody starts it. */
  origin: Origin | undefined;
  /** Undefined: no member yet, or none any more. */
  identity: MemberIdentity | undefined;
  phase: MemberPhase = 'down';
  process: Process | undefined;
  running: RunningMember | undefined;
  /** Why it was refused. */
  refusal: RaftkvError | undefined;
  /** Its disk was lost or damaged: it may not take part any more, and is not counted on. */
  isSpoilt = false;
  /** Its disk is an older copy of what it was. */
  isPutBack = false;
  /** It stays as it is for good. */
  isAbandoned = false;
  /** Which start of its storage it is, or was last; 0: none. */
  bootCount = 0;
  /** The newest start of each other member's storage that it has noted, by their ids. */
  readonly met = new Map<string, number>();
  /** Processes whose disk another one has taken over. */
  readonly #zombies = new Set<Process>();
  wasRunning = false;
  /** The member that it is at present has run. */
  #hasRun = false;
  lives = 0;
  /** Ids under which it took part. */
  readonly ranAs = new Set<string>();
  /** Of attempts to join that certainly came to nothing. */
  readonly refusedStores: string[] = [];

  constructor(
    world: World,
    options: {
      readonly host: number;
      readonly name: string;
      readonly address: string;
      readonly origin: Origin | undefined;
      readonly disk: SimulatedDisk;
      readonly clock: HostClock;
      readonly checks: MemberChecks;
      readonly priority: number | undefined;
      readonly context: MemberContext;
    },
  ) {
    this.#world = world;
    this.host = options.host;
    this.name = options.name;
    this.address = options.address;
    this.origin = options.origin;
    this.identity = options.origin?.type === 'founder' ? options.origin.self : undefined;
    this.disk = options.disk;
    this.clock = options.clock;
    this.checks = options.checks;
    this.#priority = options.priority;
    this.#context = options.context;
  }

  get isUp(): boolean {
    return this.process !== undefined;
  }
  get isLeader(): boolean {
    return this.running?.node.isLeader === true;
  }

  /** With an empty disk, as another member than it may have been. */
  join(origin: Extract<Origin, { type: 'joiner' }>): void {
    this.#world.trace.note(`${this.name} is to join as ${origin.name}, ${JSON.stringify(origin.plan ?? 'promote')}`);
    this.origin = origin;
    this.#empty();
    this.start();
  }

  /** The disk is gone, and with it the member that it was. */
  lose(): void {
    this.#world.trace.note(`${this.name} has lost its disk, and is nobody`);
    this.origin = undefined;
    this.#empty();
  }

  start(): void {
    const { origin } = this;
    if (origin === undefined || this.process !== undefined || this.phase === 'refused' || this.isAbandoned) return;
    const { scheduler, trace, swarm } = this.#world;
    this.lives += 1;
    trace.note(`${this.name} starts, life ${this.lives}`);
    const random = this.#world.random('member');
    const process = new Process(scheduler, {
      host: this.host,
      name: this.name,
      clock: this.clock,
      random,
      lateness: swarm.lateness,
    });
    this.process = process;
    this.phase = 'starting';
    const { clusterId, founders, endpoints, datagrams, dial, listen } = this.#context;
    const composed = composeMember({
      process,
      random,
      swarm,
      disk: this.disk.mount(process),
      proveOwner: swarm.doubles.includes('zombie') ? () => this.disk.proveOwner(process) : undefined,
      clusterId,
      origin,
      founders,
      endpoints,
      priority: this.#priority,
      datagrams: datagrams && ((id) => datagrams(process, id)),
      dial: (address, route, signal) => dial(process, address, route, signal),
      listen: (route, onChannel) => listen(process, route, onChannel),
      hooks: this.#hooks(process),
    });
    composed.then(
      (running) => {
        if (this.process !== process) return;
        this.running = running;
        this.phase = 'running';
        this.wasRunning = true;
        this.#hasRun = true;
        this.ranAs.add(this.identity!.id);
        this.#guard(() => this.checks.runs(running));
      },
      (error: RaftkvError) => this.#failedToStart(process, error),
    );
  }

  /** `isTold`: the kernel lives on, and closes the sockets. */
  die(policy: CrashPolicy, isTold: boolean): void {
    const { process } = this;
    if (process === undefined) return;
    this.#world.trace.note(`${this.name} dies (${policy})`);
    this.checks.dies();
    process.kill();
    this.process = undefined;
    this.running = undefined;
    this.phase = 'down';
    this.disk.crash(policy);
    this.#context.onDied(process, isTold);
  }

  /** Its process stands still, and another one takes over its storage, of which the first knows nothing when it goes on. Answers how that one ends. */
  takeOver(standsFor: number): () => void {
    const { process } = this;
    if (process === undefined) return () => undefined;
    this.#world.trace.note(`${this.name} stands still for ${standsFor.toFixed(1)}, and is taken over`);
    process.pausedUntil = Math.max(process.pausedUntil, this.#world.now + standsFor);
    this.checks.dies();
    this.#zombies.add(process);
    this.process = undefined;
    this.running = undefined;
    this.phase = 'down';
    this.disk.takeOver();
    this.start();
    return () => this.#endZombie(process);
  }

  #endZombie(process: Process): void {
    if (!this.#zombies.delete(process)) return;
    process.kill();
    this.#context.onDied(process, true);
  }

  /** Its disk is put back to what it was, and it is started with that. */
  putBack(copy: MemoryDisk): void {
    this.#world.trace.note(`${this.name} is put back to an older copy of its disk`);
    this.die('lost', true);
    this.isSpoilt = true;
    this.isPutBack = true;
    this.disk.putBack(copy);
    this.checks.putBack();
  }

  #hooks(process: Process): Surroundings['hooks'] {
    const { trace } = this.#world;
    const isMember = (): boolean => this.process === process;
    let raft: Raft;
    const guarded = (check: () => void): void => {
      if (isMember()) this.#guard(check);
    };
    return {
      onBoot: (bootCount) => {
        if (isMember()) this.bootCount = bootCount;
      },
      onMet: (peer, bootCount) => {
        if (isMember()) this.met.set(peer, Math.max(this.met.get(peer) ?? 0, bootCount ?? 0));
      },
      onWelcomed: () => {
        // A process that was taken over before may be: it is none of the copy's.
        if (this.isPutBack && isMember())
          this.#world.fail(new Violation('a copy takes no part', `${this.name} is let in`));
      },
      onAsking: () => {
        if (this.#hasRun)
          this.#world.fail(new Violation('what was durable survives', `${this.name} has no storage any more`));
        this.identity = undefined;
      },
      onAdmitted: ({ memberId, memberName }) => {
        if (this.process !== process) return;
        trace.note(`${this.name} is let in as ${memberName} (${memberId})`);
        this.identity = { id: memberId, name: memberName, address: this.address };
        this.checks = this.#context.enrol(this, this.identity);
      },
      onRefused: (storeId) => this.refusedStores.push(storeId),
      onLoaded: (stored, storage) => {
        const { checks } = this;
        checks.disk.listen(storage, {
          isOwner: isMember,
          onConfiguration: (entry) => guarded(() => checks.noteConfiguration(entry)),
          onSnapshot: (meta) => guarded(() => checks.checkSnapshot(meta)),
        });
        this.disk.opened();
        this.#guard(() => checks.loaded(stored));
      },
      onCore: (core) => {
        raft = core;
        this.checks.watches(core, { guard: (check) => this.#guard(check), isMember });
      },
      onReplica: (replica) => this.checks.answers(replica, (check) => this.#guard(check)),
      onApplied: (entry, result) => {
        this.#guard(() => (isMember() ? this.checks.applied(entry, result) : this.checks.appliedBehind(raft, entry)));
      },
      onAfterApply: (index, store) => guarded(() => this.checks.afterApply(index, store)),
      onRestored: () => guarded(() => this.checks.restored()),
      onHalt: (error) => this.#halted(process, error),
      onNote: (line) => trace.note(line),
    };
  }

  /** It found that it cannot go on. A disk that failed is what it must stop for, and that it is no member any more; anything else is a bug. */
  #halted(process: Process, error: RaftkvError): void {
    if (!process.isAlive) return;
    const { trace } = this.#world;
    trace.note(`${this.name} halts: ${error.code} ${error.message}`);
    if (this.#zombies.has(process)) {
      // It may not write, or it is told that another one has come.
      if (!endsOfZombies.includes(error.code))
        this.#world.fail(new Violation('no member halts', `${this.name}: ${error.message}`, { cause: error }));
      return void process.after(0, () => this.#endZombie(process));
    }
    if (error.code === 'member_amnesia' && this.isSpoilt) this.#refuse(error);
    else if (error.code === 'member_superseded' && this.isPutBack) this.#refuse(error);
    else if (error.code === 'member_removed') this.#removed(error);
    else if (error.code !== 'storage_failed')
      this.#world.fail(new Violation('no member halts', `${this.name}: ${error.message}`, { cause: error }));
    process.after(0, () => this.#exit('torn'));
  }

  #failedToStart(process: Process, error: RaftkvError): void {
    if (!process.isAlive) return;
    const { trace } = this.#world;
    trace.note(`${this.name} does not start: ${error.code} ${error.message}`);
    // A flipped bit may look like another version of a format as well.
    const isDamage = error.code === 'unsupported_version' && this.checks.isDamaged;
    const isJoining = this.origin?.type === 'joiner' && !this.#hasRun;
    if (error.code === 'member_superseded' && this.isPutBack) {
      this.#refuse(error);
    } else if (error.code === 'storage_corrupt' || isDamage) {
      this.#guard(() => this.checks.refused(error));
      this.#refuse(error);
    } else if (error.code === 'member_removed' && this.identity !== undefined) {
      this.#removed(error);
    } else if (isJoining && this.identity === undefined) {
      // Whoever wanted that gives it up when it is refused, and tries again when nobody answers.
      if (error.definite && error.code !== 'no_leader' && error.code !== 'busy') this.origin = undefined;
    } else if (isJoining && error.code === 'storage_identity') {
      process.after(0, () => this.#empty());
    } else if (error.code !== 'storage_failed') {
      this.#world.fail(
        new Violation('a member starts', `${this.name}: ${error.code} ${error.message}`, { cause: error }),
      );
    }
    process.after(0, () => this.#exit('kept'));
  }

  #removed(error: RaftkvError): void {
    const { id } = this.identity!;
    if (!this.#context.isRemoved(id))
      this.#world.fail(new Violation('who is told to go was removed', `${this.name} (${id}) is a member`));
    this.#refuse(error);
  }

  /** A process that ends by itself is started again by whoever looks after it. */
  #exit(policy: CrashPolicy): void {
    this.die(policy, true);
    if (this.refusal !== undefined) this.phase = 'refused';
    this.#world.scheduler.after(this.#world.swarm.stabilityMilliseconds, undefined, () => this.start());
  }

  #empty(): void {
    if (this.process !== undefined) this.die('lost', true);
    this.checks.lostDisk();
    this.disk.replace();
    this.identity = undefined;
    this.refusal = undefined;
    this.isSpoilt = false;
    this.isPutBack = false;
    this.bootCount = 0;
    this.met.clear();
    this.#hasRun = false;
    this.phase = 'down';
  }

  /** A check that throws inside of production code would be taken for an error of it. */
  #guard(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#world.fail(error);
    }
  }

  #refuse(error: RaftkvError): void {
    this.refusal = error;
  }
}
