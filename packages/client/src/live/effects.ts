// What an own write will do, key by key: what is shown of it before it is committed.
import type { Key, KeyRange } from '@raftkv/kv';
import { RaftkvError, rangeFrom } from '@raftkv/wire';
import type { Limits } from '@raftkv/wire';
import { checkedKey } from '../checks.ts';
import type { BatchOp } from '../requests.ts';
import type { PendingOp } from './overlay.ts';

/** `keysIn`: the keys that a deleteRange finds now. Throws for a key that is none, and `duplicate_key` as the store would. */
export function effectsOf<Value>(
  ops: readonly BatchOp<Value>[],
  { limits, keysIn }: { readonly limits: Limits; readonly keysIn: (range: KeyRange) => readonly Key[] },
): PendingOp<Value>[] {
  const effects = new Map<Key, PendingOp<Value>>();
  const named = new Set<Key>();
  for (const op of ops) {
    if (op.type === 'deleteRange') {
      for (const key of keysIn(rangeFrom(op.range))) effects.set(key, { key, type: 'delete', value: undefined });
      continue;
    }
    const key = checkedKey(op.key, limits);
    if (named.has(key)) throw new RaftkvError('duplicate_key', 'a batch names a key twice');
    named.add(key);
    effects.set(key, { key, type: op.type, value: op.type === 'put' ? op.value : undefined });
  }
  return [...effects.values()];
}
