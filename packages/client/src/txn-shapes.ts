// From the store's result of a transaction to what users get. A page may never need it: it is had from `rare.ts`, which in a page's production build loads it.
import type {
  TxnCommand,
  TxnOp as StoreOp,
  TxnOpResult as StoreOpResult,
  TxnResult as StoreTxnResult,
} from '@raftkv/kv';
import { RaftkvError } from '@raftkv/wire';
import { expectType } from './answers.ts';
import type { Answer } from './call.ts';
import { batchOpResult } from './commands.ts';
import type { UserKey, View } from './entry.ts';
import { toEntry, toOptionalEntry } from './entry.ts';
import { toKeyEntry } from './rare-entry.ts';
import type { TxnOpResult, TxnResult } from './requests.ts';

export function txnAnswer<Value, K extends UserKey>(
  view: View<Value, K>,
  command: TxnCommand,
  answer: Answer,
): TxnResult<Value, K> {
  return txnResult(view, command, expectType(answer, 'txn'));
}

/** `ops`: those of the branch that was carried out, to know which scans left the values out. */
function txnResult<Value, K extends UserKey>(
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
