// What a page may never need of a client, in one place: whoever calls it has it from `rare.ts`, or from `rare-later.ts`, which loads it.
import { RaftkvError } from '@raftkv/wire';
import type { NodeStatus } from '@raftkv/wire';
import type { Answer } from './call.ts';
import type { UserKey } from './entry.ts';
import type { BatchOp, BatchOpResult, Condition, PutOptions, TxnResult } from './requests.ts';
import type { TxnParts } from './txn-shapes.ts';

export { scanPages } from './scan-pages.ts';
export { txnCommand, txnResult } from './txn-shapes.ts';
export { Watch } from './watch.ts';

export function expectStatus(answer: Answer): NodeStatus {
  if ('phase' in answer) return answer;
  throw new RaftkvError('bad_frame', 'the answer to a status request is something else');
}

/** One operation, under conditions. Rejects with `condition_failed` where they do not hold. */
export async function changeIf<Value, K extends UserKey>(
  commit: (parts: TxnParts<Value>) => Promise<TxnResult<Value, K>>,
  op: Exclude<BatchOp<Value>, { readonly type: 'deleteRange' }>,
  options: PutOptions,
): Promise<BatchOpResult<Value, K>> {
  const { key, type } = op;
  const { ifAbsent, ifRevision } = options;
  const conditions: Condition<Value>[] = [];
  if (ifAbsent === true) conditions.push({ key, exists: false });
  if (ifRevision !== undefined) conditions.push({ key, revision: ifRevision });
  const { succeeded, revision, results } = await commit({ if: conditions, then: [op] });
  const [result] = results;
  if (succeeded && result?.type === type) return result as BatchOpResult<Value, K>;
  const expected = ifRevision === undefined ? 'the key exists' : `the key does not have revision ${ifRevision}`;
  throw new RaftkvError('condition_failed', `${expected}, as of revision ${revision}; nothing was written`);
}
