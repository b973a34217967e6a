// Linearizability of the whole store with whatever a run can tell: by its log, else by the revisions in answers, else by searching, key by
// key where no operation spans keys. The one door for whoever has operations and wants a verdict.
import type { TxnCommand } from '@raftkv/kv';
import { checkLinearizability as checkByKey } from '../linearizability/checker.ts';
import type { Operation } from '../linearizability/history.ts';
import { describe } from './agree.ts';
import type { ClientOperation } from './history.ts';
import { checkLinearizableByLog } from './linearizable-log.ts';
import type { LogTruth } from './log-truth.ts';
import { checkLinearizableByRevision, tellsRevisions } from './revision-order.ts';
import { holds } from './verdict.ts';
import type { Verdict } from './verdict.ts';
import { searchWholeStore } from './whole-store-search.ts';

export function checkLinearizable(operations: readonly ClientOperation[], log?: LogTruth): Verdict {
  if (log !== undefined) return checkLinearizableByLog(operations, log);
  if (tellsRevisions(operations)) return checkLinearizableByRevision(operations);
  const byKey = registersOf(operations);
  if (byKey === undefined) return searchWholeStore(operations);
  const { verdict, explanation } = checkByKey(byKey);
  return verdict === 'linearizable' ? holds('linearizability') : { verdict, promise: 'linearizability', explanation };
}

/** As operations on registers, if all of them are that and tell no more than a register does. */
function registersOf(operations: readonly ClientOperation[]): Operation[] | undefined {
  const found = operations
    .filter(({ outcome, level }) => outcome !== 'refused' && (level ?? 'linearizable') === 'linearizable')
    .map(registerOf);
  return found.includes(undefined) ? undefined : (found as Operation[]);
}

function registerOf({ request, answer, call, ret, outcome }: ClientOperation, c: number): Operation | undefined {
  const when: When = { c, call, ret: outcome === 'answered' ? ret : null };
  if (request.type === 'put') return { ...when, op: 'put', k: request.key, v: describe(request.value) };
  if (request.type === 'delete') {
    const deleted = answer?.type === 'delete' ? answer.deleted : undefined;
    return { ...when, op: 'del', k: request.key, ...(deleted === undefined ? {} : { ok: deleted > 0 }) };
  }
  if (request.type === 'txn') return casOf(request, answer, when);
  if (request.type !== 'get' || (request.revision ?? 0) !== 0) return undefined;
  const entry = answer?.type === 'get' ? answer.entry : undefined;
  if (entry !== undefined && (entry.value === undefined || Object.keys(entry).length > 1)) return undefined;
  return { ...when, op: 'get', k: request.key, out: entry === undefined ? null : describe(entry.value) };
}

type When = Pick<Operation, 'c' | 'call' | 'ret'>;

/** If a key has a value then it gets another one, and else nothing. */
function casOf(
  { compare, then, otherwise }: TxnCommand,
  answer: ClientOperation['answer'],
  when: When,
): Operation | undefined {
  const [[condition], [put]] = [compare, then];
  const isCas = compare.length === 1 && then.length === 1 && otherwise.length === 0 && condition!.range === undefined;
  if (!isCas || put!.type !== 'put' || put!.key !== condition!.key || put!.returnPrevious === true) return undefined;
  if (condition!.target !== 'value' || condition!.operator !== 'equal') return undefined;
  if (answer?.type === 'txn' && answer.results !== undefined) return undefined;
  const told = answer?.type === 'txn' && answer.succeeded !== undefined ? { ok: answer.succeeded } : {};
  return { ...when, op: 'cas', k: put!.key, old: describe(condition!.value), v: describe(put!.value), ...told };
}
