// Decides whether a history is linearizable: the search of Wing and Gong with Lowe's memory of visited configurations,
// one key at a time. It knows the registers of model.ts only; the words for a failure are explain.ts.
//
// Four facts about registers keep the search almost linear:
// 1. A step that was told it changed nothing may take effect as soon as the state allows it: no branching.
// 2. A step of unknown outcome may be left out for ever. So it is used only where a known step is impossible without it;
//    anywhere earlier it could be moved later or dropped.
// 3. Of two visits with equal known steps and equal state, the one that used fewer unknown steps can do all that the other can.
// 4. Unknown steps of equal effect are interchangeable once called: the earliest is taken.
import type { Operation } from './history.ts';
import { ABSENT, apply, IMPOSSIBLE, partitionByKey } from './model.ts';
import type { Partition, Step } from './model.ts';
import { explainStuck } from './explain.ts';

export interface CheckOptions {
  /** Configurations visited, over all keys, before the answer is `unknown`. Default 3 million; each may be remembered. */
  readonly maxConfigurations?: number;
  /** Default 60 s. */
  readonly maxMilliseconds?: number;
}

export interface CheckResult {
  /** `unknown`: the budget ran out. A test counts it as failure. */
  readonly verdict: 'linearizable' | 'violation' | 'unknown';
  /** With `violation` and `unknown`: the first key that failed and the operations around the point where the search got stuck. */
  readonly explanation: string;
  readonly configurations: number;
}

/**
 * Judges a whole history, key by key, and stops at the first key that is not linearizable.
 *
 * @example
 * ```ts
 * const result = checkLinearizability(operations);
 * expect(result.verdict, result.explanation).toBe('linearizable');
 * ```
 */
export function checkLinearizability(operations: readonly Operation[], options: CheckOptions = {}): CheckResult {
  const deadline = performance.now() + (options.maxMilliseconds ?? 60_000);
  const budget: Budget = { left: options.maxConfigurations ?? 3_000_000, deadline };
  const start = budget.left;
  for (const partition of partitionByKey(operations)) {
    const search = new Search(partition, budget);
    const verdict = search.run();
    if (verdict !== 'linearizable') {
      const explanation = explainStuck(partition, verdict, search.best);
      return { verdict, explanation, configurations: start - budget.left };
    }
  }
  return { verdict: 'linearizable', explanation: '', configurations: start - budget.left };
}

interface Budget {
  left: number;
  readonly deadline: number;
}

/** Which steps took effect so far, and the state that they left. Immutable. */
interface Configuration {
  /** All known steps before this index took effect, the one at it did not. */
  readonly first: number;
  /** Indices of known steps beyond `first` that took effect, ascending: few, since nothing passes a return. */
  readonly ahead: readonly number[];
  /** Indices of unknown steps used, ascending. */
  readonly used: readonly number[];
  readonly state: number;
}

/** Steps that take effect together: unknown ones that make the known one possible, then that one. */
interface Move {
  readonly unknown: readonly number[];
  readonly known: number;
  readonly state: number;
}

interface Frame {
  readonly configuration: Configuration;
  readonly arrivedBy: Move | undefined;
  moves: readonly Move[];
  nextMove: number;
  triedUnknown: boolean;
}

/** The furthest that the search came. */
export interface StuckPoint {
  readonly state: number;
  /** The last steps that took effect, in that order. */
  readonly lastSteps: readonly Step[];
  /** Known steps that should take effect next, and none can. */
  readonly candidates: readonly Step[];
  readonly linearized: number;
}

const REMEMBERED_STEPS = 8;

class Search {
  best: StuckPoint = { state: ABSENT, lastSteps: [], candidates: [], linearized: -1 };
  private readonly partition: Partition;
  private readonly budget: Budget;
  /** Known steps and state → the sets of used unknown steps that were visited with them, none containing another. */
  private readonly visited = new Map<string, (readonly number[])[]>();

  constructor(partition: Partition, budget: Budget) {
    this.partition = partition;
    this.budget = budget;
  }

  run(): CheckResult['verdict'] {
    const start: Configuration = { first: 0, ahead: [], used: [], state: ABSENT };
    if (this.partition.known.length === 0) return 'linearizable';
    const stack: Frame[] = [this.frameOf(start, undefined, [])];
    for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
      const move = this.nextMove(frame);
      if (move === undefined) {
        stack.pop();
        continue;
      }
      const next = advance(frame.configuration, move);
      if (next.first === this.partition.known.length) return 'linearizable';
      if (!this.isNew(next)) continue;
      if (--this.budget.left <= 0) return 'unknown';
      if ((this.budget.left & 1023) === 0 && performance.now() > this.budget.deadline) return 'unknown';
      stack.push(this.frameOf(next, move, stack));
    }
    return 'violation';
  }

  private frameOf(configuration: Configuration, arrivedBy: Move | undefined, stack: readonly Frame[]): Frame {
    const candidates = candidatesOf(this.partition.known, configuration);
    const linearized = configuration.first + configuration.ahead.length;
    if (linearized > this.best.linearized) {
      this.best = {
        state: configuration.state,
        lastSteps: this.lastSteps(stack, arrivedBy),
        candidates: candidates.map((index) => this.partition.known[index]!),
        linearized,
      };
    }
    const moves = knownMoves(this.partition.known, candidates, configuration.state);
    return { configuration, arrivedBy, moves, nextMove: 0, triedUnknown: false };
  }

  private nextMove(frame: Frame): Move | undefined {
    if (frame.nextMove === frame.moves.length && !frame.triedUnknown) {
      frame.triedUnknown = true;
      frame.moves = unknownMoves(this.partition, frame.configuration);
      frame.nextMove = 0;
    }
    return frame.moves[frame.nextMove++];
  }

  /** Remembers the configuration unless one that can do all that it can was visited before. */
  private isNew(configuration: Configuration): boolean {
    const key = `${configuration.first}|${configuration.state}|${configuration.ahead.join()}`;
    const sets = this.visited.get(key);
    if (sets === undefined) {
      this.visited.set(key, [configuration.used]);
      return true;
    }
    if (sets.some((set) => isSubset(set, configuration.used))) return false;
    const kept = sets.filter((set) => !isSubset(configuration.used, set));
    kept.push(configuration.used);
    this.visited.set(key, kept);
    return true;
  }

  private lastSteps(stack: readonly Frame[], arrivedBy: Move | undefined): Step[] {
    const moves = [...stack.slice(-REMEMBERED_STEPS).map((frame) => frame.arrivedBy), arrivedBy];
    const steps = moves
      .filter((move) => move !== undefined)
      .flatMap((move) => [
        ...move.unknown.map((index) => this.partition.unknown[index]!),
        this.partition.known[move.known]!,
      ]);
    return steps.slice(-REMEMBERED_STEPS);
  }
}

/** Known steps that may be next: called before (or when) every other that waits returned. In order of return. */
function candidatesOf(known: readonly Step[], configuration: Configuration): number[] {
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

function knownMoves(known: readonly Step[], candidates: readonly number[], state: number): Move[] {
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

/** Chains of unused unknown steps that make a known step possible which was not so before the last of the chain. */
function unknownMoves(partition: Partition, configuration: Configuration): Move[] {
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
        if (after !== IMPOSSIBLE && apply(state, wanted) === IMPOSSIBLE)
          moves.push({ unknown: longer, known, state: after });
      }
      extend(longer, [...states, next]);
    }
  };
  extend([], [configuration.state]);
  return moves;
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

function advance(configuration: Configuration, move: Move): Configuration {
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
function isSubset(small: readonly number[], large: readonly number[]): boolean {
  if (small.length > large.length) return false;
  let at = 0;
  for (const item of small) {
    while (at < large.length && large[at]! < item) at++;
    if (large[at] !== item) return false;
    at++;
  }
  return true;
}
