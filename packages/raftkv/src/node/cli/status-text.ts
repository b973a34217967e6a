// How `raftkv status` shows members to people: one line each, what is wrong in words.
import type { EndpointStatus, NodeStatus } from '@raftkv/client';

export function describeStatus(all: readonly EndpointStatus[]): string {
  const answers = all.filter(({ status }) => status !== undefined).length;
  const some = all.find(({ status }) => status !== undefined)?.status;
  const lines = all.map(({ endpoint, status }) => [endpoint, ...(status === undefined ? [] : describeOne(status))]);
  const head = ['endpoint', 'name', 'role', 'term', 'leader', 'commit', 'applied', 'revision', 'keys', 'data'];
  const widths = head.map((title, column) => Math.max(title.length, ...lines.map((line) => line[column]?.length ?? 0)));
  const row = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd();
  const title =
    some === undefined ? 'no member answers' : `cluster ${some.clusterId}, ${answers} of ${all.length} members answer`;
  const warnings = all.flatMap(({ status }) => (status === undefined ? [] : warningsOf(status)));
  // What is wrong has words of its own length, which no column should grow to.
  const rows = all.map(({ endpoint, status, error }, at) =>
    status === undefined ? `${endpoint.padEnd(widths[0]!)}  ${error?.message ?? 'does not answer'}` : row(lines[at]!),
  );
  return `${[title, row(head), ...rows, ...warnings].join('\n')}\n`;
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
  const role = status.phase === 'running' ? status.role : status.phase;
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
