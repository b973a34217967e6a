// One member over its lives: it starts on its disk, dies, and starts again. What a life consists of is in composition.ts; when it ends is for
// the faults to say; what must be true of it all the time is checked by `checks/`.
import type { CrashPolicy } from '@raftkv/storage';
import type { RaftkvError } from '@raftkv/wire';
import type { SimulatedDisk } from '../disk/simulated-disk.ts';
import { Process } from '../world/process.ts';
import type { HostClock } from '../world/process.ts';
import type { MemberChecks } from '../checks/member-checks.ts';
import { Violation } from '../world/violation.ts';
import { composeMember } from './composition.ts';
import type { MemberIdentity, RunningMember, Surroundings } from './composition.ts';
import type { World } from '../world/world.ts';

/** `refused`: its storage does not open any more, or the others do not take it back; only another member can take its place. */
export type MemberPhase = 'down' | 'starting' | 'running' | 'refused';

/** The same for all lives. */
export type MemberContext = Pick<Surroundings, 'clusterId' | 'members'> & {
  /** The network of this life; undefined where there is a mesh. */
  readonly datagrams: Surroundings['datagrams'];
  readonly dial: (process: Process, address: string, signal: AbortSignal) => ReturnType<Surroundings['dial']>;
  readonly listen: (process: Process, ...door: Parameters<Surroundings['listen']>) => void;
  readonly onDied: (process: Process, isTold: boolean) => void;
};

export class Member {
  readonly host: number;
  readonly identity: MemberIdentity;
  readonly clock: HostClock;
  readonly disk: SimulatedDisk;
  readonly checks: MemberChecks;
  readonly #world: World;
  readonly #context: MemberContext;
  phase: MemberPhase = 'down';
  process: Process | undefined;
  running: RunningMember | undefined;
  /** Why it was refused. */
  refusal: RaftkvError | undefined;
  /** Its disk was lost or damaged: it may not take part any more, and is not counted on. */
  isSpoilt = false;
  /** It stays as it is for good. */
  isAbandoned = false;
  wasRunning = false;
  lives = 0;

  constructor(
    world: World,
    options: {
      readonly host: number;
      readonly identity: MemberIdentity;
      readonly disk: SimulatedDisk;
      readonly clock: HostClock;
      readonly checks: MemberChecks;
      readonly context: MemberContext;
    },
  ) {
    this.#world = world;
    this.host = options.host;
    this.identity = options.identity;
    this.disk = options.disk;
    this.clock = options.clock;
    this.checks = options.checks;
    this.#context = options.context;
  }

  get name(): string {
    return this.identity.name;
  }
  get isUp(): boolean {
    return this.process !== undefined;
  }
  get isLeader(): boolean {
    return this.running?.node.isLeader === true;
  }

  start(): void {
    if (this.process !== undefined || this.phase === 'refused' || this.isAbandoned) return;
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
    const { checks } = this;
    const { clusterId, members, datagrams, dial, listen } = this.#context;
    const composed = composeMember({
      process,
      random,
      swarm,
      disk: this.disk.mount(process),
      clusterId,
      self: this.identity,
      members,
      datagrams,
      dial: (address, signal) => dial(process, address, signal),
      listen: (route, onChannel) => listen(process, route, onChannel),
      hooks: {
        onLoaded: (stored, storage) => {
          checks.disk.listen(storage);
          this.disk.opened();
          this.#guard(() => checks.loaded(stored));
        },
        onCore: (core) => checks.watches(core, (check) => this.#guard(check)),
        onApplied: (entry, result) => this.#guard(() => checks.applied(entry, result)),
        onAfterApply: (index, store) => this.#guard(() => checks.afterApply(index, store)),
        onRestored: () => checks.restored(),
        onHalt: (error) => this.#halted(process, error),
        onNote: (line) => trace.note(line),
      },
    });
    composed.then(
      (running) => {
        if (this.process !== process) return;
        this.running = running;
        this.phase = 'running';
        this.wasRunning = true;
        this.#guard(() => checks.runs(running));
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

  /** It found that it cannot go on. A disk that failed is what it must stop for; anything else is a bug. */
  #halted(process: Process, error: RaftkvError): void {
    if (!process.isAlive) return;
    const { trace } = this.#world;
    trace.note(`${this.name} halts: ${error.code} ${error.message}`);
    if (error.code === 'member_amnesia') this.#refuse(error);
    else if (error.code !== 'storage_failed')
      this.#world.fail(new Violation('no member halts', `${this.name}: ${error.message}`, { cause: error }));
    process.after(0, () => this.#exit('torn'));
  }

  #failedToStart(process: Process, error: RaftkvError): void {
    if (!process.isAlive) return;
    this.#world.trace.note(`${this.name} does not start: ${error.code} ${error.message}`);
    // A flipped bit may look like another version of a format as well.
    const isDamage = error.code === 'unsupported_version' && this.checks.isDamaged;
    if (error.code === 'storage_corrupt' || isDamage) {
      this.#guard(() => this.checks.refused(error));
      this.#refuse(error);
    } else if (error.code !== 'storage_failed') {
      this.#world.fail(
        new Violation('a member starts', `${this.name}: ${error.code} ${error.message}`, { cause: error }),
      );
    }
    process.after(0, () => this.#exit('kept'));
  }

  /** A process that ends by itself is started again by whoever looks after it. */
  #exit(policy: CrashPolicy): void {
    this.die(policy, true);
    if (this.refusal !== undefined) this.phase = 'refused';
    this.#world.scheduler.after(this.#world.swarm.stabilityMilliseconds, undefined, () => this.start());
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
