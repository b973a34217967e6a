// Own writes that are shown before they are committed, laid over the copy key by key. One is taken off when the copy has come to the
// revision at which it was committed (not when its answer arrives: in between the old value would flicker up), or at once when it was refused.
import type { Key, KeyRange } from '@raftkv/kv';
import type { Entry, UserKey } from '../entry.ts';
import type { LiveEntry } from '../live.ts';

/** What one own write does to one key. */
export interface PendingOp<Value> {
  readonly key: Key;
  readonly type: 'put' | 'delete';
  readonly value: Value | undefined;
}

export interface PendingWrite<Value> {
  /** A key at most once; what comes later in the write has been merged. */
  readonly ops: readonly PendingOp<Value>[];
  /** 0 until it is committed. */
  revision: number;
}

interface Shown<Value, K extends UserKey> {
  readonly op: PendingOp<Value>;
  /** The row it makes of `base`, kept so that it stays the same object. */
  row: LiveEntry<Value, K> | undefined;
  base: Entry<Value, K> | undefined;
}

export class Overlay<Value, K extends UserKey> {
  readonly #toUserKey: (key: Key) => K;
  /** In the order of the writes; the last one shows. */
  readonly #byKey = new Map<Key, Shown<Value, K>[]>();
  readonly #writes = new Set<PendingWrite<Value>>();

  constructor(toUserKey: (key: Key) => K) {
    this.#toUserKey = toUserKey;
  }

  add(write: PendingWrite<Value>): readonly Key[] {
    this.#writes.add(write);
    for (const op of write.ops) {
      const shown = this.#byKey.get(op.key);
      const mine = { op, row: undefined, base: undefined };
      if (shown === undefined) this.#byKey.set(op.key, [mine]);
      else shown.push(mine);
    }
    return keysOf(write);
  }

  /** Answers the keys that show something else now; none if it was taken off before. */
  remove(write: PendingWrite<Value>): readonly Key[] {
    if (!this.#writes.delete(write)) return [];
    for (const op of write.ops) {
      const left = this.#byKey.get(op.key)!.filter((shown) => shown.op !== op);
      if (left.length === 0) this.#byKey.delete(op.key);
      else this.#byKey.set(op.key, left);
    }
    return keysOf(write);
  }

  /** The copy stands at `revision`: takes off what it holds by now. Answers their keys. */
  retire(revision: number): readonly Key[] {
    if (this.#writes.size === 0) return [];
    const keys: Key[] = [];
    for (const write of [...this.#writes]) {
      if (write.revision === 0 || write.revision > revision) continue;
      for (const key of this.remove(write)) keys.push(key);
    }
    return keys;
  }

  /** How many own writes touch this key. */
  countAt(key: Key): number {
    return this.#byKey.get(key)?.length ?? 0;
  }

  countIn(range: KeyRange): number {
    let count = 0;
    for (const [key, shown] of this.#byKey) if (contains(range, key)) count += shown.length;
    return count;
  }

  /** The keys of the range that own writes touch, in no order. */
  keysIn(range: KeyRange): Key[] {
    return [...this.#byKey.keys()].filter((key) => contains(range, key));
  }

  has(key: Key): boolean {
    return this.#byKey.has(key);
  }

  /** Whether there is nothing to be seen at this key because of an own write. */
  hides(key: Key): boolean {
    return this.#byKey.get(key)?.at(-1)!.op.type === 'delete';
  }

  /** What is to be seen at this key, where the copy has `base`. Only for keys that `has`, and not for those that it `hides`. */
  rowAt(key: Key, base: Entry<Value, K> | undefined): LiveEntry<Value, K> {
    const shown = this.#byKey.get(key)!.at(-1)!;
    if (shown.row !== undefined && shown.base === base) return shown.row;
    shown.base = base;
    shown.row = {
      key: this.#toUserKey(key),
      value: shown.op.value as Value,
      revision: base?.revision ?? 0,
      createRevision: base?.createRevision ?? 0,
      version: base?.version ?? 0,
      isPending: true,
    };
    return shown.row;
  }
}

export function contains(range: KeyRange, key: Key): boolean {
  return key >= range.from && (range.to === undefined || key < range.to);
}

function keysOf<Value>(write: PendingWrite<Value>): readonly Key[] {
  return write.ops.map((op) => op.key);
}
