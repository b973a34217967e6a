// What is there twice: a process that stands still while another one takes over its disk, a disk that was copied while its member ran and is started on a host of its own
// (clone), or is put in the place of the member's (old copy). A copy comes to life only when all other members have met a later start of what it was copied from: less
// is not promised (`packages/server/README.md`, starts of a storage). From then on it must take no part at all.
import type { CrashPolicy, MemoryDisk } from '@raftkv/storage';
import { isHealthy } from './members/budget.ts';
import type { Budget } from './members/budget.ts';
import { Clone } from './members/clone.ts';
import type { Cluster } from './members/cluster.ts';
import type { Member } from './members/member.ts';
import type { Random } from './world/random.ts';
import type { World } from './world/world.ts';

/** Of the disk of a member, made at its start `bootCount`. */
interface Copy {
  readonly kind: 'clone' | 'oldCopy';
  readonly member: Member;
  readonly disk: MemoryDisk;
  readonly bootCount: number;
}

export class Doubles {
  readonly #world: World;
  readonly #cluster: Cluster;
  readonly #budget: Budget;
  readonly #random: Random;
  /** That waits to come to life. */
  #copy: Copy | undefined;
  #clone: Clone | undefined;
  /** How what is under way ends. */
  readonly #open = new Set<() => void>();
  #isOver = false;
  takeovers = 0;
  copies = 0;

  constructor(world: World, { cluster, budget }: { readonly cluster: Cluster; readonly budget: Budget }) {
    this.#world = world;
    this.#cluster = cluster;
    this.#budget = budget;
    this.#random = world.random('doubles');
    if (world.swarm.doubles.length > 0) this.#later();
  }

  /** Nobody stands still any more. A clone goes on as it is. */
  end(): void {
    this.#isOver = true;
    for (const end of [...this.#open]) end();
  }

  /** Looks whether all others have met a later start. */
  look(): void {
    const copy = this.#copy;
    if (this.#isOver || copy === undefined || !this.#isOutdated(copy)) return;
    this.#copy = undefined;
    if (copy.kind === 'oldCopy') return this.#putBack(copy);
    this.copies += 1;
    this.#clone = new Clone(this.#world, this.#cluster, { ...copy, random: this.#random.fork() });
    this.#clone.start();
  }

  #later(): void {
    const { scheduler, swarm } = this.#world;
    scheduler.after(this.#random.exponential(swarm.doubleMilliseconds), undefined, () => {
      if (this.#isOver) return;
      const kind = this.#random.pick(swarm.doubles);
      if (kind === 'zombie') this.#standStill();
      else this.#makeCopy(kind);
      this.#later();
    });
  }

  #standStill(): void {
    const { leader, members } = this.#cluster;
    const random = this.#random;
    const member = leader !== undefined && random.chance(0.7) ? leader : random.pick(members);
    if (member.running === undefined || member.disk.isStruck) return;
    this.takeovers += 1;
    // It goes on while not all have met the next one, or long after.
    const standsFor = this.#electionMilliseconds * random.pick([0.1, 1, 4]) * random.next();
    const end = member.takeOver(standsFor);
    this.#endAfter(standsFor + this.#electionMilliseconds * 20, end);
  }

  /** And lets the member be started again soon, or nothing would ever come of it. */
  #makeCopy(kind: Copy['kind']): void {
    const random = this.#random;
    const member = random.pick(this.#cluster.members);
    if (this.#copy !== undefined || (kind === 'clone' && this.#clone !== undefined)) return;
    if (member.running === undefined || !isHealthy(member) || !this.#budget.isFounded) return;
    const policy = random.pick<CrashPolicy>(['kept', 'torn', 'lost']);
    this.#world.trace.note(`the disk of ${member.name} is copied (${policy})`);
    this.#copy = { kind, member, disk: member.disk.copy(policy, random.uint32()), bootCount: member.bootCount };
    this.#endAfter(this.#electionMilliseconds * random.exponential(1), () => {
      if (!member.isUp) return;
      member.die('kept', random.chance(0.5));
      this.#endAfter(random.exponential(5), () => member.start());
    });
  }

  #isOutdated({ member, bootCount }: Copy): boolean {
    const id = member.identity?.id;
    if (id === undefined || member.isSpoilt) return false;
    const others = this.#cluster.members.filter((each) => each !== member);
    return others.every((other) => !other.isSpoilt && (other.met.get(id) ?? 0) > bootCount);
  }

  #putBack({ member, disk }: Copy): void {
    if (!this.#budget.isEnough((each) => each !== member && isHealthy(each))) return;
    this.copies += 1;
    member.putBack(disk);
    this.#endAfter(this.#random.exponential(this.#world.swarm.stabilityMilliseconds), () => member.start());
  }

  get #electionMilliseconds(): number {
    const { tickMilliseconds, electionTimeoutTicks } = this.#world.swarm;
    return tickMilliseconds * electionTimeoutTicks;
  }

  #endAfter(lasts: number, end: () => void): void {
    const once = (): void => {
      if (this.#open.delete(once)) end();
    };
    this.#open.add(once);
    this.#world.scheduler.after(lasts, undefined, once);
  }
}
