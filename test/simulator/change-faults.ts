// What befalls the members while they change: a leader falls, or is cut off where it hurts, when it has just begun a change; and a leader sleeps, cut off with
// those who do not vote, while the others go on. Dice of their own for both, so that they disturb no other fault.
import type { Cluster } from './members/cluster.ts';
import type { Member } from './members/member.ts';
import type { Random } from './world/random.ts';
import type { World } from './world/world.ts';

const interruptions = ['crash', 'crash', 'alone', 'halves', 'leavers', 'dice', 'dice'] as const;

export class ChangeFaults {
  readonly #world: World;
  readonly #cluster: Cluster;
  readonly #random: Random;
  readonly #strands: Random;
  readonly #open = new Set<() => void>();
  #isOver = false;

  constructor(world: World, cluster: Cluster) {
    this.#world = world;
    this.#cluster = cluster;
    this.#random = world.random('changes').fork();
    this.#strands = world.random('strands');
    this.#strandLater();
  }

  end(): void {
    this.#isOver = true;
    for (const mend of [...this.#open]) mend();
  }

  /** This leader has a change in its log that it had not before. */
  changing(member: Member): void {
    if (this.#isOver || !this.#random.chance(this.#world.swarm.interruption)) return;
    const { swarm, scheduler } = this.#world;
    const scale = swarm.links.meanLatency + swarm.disk.meanSyncLatency;
    const delay = this.#random.chance(0.3) ? 0 : this.#random.exponential(scale * this.#random.pick([0.5, 2, 6]));
    scheduler.after(delay, undefined, () => this.#interrupt(member));
  }

  #interrupt(member: Member): void {
    const { core } = member.running ?? {};
    if (this.#isOver || core === undefined) return;
    const random = this.#random;
    const how = random.pick(interruptions);
    const { voters } = core.status().configuration;
    const lasts = this.#electionMilliseconds * random.between(0.5, 4);
    this.#world.trace.note(`a change is interrupted: ${how} at ${member.name}`);
    const votes = ({ identity }: Member): boolean => identity !== undefined && voters.includes(identity.id);
    switch (how) {
      case 'crash':
        member.die(random.pick(['lost', 'torn', 'kept']), random.chance(0.5));
        return this.#mendAfter(random.chance(0.5) ? lasts : lasts / 20, () => member.start());
      case 'alone':
        return this.#part(lasts, (each) => each === member);
      case 'halves':
        return this.#part(lasts, votes);
      case 'leavers':
        return this.#part(lasts, (each) => each === member || !votes(each));
      case 'dice':
        return this.#part(lasts, () => random.chance(0.5));
    }
  }

  #strandLater(): void {
    this.#world.scheduler.after(this.#strands.exponential(this.#world.swarm.strandMilliseconds), undefined, () => {
      if (this.#isOver) return;
      this.#strand();
      this.#strandLater();
    });
  }

  /**
   * T16: the leader sleeps, cut off from the others who vote, until those have another one; when it wakes up only those answer who do not vote, and it takes
   * about an election timeout until it sees that they are no quorum. Clients and learners ask it for reads meanwhile.
   */
  #strand(): void {
    const { leader } = this.#cluster;
    const { learners = [] } = leader?.running?.core.status().configuration ?? {};
    if (leader?.process === undefined || learners.length === 0 || leader.process.pausedUntil > this.#world.now) return;
    const sleeps = this.#electionMilliseconds * this.#strands.between(2, 5);
    const isLearner = ({ identity }: Member): boolean => identity !== undefined && learners.includes(identity.id);
    this.#world.trace.note(`${leader.name} sleeps for ${sleeps.toFixed(1)}, with those who do not vote`);
    this.#part(
      sleeps + this.#electionMilliseconds * this.#strands.between(0.5, 2),
      (each) => each === leader || isLearner(each),
    );
    leader.process.pausedUntil = this.#world.now + sleeps;
    // Its clock stands still: it does not know.
    leader.clock.sleep(sleeps);
  }

  /** Those who are on one side, and all other machines. */
  #part(lasts: number, isOnOneSide: (member: Member) => boolean): void {
    const side = this.#cluster.members.map(isOnOneSide);
    const count = side.length;
    const cut = this.#cluster.links.cut((from, to) => from < count && to < count && side[from] !== side[to]);
    this.#mendAfter(lasts, cut);
  }

  get #electionMilliseconds(): number {
    const { tickMilliseconds, electionTimeoutTicks } = this.#world.swarm;
    return tickMilliseconds * electionTimeoutTicks;
  }

  #mendAfter(lasts: number, mend: () => void): void {
    const once = (): void => {
      if (this.#open.delete(once)) mend();
    };
    this.#open.add(once);
    this.#world.scheduler.after(lasts, undefined, once);
  }
}
