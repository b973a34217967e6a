// The judge of a whole run. Revisions number every change of the store without a gap, and one watch was given them all: that record is the ledger.
// What each client was told, what other watches were given and what members hold at the end must agree with it. judge-acts.ts does the clients,
// this file the watches and the states; both give findings in words, none = the run holds.
import type { Seen } from './act.ts';
import type { Entry, Watched } from './watchers.ts';

/** One value that a key had, from a revision until before another. */
export interface Span {
  readonly from: number;
  until: number;
  readonly value: string | null;
}

export interface KeyState {
  readonly value: string;
  readonly revision: number;
  readonly createRevision: number;
  readonly version: number;
}

export class Ledger {
  readonly entries: readonly Entry[];
  /** What each key held when, in order; nothing before its first span. */
  private readonly spans = new Map<string, Span[]>();
  private readonly byPrefix = new Map<string, string[]>();

  constructor(entries: readonly Entry[]) {
    this.entries = entries;
    for (const { revision, writes } of entries) {
      for (const { key, value } of writes) {
        const spans = this.spans.get(key) ?? [];
        const last = spans.at(-1);
        if (last !== undefined) last.until = revision;
        spans.push({ from: revision, until: Infinity, value });
        this.spans.set(key, spans);
      }
    }
  }

  get lastRevision(): number {
    return this.entries.at(-1)?.revision ?? 1;
  }

  entryAt(revision: number): Entry | undefined {
    return this.entries[revision - 2];
  }

  /** What the key held at a revision; undefined if it was not there. */
  spanAt(key: string, revision: number): Span | undefined {
    const spans = this.spans.get(key) ?? [];
    let [low, high] = [0, spans.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (spans[middle]!.from <= revision) low = middle + 1;
      else high = middle;
    }
    return spans[low - 1];
  }

  /** When a key held a value: every span of it. */
  spansOf(key: string, value: string | null): Span[] {
    const spans = this.spans.get(key) ?? [];
    const held = spans.filter((span) => span.value === value);
    const first = spans[0]?.from ?? Infinity;
    return value === null ? [{ from: 1, until: first, value }, ...held] : held;
  }

  /** Everything below a prefix at a revision, in order. */
  rangeAt(prefix: string, revision: number): Seen[] {
    return this.keysBelow(prefix).flatMap((key) => {
      const span = this.spanAt(key, revision);
      return span === undefined || span.value === null ? [] : [{ key, value: span.value, revision: span.from }];
    });
  }

  /** Everything at the end, with what a member says of each key. */
  finalState(): Map<string, KeyState> {
    const state = new Map<string, KeyState>();
    for (const { revision, writes } of this.entries) {
      for (const { key, value } of writes) {
        const before = state.get(key);
        if (value === null) state.delete(key);
        else {
          const createRevision = before?.createRevision ?? revision;
          state.set(key, { value, revision, createRevision, version: (before?.version ?? 0) + 1 });
        }
      }
    }
    return state;
  }

  private keysBelow(prefix: string): string[] {
    const known = this.byPrefix.get(prefix);
    if (known !== undefined) return known;
    const keys = [...this.spans.keys()].filter((key) => key.startsWith(prefix)).sort();
    this.byPrefix.set(prefix, keys);
    return keys;
  }
}

/** The ledger itself: every revision once, in order, none left out. */
export function judgeLedger(entries: readonly Entry[]): string[] {
  const findings: string[] = [];
  let expected = 2;
  for (const { revision, writes } of entries) {
    if (revision !== expected)
      findings.push(`the watch of everything gave revision ${revision} where ${expected} was due`);
    if (writes.length === 0) findings.push(`revision ${revision} changed nothing`);
    expected = revision + 1;
  }
  return findings;
}

/** A watch of a range gave exactly what the ledger has of it. */
export function judgeWatched(ledger: Ledger, watched: Watched): string[] {
  const { prefix, from, until, entries } = watched;
  const name = `the watch of ${prefix} from revision ${from} until ${until}`;
  const due: Entry[] = [];
  for (let revision = from; revision <= Math.min(until, ledger.lastRevision); revision++) {
    const entry = ledger.entryAt(revision);
    const writes = (entry?.writes ?? []).filter(({ key }) => key.startsWith(prefix));
    if (writes.length > 0) due.push({ revision, writes });
  }
  for (let at = 0; at < Math.max(due.length, entries.length); at++) {
    const [wanted, given] = [JSON.stringify(due[at]), JSON.stringify(entries[at])];
    if (wanted !== given) return [`${name} gave ${given} where ${wanted} was due`];
  }
  return [];
}

/** A member holds exactly what the ledger says. */
export function judgeState(ledger: Ledger, member: string, state: ReadonlyMap<string, KeyState>): string[] {
  const due = ledger.finalState();
  const findings: string[] = [];
  for (const [key, wanted] of due) {
    const held = JSON.stringify(state.get(key));
    if (held !== JSON.stringify(wanted))
      findings.push(`${member} holds ${key}: ${held}, due is ${JSON.stringify(wanted)}`);
  }
  for (const key of state.keys()) if (!due.has(key)) findings.push(`${member} holds ${key}, which is not there`);
  return findings;
}
