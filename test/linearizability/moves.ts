// Where a search for a linear order stands, and the steps that may come next: the part of the checker that knows what kind of
// thing a register is. checker.ts walks, this file points.
//
// Four facts about registers keep the search almost linear:
// 1. A step that was told it changed nothing may take effect as soon as the state allows it: no branching.
// 2. A step of unknown outcome may be left out for ever. So it is used only where a known step is impossible without it, or
//    (a cas of which nobody was told whether it matched) leaves something else; anywhere earlier it could be moved later or dropped.
// 3. Of two visits with equal known steps and equal state, the one that used fewer unknown steps can do all that the other can.
// 4. Unknown steps of equal effect are interchangeable once called: the earliest is taken.
import { apply, IMPOSSIBLE } from './model.ts';
import type { Partition, Step } from './model.ts';

/** Which steps took effect so far, and the state that they left. Immutable. */
export interface Configuration {
  /** All known steps before this index took effect, the one at it did not. */
  readonly first: number;
  /** Indices of known steps beyond `first` that took effect, ascending: few, since nothing passes a return. */
  readonly ahead: readonly number[];
  /** Indices of unknown steps used, ascending. */
  readonly used: readonly number[];
  readonly state: number;
}

/** Steps that take effect together: unknown ones that make the known one possible, then that one. */
export interface Move {
  readonly unknown: readonly number[];
  readonly known: number;
  readonly state: number;
}

/** Known steps that may be next: called before (or when) every other that waits returned. In order of return. */
export function candidatesOf(known: readonly Step[], configuration: Configuration): number[] {
  const candidates: number[] = [];
  let earliestReturn = Infinity;
  let ahead = 0;
  for (let index = configuration.first; index < known.length; index++) {
    const step = known[index]!;
    if (step.call > earliestReturn) break;
    if (configuration.ahead[ahead] === index) {
      ahead++;
      continue;
    }
    candidates.push(index);
    if (step.ret < earliestReturn) earliestReturn = step.ret;
  }
  return candidates.sort((a, b) => known[a]!.ret - known[b]!.ret);
}

export function knownMoves(known: readonly Step[], candidates: readonly number[], state: number): Move[] {
  const moves: Move[] = [];
  for (const index of candidates) {
    const step = known[index]!;
    const next = apply(state, step);
    if (next === IMPOSSIBLE) continue;
    const move = { unknown: [], known: index, state: next };
    if (step.isObserver) return [move];
    moves.push(move);
  }
  // An observer that is possible goes first and alone; since it leaves the state as it is, nothing is lost.
  return moves;
}

/** Chains of unused unknown steps that make a known step possible, or leave something else, which was not so before the last of the chain. */
export function unknownMoves(partition: Partition, configuration: Configuration): Move[] {
  const candidates = candidatesOf(partition.known, configuration);
  const latestCall = Math.min(...candidates.map((index) => partition.known[index]!.ret));
  const available = distinctUnknown(partition.unknown, configuration.used, latestCall);
  const moves: Move[] = [];
  const extend = (chain: readonly number[], states: readonly number[]): void => {
    const state = states.at(-1)!;
    for (const index of available) {
      const step = partition.unknown[index]!;
      // After the first of a chain only a cas makes sense: a put or a delete would make what came before it pointless.
      if (chain.length > 0 && step.kind !== 'cas') continue;
      const next = apply(state, step);
      if (states.includes(next)) continue;
      const longer = [...chain, index];
      for (const known of candidates) {
        const wanted = partition.known[known]!;
        const after = apply(next, wanted);
        const without = apply(state, wanted);
        // A cas whose client was not told whether it matched is always possible, but what it leaves depends on the chain.
        const isNeeded = without === IMPOSSIBLE || (isUntoldCas(wanted) && after !== without);
        if (after !== IMPOSSIBLE && isNeeded) moves.push({ unknown: longer, known, state: after });
      }
      extend(longer, [...states, next]);
    }
  };
  extend([], [configuration.state]);
  return moves;
}

function isUntoldCas(step: Step): boolean {
  return step.kind === 'cas' && step.ok === undefined;
}

/** Unused unknown steps called by `latestCall`, the earliest of each effect. */
function distinctUnknown(unknown: readonly Step[], used: readonly number[], latestCall: number): number[] {
  const effects = new Set<string>();
  const available: number[] = [];
  for (const [index, step] of unknown.entries()) {
    if (step.call > latestCall) break;
    if (used.includes(index)) continue;
    const effect = `${step.kind}|${step.expected}|${step.value}`;
    if (effects.has(effect)) continue;
    effects.add(effect);
    available.push(index);
  }
  return available;
}

export function advance(configuration: Configuration, move: Move): Configuration {
  const used =
    move.unknown.length === 0 ? configuration.used : [...configuration.used, ...move.unknown].sort((a, b) => a - b);
  let first = configuration.first;
  let ahead: readonly number[];
  if (move.known === first) {
    first++;
    let skipped = 0;
    while (configuration.ahead[skipped] === first) {
      first++;
      skipped++;
    }
    ahead = configuration.ahead.slice(skipped);
  } else {
    ahead = [...configuration.ahead, move.known].sort((a, b) => a - b);
  }
  return { first, ahead, used, state: move.state };
}

/** Both ascending. */
export function isSubset(small: readonly number[], large: readonly number[]): boolean {
  if (small.length > large.length) return false;
  let at = 0;
  for (const item of small) {
    while (at < large.length && large[at]! < item) at++;
    if (large[at] !== item) return false;
    at++;
  }
  return true;
}
