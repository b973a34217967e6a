// From what users write of a transaction to the store's command. It reads what it is given in the turn of the call, so it is there from the beginning; what becomes
// of the result is for `txn-shapes.ts`.
import type { Compare, TxnCommand, TxnOp as StoreOp } from '@raftkv/kv';
import { RaftkvError, keyFrom, rangeFrom } from '@raftkv/wire';
import type { Encoder } from './coding.ts';
import { encodeValue } from './coding.ts';
import { batchOp } from './commands.ts';
import type { Condition, TxnOp } from './requests.ts';

export interface TxnParts<Value> {
  readonly if?: readonly Condition<Value>[];
  readonly then?: readonly TxnOp<Value>[];
  readonly else?: readonly TxnOp<Value>[];
}

export function txnCommand<Value>(codec: Encoder<Value>, parts: TxnParts<Value>): TxnCommand {
  return {
    type: 'txn',
    compare: (parts.if ?? []).map((condition) => compare(codec, condition)),
    then: (parts.then ?? []).map((op) => txnOp(codec, op)),
    otherwise: (parts.else ?? []).map((op) => txnOp(codec, op)),
  };
}

function txnOp<Value>(codec: Encoder<Value>, op: TxnOp<Value>): StoreOp {
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

function compare<Value>(codec: Encoder<Value>, condition: Condition<Value>): Compare {
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
