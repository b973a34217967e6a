// Linearizability of a history that tells neither a log nor revisions: the search of Wing and Gong over the content of the whole store,
// with Lowe's memory. For histories of dozens of operations across keys; where every operation is on one key, the per-key
// checker of ../linearizability does the same at any length, and linearizability.ts prefers it.
import { agrees, describe } from './agree.ts';
import { isRead, name } from './history.ts';
import type { ClientOperation } from './history.ts';
import { Truth } from './truth.ts';
import { holds, violation } from './verdict.ts';
import type { Verdict } from './verdict.ts';

const PROMISE = 'linearizability';

export function searchWholeStore(operations: readonly ClientOperation[], maxSteps = 200_000): Verdict {
  const judged = operations
    .filter(({ outcome, level }) => outcome !== 'refused' && (level ?? 'linearizable') === 'linearizable')
    .filter(({ outcome, request }) => outcome === 'answered' || !isRead(request))
    .sort((a, b) => a.call - b.call);
  const search = new Search(judged, maxSteps);
  if (search.extend()) return holds(PROMISE);
  return search.steps > 0
    ? violation(PROMISE, search.explain())
    : { verdict: 'unknown', promise: PROMISE, explanation: `the search ran out of budget. ${search.explain()}` };
}

class Search {
  readonly #operations: readonly ClientOperation[];
  readonly #truth = new Truth();
  readonly #done = new Set<number>();
  readonly #visited = new Set<string>();
  #best: readonly ClientOperation[] = [];
  #bestWaiting: readonly ClientOperation[] = [];
  readonly #order: ClientOperation[] = [];
  steps: number;

  constructor(operations: readonly ClientOperation[], maxSteps: number) {
    this.#operations = operations;
    this.steps = maxSteps;
  }

  extend(): boolean {
    const waiting = this.#operations.filter((_, place) => !this.#done.has(place));
    const answered = waiting.filter(({ outcome }) => outcome === 'answered');
    // What is left and unanswered never happened.
    if (answered.length === 0) return true;
    if (this.#order.length >= this.#best.length) [this.#best, this.#bestWaiting] = [[...this.#order], answered];
    const key = `${[...this.#done].sort((a, b) => a - b).join()}|${describe(this.#content())}`;
    if (this.#visited.has(key)) return false;
    this.#visited.add(key);
    const firstReturn = Math.min(...answered.map(({ ret }) => ret!));
    const places = [...this.#operations.keys()].filter((place) => !this.#done.has(place));
    const next = places.filter((place) => this.#operations[place]!.call < firstReturn);
    // Unknown ones last: mostly they are not needed.
    const rank = (place: number): number => (this.#operations[place]!.outcome === 'answered' ? 0 : 1);
    for (const place of next.sort((a, b) => rank(a) - rank(b))) {
      if (--this.steps <= 0) return false;
      if (this.#try(place)) return true;
    }
    return false;
  }

  explain(): string {
    const last = this.#best.slice(-4).map((each) => `  ${name(each)}`);
    const waiting = this.#bestWaiting
      .slice(0, 6)
      .map((each) => `  ${name(each)} was answered ${describe(each.answer)}`);
    return ['at best these are the last in order:', ...last, 'and of these none can be next:', ...waiting].join('\n');
  }

  /** Revisions are not told here, so they are no part of what is compared. */
  #content(): { key: string; value: Uint8Array; version: number }[] {
    return this.#truth.within({ from: '', to: undefined }).map(({ key, value, version }) => ({ key, value, version }));
  }

  #try(place: number): boolean {
    const operation = this.#operations[place]!;
    const { request, answer, outcome } = operation;
    const before = this.#truth.revision;
    const truth = isRead(request) ? this.#truth.read(request, before) : this.#truth.apply(request);
    const isChanged = this.#truth.revision > before;
    const isUseless = outcome === 'unknown' && !isChanged;
    let isFound = false;
    if (!isUseless && (outcome === 'unknown' || agrees(answer, truth))) {
      this.#done.add(place);
      this.#order.push(operation);
      isFound = this.extend();
      if (isFound) return true;
      this.#order.pop();
      this.#done.delete(place);
    }
    if (isChanged) this.#truth.undo();
    return false;
  }
}
