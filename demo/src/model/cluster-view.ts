// The cluster as the page shows it, made of what its members say of themselves and, on a local one, of their processes. Pure.
import { tabWarnings } from '@raftkv/wire';
import type { EndpointStatus, NodeStatus } from 'raftkv';
import type { DevState, ProcessState } from '../dev-api.ts';
import type { Flow } from './traffic.ts';

export type MemberHealth = 'up' | 'heard' | 'silent' | ProcessState;

export interface MemberView {
  readonly name: string;
  readonly address: string;
  /** It receives what the others have, and does not vote: it joined just now, or is to stay so. */
  readonly isLearner: boolean;
  /** It runs in a tab, of this browser profile if it tells which. Undefined: a process of Node. */
  readonly tab: { readonly domain: string | undefined } | undefined;
  /** How it reaches others, where that is not a direct WebSocket. Empty unless it is up. */
  readonly ways: readonly MemberWay[];
  /** `up`: it answers. `heard`: not here, but another member has a connection to it. `silent`: it should answer, and does not. Else how its process is. */
  readonly health: MemberHealth;
  /** Undefined unless it is up. */
  readonly status: NodeStatus | undefined;
  readonly pid: number | undefined;
  readonly note: string | undefined;
  /** Log entries that it has not applied though they are committed somewhere. Undefined unless it is up. */
  readonly lag: number | undefined;
}

export interface MemberWay {
  readonly to: string;
  /** "websocket", "webrtc", "broadcast", or what a later build says. */
  readonly kind: string | undefined;
  readonly isRelayed: boolean;
}

export interface ClusterView {
  readonly members: readonly MemberView[];
  readonly flows: readonly Flow[];
  /** Name of the member that most recently became leader, if it answers or is heard. */
  readonly leader: string | undefined;
  readonly term: number;
  /** The highest index that is known to be committed. */
  readonly commitIndex: number;
  readonly revision: number;
  /** Voters that answer here or are heard by one that does, out of how many there are. */
  readonly up: number;
  readonly voters: number;
  readonly hasQuorum: boolean;
  /** What is to be known of voters in tabs, in the words that the status page has. */
  readonly warnings: readonly string[];
  /** False until somebody answered or was asked in vain. */
  readonly isKnown: boolean;
}

export const unknownCluster: ClusterView = {
  members: [],
  flows: [],
  leader: undefined,
  term: 0,
  commitIndex: 0,
  revision: 0,
  up: 0,
  voters: 0,
  hasQuorum: false,
  warnings: [],
  isKnown: false,
};

export function viewCluster(
  answers: readonly EndpointStatus[],
  dev: DevState | undefined,
  flows: readonly Flow[],
): ClusterView {
  const statuses = answers.flatMap(({ status }) => (status === undefined ? [] : [status]));
  const commitIndex = Math.max(0, ...statuses.map((status) => status.commitIndex));
  const term = Math.max(0, ...statuses.map((status) => status.term));
  // Who knows most of the log knows best who votes.
  const newest = statuses.toSorted((a, b) => b.appliedIndex - a.appliedIndex)[0];
  const learners = new Set(newest?.members.filter(({ isLearner }) => isLearner).map(({ name }) => name));
  const tabs = new Map(
    newest?.members.flatMap(({ name, kind, domain }) => (kind === 'tab' ? [[name, { domain }] as const] : [])),
  );
  const members = addressesOf(answers, statuses, dev).map(({ name, address }): MemberView => {
    const status = statuses.find((each) => each.name === name);
    const process = dev?.members.find((each) => each.name === name);
    const isHeard = statuses.some((each) => each.members.some((other) => other.name === name && other.isReachable));
    const health = healthOf(status !== undefined, isHeard, process?.process);
    const shown = health === 'up' ? status : undefined;
    return {
      name,
      address,
      isLearner: learners.has(name),
      tab: tabs.get(name),
      ways: shown === undefined ? [] : waysOf(shown),
      health,
      status: shown,
      pid: process?.pid,
      note: process?.note,
      lag: shown === undefined ? undefined : Math.max(0, commitIndex - shown.appliedIndex),
    };
  });
  // One that was cut off may still think that it leads: the highest term decides.
  const leaders = members.filter(({ status }) => status?.role === 'leader');
  const leader = leaders.toSorted((a, b) => b.status!.term - a.status!.term)[0];
  const voting = members.filter(({ isLearner }) => !isLearner);
  const up = voting.filter(({ health }) => health === 'up' || health === 'heard').length;
  const voters = voting.length;
  return {
    members,
    flows,
    leader: leader?.name ?? nameOfLeader(statuses, members),
    term,
    commitIndex,
    revision: Math.max(0, ...statuses.map((status) => status.revision)),
    up,
    voters,
    hasQuorum: up > voters / 2,
    warnings: newest === undefined ? [] : tabWarnings(newest.members),
    isKnown: members.length > 0,
  };
}

function waysOf({ members }: NodeStatus): MemberWay[] {
  return members.flatMap(({ name: to, link }) => {
    if (link === undefined || (link.kind === 'websocket' && link.path === 'direct')) return [];
    return [{ to, kind: link.kind, isRelayed: link.path === 'relayed' }];
  });
}

function healthOf(answers: boolean, isHeard: boolean, process: ProcessState | undefined): MemberHealth {
  if (process !== undefined && process !== 'running' && !(process === 'starting' && answers)) return process;
  if (answers) return 'up';
  // Where the processes are known, one that runs and does not answer is not well, whatever others still believe.
  return isHeard && process === undefined ? 'heard' : 'silent';
}

/** As those that answer name it, if it is heard. */
function nameOfLeader(statuses: readonly NodeStatus[], members: readonly MemberView[]): string | undefined {
  const latest = statuses.toSorted((a, b) => b.term - a.term)[0];
  const named = latest?.members.find(({ id }) => id === latest.leaderId);
  return members.find(({ name, health }) => name === named?.name && health === 'heard')?.name;
}

/** All that anybody names, in the order of their names. */
function addressesOf(
  answers: readonly EndpointStatus[],
  statuses: readonly NodeStatus[],
  dev: DevState | undefined,
): readonly { readonly name: string; readonly address: string }[] {
  const byName = new Map<string, string>();
  for (const { name, address } of dev?.members ?? []) byName.set(name, address);
  for (const status of statuses) for (const { name, address } of status.members) byName.set(name, address);
  if (byName.size === 0) for (const { endpoint } of answers) byName.set(endpoint, endpoint);
  return [...byName]
    .map(([name, address]) => ({ name, address }))
    .toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
}
