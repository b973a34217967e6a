// Questions about a Configuration: who is a member, who votes, is it well-formed. Who counts for a
// decision is in quorum.ts. Everyone who looks at members calls here.
import type { Configuration, PeerId } from './entry.ts';

export function isVoter(configuration: Configuration, id: PeerId): boolean {
  return configuration.voters.includes(id) || configuration.votersOutgoing.includes(id);
}

export function isMember(configuration: Configuration, id: PeerId): boolean {
  return isVoter(configuration, id) || configuration.learners.includes(id);
}

/** All voters of both halves, each once: those to ask for a vote. */
export function votersOf(configuration: Configuration): PeerId[] {
  const { voters, votersOutgoing } = configuration;
  return [...voters, ...votersOutgoing.filter((id) => !voters.includes(id))];
}

/** All members, each once: those to replicate to. */
export function membersOf(configuration: Configuration): PeerId[] {
  return [...votersOf(configuration), ...configuration.learners];
}

/** Whether this member is the only voter, so that it decides alone. */
export function isOnlyVoter(configuration: Configuration, id: PeerId): boolean {
  return (
    configuration.voters.length === 1 &&
    configuration.voters[0] === id &&
    configuration.votersOutgoing.every((outgoing) => outgoing === id)
  );
}

/** §4.3: while two majorities decide. */
export function isJoint({ votersOutgoing }: Configuration): boolean {
  return votersOutgoing.length > 0;
}

/** Most members, outgoing ones included. */
export const MAX_MEMBERS = 64;

/**
 * Someone votes, no id stands twice in a set, no learner is a voter, who becomes a learner is an outgoing voter, and there is
 * at most one record for a member and none for others.
 */
export function isWellFormed(configuration: Configuration): boolean {
  const { voters, votersOutgoing, learners, learnersNext = [], members = [] } = configuration;
  return (
    voters.length > 0 &&
    membersOf(configuration).length <= MAX_MEMBERS &&
    [voters, votersOutgoing, learners, learnersNext].every(hasNoDuplicates) &&
    learners.every((id) => !voters.includes(id) && !votersOutgoing.includes(id)) &&
    learnersNext.every((id) => votersOutgoing.includes(id) && !voters.includes(id)) &&
    hasNoDuplicates(members.map(({ id }) => id)) &&
    members.every(({ id }) => isMember(configuration, id))
  );
}

function hasNoDuplicates(ids: readonly PeerId[]): boolean {
  return new Set(ids).size === ids.length;
}
