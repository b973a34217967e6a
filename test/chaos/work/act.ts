// One thing that a client did and what it was told: richer than the operations of test/linearizability, for it may concern many keys and knows
// revisions. Written down by client-loop.ts, judged by ledger.ts; single-key ones also become operations for the linearizability checker.
import type { Operation } from '../../linearizability/history.ts';

export type ActKind = 'get' | 'put' | 'delete' | 'cas' | 'batch' | 'move' | 'scan';

export interface Write {
  readonly key: string;
  /** Null = deleted. */
  readonly value: string | null;
}

export interface Seen {
  readonly key: string;
  readonly value: string;
  readonly revision?: number;
}

/** All times in nanoseconds of one monotonic clock. */
export interface Act {
  readonly c: number;
  readonly kind: ActKind;
  readonly call: number;
  /** Null = nobody was told: it may have happened at any time after the call, or never. */
  readonly ret: number | null;
  /** Certainly did not happen, by the client's word. */
  readonly isRefused?: boolean;
  /** What a write writes, if its condition holds. Values are given out once. */
  readonly writes?: readonly Write[];
  /** Of a cas: the value expected, or null = absent. */
  readonly expected?: string | null;
  /** cas, move: the condition held. delete: the key was there. */
  readonly ok?: boolean;
  /** Of a write that took effect: its revision. Of a scan: the one it was read at. Clients of the gateway are not told each. */
  readonly revision?: number;
  /** get: the key. scan: the prefix. */
  readonly range?: string;
  readonly seen?: readonly Seen[];
}

/** The single-key acts in the words of the linearizability checker. */
export function toOperations(acts: readonly Act[]): Operation[] {
  return acts.flatMap((act): Operation[] => {
    if (act.isRefused === true) return [];
    const { c, call, ret } = act;
    const key = act.range ?? act.writes?.[0]?.key ?? '';
    const base = { c, k: key, call, ret, ...(ret === null ? { unk: true } : {}) };
    const told = ret === null || act.ok === undefined ? {} : { ok: act.ok };
    switch (act.kind) {
      case 'get':
        return [{ ...base, op: 'get', ...(ret === null ? {} : { out: act.seen?.[0]?.value ?? null }) }];
      case 'put':
        return [{ ...base, op: 'put', v: act.writes![0]!.value! }];
      case 'delete':
        return [{ ...base, op: 'del', ...told }];
      case 'cas':
        return [{ ...base, op: 'cas', v: act.writes![0]!.value!, old: act.expected ?? null, ...told }];
      default:
        return [];
    }
  });
}
