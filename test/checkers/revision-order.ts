// Linearizability of a history without a log: the revisions in answers say which acknowledged write made which revision, so the only
// question is which writes of unknown outcome fill the gaps. A search tries them gap by gap, holds everything that was said of
// a revision against it, and goes back where it does not fit. The order that it finds is judged by linearizable-log.ts.
import { agrees } from './agree.ts';
import { isRead, name } from './history.ts';
import type { AppliedEntry, ClientOperation, Write } from './history.ts';
import { checkLinearizableByLog } from './linearizable-log.ts';
import type { LogTruth } from './log-truth.ts';
import { truthOfLog } from './log-truth.ts';
import { toldEffect } from './told-effect.ts';
import { Truth } from './truth.ts';
import { violation } from './verdict.ts';
import type { Verdict } from './verdict.ts';

const PROMISE = 'linearizability';

/** Whether every answer that counts tells the store's revision. */
export function tellsRevisions(operations: readonly ClientOperation[]): boolean {
  return operations.every(({ outcome, answer }) => outcome !== 'answered' || answer?.revision !== undefined);
}

/** All answers must tell revisions. `maxTries`: of writes in gaps, before the answer is `unknown`. */
export function checkLinearizableByRevision(operations: readonly ClientOperation[], maxTries = 100_000): Verdict {
  const search = new GapSearch(operations, maxTries);
  const double = search.claimedTwice();
  if (double !== undefined) return violation(PROMISE, double);
  const log = search.run();
  if (log !== undefined) return checkLinearizableByLog(operations, log);
  return search.isExhausted
    ? violation(PROMISE, search.explain())
    : { verdict: 'unknown', promise: PROMISE, explanation: `the search ran out of budget. ${search.explain()}` };
}

class GapSearch {
  readonly #truth = new Truth();
  readonly #made = new Map<number, ClientOperation[]>();
  /** What was told in the state of a revision, and changed nothing. */
  readonly #seen = new Map<number, ClientOperation[]>();
  readonly #unknown: ClientOperation[];
  /** Of each unknown write: it stands behind this revision. */
  readonly #floors: number[];
  readonly #order: ClientOperation[] = [];
  #last = 1;
  #furthest = 1;
  #tries: number;

  constructor(operations: readonly ClientOperation[], maxTries: number) {
    this.#tries = maxTries;
    this.#unknown = operations.filter(({ outcome, request }) => outcome === 'unknown' && !isRead(request));
    for (const operation of operations) {
      if (operation.outcome !== 'answered') continue;
      const revision = operation.answer!.revision!;
      this.#last = Math.max(this.#last, revision);
      const isEffect = !isRead(operation.request) && toldEffect(operation.answer!) === true;
      const map = isEffect ? this.#made : this.#seen;
      map.set(revision, [...(map.get(revision) ?? []), operation]);
    }
    this.#floors = this.#unknown.map(({ call }) =>
      operations.reduce((floor, { outcome, ret, answer }) => {
        return outcome === 'answered' && ret! < call ? Math.max(floor, answer!.revision!) : floor;
      }, 1),
    );
  }

  get isExhausted(): boolean {
    return this.#tries > 0;
  }

  claimedTwice(): string | undefined {
    for (const [revision, [one, two]] of this.#made) {
      if (two !== undefined) return `revision ${revision} is said to be made by ${name(one!)} and by ${name(two)}`;
    }
    return undefined;
  }

  explain(): string {
    const at = this.#furthest + 1;
    const told = [...(this.#made.get(at) ?? []), ...(this.#seen.get(at) ?? [])]
      .slice(0, 8)
      .map((each) => `  ${name(each)}`);
    return [`nothing that was asked for fits revision ${at}, of which was told:`, ...told].join('\n');
  }

  /** The order as a log; undefined if there is none. */
  run(): LogTruth | undefined {
    if (!this.#fits(1)) return undefined;
    const used = new Set<number>();
    if (!this.#extend(used)) return undefined;
    const truth = new Truth();
    const log = this.#order.map(({ request }, at): AppliedEntry => {
      const result = truth.apply(request as Write);
      return {
        index: at + 1,
        envelope: { session: undefined, command: request as Write },
        result,
        revision: truth.revision,
      };
    });
    return truthOfLog(log);
  }

  /** Depth is the number of gaps, not of revisions: what is acknowledged is carried out in a loop. */
  #extend(used: Set<number>): boolean {
    const start = this.#truth.revision;
    while (this.#truth.revision < this.#last) {
      const [made] = this.#made.get(this.#truth.revision + 1) ?? [];
      if (made === undefined) {
        if (this.#fillGap(used)) return true;
        break;
      }
      if (!this.#carryOut(made)) break;
    }
    if (this.#truth.revision >= this.#last) return true;
    while (this.#truth.revision > start) this.#takeBack();
    return false;
  }

  #fillGap(used: Set<number>): boolean {
    const tried = new Set<string>();
    for (const [place, operation] of this.#unknown.entries()) {
      if (used.has(place) || this.#floors[place]! > this.#truth.revision) continue;
      const key = JSON.stringify(operation.request, (_, value: unknown) =>
        value instanceof Uint8Array ? [...value] : value,
      );
      // Of equal commands the earliest can do all that the others can.
      if (tried.has(key)) continue;
      tried.add(key);
      if (--this.#tries <= 0) return false;
      if (!this.#carryOut(operation)) continue;
      used.add(place);
      if (this.#extend(used)) return true;
      used.delete(place);
      this.#takeBack();
    }
    return false;
  }

  #carryOut(operation: ClientOperation): boolean {
    const before = this.#truth.revision;
    const outcome = this.#truth.apply(operation.request as Write);
    if (this.#truth.revision === before) return false;
    this.#order.push(operation);
    const isTrue = operation.outcome !== 'answered' || agrees(operation.answer, outcome);
    if (isTrue && this.#fits(this.#truth.revision)) {
      this.#furthest = Math.max(this.#furthest, this.#truth.revision);
      return true;
    }
    this.#takeBack();
    return false;
  }

  #takeBack(): void {
    this.#truth.undo();
    this.#order.pop();
  }

  /** All that was said of the state of this revision. */
  #fits(revision: number): boolean {
    return (this.#seen.get(revision) ?? []).every(({ request, answer, level }) => {
      if (isRead(request)) {
        const isJudged = (level ?? 'linearizable') === 'linearizable' && (request.revision ?? 0) <= revision;
        return !isJudged || agrees(answer, this.#truth.read(request, revision));
      }
      const { outcome, events } = this.#truth.evaluate(request, revision);
      return events.length === 0 && agrees(answer, outcome);
    });
  }
}
