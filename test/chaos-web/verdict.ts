// The verdict on a run: what clients were told against the ledger and the linearizability checker, what members hold at the end, and that no term had two
// leaders. It is handed evidence and looks at nothing else, so that a test can doctor it. Each finding is a sentence, none = all holds.
import type { Note } from '../browser/pages/chaos-calls.ts';
import { toOperations } from '../chaos/work/act.ts';
import type { Act } from '../chaos/work/act.ts';
import { judgeActs } from '../chaos/work/judge-acts.ts';
import { Ledger, judgeLedger, judgeState } from '../chaos/work/ledger.ts';
import type { KeyState } from '../chaos/work/ledger.ts';
import type { Entry } from '../chaos/work/watchers.ts';
import { checkLinearizability } from '../linearizability/checker.ts';

export interface Evidence {
  /** Every change of the store, in order. */
  readonly entries: readonly Entry[];
  readonly acts: readonly Act[];
  readonly notes: readonly Note[];
  /** What each member held once it had come as far as the ledger. */
  readonly states: ReadonlyMap<string, ReadonlyMap<string, KeyState>>;
}

const mostOfAKind = 10;
const longestFinding = 2000;

export function judge({ entries, acts, notes, states }: Evidence): string[] {
  const findings: string[] = [];
  const add = (found: readonly string[]): void =>
    void findings.push(...found.slice(0, mostOfAKind).map((finding) => finding.slice(0, longestFinding)));
  const gaps = judgeLedger(entries);
  add(gaps);
  if (gaps.length === 0) {
    const ledger = new Ledger(entries);
    add(judgeActs(ledger, acts));
    for (const [name, state] of states) add(judgeState(ledger, name, state));
  }
  const result = checkLinearizability(toOperations(acts), { maxMilliseconds: 120_000 });
  if (result.verdict !== 'linearizable') add([`${result.verdict}: ${result.explanation}`]);
  add(judgeLeaders(notes));
  return findings;
}

/** A term has one leader at most: one start of one member. Two are two who were voted for, by somebody who voted twice. */
function judgeLeaders(notes: readonly Note[]): string[] {
  const leaders = new Map<number, string>();
  const findings: string[] = [];
  for (const { name, life, role, term } of notes) {
    if (role !== 'leader' || term === undefined) continue;
    const who = `${name} (${life})`;
    const other = leaders.get(term) ?? who;
    if (other !== who) findings.push(`term ${term} had two leaders: ${other} and ${who}`);
    leaders.set(term, other);
  }
  return findings;
}

/** Terms that had a leader. */
export function electionsOf(notes: readonly Note[]): number {
  return new Set(notes.flatMap(({ role, term }) => (role === 'leader' ? [term] : []))).size;
}
