// The judge of a run among tabs objects to doctored evidence, one doctoring for each thing that it promises to see, and not to the true evidence that they are
// made from. What it shares with `test/chaos` is tested there in full; here, that all of it is asked.
import { describe, expect, it } from 'vitest';
import type { Note } from '../browser/pages/chaos-calls.ts';
import type { Act } from '../chaos/work/act.ts';
import { judge } from './verdict.ts';
import type { Evidence } from './verdict.ts';

const acts: readonly Act[] = [
  { c: 0, kind: 'put', call: 10, ret: 20, writes: [{ key: 'r/1', value: 'one' }], revision: 2 },
  { c: 1, kind: 'get', call: 30, ret: 40, range: 'r/1', seen: [{ key: 'r/1', value: 'one', revision: 2 }] },
  {
    c: 2,
    kind: 'cas',
    call: 50,
    ret: 60,
    writes: [{ key: 'r/1', value: 'two' }],
    expected: 'one',
    ok: true,
    revision: 3,
  },
  { c: 1, kind: 'get', call: 70, ret: 80, range: 'r/1', seen: [{ key: 'r/1', value: 'two', revision: 3 }] },
];
const state = { value: 'two', revision: 3, createRevision: 2, version: 2 };
const leads = (name: string, life: string, term: number): Note => ({ name, life, type: 'role', role: 'leader', term });
const honest: Evidence = {
  entries: [
    { revision: 2, writes: [{ key: 'r/1', value: 'one' }] },
    { revision: 3, writes: [{ key: 'r/1', value: 'two' }] },
  ],
  acts,
  notes: [leads('ada', 'x/0', 1), leads('bob', 'y/0', 2), leads('bob', 'y/0', 2), leads('ada', 'x/1', 3)],
  states: new Map([['ada', new Map([['r/1', state]])]]),
};

const judged = (change: Partial<Evidence>): string => judge({ ...honest, ...change }).join('\n');
const changed = (at: number, change: Partial<Act>): Act[] =>
  acts.map((act, i) => (i === at ? { ...act, ...change } : act));

describe('the judge of a run among tabs', () => {
  it('has no objection to a true run', () => {
    expect(judged({})).toBe('');
  });

  it.each([
    ['a write that was acknowledged and lost', { entries: honest.entries.slice(0, 1), states: new Map() }, 'lost'],
    ['a revision that nobody was given', { entries: honest.entries.slice(1) }, 'was due'],
    ['a stale read', { acts: changed(3, { seen: [{ key: 'r/1', value: 'one', revision: 2 }] }) }, 'violation'],
    [
      'a write that was refused and took effect',
      { acts: changed(2, { ret: null, ok: undefined, revision: undefined, isRefused: true }) },
      'made by what did not happen',
    ],
    [
      'a member that holds something else',
      { states: new Map([['eve', new Map([['r/1', { ...state, value: 'one' }]])]]) },
      'eve holds r/1',
    ],
    ['two members that led in one term', { notes: [...honest.notes, leads('eve', 'z/0', 2)] }, 'two leaders'],
    [
      'two pages of one member that led in one term, as a zombie and its heir would',
      { notes: [...honest.notes, leads('ada', 'w/0', 3)] },
      'term 3 had two leaders',
    ],
  ] satisfies [string, Partial<Evidence>, string][])('objects to %s', (_, change, words) => {
    expect(judged(change)).toContain(words);
  });
});
