// The judges of a run object to doctored histories, one for each promise, and not to the true one that they are made from. The linearizability
// checker has its own tests; here only that single-key acts reach it.
import { describe, expect, it } from 'vitest';
import { checkLinearizability } from '../linearizability/checker.ts';
import { expectNone } from './expect-none.ts';
import { toOperations } from './work/act.ts';
import type { Act } from './work/act.ts';
import { judgeActs } from './work/judge-acts.ts';
import { Ledger, judgeLedger, judgeState, judgeWatched } from './work/ledger.ts';
import type { Entry } from './work/watchers.ts';

const entries: readonly Entry[] = [
  { revision: 2, writes: [{ key: 'r/1', value: 'one' }] },
  {
    revision: 3,
    writes: [
      { key: 'p/0/a', value: '60 of x' },
      { key: 'p/0/b', value: '40 of x' },
    ],
  },
  { revision: 4, writes: [{ key: 'r/1', value: null }] },
  { revision: 5, writes: [{ key: 'r/1', value: 'two' }] },
  { revision: 6, writes: [{ key: 'a/1', value: 'kept' }] },
];

const acts: readonly Act[] = [
  { c: 1, kind: 'put', call: 10, ret: 20, writes: entries[0]!.writes, revision: 2 },
  { c: 2, kind: 'move', call: 22, ret: 28, writes: entries[1]!.writes, revision: 3, ok: true },
  { c: 1, kind: 'get', call: 30, ret: 40, range: 'r/1', seen: [{ key: 'r/1', value: 'one', revision: 2 }] },
  { c: 2, kind: 'delete', call: 50, ret: null, writes: entries[2]!.writes },
  { c: 1, kind: 'cas', call: 60, ret: 70, expected: null, ok: true, writes: entries[3]!.writes, revision: 5 },
  { c: 3, kind: 'put', call: 72, ret: 80, writes: entries[4]!.writes, revision: 6 },
  {
    c: 2,
    kind: 'scan',
    call: 90,
    ret: 95,
    range: 'p/0/',
    revision: 6,
    seen: entries[1]!.writes.map(({ key, value }) => ({ key, value: value!, revision: 3 })),
  },
];

/** The true history with one act replaced by what `doctor` makes of it. */
function doctored(at: number, doctor: Partial<Act>): Act[] {
  return acts.map((act, index) => (index === at ? { ...act, ...doctor } : act));
}

function judged(history: readonly Act[], ledger = entries): string {
  return judgeActs(new Ledger(ledger), history).join('\n');
}

describe('the judge of what clients were told', () => {
  it('has no objection to a true history', () => {
    expect(judged(acts)).toBe('');
  });

  it.each([
    [
      'a write that was acknowledged and is not there',
      doctored(0, { writes: [{ key: 'r/1', value: 'other' }] }),
      'acknowledged and lost',
    ],
    ['a write told the revision of another', doctored(5, { revision: 5 }), 'one revision was told twice'],
    [
      'a write told a revision that others were told before',
      doctored(5, { call: 96, ret: 99, revision: 6 }),
      'had been told before it was called',
    ],
    [
      'a change by a write that was refused',
      doctored(5, { ret: null, isRefused: true }),
      'made by what did not happen',
    ],
    [
      'a change by a cas that was told no',
      doctored(4, { ok: false, revision: undefined }),
      'made by what did not happen',
    ],
    [
      'a delete that nobody asked for',
      acts.filter((_, at) => at !== 3),
      'revision 4 (r/1 = deleted) was made by nobody',
    ],
    [
      'a delete before anybody asked for it',
      doctored(3, { call: 96 }),
      'revision 4 (r/1 = deleted) was made by nobody who had called by then',
    ],
    [
      'a read that tells the revision of another write',
      doctored(2, { seen: [{ key: 'r/1', value: 'one', revision: 3 }] }),
      'get r/1 saw',
    ],
    ['a value that nobody wrote', acts.filter((_, at) => at !== 5), 'revision 6 (a/1 = kept) was made by nobody'],
    ['a stale read', doctored(2, { call: 90, ret: 95 }), 'get r/1 saw'],
    ['a read from the future', doctored(2, { seen: [{ key: 'r/1', value: 'two', revision: 5 }] }), 'get r/1 saw'],
    [
      'a read of what was never there',
      doctored(2, { seen: [{ key: 'r/1', value: 'never', revision: 2 }] }),
      'get r/1 saw',
    ],
    ['a scan of a torn transaction', doctored(6, { seen: acts[6]!.seen!.slice(1) }), 'where it held'],
    ['a stale scan', doctored(6, { revision: 3 }), 'from 6 to below'],
  ])('objects to %s', (_, history, words) => {
    expect(judged(history as Act[])).toContain(words);
  });

  it('objects to a write that took effect twice', () => {
    const twice = [...entries, { revision: 7, writes: entries[4]!.writes }];
    expect(judged(acts, twice)).toContain('had happened at 6');
  });

  it('objects to a pair that holds more than was put into it', () => {
    const torn = entries.map((entry) =>
      entry.revision === 3 ? { revision: 3, writes: entry.writes.slice(0, 1) } : entry,
    );
    expect(judged(acts, torn)).toContain('pair 0 holds 60 of x and');
  });

  it('hands single keys to the linearizability checker', () => {
    expect(checkLinearizability(toOperations(acts)).verdict).toBe('linearizable');
    const stale = doctored(2, { call: 75, ret: 78 });
    expect(checkLinearizability(toOperations(stale)).verdict).toBe('violation');
  });
});

describe('the judge of watches and states', () => {
  const ledger = new Ledger(entries);
  const watched = { prefix: 'r/', from: 3, until: 6, entries: [entries[2]!, entries[3]!] };
  const state = new Map([
    ['p/0/a', { value: '60 of x', revision: 3, createRevision: 3, version: 1 }],
    ['p/0/b', { value: '40 of x', revision: 3, createRevision: 3, version: 1 }],
    ['r/1', { value: 'two', revision: 5, createRevision: 5, version: 1 }],
    ['a/1', { value: 'kept', revision: 6, createRevision: 6, version: 1 }],
  ]);

  it('has no objection to true ones', () => {
    expect(judgeLedger(entries)).toEqual([]);
    expect(judgeWatched(ledger, watched)).toEqual([]);
    expect(judgeState(ledger, 'node1', state)).toEqual([]);
  });

  it('objects to a watch of everything with a gap, a repetition or a wrong order', () => {
    expect(judgeLedger(entries.filter(({ revision }) => revision !== 4))).not.toEqual([]);
    expect(judgeLedger([...entries, entries.at(-1)!])).not.toEqual([]);
    expect(judgeLedger(entries.toReversed())).not.toEqual([]);
  });

  it('objects to a watch of a range that left something out, gave it twice or changed it', () => {
    const [first, second] = watched.entries as [Entry, Entry];
    const other = { revision: 5, writes: [{ key: 'r/1', value: 'three' }] };
    for (const given of [[first], [first, first, second], [second, first], [first, other], [first, second, second]]) {
      expect(judgeWatched(ledger, { ...watched, entries: given })).not.toEqual([]);
    }
  });

  it('objects to a member that holds less, more or something else', () => {
    const less = new Map([...state].slice(1));
    const more = new Map([...state, ['r/2', state.get('r/1')!]]);
    const other = new Map([...state, ['r/1', { ...state.get('r/1')!, version: 2 }]]);
    for (const held of [less, more, other]) expect(judgeState(ledger, 'node1', held)).not.toEqual([]);
  });
});

describe('the findings of a run', () => {
  const waited = 'the run broke off: Error: waited 90000 ms in vain: all members follow one leader';

  it('are told as what came too late if that is all, and else as what is wrong', () => {
    expect(() => expectNone([], 'a run')).not.toThrow();
    expect(() => expectNone([waited], 'a run')).toThrow(/^waited 90000 ms in vain: .*one leader\na run$/s);
    const silent = 'nobody was answered for 16000 ms while a majority was there (kill)';
    expect(() => expectNone([silent, waited], 'a run')).toThrow(/^waited 16000 ms in vain: /);
    expect(() => expectNone([waited, 'acknowledged and lost: r'], 'a run')).toThrow(/^a run: expected/);
  });
});
