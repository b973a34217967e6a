// From what users write to the store's commands, and from its results to what users get. Only shapes: nothing here sends. Those of transactions are in
// `txn-command.ts` and `txn-shapes.ts`.
import type { BatchCommand, DeleteOp, DeleteRangeOp, DeleteResult, PutOp, PutResult } from '@raftkv/kv';
import { RaftkvError, keyFrom, rangeFrom } from '@raftkv/wire';
import type { Encoder } from './coding.ts';
import { encodeValue } from './coding.ts';
import type { UserKey, View } from './entry.ts';
import { toEntry, toOptionalEntry } from './entry.ts';
import type { BatchOp, BatchOpResult } from './requests.ts';

export function batchCommand<Value>(codec: Encoder<Value>, ops: readonly BatchOp<Value>[]): BatchCommand {
  return { type: 'batch', ops: ops.map((op) => batchOp(codec, op)) };
}

/** One of a batch, or a write by itself. */
export function batchOp<Value>(codec: Encoder<Value>, op: BatchOp<Value>): PutOp | DeleteOp | DeleteRangeOp {
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
