// What people are told of voters that are tabs: how many there are, and how many of the voters fail together. The command line prints it under members and
// statuses, a member's status page shows it; here both reach it. Which voters a cluster accepts is the server's to decide.
import type { NodeStatus } from './client.ts';

/** What is to be known of voters in tabs: how many fail together. Nothing where there are none. */
export function tabWarnings(
  members: readonly (Pick<NodeStatus['members'][number], 'id' | 'kind' | 'domain'> & {
    readonly role?: string;
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
