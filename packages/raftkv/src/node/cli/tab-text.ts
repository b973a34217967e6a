// What people are told of voters that are tabs: how many there are, and how many of the voters fail together. Printed under members and statuses.
import type { ClusterMember } from '@raftkv/client';

/** What is to be known of voters in tabs: how many fail together. Nothing where there are none. */
export function tabWarnings(
  members: readonly (Pick<ClusterMember, 'id' | 'kind' | 'domain'> & {
    readonly role?: ClusterMember['role'];
    readonly isLearner?: boolean;
  })[],
): string[] {
  const voters = members.filter(({ role, isLearner }) => role !== 'learner' && isLearner !== true);
  const tabs = voters.filter(({ kind }) => kind === 'tab');
  if (tabs.length === 0) return [];
  const domains = new Set(voters.map(({ id, kind, domain }) => (kind === 'tab' ? (domain ?? id) : id))).size;
  const quorum =
    tabs.length === voters.length ? 'they decide alone' : 'they are never a quorum without the voters of Node';
  return [
    `${tabs.length} of ${voters.length} voters are tabs, ${quorum}; the voters are ${domains} failure ${domains === 1 ? 'domain: all can fail together' : 'domains'}`,
  ];
}
