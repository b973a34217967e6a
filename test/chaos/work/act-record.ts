// Where all clients of a run write down what they did: the acts in order of their end, counted by kind and outcome. It keeps, it judges nothing.
import type { Act, ActKind } from './act.ts';

export interface Outcomes {
  answered: number;
  /** Certainly did not happen. */
  refused: number;
  /** May have happened. */
  unknown: number;
}

export class ActRecord {
  readonly acts: Act[] = [];
  readonly outcomes = new Map<ActKind, Outcomes>();
  answered = 0;

  add(act: Act): void {
    this.acts.push(act);
    const outcomes = this.outcomes.get(act.kind) ?? { answered: 0, refused: 0, unknown: 0 };
    this.outcomes.set(act.kind, outcomes);
    if (act.ret !== null) {
      this.answered++;
      outcomes.answered++;
    } else if (act.isRefused === true) outcomes.refused++;
    else outcomes.unknown++;
  }
}

/** A failed request says whether it may have happened; anything else is a mistake in the test and must not pass for one. */
export function isDefinite(error: unknown): boolean {
  if (error instanceof Error && 'definite' in error) return error.definite === true;
  throw error;
}

/** Nanoseconds of the clock that all acts are written down by. */
export function now(): number {
  return Math.round(performance.now() * 1e6);
}
