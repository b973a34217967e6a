// The rule of browsers: the voters of one browser profile fail together, and tabs never decide against Node. In each configuration that has voters of Node,
// the tabs among the voters are no quorum, and no one browser takes away the quorum that a single member would leave. Pure; asked by `membership.ts` before the core makes a change, whoever wished for it.
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
export function failureDomains(voters: readonly Voter[]): FailureDomain[] {
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
 * The browser with whose tabs the quorum goes, beside voters of Node, though it would not go with any one voter. Where it does, as with one voter of Node and one tab, the
 * browser makes it no worse. Tabs that do not decide against Node are that many only if all are of one browser, and as many as the voters of Node.
 */
export function browserThatStopsNode(voters: readonly Voter[]): FailureDomain | undefined {
  if (voters.every((voter) => memberKind(voter) === 'tab')) return undefined;
  const dispensable = Math.floor((voters.length - 1) / 2);
  return failureDomains(voters).find((one) => one.voters.length > 1 && one.voters.length > dispensable);
}

/**
 * Throws `unsafe_change` if tabs alone would decide after these changes although voters of Node are left, if the last voter of Node would leave its
 * data to them, or if the quorum would go with one browser. A cluster of tabs alone, a room, may change as it likes.
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
  if (doTabsDecideAgainstNode(after)) {
    throw new RaftkvError(
      'unsafe_change',
      `${countTabs(tabs)} of ${after.length} voters would be a quorum without Node: tabs may be as many as the voters of Node, of which there would be ${nodes(after)}`,
    );
  }
  const one = browserThatStopsNode(after);
  if (one === undefined || isLessOf(one, voters.map(traitsOf))) return;
  throw new RaftkvError(
    'unsafe_change',
    `${one.voters.length} of ${after.length} voters would be tabs of one browser, and with it the quorum would go: add a voter of Node first, vote from another browser, or let the tab stay a learner`,
  );
}

/** It has less voters than before: that is the way out, and is never refused. */
function isLessOf({ domain, voters }: FailureDomain, before: readonly Traits[]): boolean {
  return voters.length < before.filter((voter) => voter.domain === domain).length;
}

type Voter = Traits & { readonly id: PeerId };

function votersAfter(
  changes: readonly MemberChange[],
  voters: readonly PeerId[],
  traitsOf: (id: PeerId) => Traits,
): Voter[] {
  const ids = new Set(voters);
  const added: Voter[] = [];
  const corrected = new Map<PeerId, Traits>();
  for (const change of changes) {
    if (change.type === 'add') {
      if (change.as === 'voter') added.push({ ...change.member, id: `added ${added.length}` });
    } else if (change.type === 'promote') ids.add(change.id);
    else if (change.type === 'update') corrected.set(change.id, { ...change, ...traitsOf(change.id) });
    else ids.delete(change.id);
  }
  return [...[...ids].map((id) => ({ ...(corrected.get(id) ?? traitsOf(id)), id })), ...added];
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
