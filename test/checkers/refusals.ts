// Which writes must be refused for what they ask: a revision that is forgotten or yet to come, one key written twice in one revision. A plain
// model beside truth.ts, which carries out what is not refused. Only `log-truth.ts` calls it.
import type { CommandErrorCode, Key, KeyRange, TxnOp } from '@raftkv/kv';
import { contains } from './agree.ts';
import type { Write } from './history.ts';
import type { Truth } from './truth.ts';

/** How far history reached when the command came. */
export interface History {
  readonly revision: number;
  readonly compactedRevision: number;
}

/** Undefined: it is to be carried out. */
export function refusalOf(command: Write, truth: Truth, history: History): CommandErrorCode | undefined {
  switch (command.type) {
    case 'compact':
      if (command.revision <= history.compactedRevision) return 'compacted';
      return command.revision > history.revision ? 'future_revision' : undefined;
    case 'batch':
      return deletesTwice(command.ops) || clashes(command.ops) ? 'duplicate_key' : undefined;
    case 'txn':
      if (clashes(command.then) || clashes(command.otherwise)) return 'duplicate_key';
      return refusedRead(truth.path(command), history);
    default:
      return undefined;
  }
}

/** Of the reads on the path that is taken the first that cannot be answered. */
function refusedRead(path: readonly TxnOp[], history: History): CommandErrorCode | undefined {
  for (const op of path) {
    if ((op.type !== 'get' && op.type !== 'scan') || op.revision === undefined || op.revision === 0) continue;
    if (op.revision > history.revision) return 'future_revision';
    if (op.revision < history.compactedRevision) return 'compacted';
  }
  return undefined;
}

/** A batch may not name one key twice, not even to delete it. */
function deletesTwice(ops: readonly TxnOp[]): boolean {
  const keys = ops.flatMap((op) => (op.type === 'delete' ? [op.key] : []));
  return new Set(keys).size < keys.length;
}

type Written = { readonly puts: Key[]; readonly deletes: KeyRange[] };

/** Whether on some path through these one key is put twice, or put and deleted: every path is tried. */
function clashes(ops: readonly TxnOp[]): boolean {
  return pathsOf(ops).some(({ puts, deletes }) => {
    if (new Set(puts).size < puts.length) return true;
    return puts.some((key) => deletes.some((range) => contains(range, key)));
  });
}

function pathsOf(ops: readonly TxnOp[]): Written[] {
  let paths: Written[] = [{ puts: [], deletes: [] }];
  for (const op of ops) {
    const steps = stepsOf(op);
    paths = paths.flatMap((path) =>
      steps.map(({ puts, deletes }) => ({ puts: [...path.puts, ...puts], deletes: [...path.deletes, ...deletes] })),
    );
  }
  return paths;
}

function stepsOf(op: TxnOp): Written[] {
  switch (op.type) {
    case 'put':
      return [{ puts: [op.key], deletes: [] }];
    case 'delete':
      return [{ puts: [], deletes: [{ from: op.key, to: `${op.key}\0` }] }];
    case 'deleteRange':
      return [{ puts: [], deletes: [op.range] }];
    case 'txn':
      return [...pathsOf(op.then), ...pathsOf(op.otherwise)];
    default:
      return [{ puts: [], deletes: [] }];
  }
}
