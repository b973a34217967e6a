// From what users write of a transaction to the store's command, and from its result to what users get. A page may never need it: it is had from `rare.ts`,
// which in a page's production build loads it; the outbox has it from the package's entry of this name.
import type {
  Compare,
  TxnCommand,
  TxnOp as StoreOp,
  TxnOpResult as StoreOpResult,
  TxnResult as StoreTxnResult,
} from '@raftkv/kv';
import { RaftkvError, keyFrom, rangeFrom } from '@raftkv/wire';
import type { Codec } from './codec.ts';
import { encodeValue } from './coding.ts';
import { batchOp, batchOpResult } from './commands.ts';
import type { UserKey, View } from './entry.ts';
import { toEntry, toOptionalEntry } from './entry.ts';
import { toKeyEntry } from './rare-entry.ts';
import type { Condition, TxnOp, TxnOpResult, TxnResult } from './requests.ts';

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
