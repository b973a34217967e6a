// Holds what clients were told against the ledger. A write took effect at the revision that it was told and wrote what it was to write; none
// took effect twice, nor any that was refused; revisions follow real time; every read saw the store as it was at a moment between its call
// and its return; what is moved between the keys of a pair is never lost. Each finding is a sentence.
import type { Act } from './act.ts';
import { amountOf, pairCount, pairKeys, pairTotal } from './client-loop.ts';
import type { Ledger } from './ledger.ts';

export function judgeActs(ledger: Ledger, acts: readonly Act[]): string[] {
  const bounds = new RevisionBounds(acts);
  return [
    ...acts.flatMap((act) => judgeWrite(ledger, bounds, act)),
    ...judgeOrigins(ledger, acts, bounds),
    ...acts.flatMap((act) => judgeRead(ledger, bounds, act)),
    ...judgePairs(ledger),
  ];
}

/** What real time says about the revision of an act: above those that were told before its call, below those of acts called after its return. */
class RevisionBounds {
  private readonly returns: { readonly at: number; readonly highest: number }[] = [];
  private readonly calls: { readonly at: number; readonly lowest: number }[] = [];

  constructor(acts: readonly Act[]) {
    const told = acts.filter((act) => act.ret !== null && act.revision !== undefined);
    let highest = 1;
    for (const act of told.toSorted((a, b) => a.ret! - b.ret!)) {
      highest = Math.max(highest, act.revision!);
      this.returns.push({ at: act.ret!, highest });
    }
    let lowest = Infinity;
    const writes = told.filter((act) => act.writes !== undefined);
    for (const act of writes.toSorted((a, b) => b.call - a.call)) {
      lowest = Math.min(lowest, act.revision!);
      this.calls.push({ at: act.call, lowest });
    }
    this.calls.reverse();
  }

  /** The highest revision that anybody had been told before this moment. */
  before(call: number): number {
    return this.returns[firstAtLeast(this.returns, call) - 1]?.highest ?? 1;
  }

  /** The lowest revision of a write that was called after this moment. */
  after(ret: number): number {
    return this.calls[firstAtLeast(this.calls, ret + 1)]?.lowest ?? Infinity;
  }
}

function judgeWrite(ledger: Ledger, bounds: RevisionBounds, act: Act): string[] {
  if (act.writes === undefined || act.ret === null || act.revision === undefined) return [];
  const made = JSON.stringify(ledger.entryAt(act.revision)?.writes ?? 'nothing');
  if (made !== JSON.stringify(act.writes)) return [`${describe(act)}, and revision ${act.revision} holds ${made}`];
  const before = bounds.before(act.call);
  if (act.revision <= before) return [`${describe(act)}, and revision ${before} had been told before it was called`];
  return [];
}

/** Every change has one act that made it, and no act made two. */
function judgeOrigins(ledger: Ledger, acts: readonly Act[], bounds: RevisionBounds): string[] {
  const findings: string[] = [];
  const byValue = new Map<string, Act>();
  const told = new Map<number, Act>();
  /** By key: what real time says that each must be above. */
  const untoldDeletes = new Map<string, number[]>();
  for (const act of acts) {
    for (const { key, value } of act.writes ?? []) {
      if (value !== null) byValue.set(`${key}\0${value}`, act);
      else if (act.isRefused !== true && act.ok !== false && act.revision === undefined)
        untoldDeletes.set(key, [...(untoldDeletes.get(key) ?? []), bounds.before(act.call)]);
    }
    if (act.writes === undefined || act.revision === undefined) continue;
    const other = told.get(act.revision);
    if (other !== undefined) findings.push(`one revision was told twice: ${describe(act)}; ${describe(other)}`);
    told.set(act.revision, act);
  }
  // The one that was called first is what made the first change: nothing keeps a later change from being made by any of them.
  for (const floors of untoldDeletes.values()) floors.sort((a, b) => a - b);
  const done = new Map<Act, number>();
  for (const { revision, writes } of ledger.entries) {
    for (const { key, value } of writes) {
      const name = `revision ${revision} (${key} = ${value ?? 'deleted'})`;
      if (value === null) {
        if (told.has(revision)) continue;
        const floor = untoldDeletes.get(key)?.shift() ?? Infinity;
        if (revision <= floor) findings.push(`${name} was made by nobody who had called by then`);
        continue;
      }
      const act = byValue.get(`${key}\0${value}`);
      if (act === undefined) {
        findings.push(`${name} was made by nobody`);
        continue;
      }
      const earlier = done.get(act);
      if (earlier !== undefined && earlier !== revision)
        findings.push(`${name} had happened at ${earlier}: ${describe(act)}`);
      done.set(act, revision);
      if (act.isRefused === true || act.ok === false)
        findings.push(`${name} was made by what did not happen: ${describe(act)}`);
      if (revision <= bounds.before(act.call)) findings.push(`${name} was made before it was called: ${describe(act)}`);
    }
  }
  for (const act of acts) {
    const isDone = act.ret !== null && act.ok !== false && act.writes?.[0]?.value != null;
    if (isDone && !done.has(act)) findings.push(`acknowledged and lost: ${describe(act)}`);
  }
  return findings;
}

function judgeRead(ledger: Ledger, bounds: RevisionBounds, act: Act): string[] {
  if (act.ret === null || act.range === undefined || act.seen === undefined) return [];
  const [before, after] = [bounds.before(act.call), bounds.after(act.ret)];
  if (act.kind === 'scan') {
    const at = act.revision!;
    const due = JSON.stringify(ledger.rangeAt(act.range, at));
    if (due !== JSON.stringify(act.seen)) return [`${describe(act)} at revision ${at}, where it held ${due}`];
    const isNow = at >= before && at < after;
    return isNow ? [] : [`${describe(act)} at revision ${at}, and it was from ${before} to below ${after} meanwhile`];
  }
  const { value = null, revision } = act.seen[0] ?? {};
  const spans = ledger.spansOf(act.range, value).filter(({ from }) => revision === undefined || revision === from);
  const isNow = spans.some(({ from, until }) => until > before && from < after);
  return isNow ? [] : [`${describe(act)}, and it was from ${before} to below ${after} meanwhile`];
}

function judgePairs(ledger: Ledger): string[] {
  const findings: string[] = [];
  for (let pair = 0; pair < pairCount; pair++) {
    const [a, b] = pairKeys(pair);
    for (const { revision, writes } of ledger.entries) {
      if (!writes.some(({ key }) => key === a || key === b)) continue;
      const held = [a, b].map((key) => ledger.spanAt(key, revision)?.value);
      const total = held.reduce((sum, value) => sum + amountOf(value ?? ''), 0);
      if (total !== pairTotal) findings.push(`pair ${pair} holds ${held.join(' and ')} at revision ${revision}`);
    }
  }
  return findings;
}

/** For people. */
function describe(act: Act): string {
  const time = `${(act.call / 1e6).toFixed(1)}..${act.ret === null ? '?' : (act.ret / 1e6).toFixed(1)} ms`;
  const what =
    act.writes?.map(({ key, value }) => `${key} = ${value?.slice(0, 40) ?? 'deleted'}`).join(', ') ?? act.range;
  const seen = act.seen === undefined ? '' : ` saw ${JSON.stringify(act.seen)}`;
  const told = act.revision === undefined ? '' : `, told revision ${act.revision}`;
  return `client ${act.c} [${time}] ${act.kind} ${what}${seen}${told}`;
}

function firstAtLeast(sorted: readonly { readonly at: number }[], at: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]!.at < at) low = middle + 1;
    else high = middle;
  }
  return low;
}
