// Whether a learner has caught up (§4.2.1): its log is brought up to where the leader was in rounds, and when a round takes less than an election
// timeout, little enough is left that it can vote without holding up the others. Asked by `membership.ts`, again and again.
import type { PeerId, ProgressStatus } from '@raftkv/raft';

interface Round {
  /** It ends when the learner holds this entry. */
  readonly target: number;
  readonly startedAt: number;
}

export class CatchUp {
  readonly #roundMilliseconds: number;
  readonly #rounds = new Map<PeerId, Round>();

  constructor(roundMilliseconds: number) {
    this.#roundMilliseconds = roundMilliseconds;
  }

  /** As it is now; true if the round that just ended, or one that ends this moment, was a short one. */
  look(
    id: PeerId,
    now: {
      readonly progress: Pick<ProgressStatus, 'matchIndex' | 'isRecentlyActive' | 'state'> | undefined;
      readonly commitIndex: number;
      readonly now: number;
    },
  ): boolean {
    const { progress, commitIndex } = now;
    if (progress === undefined || !progress.isRecentlyActive || progress.state !== 'replicate') {
      this.#rounds.delete(id);
      return false;
    }
    const round = this.#rounds.get(id);
    const isOver = round !== undefined && progress.matchIndex >= round.target;
    if (round === undefined || isOver) this.#rounds.set(id, { target: commitIndex, startedAt: now.now });
    return isOver && now.now - round.startedAt <= this.#roundMilliseconds;
  }

  forgetAll(): void {
    this.#rounds.clear();
  }
}
