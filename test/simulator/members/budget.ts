// The atlas of damage: how many members may be lost for good, or left behind, so that the others can go on in every configuration that may yet count. With
// less nothing could be promised.
import type { PeerId } from '@raftkv/raft';
import type { Canon } from '../checks/canon.ts';
import { describe, idsOf } from '../checks/configurations.ts';
import type { Cluster } from './cluster.ts';
import type { Member } from './member.ts';

export class Budget {
  readonly #cluster: Cluster;
  readonly #canon: Canon;
  /** Their removal was asked for, and it is not known what comes of it. */
  readonly doubtful = new Set<PeerId>();

  constructor(cluster: Cluster, canon: Canon) {
    this.#cluster = cluster;
    this.#canon = canon;
  }

  /** All founders were there once: only from then on is there a cluster. */
  get isFounded(): boolean {
    return this.#cluster.founders.every((member) => member.wasRunning);
  }

  /** Who may count: all of every configuration that is in force, or may be. */
  candidates(): readonly Member[] {
    const ids = new Set(this.#pending().flatMap((configuration) => [...idsOf(configuration)]));
    return this.#cluster.members.filter(({ identity }) => identity !== undefined && ids.has(identity.id));
  }

  /** Whether those for whom `isAlive` says so can go on without the others. */
  isEnough(isAlive: (member: Member) => boolean): boolean {
    const alive = new Set<PeerId>();
    const known = new Set<PeerId>();
    for (const member of this.#cluster.members) {
      for (const id of member.ranAs) known.add(id);
      if (member.identity !== undefined && isAlive(member)) alive.add(member.identity.id);
    }
    return this.#pending().every(({ voters, votersOutgoing, learners }) => {
      // A learner that has just been lost may be taken for one that has caught up: made a voter, or put in the place of one that lives.
      const lost = learners.filter((id) => known.has(id) && !alive.has(id)).length;
      return [voters, votersOutgoing].every((half) => {
        const present = half.filter((id) => alive.has(id));
        const doubtful = present.filter((id) => this.doubtful.has(id)).length;
        // Those who are all there may even be removed one after the other.
        if (present.length === half.length && lost === 0) return true;
        return 2 * present.length - doubtful > half.length + 2 * lost;
      });
    });
  }

  /** For whoever asks why it is not enough. */
  describe(): string {
    const machines = this.#cluster.members.map(({ name, identity, phase, isSpoilt }) => {
      return `${name} ${identity?.id ?? 'nobody'} ${phase}${isSpoilt ? ' spoilt' : ''}`;
    });
    return `${machines.join(', ')}; doubtful ${[...this.doubtful].join(' ')}; ${this.#pending().map(describe).join('; ')}`;
  }

  #pending(): ReturnType<Canon['configurations']['pending']> {
    return this.#canon.configurations.pending(this.#canon.lastIndex);
  }
}

/** Neither lost nor refused. */
export function isHealthy({ isSpoilt, phase, identity }: Member): boolean {
  return !isSpoilt && phase !== 'refused' && identity !== undefined;
}
