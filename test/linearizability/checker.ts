// Decides whether a history is linearizable: the search of Wing and Gong with Lowe's memory of visited configurations,
// one key at a time, within a budget. Which steps may come next is moves.ts; the words for a failure are explain.ts.
import type { Operation } from './history.ts';
import { ABSENT, partitionByKey } from './model.ts';
import type { Partition, Step } from './model.ts';
import { explainStuck } from './explain.ts';
import type { StuckPoint } from './explain.ts';
import { advance, candidatesOf, isSubset, knownMoves, unknownMoves } from './moves.ts';
import type { Configuration, Move } from './moves.ts';

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

interface Frame {
  readonly configuration: Configuration;
  readonly arrivedBy: Move | undefined;
  moves: readonly Move[];
  nextMove: number;
  triedUnknown: boolean;
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
