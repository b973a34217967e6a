// Checks a history of registers for linearizability while it happens, in bounded memory. The store tells a revision with each answer, so the order that it
// claims is known, and the history is linearizable exactly if that order agrees with real time, with the values and with every compare-and-set. Pure.
import type { Operation } from './operation.ts';

export type Rule = 'stale' | 'reordered' | 'twice' | 'changed' | 'future' | 'lost-update' | 'unwritten';

export interface Violation {
  readonly rule: Rule;
  /** One sentence for people. */
  readonly text: string;
  /** Those that cannot both be, the earlier first; one alone for a value that nobody wrote. */
  readonly operations: readonly Operation[];
}

export interface CheckerOptions {
  /** Operations of each key that are remembered one by one; of older ones only the highest revision is. Default 400. */
  readonly window?: number;
  /** Violations that are kept; further ones are only counted. Default 20. */
  readonly maxViolations?: number;
}

export interface CheckerCount {
  readonly operations: number;
  readonly unknown: number;
  readonly violations: number;
}

/** With a revision: what was read, or certainly written. */
interface Settled extends Operation {
  readonly outcome: Exclude<Operation['outcome'], { readonly type: 'unknown' }>;
}

interface Register {
  readonly recent: Settled[];
  /** The highest revision among those that are forgotten. */
  floor: Settled | undefined;
}

const maxOpenValues = 4_096;

export class RegisterChecker {
  readonly violations: Violation[] = [];
  readonly #window: number;
  readonly #maxViolations: number;
  readonly #registers = new Map<string, Register>();
  /** Writes of all keys: the store gives each a revision of its own. */
  readonly #writes: Register = { recent: [], floor: undefined };
  /** Writes without an answer, by their value. */
  readonly #unknown = new Map<string, Operation>();
  /** What announced values begin with, up to the last ":", and what was announced of those lately. */
  readonly #announced = new Map<string, Set<string>>();
  #counts = { operations: 0, unknown: 0, violations: 0 };

  constructor({ window = 400, maxViolations = 20 }: CheckerOptions = {}) {
    this.#window = window;
    this.#maxViolations = maxViolations;
  }

  get count(): CheckerCount {
    return { ...this.#counts };
  }

  /**
   * That value is about to be written. From then on one that begins like it, up to the last ":", and was not announced is a violation: so whoever announces does it
   * for all, and begins with something that no earlier life of the same tab has used, since its values may still be there.
   */
  announce(value: string): void {
    const source = sourceOf(value);
    let values = this.#announced.get(source);
    if (values === undefined) this.#announced.set(source, (values = new Set()));
    values.add(value);
    if (values.size > maxOpenValues) values.delete(values.values().next().value!);
  }

  /** In any order of their ends. What is found is also in `violations`. */
  add(operation: Operation): readonly Violation[] {
    this.#counts.operations += 1;
    const { outcome } = operation;
    if (outcome.type === 'unknown') {
      this.#counts.unknown += 1;
      this.#unknown.set(outcome.value, operation);
      if (this.#unknown.size > maxOpenValues) this.#unknown.delete(this.#unknown.keys().next().value!);
      return [];
    }
    const found = this.#settle({ ...operation, outcome });
    this.#counts.violations += found.length;
    this.violations.push(...found.slice(0, Math.max(0, this.#maxViolations - this.violations.length)));
    return found;
  }

  #settle(operation: Settled): Violation[] {
    const { outcome } = operation;
    const found: Violation[] = [];
    if (outcome.type === 'read' && outcome.value !== undefined) {
      const writer = this.#unknown.get(outcome.value);
      if (writer !== undefined) {
        // It did happen, at some time before this read came back.
        this.#unknown.delete(outcome.value);
        const write = { type: 'write', value: outcome.value, revision: outcome.revision } as const;
        found.push(...this.#settle({ ...writer, end: operation.end, outcome: write }));
      } else if (this.#isUnwritten(outcome.value)) {
        found.push(violation('unwritten', 'A read found a value that nobody wrote', [operation]));
      }
    }
    const register = this.#register(operation.key);
    found.push(...judge(register, operation, false));
    remember(register, operation, this.#window);
    if (outcome.type !== 'write') return found;
    if (found.length === 0) found.push(...judge(this.#writes, operation, true));
    remember(this.#writes, operation, this.#window);
    return found;
  }

  #isUnwritten(value: string): boolean {
    const values = this.#announced.get(sourceOf(value));
    return values !== undefined && values.size < maxOpenValues && !values.has(value);
  }

  #register(key: string): Register {
    let register = this.#registers.get(key);
    if (register === undefined) this.#registers.set(key, (register = { recent: [], floor: undefined }));
    return register;
  }
}

function sourceOf(value: string): string {
  return value.slice(0, value.lastIndexOf(':'));
}

/** At most one: the first that is found says enough. */
function judge({ recent, floor }: Register, operation: Settled, isStoreWide: boolean): Violation[] {
  for (const other of recent) {
    const found = isStoreWide ? betweenWrites(other, operation) : between(other, operation);
    if (found !== undefined) return [found];
  }
  if (floor !== undefined && floor.end < operation.call && floor.outcome.revision > operation.outcome.revision) {
    return [backwards(floor, operation)];
  }
  return [];
}

function between(a: Settled, b: Settled): Violation | undefined {
  const [first, second] = a.outcome.revision <= b.outcome.revision ? [a, b] : [b, a];
  if (first.outcome.revision < second.outcome.revision) {
    // The order of revisions must not run against time: who came back before the other was called comes first.
    if (second.end < first.call) return backwards(second, first);
    return lostUpdate(a, b) ?? lostUpdate(b, a);
  }
  const [writes, reads] = [a, b].toSorted((one) => (one.outcome.type === 'write' ? -1 : 1)) as [Settled, Settled];
  if (reads.outcome.type === 'write') {
    return violation('twice', `Two writes were acknowledged at one revision, ${reads.outcome.revision}`, [a, b]);
  }
  if (writes.outcome.value !== reads.outcome.value) {
    return violation('changed', `Revision ${reads.outcome.revision} had one value, and then another`, [a, b]);
  }
  if (writes.outcome.type === 'write' && reads.end < writes.call) {
    return violation('future', 'A read found what was written only later', [reads, writes]);
  }
  return undefined;
}

function betweenWrites(a: Settled, b: Settled): Violation | undefined {
  if (a.outcome.revision === b.outcome.revision) {
    return violation('twice', `Two writes were acknowledged at one revision, ${a.outcome.revision}`, [a, b]);
  }
  const [first, second] = a.outcome.revision < b.outcome.revision ? [a, b] : [b, a];
  return second.end < first.call ? backwards(second, first) : undefined;
}

/** `late` was called after `early` had come back, and is of an older revision. */
function backwards(early: Settled, late: Settled): Violation {
  return late.outcome.type === 'write'
    ? violation('reordered', 'A later write was put before an earlier one: what was acknowledged is gone', [
        early,
        late,
      ])
    : violation('stale', 'A read went back in time: what was acknowledged before it is gone', [early, late]);
}

/** A write that stands between a compare-and-set and what that compared with. */
function lostUpdate(swap: Settled, other: Settled): Violation | undefined {
  if (swap.outcome.type !== 'write' || swap.outcome.after === undefined || other.outcome.type !== 'write') {
    return undefined;
  }
  const { revision } = other.outcome;
  if (revision <= swap.outcome.after || revision >= swap.outcome.revision) return undefined;
  return violation('lost-update', 'A compare-and-set did not see the write before it', [other, swap]);
}

function remember(register: Register, operation: Settled, window: number): void {
  register.recent.push(operation);
  if (register.recent.length <= window) return;
  const oldest = register.recent.shift()!;
  if (register.floor === undefined || oldest.outcome.revision > register.floor.outcome.revision) {
    register.floor = oldest;
  }
}

function violation(rule: Rule, text: string, operations: readonly Operation[]): Violation {
  return { rule, text: `${text}.`, operations };
}
