// The second phase of a run: a core of members, a quorum at least, is healed for good; the others stay dead, deaf, mute or away. Then everything that was
// promised to work must work within a bound: every client's calls go through, and the core comes to one state.
import { isHealthy } from './members/budget.ts';
import type { Budget } from './members/budget.ts';
import type { Cluster } from './members/cluster.ts';
import type { Member } from './members/member.ts';
import { Violation } from './world/violation.ts';
import type { World } from './world/world.ts';

export interface LivenessGoal {
  readonly what: string;
  readonly isReached: () => boolean;
  /** How far it has come: while that goes up it is given time. A log of thousands of entries may go to a learner one by one. */
  readonly progress?: () => number;
}

/** So long something must have come forward, where a goal tells how far it is. */
const progressMilliseconds = 10_000;
/** However much does. */
const longestMilliseconds = 30 * 60_000;

/** Of each client, once the core is healed. */
export const callsOfEach = 10;

export class Liveness {
  readonly #world: World;
  readonly #cluster: Cluster;
  readonly #budget: Budget;
  readonly core: readonly Member[];
  #deadline: number;
  #furthest = -1;
  readonly #startedAt: number;
  readonly #goals: readonly LivenessGoal[];
  #nextGoal = 0;

  /** Heals; `goals` are reached one after the other. */
  constructor(
    world: World,
    { cluster, budget }: { readonly cluster: Cluster; readonly budget: Budget },
    goals: (core: readonly Member[]) => readonly LivenessGoal[],
  ) {
    this.#world = world;
    this.#cluster = cluster;
    this.#budget = budget;
    world.isHealed = true;
    this.core = this.#chooseCore();
    this.#startedAt = world.now;
    const { tickMilliseconds, electionTimeoutTicks, requestTimeoutMilliseconds } = world.swarm;
    // Sockets that are half open, and clients that wait, take their own time to find out.
    const patience = 30_000 + 60 * tickMilliseconds * electionTimeoutTicks + 5 * requestTimeoutMilliseconds;
    this.#deadline = world.now + patience + callsMilliseconds(world.swarm);
    this.#heal();
    this.#goals = goals(this.core);
  }

  get recoveryMilliseconds(): number {
    return this.#world.now - this.#startedAt;
  }

  /** True once all goals are reached. Throws when time is up. */
  check(): boolean {
    while (this.#nextGoal < this.#goals.length && this.#goals[this.#nextGoal]!.isReached()) this.#nextGoal++;
    if (this.#nextGoal === this.#goals.length) return true;
    const { now } = this.#world;
    const { what, progress } = this.#goals[this.#nextGoal]!;
    const reached = progress?.() ?? -1;
    if (reached > this.#furthest && now < this.#startedAt + longestMilliseconds) {
      this.#furthest = reached;
      this.#deadline = Math.max(this.#deadline, now + progressMilliseconds);
    }
    if (now < this.#deadline) return false;
    const seconds = ((this.#world.now - this.#startedAt) / 1000).toFixed(1);
    const core = this.core.map(describe).join(', ');
    throw new Violation('progress', `${seconds} s after ${core} were healed: ${what}; ${this.#budget.describe()}`);
  }

  /**
   * False: more was lost than the budget allows, since it was spent before a change of members was known (a learner that had lost its disk before it was let
   * in). Nothing is promised then but safety.
   */
  static isPossible({ budget }: { readonly budget: Budget }): boolean {
    return !budget.isFounded || budget.isEnough((member) => isHealthy(member));
  }

  #chooseCore(): readonly Member[] {
    const random = this.#world.random('liveness');
    const budget = this.#budget;
    const healthy = random.shuffle(budget.candidates().filter(isHealthy));
    // While one of them has not noted all others the cluster is not founded, and needs all of its members, once.
    if (!budget.isFounded) return healthy;
    const core = new Set(healthy);
    const isEnough = (): boolean => budget.isEnough((member) => core.has(member));
    for (const member of healthy.slice(0, random.below(healthy.length))) {
      core.delete(member);
      if (!isEnough()) core.add(member);
    }
    return healthy.filter((member) => core.has(member));
  }

  #heal(): void {
    const { links, members, channels } = this.#cluster;
    const random = this.#world.random('liveness');
    links.isCalm = true;
    for (const member of members) {
      if (this.core.includes(member)) {
        // The faults are over, and nobody else lets it die any more.
        if (member.disk.isStruck) member.die('torn', true);
        member.disk.calm();
        member.disk.crashAfter(Infinity, () => undefined);
        if (member.process !== undefined) member.process.pausedUntil = 0;
        continue;
      }
      const { host } = member;
      // Who was removed may stay as it is, and disturb nobody.
      const isGone = !this.#budget.candidates().includes(member) && member.isUp && member.identity !== undefined;
      if (isGone && random.chance(0.5)) continue;
      const fate = random.pick(['dead', 'deaf', 'mute', 'away'] as const);
      this.#world.trace.note(`${member.name} stays ${fate}`);
      member.isAbandoned = true;
      if (fate === 'dead') member.die('lost', random.chance(0.5));
      if (fate === 'deaf' || fate === 'away') links.cut((_, to) => to === host);
      if (fate === 'mute' || fate === 'away') links.cut((from) => from === host);
    }
    for (const member of this.core) member.start();
    for (const pipe of channels.pipes) pipe.ends.forEach((end) => end.flush());
    this.#world.trace.note(`healed: ${this.core.map((member) => member.name).join(', ')}`);
  }
}

function describe({ name, phase, running }: Member): string {
  if (running === undefined) return `${name} (${phase})`;
  const { id, role, term, lastIndex, configurationIndex } = running.core.status();
  return `${name} (${id} ${role} in ${term}, applied ${running.replica.appliedIndex} of ${lastIndex}, members of ${configurationIndex})`;
}

/** Of the calls that are to go through, where the entries of all clients go one after the other: there and back, and onto two disks. */
function callsMilliseconds({ clients, callersPerClient, links, disk }: World['swarm']): number {
  return clients * callersPerClient * callsOfEach * 2 * (links.meanLatency + disk.meanSyncLatency);
}
