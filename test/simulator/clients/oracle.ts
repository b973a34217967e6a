// Holds what clients are told against the omniscient record, at once: an acknowledged write is in the record, and a confirmed read shows a state that
// was not overtaken when it was asked for. The searches over whole histories come at the end of a run; this finds most of it where it happens.
import type { Change } from '@raftkv/kv';
import type { Canon } from '../checks/canon.ts';
import { Violation } from '../world/violation.ts';

interface Version {
  /** The log index from which on it holds. */
  readonly index: number;
  /** Undefined: the key is not there. */
  readonly revision: number | undefined;
  readonly text: string | undefined;
}

export interface Question {
  /** What every answer must at least show: a log index. */
  readonly floor: number;
}

export class Oracle {
  readonly #canon: Canon;
  readonly #versions = new Map<string, Version[]>();
  /** Log index by revision. */
  readonly #indexes: number[] = [0, 0];
  /** How often each value was written, to find those that were written twice. */
  readonly #writes = new Map<string, number>();
  /** Everything up to here was told to somebody. */
  #floor = 0;
  #taken = 0;
  acknowledged = 0;
  confirmedReads = 0;

  constructor(canon: Canon) {
    this.#canon = canon;
  }

  ask(): Question {
    return { floor: this.#floor };
  }

  /** A write was answered; `text`: the value of a put. */
  wrote(text: string | undefined, revision: number): void {
    this.#catchUp();
    this.acknowledged++;
    const index = this.#indexes[revision];
    if (index === undefined) {
      throw new Violation(
        'what is acknowledged is durable',
        `revision ${revision} was acknowledged, which nobody committed`,
      );
    }
    if (text !== undefined && this.#writes.get(text) !== revision) {
      const where = this.#writes.get(text) ?? 'nowhere';
      throw new Violation(
        'what is acknowledged is durable',
        `"${text}" was acknowledged at revision ${revision} and is at ${where}`,
      );
    }
    this.#floor = Math.max(this.#floor, index);
  }

  /** A linearizable read of a key was answered. */
  read(
    key: string,
    entry: { readonly value: Uint8Array; readonly revision: number } | undefined,
    question: Question,
  ): void {
    const found = entry === undefined ? undefined : { text: textOf(entry.value), revision: entry.revision };
    this.#catchUp();
    this.confirmedReads++;
    const versions = this.#versions.get(key) ?? [];
    const at = versions.findLastIndex(
      (version) => version.revision === found?.revision && version.text === found?.text,
    );
    if (at < 0 && found === undefined) return this.#checkOvertaken(key, 'nothing', versions[0], question);
    if (at < 0)
      throw new Violation(
        'reads are linearizable',
        `${key} was read as "${found!.text}" of revision ${found!.revision}, which was never there`,
      );
    this.#checkOvertaken(key, found === undefined ? 'nothing' : `"${found.text}"`, versions[at + 1], question);
    this.#floor = Math.max(this.#floor, versions[at]!.index);
  }

  /** Writes that certainly did not happen, after all is over. */
  checkRefused(texts: Iterable<string>): void {
    this.#catchUp();
    for (const text of texts) {
      if (this.#writes.has(text))
        throw new Violation('a definite failure did not happen', `"${text}" was refused and is in the log`);
    }
  }

  #checkOvertaken(key: string, seen: string, next: Version | undefined, question: Question): void {
    if (next === undefined || next.index > question.floor) return;
    const words = `it was overtaken at index ${next.index}, and ${question.floor} was known when it was asked`;
    throw new Violation('reads are linearizable', `${key} was read as ${seen}; ${words}`);
  }

  #catchUp(): void {
    const { entries } = this.#canon;
    for (; this.#taken < entries.length; this.#taken++) {
      const { entry, changes } = entries[this.#taken]!;
      for (const change of changes) this.#take(change, entry.index);
    }
  }

  #take(change: Change, index: number): void {
    this.#indexes[change.revision] = index;
    for (const event of change.events) {
      const isPut = event.type === 'put';
      const key = isPut ? event.entry.key : event.key;
      const text = isPut ? textOf(event.entry.value) : undefined;
      let versions = this.#versions.get(key);
      if (versions === undefined) this.#versions.set(key, (versions = []));
      versions.push({ index, revision: isPut ? change.revision : undefined, text });
      if (text !== undefined) this.#count(text, change.revision);
    }
  }

  /** Every write of a client carries a text of its own. */
  #count(text: string, revision: number): void {
    const before = this.#writes.get(text);
    if (before !== undefined && before !== revision) {
      throw new Violation('exactly once', `"${text}" was written at revision ${before} and again at ${revision}`);
    }
    this.#writes.set(text, revision);
  }
}

const decoder = new TextDecoder();

export function textOf(value: Uint8Array): string {
  return decoder.decode(value);
}
