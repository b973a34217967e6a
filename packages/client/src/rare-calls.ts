// What a page may never need of a client, in one place: whoever calls it has it from `rare.ts`, or from `rare-later.ts`, which loads it.
import { RaftkvError } from '@raftkv/wire';
import type { NodeStatus } from '@raftkv/wire';
import type { Answer } from './call.ts';
import type { CallOptions } from './dispatcher.ts';
import type { UserKey } from './entry.ts';
import type { BatchOpResult, TxnResult } from './requests.ts';
import type { Asker } from './scan-pages.ts';

export { countKeys, scanPages } from './scan-pages.ts';
export { txnAnswer } from './txn-shapes.ts';
export { Watch } from './watch.ts';

export function askStatus(asker: Asker, options: CallOptions): Promise<NodeStatus> {
  return asker.ask('read', () => ({ type: 'status', id: 0 }), options, expectStatus);
}

/** What became of the one operation of a transaction. Throws `condition_failed` where the conditions did not hold. */
export function changedIf<Value, K extends UserKey>(
  { succeeded, revision, results: [result] }: TxnResult<Value, K>,
  type: 'put' | 'delete',
  ifRevision: number | undefined,
): BatchOpResult<Value, K> {
  if (succeeded && result?.type === type) return result as BatchOpResult<Value, K>;
  const expected = ifRevision === undefined ? 'the key exists' : `the key does not have revision ${ifRevision}`;
  throw new RaftkvError('condition_failed', `${expected}, as of revision ${revision}; nothing was written`);
}

function expectStatus(answer: Answer): NodeStatus {
  if ('phase' in answer) return answer;
  throw new RaftkvError('bad_frame', 'the answer to a status request is something else');
}
