// A request of the store's words, made through the interface that apps use, and its answer put back into those words, as far as the client told it.
import type { BatchOp, BatchOpResult, Condition, Entry, Kv, LiveKv, TxnOp, TxnOpResult } from '@raftkv/client';
import type { Compare, DeleteOp, DeleteRangeOp, KeyValue, PutOp } from '@raftkv/kv';
import type { RangeInput, ReadLevel } from '@raftkv/wire';
import type { Answer } from '../../checkers/history.ts';
import type { Read, Write } from './requests.ts';

export type BytesKv = Kv<Uint8Array>;

/** Rejects with what the client says. */
export async function perform(kv: BytesKv, request: Write | Read, level: ReadLevel): Promise<Answer> {
  switch (request.type) {
    case 'put':
      return { type: 'put', revision: await kv.put(request.key, request.value) };
    case 'delete': {
      const { revision, deleted } = await kv.delete(request.key);
      return { type: 'delete', revision, deleted: deleted ? 1 : 0 };
    }
    case 'deleteRange': {
      const { revision, deleted } = await kv.deleteRange(rangeOf(request.range));
      return { type: 'delete', revision, deleted };
    }
    case 'batch': {
      const { revision, results } = await kv.batch(request.ops.map(batchOp));
      return { type: 'batch', revision, results: results.map(batchResult) };
    }
    case 'txn': {
      const txn = kv.txn().if(...request.compare.map(condition));
      txn.then(...request.then.map(txnOp)).else(...request.otherwise.map(txnOp));
      const { revision, succeeded, results } = await txn.commit();
      return { type: 'txn', revision, succeeded, results: results.map(txnResult) };
    }
    case 'compact':
      await kv.compact(request.revision);
      return { type: 'compact' };
    case 'get': {
      const entry = await kv.getEntry(request.key, { level });
      return { type: 'get', entry: entry && keyValue(entry) };
    }
    case 'scan':
      return scan(kv, request, level);
  }
}

/** The same through an observer, whose user does not wait for a batch to be seen: it is shown at once, and goes to the cluster in its turn. */
export async function performBeside(
  kv: LiveKv<Uint8Array>,
  request: Write | Read,
  options: { readonly level: ReadLevel; readonly timeoutMilliseconds: number },
): Promise<Answer> {
  const { level, timeoutMilliseconds } = options;
  if (request.type !== 'batch') return perform(kv, request, level);
  const write = kv.mutate(request.ops.map(batchOp), { timeoutMilliseconds });
  const { revision, results } = await write.committed;
  return { type: 'batch', revision, results: results.map(batchResult) };
}

async function scan(kv: BytesKv, request: Extract<Read, { type: 'scan' }>, level: ReadLevel): Promise<Answer> {
  const entries: KeyValue[] = [];
  let revision = 0;
  const pages = kv.scan({ ...rangeOf(request.range), reverse: request.reverse === true, level, pageSize: 3 }).pages();
  for await (const page of pages) {
    revision = page.revision;
    entries.push(...page.entries.map(keyValue));
  }
  return { type: 'scan', revision, entries, more: false };
}

function rangeOf({ from, to }: { readonly from: string; readonly to: string | undefined }): RangeInput {
  return to === undefined ? { gte: from } : { gte: from, lt: to };
}

function keyValue({ key, value, revision, createRevision, version }: Entry<Uint8Array>): KeyValue {
  return { key, value, revision, createRevision, version };
}

function batchOp(op: PutOp | DeleteOp | DeleteRangeOp): BatchOp<Uint8Array> {
  return op.type === 'deleteRange' ? { type: 'deleteRange', range: rangeOf(op.range) } : op;
}

function batchResult(
  result: BatchOpResult<Uint8Array, string>,
): { type: 'put'; revision: number } | { type: 'delete'; revision: number; deleted: number } {
  const { revision } = result;
  return result.type === 'put' ? { type: 'put', revision } : { type: 'delete', revision, deleted: result.deleted };
}

function condition(compare: Compare): Condition<Uint8Array> {
  const { key, operator } = compare;
  switch (compare.target) {
    case 'value':
      return { key, operator, value: compare.value };
    case 'exists':
      return { key, operator, exists: compare.exists };
    case 'revision':
      return { key, operator, revision: compare.number };
    case 'createRevision':
      return { key, operator, createRevision: compare.number };
    case 'version':
      return { key, operator, version: compare.number };
  }
}

function txnOp(op: Extract<Write, { type: 'txn' }>['then'][number]): TxnOp<Uint8Array> {
  if (op.type === 'get') return { type: 'get', key: op.key };
  if (op.type === 'put' || op.type === 'delete' || op.type === 'deleteRange') return batchOp(op);
  throw new Error(`the simulated clients ask for no ${op.type} in a transaction`);
}

function txnResult(
  result: TxnOpResult<Uint8Array, string>,
): { type: 'get'; entry: KeyValue | undefined } | ReturnType<typeof batchResult> {
  if (result.type === 'get') return { type: 'get', entry: result.entry && keyValue(result.entry) };
  if (result.type === 'put' || result.type === 'delete') return batchResult(result);
  throw new Error(`a transaction was answered with a ${result.type} that nobody asked for`);
}
