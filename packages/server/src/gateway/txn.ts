// TxnRequest: reading one into a tree, the command that it becomes, and the walk over command and result side by side
// that writes the answer. That writes of one transaction must not overlap is the state machine's rule.
import type { Compare, CompareOperator, Key, KeyRange, TxnCommand, TxnOp, TxnResult } from '@raftkv/kv';
import {
  bytesField,
  countField,
  enumField,
  fieldName,
  keyField,
  listField,
  messageField,
  asMessage,
} from './fields.ts';
import { innerHeader, listPiece, objectOf, truePiece } from './format.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { formatRange, keyRange, names, rangeOp, readRange } from './range.ts';
import type { RangeRequest } from './range.ts';
import { refusals } from './refusal.ts';
import { formatDelete, formatPut, readDelete, readPut } from './write.ts';
import type { DeleteRequest, PutRequest } from './write.ts';

/** etcd's default for operations in one list, less those of the lists around it. */
const maxTxnOps = 128;
/** The state machine's limit on nesting. */
const maxTxnDepth = 8;

const txnNames = {
  compare: fieldName('compare'),
  success: fieldName('success'),
  failure: fieldName('failure'),
  put: fieldName('request_put'),
  range: fieldName('request_range'),
  delete: fieldName('request_delete_range'),
  txn: fieldName('request_txn'),
  target: fieldName('target'),
  result: fieldName('result'),
  version: fieldName('version'),
  createRevision: fieldName('create_revision'),
  modRevision: fieldName('mod_revision'),
  value: fieldName('value'),
  lease: fieldName('lease'),
} as const;

const compareTargetType = {
  goName: 'etcdserverpb.Compare_CompareTarget',
  names: ['VERSION', 'CREATE', 'MOD', 'VALUE', 'LEASE'],
};
const byValue = 3;
const byLease = 4;
const compareResultType = {
  goName: 'etcdserverpb.Compare_CompareResult',
  names: ['EQUAL', 'GREATER', 'LESS', 'NOT_EQUAL'],
};
const operators: readonly CompareOperator[] = ['equal', 'greater', 'less', 'notEqual'];

export type TxnStep =
  | { readonly type: 'put'; readonly put: PutRequest }
  | { readonly type: 'range'; readonly range: RangeRequest }
  | { readonly type: 'delete'; readonly delete: DeleteRequest }
  | { readonly type: 'txn'; readonly txn: TxnRequest };

export interface TxnRequest {
  readonly compare: readonly Compare[];
  readonly success: readonly TxnStep[];
  readonly failure: readonly TxnStep[];
}

/** Throws a refusal on anything malformed. */
export function readTxn(message: JsonObject, opsLeft = maxTxnOps, depth = 1): TxnRequest {
  if (depth > maxTxnDepth) throw refusals.tooManyOps();
  const compare = listField(message, txnNames.compare);
  const success = listField(message, txnNames.success);
  const failure = listField(message, txnNames.failure);
  const ops = Math.max(compare.length, success.length, failure.length);
  if (ops > opsLeft) throw refusals.tooManyOps();
  const readOne = (step: JsonValue): TxnStep => readStep(step, opsLeft - ops, depth);
  return {
    compare: compare.map((one) => readCompare(asMessage(one) ?? {})).filter((one) => one !== undefined),
    success: success.map(readOne),
    failure: failure.map(readOne),
  };
}

export function txnCommand(request: TxnRequest): TxnCommand {
  return {
    type: 'txn',
    compare: request.compare,
    then: request.success.map(stepOp),
    otherwise: request.failure.map(stepOp),
  };
}

/** Calls `visit` for every put of every branch. */
export function eachPut(request: TxnRequest, visit: (put: PutRequest) => void): void {
  for (const step of [...request.success, ...request.failure]) {
    if (step.type === 'put') visit(step.put);
    else if (step.type === 'txn') eachPut(step.txn, visit);
  }
}

/** A TxnResponse. `header` is the ready piece of the outermost one. */
export function formatTxn(request: TxnRequest, result: TxnResult, header: string): string {
  const changed = countChanges(result) > 0;
  return formatBranch(request, result, header, { before: result.revision - (changed ? 1 : 0), hasChanged: false });
}

/** Inner headers show the revision as of their step: the new one from the first change on. */
interface TxnProgress {
  readonly before: number;
  hasChanged: boolean;
}

function formatBranch(request: TxnRequest, result: TxnResult, header: string, progress: TxnProgress): string {
  const steps = result.succeeded ? request.success : request.failure;
  const responses = steps.map((step, index) => formatStep(step, result.results[index], progress));
  return objectOf(header, truePiece('succeeded', result.succeeded), listPiece('responses', responses));
}

function formatStep(step: TxnStep, result: TxnResult['results'][number] | undefined, progress: TxnProgress): string {
  if (step.type === 'txn' && result?.type === 'txn') {
    return `{"response_txn":${formatBranch(step.txn, result, '"header":{}', progress)}}`;
  }
  if (result?.type === 'put' || (result?.type === 'delete' && result.deleted > 0)) progress.hasChanged = true;
  const header = innerHeader(progress.before + (progress.hasChanged ? 1 : 0));
  if (step.type === 'put' && result?.type === 'put') return `{"response_put":${formatPut(header, result)}}`;
  if (step.type === 'delete' && result?.type === 'delete') {
    return `{"response_delete_range":${formatDelete(header, result)}}`;
  }
  if (step.type === 'range' && result?.type === 'get') {
    const entries = result.entry === undefined ? [] : [result.entry];
    return `{"response_range":${formatRange(step.range, header, { entries, count: entries.length })}}`;
  }
  if (step.type === 'range' && result?.type === 'scan') {
    const { entries, count = entries.length, more } = result;
    return `{"response_range":${formatRange(step.range, header, { entries, count, more })}}`;
  }
  throw new Error(`a txn step of type ${step.type} was answered with ${result?.type ?? 'nothing'}`);
}

function countChanges(result: TxnResult): number {
  let changes = 0;
  for (const one of result.results) {
    if (one.type === 'put') changes += 1;
    else if (one.type === 'delete') changes += one.deleted;
    else if (one.type === 'txn') changes += countChanges(one);
  }
  return changes;
}

function stepOp(step: TxnStep): TxnOp {
  switch (step.type) {
    case 'put':
      return step.put.op;
    case 'range':
      return rangeOp(step.range);
    case 'delete':
      return step.delete.op;
    case 'txn':
      return txnCommand(step.txn);
  }
}

function readStep(value: JsonValue, opsLeft: number, depth: number): TxnStep {
  const message = asMessage(value) ?? {};
  const put = messageField(message, txnNames.put);
  if (put !== undefined) return { type: 'put', put: readPut(put) };
  const range = messageField(message, txnNames.range);
  if (range !== undefined) return { type: 'range', range: readRange(range) };
  const remove = messageField(message, txnNames.delete);
  if (remove !== undefined) return { type: 'delete', delete: readDelete(remove) };
  const txn = messageField(message, txnNames.txn);
  if (txn !== undefined) return { type: 'txn', txn: readTxn(txn, opsLeft, depth + 1) };
  throw refusals.keyNotFound();
}

/** Undefined: it always holds. */
function readCompare(message: JsonObject): Compare | undefined {
  const key: Key = keyField(message, names.key);
  const range = keyRange(key, keyField(message, names.rangeEnd));
  const target = enumField(message, txnNames.target, compareTargetType);
  const result = enumField(message, txnNames.result, compareResultType);
  const numbers = [
    countField(message, txnNames.version),
    countField(message, txnNames.createRevision),
    countField(message, txnNames.modRevision),
    0,
    countField(message, txnNames.lease),
  ];
  const value = bytesField(message, txnNames.value) ?? new Uint8Array(0);
  if (key === '') throw refusals.keyMissing();
  const operator = operators[result];
  const number = numbers[target];
  // An operator or target that etcd does not know leaves its comparison at "equal, and so true"; but a missing key's value never compares.
  if (operator === undefined) return target === byValue ? existing(key, range) : undefined;
  if (number === undefined) return operator === 'equal' ? undefined : never(key);
  const where = range === undefined ? { key, operator } : { key, range, operator };
  if (target === byValue) return { ...where, target: 'value', value };
  // No key has a lease yet, so that a comparison of leases is one of 0 with the number; and no counter is negative.
  if (target === byLease || number < 0) return holds(0, operator, number) ? undefined : never(key);
  return { ...where, target: target === 0 ? 'version' : target === 1 ? 'createRevision' : 'revision', number };
}

function holds(left: number, operator: CompareOperator, right: number): boolean {
  switch (operator) {
    case 'equal':
      return left === right;
    case 'notEqual':
      return left !== right;
    case 'greater':
      return left > right;
    case 'less':
      return left < right;
  }
}

function existing(key: Key, range: KeyRange | undefined): Compare {
  const condition = { operator: 'equal', target: 'exists', exists: true } as const;
  return range === undefined ? { key, ...condition } : { key, range, ...condition };
}

/** A condition that nothing satisfies. */
function never(key: Key): Compare {
  return { key, operator: 'less', target: 'version', number: 0 };
}
