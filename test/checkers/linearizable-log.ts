// Linearizability with the applied log as the witness: it says in which order writes took effect, those of unknown outcome too, so
// no search is needed. Each operation stands at the first place of that order that its answer allows and that is not before what
// returned before its call; if there is none, there is no order at all. Linear in the history but for sorting.
import { agrees, describe } from './agree.ts';
import { isRead, name } from './history.ts';
import type { ClientOperation, Read, Write } from './history.ts';
import type { LogTruth } from './log-truth.ts';
import { identityOf } from './truth.ts';
import { holds, violation } from './verdict.ts';
import type { Verdict } from './verdict.ts';

const PROMISE = 'linearizability';

/** Places: revision R takes effect at 2R, and its state is seen at 2R + 1. */
interface Placed {
  readonly place: number;
  readonly operation: ClientOperation | undefined;
}

export function checkLinearizableByLog(operations: readonly ClientOperation[], log: LogTruth): Verdict {
  const placement = new Placement(log);
  for (const { operation, isCall } of eventsOf(operations)) {
    const wrong = isCall ? placement.called(operation) : placement.returned(operation);
    if (wrong !== undefined) return violation(PROMISE, wrong);
  }
  const wrong = placement.ended();
  return wrong === undefined ? holds(PROMISE) : violation(PROMISE, wrong);
}

/** Calls and returns in their order. Reads below `linearizable`, reads without an answer and what never happened say nothing here. */
function eventsOf(
  operations: readonly ClientOperation[],
): { operation: ClientOperation; at: number; isCall: boolean }[] {
  return operations
    .filter(({ outcome, level }) => outcome !== 'refused' && (level ?? 'linearizable') === 'linearizable')
    .filter(({ outcome, request }) => outcome === 'answered' || !isRead(request))
    .flatMap((operation) => {
      const { call, ret } = operation;
      const asked = { operation, at: call, isCall: true };
      return ret === null ? [asked] : [asked, { operation, at: ret, isCall: false }];
    })
    .sort((a, b) => a.at - b.at);
}

class Placement {
  readonly #log: LogTruth;
  readonly #claimed = new Map<number, ClientOperation>();
  readonly #places = new Map<ClientOperation, number>();
  /** By the text of a command: where it took effect, in order. */
  readonly #effects = new Map<string, number[]>();
  /** By the text of a command: those of unknown outcome in the order of their calls, with what each cannot stand before. */
  readonly #unknown = new Map<string, { readonly operation: ClientOperation; readonly floor: Placed }[]>();
  /** Nothing that is called now can stand before it. */
  #floor: Placed = { place: 3, operation: undefined };

  constructor(log: LogTruth) {
    this.#log = log;
    for (const effect of log.effects) {
      if (effect === undefined) continue;
      const list = this.#effects.get(effect.identity);
      if (list === undefined) this.#effects.set(effect.identity, [effect.revision]);
      else list.push(effect.revision);
    }
  }

  called(operation: ClientOperation): string | undefined {
    const { request, outcome } = operation;
    if (outcome === 'unknown') return this.#wait(operation, request as Write);
    const place = isRead(request) ? this.#placeRead(operation, request) : this.#placeWrite(operation, request);
    if (place === undefined) return this.#explain(operation);
    this.#places.set(operation, place);
    return undefined;
  }

  returned(operation: ClientOperation): undefined {
    const place = this.#places.get(operation)!;
    if (place > this.#floor.place) this.#floor = { place, operation };
  }

  /** It may take effect at any time from now on, or never. */
  #wait(operation: ClientOperation, request: Write): undefined {
    const identity = identityOf(request);
    const waiting = this.#unknown.get(identity);
    const one = { operation, floor: this.#floor };
    if (waiting === undefined) this.#unknown.set(identity, [one]);
    else waiting.push(one);
  }

  /**
   * What took effect and nobody claims is left to those of unknown outcome: the first effect to the one that was called first, and so on, since nothing
   * keeps a later one from being theirs. Whether there are enough of them is exactly-once's matter.
   */
  ended(): string | undefined {
    for (const [identity, waiting] of this.#unknown) {
      const left = (this.#effects.get(identity) ?? []).filter((revision) => !this.#claimed.has(revision));
      if (left.length > waiting.length) continue;
      for (const [place, revision] of left.entries()) {
        const { operation, floor } = waiting[place]!;
        if (2 * revision >= floor.place) continue;
        return `${name(operation)} took effect at revision ${revision}, before it was called: ${because(floor)}`;
      }
    }
    return undefined;
  }

  #placeWrite(operation: ClientOperation, request: Write): number | undefined {
    const told = operation.answer!;
    const { truth, effects } = this.#log;
    const revisions = this.#effects.get(identityOf(request)) ?? [];
    for (const revision of revisions) {
      if (2 * revision < this.#floor.place || this.#claimed.has(revision)) continue;
      if (!agrees(told, effects[revision]!.entry.result)) continue;
      this.#claimed.set(revision, operation);
      return 2 * revision;
    }
    // Where it changes nothing it is a read of the state in which it was judged.
    return this.#firstState(told.revision, (revision) => {
      const { outcome, events } = truth.evaluate(request, revision);
      return events.length === 0 && agrees(told, outcome);
    });
  }

  #placeRead(operation: ClientOperation, request: Read): number | undefined {
    const told = operation.answer!;
    const { truth } = this.#log;
    return this.#firstState(told.revision, (revision) => {
      if (request.revision !== undefined && request.revision > revision) return false;
      return agrees(told, truth.read(request, revision));
    });
  }

  /** The first state that is not too old and fits. `only`: the answer names its revision. */
  #firstState(only: number | undefined, fits: (revision: number) => boolean): number | undefined {
    const oldest = this.#floor.place >> 1;
    const [from, to] = only === undefined ? [oldest, this.#log.truth.revision] : [only, only];
    if (from < oldest || to > this.#log.truth.revision) return undefined;
    for (let revision = from; revision <= to; revision++) {
      // A state that was seen is after what made it: a write that stands just there cannot come later.
      if (fits(revision)) return Math.max(2 * revision + 1, this.#floor.place);
    }
    return undefined;
  }

  #explain(operation: ClientOperation): string {
    const { request, answer } = operation;
    const { truth } = this.#log;
    const floor = this.#floor.place >> 1;
    const at = Math.min(Math.max(answer?.revision ?? floor, 1), truth.revision);
    const should = isRead(request) ? truth.read(request, at) : truth.evaluate(request, at).outcome;
    return [
      `${name(operation)} was answered ${describe(answer)}`,
      `  the state cannot be older than revision ${floor}: ${because(this.#floor)}`,
      `  at revision ${at} it should be ${describe(should)}`,
      ...this.#claimer(answer?.revision),
    ].join('\n');
  }

  #claimer(revision: number | undefined): string[] {
    const other = revision === undefined ? undefined : this.#claimed.get(revision);
    return other === undefined ? [] : [`  revision ${revision} is that of ${name(other)}`];
  }
}

function because({ operation }: Placed): string {
  return operation === undefined
    ? 'it is the first'
    : `${name(operation)} had returned with ${describe(operation.answer)}`;
}
