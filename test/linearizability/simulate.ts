// Makes histories: a correct store, clients that overlap, some answers that never arrive. Every history made here is
// linearizable; the tests doctor them to see the checker object, and use long ones to measure it.
import type { Operation, OperationKind } from './history.ts';

export interface SimulationOptions {
  readonly seed: number;
  readonly operations: number;
  readonly clients: number;
  readonly keys: number;
  /** Share of operations whose answer is lost; half of their writes happened. */
  readonly unknownShare: number;
  /** Different values that are written; none = every write its own. */
  readonly values?: number;
}

/** A small seeded generator (mulberry32): equal seeds give equal runs on every machine. */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A linearizable history: each operation takes effect at one moment between its call and its return. */
export function simulateHistory(options: SimulationOptions): Operation[] {
  const random = seededRandom(options.seed);
  const pick = (count: number): number => Math.floor(random() * count);
  const store = new Map<string, string>();
  const freeAt = Array.from({ length: options.clients }, () => 0);
  const planned = Array.from({ length: options.operations }, (_, number) => {
    const c = pick(options.clients);
    const call = freeAt[c]! + 1 + pick(20);
    const ret = call + 1 + pick(100);
    freeAt[c] = ret;
    return { number, c, call, ret, effect: call + random() * (ret - call) };
  });
  return planned
    .toSorted((a, b) => a.effect - b.effect)
    .map(({ number, c, call, ret }): Operation => {
      const isUnknown = random() < options.unknownShare;
      const isLost = isUnknown && random() < 0.5;
      const op = (['get', 'get', 'put', 'put', 'del', 'cas'] as const)[pick(6)]!;
      const k = `k${pick(options.keys)}`;
      const v = options.values === undefined ? `v${number}` : `v${pick(options.values)}`;
      const answer = perform({ store, op, k, v, isLost, guess: random() });
      return isUnknown
        ? { c, op, k, call, ret: null, unk: true, ...answer.asked }
        : { c, op, k, call, ret, ...answer.asked, ...answer.told };
    });
}

interface Performance {
  readonly store: Map<string, string>;
  readonly op: OperationKind;
  readonly k: string;
  readonly v: string;
  /** The request never arrives. */
  readonly isLost: boolean;
  readonly guess: number;
}

function perform({ store, op, k, v, isLost, guess }: Performance): {
  asked: Partial<Operation>;
  told: Partial<Operation>;
} {
  const current = store.get(k) ?? null;
  switch (op) {
    case 'get':
      return { asked: {}, told: { out: current } };
    case 'put':
      if (!isLost) store.set(k, v);
      return { asked: { v }, told: {} };
    case 'del':
      if (!isLost) store.delete(k);
      return { asked: {}, told: { ok: current !== null } };
    case 'cas': {
      const old = guess < 0.7 ? current : 'something else';
      const ok = old === current;
      if (ok && !isLost) store.set(k, v);
      return { asked: { old, v }, told: { ok } };
    }
  }
}
