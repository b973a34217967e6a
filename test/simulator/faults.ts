// What goes wrong, and when: one fault after the other, of the kinds that this seed knows, each of which ends by itself after a while. What must not
// go wrong at the same time, so that the world can be mended, is decided here too.
import type { CrashPolicy } from '@raftkv/storage';
import { flipBits } from './disk/flip-bits.ts';
import { isHealthy } from './members/budget.ts';
import type { Budget } from './members/budget.ts';
import type { Cluster } from './members/cluster.ts';
import type { Member } from './members/member.ts';
import { Storylines } from './storylines.ts';
import type { Random } from './world/random.ts';
import type { FaultKind } from './world/swarm.ts';
import type { World } from './world/world.ts';

export class Faults {
  readonly #world: World;
  readonly #cluster: Cluster;
  readonly #budget: Budget;
  /** When and which. */
  readonly #plan: Random;
  /** Where and how: new dice for each fault, so that one that is masked does not shift the others. */
  #random: Random;
  /** What mends what is broken now. */
  readonly #open = new Set<() => void>();
  /** Those that come and go. */
  observers: readonly { readonly die: () => void; readonly start: () => void }[] = [];
  #isOver = false;
  /** The answers to the next round of reads come late. */
  #awaitsRead = false;
  readonly counts = new Map<FaultKind, number>();
  readonly #storylines: Storylines;

  constructor(world: World, cluster: Cluster, budget: Budget) {
    this.#world = world;
    this.#cluster = cluster;
    this.#budget = budget;
    this.#plan = world.random('faults');
    this.#random = this.#plan.fork();
    this.#storylines = new Storylines(
      world,
      { cluster, budget },
      {
        isOver: () => this.#isOver,
        mendAfter: (lasts, mend) => this.#mendAfter(lasts, mend),
        mendAll: () => this.#mendAll(),
        dieAt: (member, operations, random) =>
          member.disk.crashAfter(operations, () => {
            const policy = random.pick<CrashPolicy>(['lost', 'torn', 'shuffled', 'kept']);
            this.#crash(member, policy, random.chance(0.5));
          }),
      },
    );
  }

  begin(): void {
    if (this.#world.swarm.faults.length > 0) this.#strikeLater();
  }

  /** Everything is mended at once, and nothing breaks any more. */
  end(): void {
    this.#isOver = true;
    for (const { disk } of this.#cluster.members) disk.crashAfter(Infinity, () => undefined);
    this.#mendAll();
  }

  /** No fault strikes any more, and one last story may be told before the world is healed. Answers whether it was. */
  isThrough(): boolean {
    if (!this.#isOver) this.end();
    return this.#storylines.isFinaleOver();
  }

  /** After each event of a member. */
  looked(member: Member): void {
    this.#storylines.looked(member);
  }

  snapshotWritten(member: Member): void {
    this.#storylines.snapshotWritten(member);
  }

  #strikeLater(): void {
    this.#world.scheduler.after(this.#plan.exponential(this.#world.swarm.faultMilliseconds), undefined, () => {
      if (this.#isOver) return;
      const kind = this.#plan.pick(this.#world.swarm.faults);
      this.#random = this.#plan.fork();
      if (!this.#world.swarm.masked.includes(kind)) this.strike(kind);
      this.#strikeLater();
    });
  }

  /** Figure 3.7 takes leaders that fall one after the other, each soon after it has begun. */
  newLeader(name: string): void {
    const member = this.#cluster.members.find((each) => each.checks.name === name)!;
    this.#storylines.newLeader(member);
    const { swarm } = this.#world;
    const random = this.#plan.fork();
    if (this.#isOver || swarm.leaderChurn === 0 || !random.chance(swarm.leaderChurn)) return;
    const delay = random.exponential((swarm.links.meanLatency + swarm.disk.meanSyncLatency) * random.pick([0.5, 1, 3]));
    // At once: nobody has heard of its first entry yet, and it has it for itself.
    this.#world.scheduler.after(random.chance(0.4) ? 0 : delay, undefined, () => this.#fell(member, random));
  }

  /** The first thing that a leader commits is often the last: what it has just told nobody of must not matter. */
  firstCommit(member: Member): void {
    const { swarm } = this.#world;
    const random = this.#plan.fork();
    if (this.#isOver || !random.chance(swarm.leaderChurn / 2)) return;
    this.#world.scheduler.after(0, undefined, () => this.#fell(member, random));
  }

  #fell(member: Member, random: Random): void {
    if (this.#isOver || !member.isUp) return;
    const { host } = member;
    this.#world.trace.note(`the leader ${member.name} falls`);
    const lasts = random.exponential(this.#world.swarm.tickMilliseconds * this.#world.swarm.electionTimeoutTicks * 3);
    if (random.chance(0.4)) {
      member.die(random.pick(['lost', 'torn', 'kept']), random.chance(0.5));
      return this.#mendAfter(lasts, () => member.start());
    }
    this.#mendAfter(
      lasts,
      this.#cluster.links.cut((from, to) => from === host || to === host),
    );
  }

  /** A term or a vote of this member was given to the disk and is not durable yet. */
  voting(member: Member): void {
    const { swarm } = this.#world;
    const random = this.#random;
    this.#storylines.voting(member);
    if (this.#isOver || swarm.voteCrash === 0 || !random.chance(swarm.voteCrash)) return;
    this.#world.scheduler.after(random.exponential(swarm.disk.meanSyncLatency), undefined, () => {
      if (this.#isOver || !member.isUp) return;
      member.die(random.pick(['lost', 'torn', 'kept']), random.chance(0.5));
      this.#mendAfter(random.exponential(5), () => member.start());
    });
  }

  /** This member leads and asks the others to confirm it, for a read. */
  reading(member: Member): void {
    if (!this.#awaitsRead || this.#isOver) return;
    this.#awaitsRead = false;
    this.#lateAnswers(member);
  }

  strike(kind: FaultKind): void {
    const { members, links, channels } = this.#cluster;
    const random = this.#random;
    const member = this.#victim();
    const { host } = member;
    const at = (from: number): boolean => from === host;
    this.#world.trace.note(`fault ${kind} at ${member.name}`);
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    switch (kind) {
      case 'kill':
        return this.#crash(member, 'kept', true);
      case 'powerCut':
        return this.#crash(member, random.pick(['lost', 'torn', 'shuffled']), random.chance(0.3));
      case 'blackout':
        for (const each of members) this.#crash(each, random.pick(['lost', 'torn', 'shuffled', 'kept']), false);
        return;
      case 'crashPoint': {
        const policy = random.pick<CrashPolicy>(['lost', 'torn', 'shuffled', 'kept']);
        return member.disk.crashAfter(1 + random.below(20), () => this.#crash(member, policy, random.chance(0.5)));
      }
      case 'pause':
        return this.#pause(member, false);
      case 'suspend':
        return this.#pause(member, true);
      case 'isolate':
        return this.#until(links.cut((from, to) => at(from) || at(to)));
      case 'split': {
        const side = members.map(() => random.chance(0.5));
        return this.#until(links.cut((from, to) => from < side.length && to < side.length && side[from] !== side[to]));
      }
      case 'oneWay': {
        const isOut = random.chance(0.5);
        return this.#until(links.cut((from, to) => at(isOut ? from : to) && random.chance(0.7)));
      }
      case 'partial': {
        const other = random.below(members.length);
        return this.#until(links.cut((from, to) => (at(from) && to === other) || (from === other && at(to))));
      }
      case 'slowLink': {
        links.slow((from, to) => at(from) || at(to), random.exponential(this.#world.swarm.tickMilliseconds * 10));
        return this.#until(() => links.slow((from, to) => at(from) || at(to), 0));
      }
      case 'lateAnswers':
        this.#awaitsRead = true;
        return;
      case 'breakPipes':
        for (const pipe of channels.pipes) if (random.chance(0.5)) channels.breakPipe(pipe);
        return;
      case 'freezePipes':
        for (const pipe of channels.pipes)
          if (random.chance(0.3)) channels.freezePipe(pipe, random.pick(['one', 'both']));
        return;
      case 'slowDisk':
        member.disk.slowness = random.pick([3, 10, 50]);
        return this.#until(() => (member.disk.slowness = 1));
      case 'stallSync':
        member.disk.stalledUntil = this.#world.now + random.exponential(this.#world.swarm.stabilityMilliseconds * 2);
        return this.#until(() => (member.disk.stalledUntil = 0));
      case 'staleWrites':
        return this.#staleWrites(member);
      case 'failSync':
        member.disk.failsNextSync = true;
        return;
      case 'loseDisk':
        return this.#loseDisk(member);
      case 'flipBits':
        return void this.#flipBits(member);
      case 'clockJump':
        return member.clock.jump(random.exponential(this.#world.swarm.tickMilliseconds * 20));
      case 'clockRate':
        member.clock.setRate(1 + random.between(-1, 1) * Math.max(0.01, this.#world.swarm.clockSkew));
        return;
      case 'transfer':
        return this.#transfer(member);
      case 'observerGone':
        return this.#observerGone();
      case 'cutClient': {
        const client = members.length + random.below(this.#world.swarm.clients);
        return this.#until(links.cut((from, to) => (from === client || to === client) && random.chance(0.8)));
      }
    }
  }

  /** None before all of them are founders, and no more than the others can do without. */
  #maySpoil(member: Member): boolean {
    if (!isHealthy(member) || !this.#budget.isFounded) return false;
    return this.#budget.isEnough((each) => each !== member && isHealthy(each));
  }

  /**
   * T25: a founder comes back with an empty disk under its old name, and must be told off. A transport without handshakes cannot tell. Who joined would
   * join again, as another member.
   */
  #loseDisk(member: Member): void {
    const isJoiner = member.origin?.type === 'joiner';
    if ((this.#world.swarm.network !== 'mesh' && !isJoiner) || !this.#maySpoil(member)) return;
    if (isJoiner) return member.lose();
    member.isSpoilt = true;
    member.die('lost', this.#random.chance(0.5));
    member.disk.replace();
    member.checks.lostDisk();
    this.#world.trace.note(`${member.name} has an empty disk`);
    this.#until(() => member.start());
  }

  /** T39, T41: it must be found out at the next start, or do no harm. */
  async #flipBits(member: Member): Promise<void> {
    if (!this.#maySpoil(member)) return;
    member.isSpoilt = true;
    member.checks.isDamaged = true;
    member.die('kept', true);
    this.#until(() => member.start());
    const flipped = await flipBits(member.disk, this.#random);
    this.#world.trace.note(`${member.name} has flipped bits in ${flipped}`);
  }

  /**
   * T15: what the others sent to this member is long under way, it stands still meanwhile, and what they send later does not reach it. So it goes on as
   * if nothing had happened, and old answers come in.
   */
  #lateAnswers(member: Member): void {
    const { links, members } = this.#cluster;
    const random = this.#random;
    const { tickMilliseconds, electionTimeoutTicks, heartbeatTicks } = this.#world.swarm;
    const electionMilliseconds = tickMilliseconds * electionTimeoutTicks;
    const toMember = (from: number, to: number): boolean => to === member.host && from < members.length;
    const standsFor = electionMilliseconds * random.between(2, 8);
    const sendsFor = tickMilliseconds * heartbeatTicks * random.between(0.5, 2);
    // They come in while it still takes itself for the leader.
    links.slow(toMember, standsFor + sendsFor + electionMilliseconds * random.between(0, 0.7));
    this.#world.scheduler.after(sendsFor, undefined, () => {
      links.slow(toMember, 0);
      if (this.#isOver) return;
      const mend = links.cut(toMember);
      this.#pauseFor(member, standsFor, random.chance(0.5));
      this.#mendAfter(standsFor + electionMilliseconds * random.between(0.5, 2), mend);
    });
  }

  /** T30: it is cut off from the others with a disk that hangs, and hears of what replaces its entries before those are written. */
  #staleWrites(member: Member): void {
    const { links, members } = this.#cluster;
    const { tickMilliseconds, electionTimeoutTicks } = this.#world.swarm;
    const lasts = tickMilliseconds * electionTimeoutTicks * this.#random.between(1.5, 4);
    const isCut = (from: number, to: number): boolean =>
      (from === member.host && to < members.length) || (to === member.host && from < members.length);
    member.disk.stalledUntil = this.#world.now + lasts * this.#random.between(1, 2);
    this.#mendAfter(lasts, links.cut(isCut));
    this.#mendAfter(lasts * 2, () => (member.disk.stalledUntil = 0));
  }

  #transfer(member: Member): void {
    const { leader } = this.#cluster;
    const to = this.#random.chance(0.5) ? undefined : member.identity?.id;
    // What it comes to is said by who leads; that it is refused is as good an answer as any.
    leader?.running?.replica.transferLeadership(to).catch(() => undefined);
  }

  #observerGone(): void {
    if (this.observers.length === 0) return;
    const observer = this.#random.pick(this.observers);
    observer.die();
    this.#until(() => observer.start());
  }

  #victim(): Member {
    const { leader, members } = this.#cluster;
    if (leader !== undefined && this.#random.chance(this.#world.swarm.aimsAtLeader)) return leader;
    return this.#random.pick(members);
  }

  #crash(member: Member, policy: CrashPolicy, isTold: boolean): void {
    if (this.#isOver || !member.isUp) return;
    member.die(policy, isTold);
    this.#until(() => member.start());
  }

  #pause(member: Member, isSuspended: boolean): void {
    this.#pauseFor(member, this.#random.exponential(this.#world.swarm.stabilityMilliseconds), isSuspended);
  }

  #pauseFor(member: Member, milliseconds: number, isSuspended: boolean): void {
    const { process } = member;
    if (process === undefined || process.pausedUntil > this.#world.now) return;
    process.pausedUntil = this.#world.now + milliseconds;
    this.#world.trace.note(`${member.name} pauses for ${milliseconds.toFixed(1)}`);
    // A suspended host's clock has not moved when it goes on.
    if (isSuspended) member.clock.sleep(milliseconds);
  }

  #mendAll(): void {
    for (const mend of [...this.#open]) mend();
  }

  /** Mends after a while. */
  #until(mend: () => void): void {
    this.#mendAfter(this.#random.exponential(this.#world.swarm.stabilityMilliseconds), mend);
  }

  #mendAfter(lasts: number, mend: () => void): void {
    const once = (): void => {
      if (this.#open.delete(once)) mend();
    };
    this.#open.add(once);
    this.#world.scheduler.after(lasts, undefined, once);
  }
}
