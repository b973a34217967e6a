// What callers asked and were told: reads are linearizable, answered once and at all; proposal results are true. The record
// of what was committed (checks.ts) is the judge.
import { type Member, bytesOf } from '../member.ts';
import type { CommittedEntry } from './checks.ts';
import type { MemberChange } from '../../src/index.ts';

interface Promised {
  /** Undefined: a change of members, whose bytes only the core knows. */
  readonly text: string | undefined;
  index?: number;
  term?: number;
  refused?: boolean;
}

interface Read {
  /** What was committed anywhere before it was asked. */
  readonly floor: number;
  readonly time: number;
}

export class Ledger {
  readonly #members: readonly Member[];
  readonly #promises = new Map<string, Promised>();
  readonly #reads = new Map<string, Read>();
  #nextContext = 1;
  readCount = 0;
  acceptedCount = 0;

  constructor(members: readonly Member[]) {
    this.#members = members;
  }

  /** Proposes something that nobody else does. Answers its text. */
  propose(at: number): string {
    const context = this.#nextContext++;
    const text = `p${context}`;
    this.#promises.set(`${at}:${context}`, { text });
    this.#members[at]!.step({ type: 'propose', context, data: bytesOf(text) });
    return text;
  }

  /** Proposes a change of members. Answers where it is said to be, or why it was refused. */
  change(at: number, changes: readonly MemberChange[]): { readonly index?: number; readonly refused?: string } {
    const context = this.#nextContext++;
    this.#promises.set(`${at}:${context}`, { text: undefined });
    const member = this.#members[at]!;
    member.step({ type: 'proposeConfiguration', context, changes });
    member.pump();
    const result = member.results.find((answer) => answer.context === context);
    if (result === undefined) throw new Error(`no answer to change ${context}`);
    return result.refused === undefined ? { index: result.index } : { refused: result.refused };
  }

  read(at: number, now: { readonly floor: number; readonly time: number }): void {
    const context = this.#nextContext++;
    this.#reads.set(`${at}:${context}`, now);
    this.#members[at]!.step({ type: 'readIndex', context });
  }

  /** Its callers went down with it. */
  forgetReads(at: number): void {
    for (const key of [...this.#reads.keys()]) if (key.startsWith(`${at}:`)) this.#reads.delete(key);
  }

  /** Takes in what the member has answered. */
  collect(at: number): void {
    const member = this.#members[at]!;
    for (const { context, index } of member.readStates.splice(0)) {
      const key = `${at}:${context}`;
      const read = this.#reads.get(key);
      if (read === undefined) throw new Error(`an answer to read ${key}, which is not open`);
      this.#reads.delete(key);
      if (index === undefined) continue;
      this.readCount++;
      if (index < read.floor) throw new Error(`stale read ${key}: index ${index}, committed before ${read.floor}`);
    }
    for (const result of member.results.splice(0)) {
      const promised = this.#promises.get(`${at}:${result.context}`);
      if (promised === undefined || promised.index !== undefined || promised.refused) {
        throw new Error(`a second result for proposal ${result.context}`);
      }
      if (result.refused === undefined) {
        this.acceptedCount++;
        promised.index = result.index;
        promised.term = result.term;
      } else {
        promised.refused = true;
      }
    }
  }

  /** No read is open that was asked before `deadline`. */
  checkReadsAnswered(deadline: number): void {
    for (const [key, read] of this.#reads) if (read.time < deadline) throw new Error(`read ${key} was never answered`);
  }

  /** Proposal results are true: committed where they said, or nowhere. */
  checkPromises(committed: readonly (CommittedEntry | undefined)[]): void {
    const indexes = new Map<string, number>();
    for (let index = 1; index < committed.length; index++) {
      const { text, kind } = committed[index]!;
      if (kind !== 'command') continue;
      if (indexes.has(text)) throw new Error(`${text} is committed twice`);
      indexes.set(text, index);
    }
    for (const { text, index, term, refused } of this.#promises.values()) {
      if (text === undefined) {
        const isMine = index !== undefined && committed[index]?.term === term;
        if (isMine && committed[index]!.kind !== 'configuration') throw new Error(`no change of members at ${index}`);
        continue;
      }
      const at = indexes.get(text);
      if (refused && at !== undefined) throw new Error(`${text} was refused and committed at ${at}`);
      if (index === undefined) continue;
      const isCommitted = committed[index]?.term === term;
      if (isCommitted && at !== index) throw new Error(`${text} was promised at ${index}/${term}, committed at ${at}`);
      if (!isCommitted && at !== undefined)
        throw new Error(`${text} was promised at ${index}/${term}, committed at ${at}`);
    }
  }
}
