// The conditions of a transaction, judged on the state before it. etcd's rules for what is missing hold here to the letter,
// since programs written for it rely on them.
import type { Compare, CompareOperator, KeyValue } from './command.ts';
import type { Keyspace } from './keyspace.ts';
import { unreachable } from './assert.ts';
import { stop } from './key-index.ts';

/** Whether the condition holds now: on its key, or on every existing key of its range. */
export function compareHolds(keyspace: Keyspace, compare: Compare): boolean {
  if (compare.range === undefined) return entryHolds(compare, keyspace.index.find(compare.key)?.newest.entry);
  let any = false;
  let holds = true;
  keyspace.index.walkForward(compare.range, (_key, { newest: { entry } }) => {
    if (entry === undefined) return undefined;
    any = true;
    holds = entryHolds(compare, entry);
    return holds ? undefined : stop;
  });
  // A range without keys is judged as one missing key, as in etcd.
  return any ? holds : entryHolds(compare, undefined);
}

function entryHolds(compare: Compare, entry: KeyValue | undefined): boolean {
  switch (compare.target) {
    case 'value':
      // A missing value is neither equal to any value nor different from it.
      return entry !== undefined && ordered(compareBytes(entry.value, compare.value), compare.operator);
    case 'revision':
      return ordered((entry?.revision ?? 0) - compare.number, compare.operator);
    case 'createRevision':
      return ordered((entry?.createRevision ?? 0) - compare.number, compare.operator);
    case 'version':
      return ordered((entry?.version ?? 0) - compare.number, compare.operator);
    case 'exists':
      return ((entry !== undefined) === compare.exists) === (compare.operator === 'equal');
    default:
      return unreachable(compare);
  }
}

function ordered(difference: number, operator: CompareOperator): boolean {
  switch (operator) {
    case 'equal':
      return difference === 0;
    case 'notEqual':
      return difference !== 0;
    case 'greater':
      return difference > 0;
    case 'less':
      return difference < 0;
    default:
      return unreachable(operator);
  }
}

/** Negative, zero or positive as `a` lies before, at or after `b` in byte order. */
function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
