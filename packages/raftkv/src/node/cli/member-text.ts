// How the members of a cluster are shown: to people a line each, to programs as one JSON document.
import type { ClusterMember, ClusterMembers } from '@raftkv/client';
import { tabWarnings } from '@raftkv/wire';
import { table } from './status-text.ts';

export function describeMembers({ clusterId, isChanging, leaderId, members }: ClusterMembers): string {
  const hasTabs = members.some(({ kind }) => kind === 'tab');
  const rows = members.map((member) => {
    const { id, name, address, isReachable, matchIndex } = member;
    const position = matchIndex === undefined ? '' : `${matchIndex}`;
    const cells = [id, name, address, describeRole(member, leaderId, members), isReachable ? 'yes' : 'no', position];
    return hasTabs ? [...cells, describeKind(member)] : cells;
  });
  const title = `cluster ${clusterId}, ${members.length} members${isChanging ? ', a change is under way' : ''}`;
  const head = ['id', 'name', 'address', 'role', 'reachable', 'log', ...(hasTabs ? ['runs in'] : [])];
  return `${[title, ...table(head, rows), ...tabWarnings(members)].join('\n')}\n`;
}

function describeKind({ kind, domain }: Pick<ClusterMember, 'kind' | 'domain'>): string {
  if (kind !== 'tab') return 'Node';
  return domain === undefined ? 'a tab' : `a tab of browser profile ${domain}`;
}

function describeRole(member: ClusterMember, leaderId: string | undefined, members: readonly ClusterMember[]): string {
  const { id, role, plan } = member;
  if (role !== 'learner') return id === leaderId ? `${role}, leader` : role;
  if (plan === 'promote') return 'learner, to vote when it has caught up';
  if (plan === 'stay') return 'learner';
  return `learner, to replace ${members.find((other) => other.id === plan.replaces)?.name ?? plan.replaces}`;
}

export function membersJson({ clusterId, index, isChanging, leaderId, members }: ClusterMembers): object {
  return {
    clusterId,
    index,
    isChanging,
    leaderId: leaderId ?? null,
    members: members.map(({ id, name, address, role, plan, isReachable, matchIndex, kind, domain }) => ({
      id,
      name,
      address,
      role,
      plan: typeof plan === 'string' ? plan : { replaces: plan.replaces },
      isLeader: id === leaderId,
      isReachable,
      matchIndex: matchIndex ?? null,
      kind: kind ?? 'node',
      domain: domain ?? null,
    })),
  };
}
