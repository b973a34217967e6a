// The words for a history that is not linearizable: what took effect last, the state it left, and the operations of which
// one should come next and none can. Called by checker.ts with the furthest point that its search reached.
import { describeOperation } from './history.ts';
import type { Partition, Step } from './model.ts';

const MAX_CANDIDATES = 12;

/** The furthest that the search came. */
export interface StuckPoint {
  readonly state: number;
  /** The last steps that took effect, in that order. */
  readonly lastSteps: readonly Step[];
  /** Known steps that should take effect next, and none can. */
  readonly candidates: readonly Step[];
  readonly linearized: number;
}

/** A few lines for the message of a failed test. */
export function explainStuck(partition: Partition, verdict: 'violation' | 'unknown', stuck: StuckPoint): string {
  const total = partition.known.length;
  const value = partition.values[stuck.state] ?? null;
  const lines = [
    verdict === 'violation'
      ? `key ${JSON.stringify(partition.key)} is not linearizable: at most ${stuck.linearized} of ${total} answered operations fit into one order`
      : `key ${JSON.stringify(partition.key)}: the search ran out of budget with ${stuck.linearized} of ${total} answered operations in order`,
    '  the last that fit, in the order found:',
    ...stuck.lastSteps.map((step) => `    ${describe(step)}`),
    `  the value is then ${value === null ? 'absent' : JSON.stringify(value)}, and none of these can be next:`,
    ...stuck.candidates.slice(0, MAX_CANDIDATES).map((step) => `    ${describe(step)}`),
  ];
  const hidden = stuck.candidates.length - MAX_CANDIDATES;
  if (hidden > 0) lines.push(`    and ${hidden} more`);
  lines.push(...writersOf(partition, stuck).map((line) => `  ${line}`));
  return lines.join('\n');
}

function describe(step: Step): string {
  return describeOperation(step.operation) + (step.isUnknown ? ' (outcome unknown)' : '');
}

/** Who wrote the value that a waiting read saw: the usual question of whoever looks for the bug. */
function writersOf(partition: Partition, stuck: StuckPoint): string[] {
  const read = stuck.candidates.find((step) => step.kind === 'get');
  if (read === undefined) return [];
  const writes = [...partition.known, ...partition.unknown].filter(
    (step) => (step.kind === 'put' || step.kind === 'cas') && step.value === read.value && step.ok !== false,
  );
  const seen = JSON.stringify(partition.values[read.value] ?? null);
  if (writes.length === 0) return [`${seen} was never written`];
  return [`${seen} was written by:`, ...writes.slice(0, 4).map((step) => `  ${describe(step)}`)];
}
