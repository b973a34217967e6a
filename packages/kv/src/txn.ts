// Carrying out writes, alone, in batches and in transactions, within the keyspace's open revision. The store has checked the
// command's structure and closes the revision afterwards; nothing here fails once the first key is written.
import type {
  BatchCommand,
  BatchResult,
  CommandError,
  DeleteOp,
  DeleteRangeOp,
  DeleteResult,
  GetOp,
  KeyValue,
  PutOp,
  PutResult,
  ScanOp,
  TxnCommand,
  TxnOp,
  TxnOpResult,
  TxnResult,
} from './command.ts';
import type { Keyspace } from './keyspace.ts';
import { unreachable } from './assert.ts';
import { compareHolds } from './compare.ts';
import { readKey, readRange, refuseRead } from './read.ts';

export function runPut(keyspace: Keyspace, op: PutOp): PutResult {
  const previous = keyspace.put(op.key, op.value);
  const revision = keyspace.openRevision;
  if (op.returnPrevious === true && previous !== undefined) return { type: 'put', revision, previous };
  return { type: 'put', revision };
}

export function runDelete(keyspace: Keyspace, op: DeleteOp): DeleteResult {
  const previous = keyspace.delete(op.key);
  const deleted = previous === undefined ? 0 : 1;
  const revision = keyspace.openRevision;
  if (op.returnPrevious !== true) return { type: 'delete', revision, deleted };
  return { type: 'delete', revision, deleted, previous: previous === undefined ? [] : [previous] };
}

export function runDeleteRange(keyspace: Keyspace, op: DeleteRangeOp): DeleteResult {
  const previous: readonly KeyValue[] = keyspace.deleteRange(op.range);
  const deleted = previous.length;
  const revision = keyspace.openRevision;
  if (op.returnPrevious !== true) return { type: 'delete', revision, deleted };
  return { type: 'delete', revision, deleted, previous };
}

export function runBatch(keyspace: Keyspace, command: BatchCommand): BatchResult {
  const results = command.ops.map((op) => runWrite(keyspace, op));
  return { type: 'batch', revision: keyspace.openRevision, results };
}

function runWrite(keyspace: Keyspace, op: PutOp | DeleteOp | DeleteRangeOp): PutResult | DeleteResult {
  switch (op.type) {
    case 'put':
      return runPut(keyspace, op);
    case 'delete':
      return runDelete(keyspace, op);
    case 'deleteRange':
      return runDeleteRange(keyspace, op);
    default:
      return unreachable(op);
  }
}

/** The branches that will run, decided before any of them does. */
interface Plan {
  readonly type: 'plan';
  readonly succeeded: boolean;
  readonly steps: readonly (GetOp | ScanOp | PutOp | DeleteOp | DeleteRangeOp | Plan)[];
}

/**
 * All conditions, of inner transactions too, are judged on the state before the first write, as in etcd. So the path is known beforehand, and with
 * it every read that could fail: one at a compacted or future revision refuses the whole transaction before it has changed anything.
 */
export function runTxn(keyspace: Keyspace, command: TxnCommand): TxnResult | CommandError {
  const plan = planTxn(keyspace, command);
  return refusePlan(keyspace, plan) ?? runPlan(keyspace, plan);
}

function planTxn(keyspace: Keyspace, command: TxnCommand): Plan {
  const succeeded = command.compare.every((compare) => compareHolds(keyspace, compare));
  const ops: readonly TxnOp[] = succeeded ? command.then : command.otherwise;
  const steps = ops.map((op) => (op.type === 'txn' ? planTxn(keyspace, op) : op));
  return { type: 'plan', succeeded, steps };
}

function refusePlan(keyspace: Keyspace, plan: Plan): CommandError | undefined {
  for (const step of plan.steps) {
    let refusal: CommandError | undefined;
    if (step.type === 'plan') refusal = refusePlan(keyspace, step);
    else if (step.type === 'get' || step.type === 'scan') refusal = refuseRead(keyspace, step.revision);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function runPlan(keyspace: Keyspace, plan: Plan): TxnResult {
  const results = plan.steps.map((step): TxnOpResult => {
    switch (step.type) {
      case 'plan':
        return runPlan(keyspace, step);
      case 'get':
        return readKey(keyspace, step.key, step.revision);
      case 'scan':
        return readRange(keyspace, step.range, step);
      default:
        return runWrite(keyspace, step);
    }
  });
  return { type: 'txn', revision: keyspace.openRevision, succeeded: plan.succeeded, results };
}
