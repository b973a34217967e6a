// How `raftkv status` shows members to people: one line each, what is wrong in words.
import type { EndpointStatus, MemberLink, NodeStatus } from '@raftkv/client';
import { tabWarnings } from '@raftkv/wire';

export function describeStatus(all: readonly EndpointStatus[]): string {
  const answers = all.filter(({ status }) => status !== undefined).length;
  const some = all.find(({ status }) => status !== undefined)?.status;
  const lines = all.map(({ endpoint, status }) => [endpoint, ...(status === undefined ? [] : describeOne(status))]);
  const head = ['endpoint', 'name', 'role', 'term', 'leader', 'commit', 'applied', 'revision', 'keys', 'data'];
  const [heading, ...rows] = table(head, lines);
  const widest = Math.max(head[0]!.length, ...all.map(({ endpoint }) => endpoint.length));
  const title =
    some === undefined ? 'no member answers' : `cluster ${some.clusterId}, ${answers} of ${all.length} members answer`;
  const links = all.flatMap(({ status }) => (status === undefined ? [] : linksOf(status)));
  const warnings = all.flatMap(({ status }) => (status === undefined ? [] : warningsOf(status)));
  // Of one that runs and knows who is a member; all say the same, or will.
  const tabs = some === undefined ? [] : tabWarnings(some.members);
  // What is wrong has words of its own length, which no column should grow to.
  const said = all.map(({ endpoint, status, error }, at) =>
    status === undefined ? `${endpoint.padEnd(widest)}  ${error?.message ?? 'does not answer'}` : rows[at]!,
  );
  return `${[title, heading, ...said, ...describeOthers(all), ...links, ...warnings, ...tabs].join('\n')}\n`;
}

/** Columns as wide as what stands in them. */
export function table(head: readonly string[], lines: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, column) => Math.max(title.length, ...lines.map((line) => line[column]?.length ?? 0)));
  return [head, ...lines].map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}

/** Members that were not asked: those who answer know of them. */
function describeOthers(all: readonly EndpointStatus[]): string[] {
  const statuses = all.flatMap(({ status }) => (status === undefined ? [] : [status]));
  const asked = new Set(statuses.map(({ memberId }) => memberId));
  const endpoints = new Set(all.map(({ endpoint }) => endpoint));
  const others = new Map(statuses.flatMap(({ members }) => members.map((member) => [member.id, member] as const)));
  const unasked = [...others.values()].filter(({ id, address }) => !asked.has(id) && !endpoints.has(address));
  if (unasked.length === 0) return [];
  const words = unasked.map(({ name, address, isLearner, kind }) => {
    const traits = [...(isLearner ? ['learner'] : []), ...(kind === 'tab' ? ['tab'] : [])];
    return `${name} at ${address}${traits.length === 0 ? '' : ` (${traits.join(', ')})`}`;
  });
  return [`not asked: ${words.join(', ')}`];
}

const carriers: Readonly<Record<string, string>> = {
  websocket: 'a WebSocket',
  webrtc: 'WebRTC',
  broadcast: 'a BroadcastChannel',
};

/** Told where one is reached by another way than a direct WebSocket, as members of Node reach each other. */
function linksOf({ name, members }: NodeStatus): readonly string[] {
  const words = members.flatMap(({ name: to, link }) => (link === undefined ? [] : [`${to} ${describeLink(link)}`]));
  return words.length === 0 ? [] : [`${name} reaches ${words.join(', ')}`];
}

function describeLink({ kind = '', path, roundTripMilliseconds }: MemberLink): string {
  const way = path === 'relayed' ? 'through a relay' : `over ${carriers[kind] ?? 'another way'}`;
  return roundTripMilliseconds === undefined ? way : `${way} in ${roundTripMilliseconds.toFixed(1)} ms`;
}

function warningsOf({ name, syncWrites, leaseReads }: NodeStatus): readonly string[] {
  return [
    ...(syncWrites ? [] : [`${name} does not sync its writes: a power cut may lose acknowledged ones`]),
    ...(leaseReads === true
      ? [`${name} serves reads under leases: they are linearizable only while clocks drift little`]
      : []),
  ];
}

function describeOne(status: NodeStatus): readonly string[] {
  const isLearner = status.members.some(({ id, isLearner: learns }) => id === status.memberId && learns);
  const role = status.phase !== 'running' ? status.phase : isLearner ? 'learner' : status.role;
  const { term, leader, commitIndex, appliedIndex, revision, keys, dataBytes } = status;
  return [
    status.name,
    role,
    `${term}`,
    leader ?? 'none',
    `${commitIndex}`,
    `${appliedIndex}`,
    `${revision}`,
    `${keys}`,
    formatBytes(dataBytes),
  ];
}

function formatBytes(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
