// From what users write to the store's commands, and from its results to what users get. Only shapes: nothing here sends.
import type {
  BatchCommand,
  Compare,
  DeleteOp,
  DeleteRangeOp,
  DeleteResult,
  PutOp,
  PutResult,
  TxnCommand,
  TxnOp as StoreOp,
  TxnOpResult as StoreOpResult,
  TxnResult as StoreTxnResult,
} from '@raftkv/kv';
import { RaftkvError, keyFrom, rangeFrom } from '@raftkv/wire';
import type { Codec } from './codec.ts';
import { encodeValue } from './coding.ts';
import type { UserKey, View } from './entry.ts';
import { toEntry, toKeyEntry, toOptionalEntry } from './entry.ts';
import type { BatchOp, BatchOpResult, Condition, TxnOp, TxnOpResult, TxnResult } from './requests.ts';

export function batchCommand<Value>(codec: Codec<Value>, ops: readonly BatchOp<Value>[]): BatchCommand {
  return { type: 'batch', ops: ops.map((op) => batchOp(codec, op)) };
}

/** One of a batch, or a write by itself. */
export function batchOp<Value>(codec: Codec<Value>, op: BatchOp<Value>): PutOp | DeleteOp | DeleteRangeOp {
  const { returnPrevious } = op;
  switch (op.type) {
    case 'put':
      return { type: 'put', key: keyFrom(op.key), value: encodeValue(codec, op.value), returnPrevious };
    case 'delete':
      return { type: 'delete', key: keyFrom(op.key), returnPrevious };
    case 'deleteRange':
      return { type: 'deleteRange', range: rangeFrom(op.range), returnPrevious };
    default:
      throw new RaftkvError('invalid_argument', `there is no operation ${String((op as { type: unknown }).type)}`);
  }
}

export interface TxnParts<Value> {
  readonly if?: readonly Condition<Value>[];
  readonly then?: readonly TxnOp<Value>[];
  readonly else?: readonly TxnOp<Value>[];
}

export function txnCommand<Value>(codec: Codec<Value>, parts: TxnParts<Value>): TxnCommand {
  return {
    type: 'txn',
    compare: (parts.if ?? []).map((condition) => compare(codec, condition)),
    then: (parts.then ?? []).map((op) => txnOp(codec, op)),
    otherwise: (parts.else ?? []).map((op) => txnOp(codec, op)),
  };
}

function txnOp<Value>(codec: Codec<Value>, op: TxnOp<Value>): StoreOp {
  switch (op.type) {
    case 'get':
      return { type: 'get', key: keyFrom(op.key), revision: op.revision };
    case 'scan': {
      const { limit, reverse, keysOnly } = op;
      return { type: 'scan', range: rangeFrom(op.range), limit, reverse, keysOnly };
    }
    case 'txn':
      return txnCommand(codec, op);
    default:
      return batchOp(codec, op);
  }
}

function compare<Value>(codec: Codec<Value>, condition: Condition<Value>): Compare {
  const range = 'range' in condition ? rangeFrom(condition.range) : undefined;
  const key = 'key' in condition ? keyFrom(condition.key) : '';
  const head = { key, range, operator: condition.operator ?? 'equal' };
  if ('value' in condition) return { ...head, target: 'value', value: encodeValue(codec, condition.value) };
  for (const target of ['revision', 'createRevision', 'version'] as const) {
    const number = (condition as { readonly [Target in typeof target]?: number })[target];
    if (number !== undefined) return { ...head, target, number };
  }
  if ('exists' in condition) return { ...head, target: 'exists', exists: condition.exists };
  throw new RaftkvError('invalid_argument', 'a condition compares value, revision, createRevision, version or exists');
}

export function batchOpResult<Value, K extends UserKey>(
  view: View<Value, K>,
  result: PutResult | DeleteResult,
): BatchOpResult<Value, K> {
  if (result.type === 'put') {
    return { type: 'put', revision: result.revision, previous: toOptionalEntry(view, result.previous) };
  }
  const previous = (result.previous ?? []).map((entry) => toEntry(view, entry));
  return { type: 'delete', deleted: result.deleted, revision: result.revision, previous };
}

/** `ops`: those of the branch that was carried out, to know which scans left the values out. */
export function txnResult<Value, K extends UserKey>(
  view: View<Value, K>,
  command: TxnCommand,
  result: StoreTxnResult,
): TxnResult<Value, K> {
  const ops = result.succeeded ? command.then : command.otherwise;
  return {
    succeeded: result.succeeded,
    revision: result.revision,
    results: result.results.map((each, i) => txnOpResult(view, ops[i], each)),
  };
}

function txnOpResult<Value, K extends UserKey>(
  view: View<Value, K>,
  op: StoreOp | undefined,
  result: StoreOpResult,
): TxnOpResult<Value, K> {
  switch (result.type) {
    case 'get':
      return { type: 'get', entry: toOptionalEntry(view, result.entry) };
    case 'scan': {
      const convert = op?.type === 'scan' && op.keysOnly === true ? toKeyEntry : toEntry;
      return { type: 'scan', entries: result.entries.map((entry) => convert(view, entry)), more: result.more };
    }
    case 'txn':
      if (op?.type !== 'txn') throw new RaftkvError('bad_frame', 'a result that does not belong to its operation');
      return { type: 'txn', ...txnResult(view, op, result) };
    default:
      return batchOpResult(view, result);
  }
}
