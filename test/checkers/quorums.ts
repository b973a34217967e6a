// Quorums by their definition (§4.3): a set of members is one if it holds a majority of the voters, and while a configuration is joint
// of both sets. Slow and plain on purpose; the core's own counting is packages/raft/src/quorum.ts and shares nothing with this.
import type { Configuration, PeerId } from '@raftkv/raft';

export function isQuorum(configuration: Configuration, set: ReadonlySet<PeerId>): boolean {
  return (
    hasMajority(configuration.voters, set) &&
    (configuration.votersOutgoing.length === 0 || hasMajority(configuration.votersOutgoing, set))
  );
}

function hasMajority(voters: readonly PeerId[], set: ReadonlySet<PeerId>): boolean {
  return voters.filter((voter) => set.has(voter)).length * 2 > voters.length;
}

/** Every quorum there is among `present`, by trying every set of voters. */
export function* quorumsOf(configuration: Configuration, present: ReadonlySet<PeerId>): Generator<Set<PeerId>> {
  const voters = [...new Set([...configuration.voters, ...configuration.votersOutgoing])].filter((id) =>
    present.has(id),
  );
  for (let bits = 0; bits < 1 << voters.length; bits++) {
    const set = new Set(voters.filter((_, place) => (bits & (1 << place)) !== 0));
    if (isQuorum(configuration, set)) yield set;
  }
}
