// Majority arithmetic for simple and joint configurations (§3.4, §4.3), pure functions of their arguments.
// Used for votes, for commitIndex, for the confirmation of reads and for check-quorum, so that there is one place to be wrong.
import type { Configuration, PeerId } from './entry.ts';

export type VoteResult = 'won' | 'lost' | 'pending';

/** The largest number that a majority of `voters` has reached; Infinity for no voters, so that an empty half never binds. */
export function majorityReached(voters: readonly PeerId[], reached: (id: PeerId) => number): number {
  const count = voters.length;
  if (count === 0) return Infinity;
  // The smallest member of the majority stands at position floor(n / 2) of the descending order.
  const descending: number[] = [];
  for (let i = 0; i < count; i++) {
    const value = reached(voters[i]!);
    let at = i;
    while (at > 0 && descending[at - 1]! < value) {
      descending[at] = descending[at - 1]!;
      at--;
    }
    descending[at] = value;
  }
  return descending[Math.floor(count / 2)]!;
}

/** §4.3: while joint, what both majorities have reached. */
export function quorumReached(configuration: Configuration, reached: (id: PeerId) => number): number {
  return Math.min(
    majorityReached(configuration.voters, reached),
    majorityReached(configuration.votersOutgoing, reached),
  );
}

/** Whether those for whom `has` holds form a quorum. */
export function isQuorum(configuration: Configuration, has: (id: PeerId) => boolean): boolean {
  return quorumReached(configuration, (id) => (has(id) ? 1 : 0)) >= 1;
}

/** How an election stands: won by a majority of both halves, lost as soon as one half can no longer be won. */
export function countVotes(configuration: Configuration, votes: ReadonlyMap<PeerId, boolean>): VoteResult {
  if (isQuorum(configuration, (id) => votes.get(id) === true)) return 'won';
  if (isQuorum(configuration, (id) => votes.get(id) !== false)) return 'pending';
  return 'lost';
}
