// A copy of a member's disk that is started on a host of its own, under the identity of the member, which may be running. It is started again and again, as a
// supervisor would; nobody may let it in.
import type { MemoryDisk } from '@raftkv/storage';
import { RaftkvError } from '@raftkv/wire';
import { SimulatedDisk } from '../disk/simulated-disk.ts';
import { HostClock, Process } from '../world/process.ts';
import type { Random } from '../world/random.ts';
import { Violation } from '../world/violation.ts';
import type { World } from '../world/world.ts';
import type { Cluster } from './cluster.ts';
import { composeMember } from './composition.ts';
import type { MemberHooks } from './composition.ts';
import type { Member } from './member.ts';

export interface CloneOptions {
  readonly member: Member;
  readonly disk: MemoryDisk;
  readonly random: Random;
}

/** Ends that are no bug. */
const fine: readonly string[] = ['member_superseded', 'storage_failed'];

export class Clone {
  readonly #world: World;
  readonly #cluster: Cluster;
  readonly #member: Member;
  readonly #name: string;
  readonly #random: Random;
  readonly #disk: SimulatedDisk;
  readonly #clock: HostClock;
  #process: Process | undefined;
  #starts = 0;

  constructor(world: World, cluster: Cluster, { member, disk, random }: CloneOptions) {
    this.#world = world;
    this.#cluster = cluster;
    this.#member = member;
    this.#name = `${member.name}-clone`;
    this.#random = random;
    this.#disk = new SimulatedDisk(`/${this.#name}`, random.fork(), world.swarm.disk);
    this.#disk.putBack(disk);
    this.#clock = new HostClock(world.scheduler, 1, random.below(1e6));
  }

  start(): void {
    const { swarm, scheduler, trace } = this.#world;
    const { context, cloneHost: host } = this.#cluster;
    this.#starts += 1;
    trace.note(`${this.#name} starts, life ${this.#starts}`);
    const random = this.#random.fork();
    const process = new Process(scheduler, { host, name: this.#name, clock: this.#clock, random, lateness: 0 });
    this.#process = process;
    const composed = composeMember({
      process,
      random,
      swarm,
      disk: this.#disk.mount(process),
      proveOwner: undefined,
      clusterId: context.clusterId,
      origin: this.#member.origin!,
      founders: context.founders,
      endpoints: context.endpoints,
      priority: undefined,
      datagrams: undefined,
      dial: (address, route, signal) => context.dial(process, address, route, signal),
      listen: () => undefined,
      hooks: this.#hooks(process),
    });
    composed.catch((error: unknown) => this.#ends(process, RaftkvError.from(error)));
    // It may fall before anybody has told it.
    process.after(this.#random.exponential(this.#lifeMilliseconds), () => this.#stop(process));
  }

  #hooks(process: Process): MemberHooks {
    const nothing = (): void => undefined;
    return {
      onBoot: nothing,
      onMet: nothing,
      onWelcomed: (peer) => {
        if (process.isAlive)
          this.#world.fail(new Violation('a copy takes no part', `${this.#name} is let in by ${peer}`));
      },
      onAsking: nothing,
      onAdmitted: nothing,
      onRefused: nothing,
      onLoaded: nothing,
      onCore: nothing,
      onReplica: nothing,
      onApplied: nothing,
      onAfterApply: nothing,
      onRestored: nothing,
      onHalt: (error) => this.#ends(process, error),
      onNote: (line) => this.#world.trace.note(`clone: ${line}`),
    };
  }

  #ends(process: Process, error: RaftkvError): void {
    if (!process.isAlive) return;
    this.#world.trace.note(`${this.#name} ends: ${error.code} ${error.message}`);
    if (!fine.includes(error.code))
      this.#world.fail(new Violation('no member halts', `${this.#name}: ${error.message}`, { cause: error }));
    process.after(0, () => this.#stop(process));
  }

  #stop(process: Process): void {
    if (this.#process !== process || !process.isAlive) return;
    process.kill();
    this.#process = undefined;
    this.#disk.crash('kept');
    this.#cluster.channels.died(process, true);
    if (this.#starts < 6) this.#world.scheduler.after(this.#random.exponential(50), undefined, () => this.start());
  }

  get #lifeMilliseconds(): number {
    const { tickMilliseconds, electionTimeoutTicks } = this.#world.swarm;
    return tickMilliseconds * electionTimeoutTicks * this.#random.pick([0.2, 3, 30]);
  }
}
