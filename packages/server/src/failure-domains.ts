// The rule of browsers: the voters of one browser profile fail together, and tabs never decide against Node. In each configuration that has voters of Node,
// the tabs among the voters are no quorum. Pure; asked by `membership.ts` before the core makes a change, whoever wished for it.
import type { Configuration, Member, MemberChange, PeerId } from '@raftkv/raft';
import { RaftkvError } from '@raftkv/wire';
import { memberKind } from './member-kind.ts';
import type { Traits } from './member-kind.ts';

/** Voters that fail together. */
export interface FailureDomain {
  /** Undefined: a process of Node, which is one of its own. */
  readonly domain: string | undefined;
  readonly voters: readonly PeerId[];
}

/** Of these voters; members of Node, and tabs that do not say, are domains of their own. In the order in which they are first met. */
export function failureDomains(voters: readonly (Traits & { readonly id: PeerId })[]): FailureDomain[] {
  const found = new Map<string, { domain: string | undefined; voters: PeerId[] }>();
  for (const { id, domain } of voters) {
    const key = domain === undefined ? `member ${id}` : `domain ${domain}`;
    const known = found.get(key) ?? { domain, voters: [] };
    known.voters.push(id);
    found.set(key, known);
  }
  return [...found.values()];
}

/** Whether tabs alone could elect and commit among these voters, though some are of Node. Those of Node must be as many, or a majority is left without them. */
export function doTabsDecideAgainstNode(voters: readonly Traits[]): boolean {
  const tabs = voters.filter((voter) => memberKind(voter) === 'tab').length;
  const nodes = voters.length - tabs;
  return nodes > 0 && tabs > nodes;
}

/**
 * Throws `unsafe_change` if tabs alone would decide after these changes although voters of Node are left, or if the last voter of Node would leave its
 * data to them. A cluster of tabs alone, a room, may change as it likes.
 */
export function checkFailureDomains(
  changes: readonly MemberChange[],
  { voters }: Pick<Configuration, 'voters'>,
  members: readonly Member[],
): void {
  const records = new Map<PeerId, Traits>(members.map((member) => [member.id, member]));
  const traitsOf = (id: PeerId): Traits => records.get(id) ?? {};
  const after = votersAfter(changes, voters, traitsOf);
  const nodes = (some: readonly Traits[]): number => some.filter((voter) => memberKind(voter) === 'node').length;
  const tabs = after.length - nodes(after);
  // What stands already is not made worse by a learner that comes or goes, or by a correction.
  if (tabs === 0 || !isVotersChange(changes, voters)) return;
  if (nodes(after) === 0 && nodes(voters.map(traitsOf)) > 0) {
    throw new RaftkvError(
      'unsafe_change',
      `no voter of Node would be left, and ${countTabs(tabs)} would decide alone: add another voter of Node first, or remove the tabs`,
    );
  }
  if (!doTabsDecideAgainstNode(after)) return;
  throw new RaftkvError(
    'unsafe_change',
    `${countTabs(tabs)} of ${after.length} voters would be a quorum without Node: tabs may be as many as the voters of Node, of which there would be ${nodes(after)}`,
  );
}

function votersAfter(
  changes: readonly MemberChange[],
  voters: readonly PeerId[],
  traitsOf: (id: PeerId) => Traits,
): Traits[] {
  const ids = new Set(voters);
  const added: Traits[] = [];
  const corrected = new Map<PeerId, Traits>();
  for (const change of changes) {
    if (change.type === 'add') {
      if (change.as === 'voter') added.push(change.member);
    } else if (change.type === 'promote') ids.add(change.id);
    else if (change.type === 'update') corrected.set(change.id, { ...change, ...traitsOf(change.id) });
    else ids.delete(change.id);
  }
  return [...[...ids].map((id) => corrected.get(id) ?? traitsOf(id)), ...added];
}

function isVotersChange(changes: readonly MemberChange[], voters: readonly PeerId[]): boolean {
  return changes.some((change) => {
    if (change.type === 'add') return change.as === 'voter';
    if (change.type === 'update') return false;
    return change.type === 'promote' || voters.includes(change.id);
  });
}

function countTabs(count: number): string {
  return count === 1 ? 'one tab' : `${count} tabs`;
}
