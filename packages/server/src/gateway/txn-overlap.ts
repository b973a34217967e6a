// etcd's rule about writes that overlap inside one transaction: no key is put twice on one path through it, and no
// put lies in a range that the same path deletes. The two branches of a nested transaction exclude each other.
import type { Key, KeyRange } from '@raftkv/kv';
import { refusals } from './refusal.ts';
import type { TxnRequest, TxnStep } from './txn.ts';

/** Throws the refusal `duplicate key given in txn request`. */
export function refuseOverlaps(request: TxnRequest): void {
  collectWrites(request.success);
  collectWrites(request.failure);
}

interface Writes {
  readonly puts: Set<Key>;
  readonly deletes: readonly KeyRange[];
}

function collectWrites(steps: readonly TxnStep[]): Writes {
  const deletes: KeyRange[] = [];
  for (const step of steps) {
    if (step.type === 'delete')
      deletes.push(step.delete.range ?? { from: step.delete.key, to: `${step.delete.key}\0` });
  }
  const puts = new Set<Key>();
  for (const step of steps) {
    if (step.type === 'txn') collectNested(step.txn, puts, deletes);
  }
  for (const step of steps) {
    if (step.type !== 'put') continue;
    const { key } = step.put.op;
    if (puts.has(key) || isDeleted(key, deletes)) throw refusals.duplicateKey();
    puts.add(key);
  }
  return { puts, deletes };
}

function collectNested(txn: TxnRequest, puts: Set<Key>, deletes: KeyRange[]): void {
  const success = collectWrites(txn.success);
  const failure = collectWrites(txn.failure);
  for (const key of success.puts) {
    if (puts.has(key) || isDeleted(key, deletes)) throw refusals.duplicateKey();
  }
  for (const key of failure.puts) {
    if (puts.has(key) || isDeleted(key, deletes)) throw refusals.duplicateKey();
  }
  for (const key of success.puts) puts.add(key);
  for (const key of failure.puts) puts.add(key);
  deletes.push(...success.deletes, ...failure.deletes);
}

function isDeleted(key: Key, deletes: readonly KeyRange[]): boolean {
  return deletes.some((range) => key >= range.from && (range.to === undefined || key < range.to));
}
