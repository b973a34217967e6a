// etcd's rule for transactions: no key may be put twice, or put and deleted, in one revision, on any path that could run. Deleting
// twice is harmless. The branches of one inner transaction exclude each other and may write the same keys.
import type { Key, KeyRange, TxnOp } from './command.ts';
import { rangeContains } from './key-index.ts';

interface Writes {
  readonly puts: Set<Key>;
  readonly deletedKeys: Set<Key>;
  readonly deletedRanges: KeyRange[];
}

/** Whether two operations of this list, or of what is nested in them, would write one key on a path that both are on. */
export function keysConflict(ops: readonly TxnOp[]): boolean {
  return collect(ops) === undefined;
}

/** What the list may write, or undefined if it is in conflict with itself. */
function collect(ops: readonly TxnOp[]): Writes | undefined {
  const all = noWrites();
  for (const op of ops) {
    switch (op.type) {
      case 'put':
        if (all.puts.has(op.key) || deletes(all, op.key)) return undefined;
        all.puts.add(op.key);
        break;
      case 'delete':
        if (all.puts.has(op.key)) return undefined;
        all.deletedKeys.add(op.key);
        break;
      case 'deleteRange':
        if (putsWithin(all, op.range)) return undefined;
        all.deletedRanges.push(op.range);
        break;
      case 'txn': {
        const inner = either(collect(op.then), collect(op.otherwise));
        if (inner === undefined || conflict(all, inner)) return undefined;
        absorb(all, inner);
        break;
      }
      case 'get':
      case 'scan':
        break;
    }
  }
  return all;
}

function noWrites(): Writes {
  return { puts: new Set(), deletedKeys: new Set(), deletedRanges: [] };
}

/** Only one of the two runs, so they are not held against each other. */
function either(a: Writes | undefined, b: Writes | undefined): Writes | undefined {
  if (a === undefined || b === undefined) return undefined;
  absorb(a, b);
  return a;
}

function absorb(all: Writes, more: Writes): void {
  for (const key of more.puts) all.puts.add(key);
  for (const key of more.deletedKeys) all.deletedKeys.add(key);
  for (const range of more.deletedRanges) all.deletedRanges.push(range);
}

function conflict(a: Writes, b: Writes): boolean {
  for (const key of b.puts) if (a.puts.has(key) || deletes(a, key)) return true;
  for (const key of a.puts) if (deletes(b, key)) return true;
  return false;
}

function deletes(writes: Writes, key: Key): boolean {
  return writes.deletedKeys.has(key) || writes.deletedRanges.some((range) => rangeContains(range, key));
}

function putsWithin(writes: Writes, range: KeyRange): boolean {
  for (const key of writes.puts) if (rangeContains(range, key)) return true;
  return false;
}
