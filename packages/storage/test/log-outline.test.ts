// The outline of a log against a naive twin that simply holds all entries.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LogOutline } from '../src/log-outline.ts';
import type { Entry } from '@raftkv/raft';

type Action =
  | { readonly type: 'append'; readonly back: number; readonly count: number; readonly termStep: number }
  | { readonly type: 'compact'; readonly ahead: number }
  | { readonly type: 'reset'; readonly ahead: number };

const actions = fc.array(
  fc.oneof(
    fc.record({
      type: fc.constant('append' as const),
      back: fc.nat(6),
      count: fc.integer({ min: 1, max: 8 }),
      termStep: fc.nat(1),
    }),
    fc.record({ type: fc.constant('compact' as const), ahead: fc.nat(10) }),
    fc.record({ type: fc.constant('reset' as const), ahead: fc.nat(20) }),
  ) satisfies fc.Arbitrary<Action>,
  { maxLength: 60 },
);

describe('the outline of a log', () => {
  it('knows beginning, end and every term, whatever is appended, compacted and reset', () => {
    fc.assert(
      fc.property(actions, (list) => {
        const outline = new LogOutline({ hardState: undefined, entries: [], compactedIndex: 0, compactedTerm: 0 });
        let twin: Entry[] = [];
        let base = { index: 0, term: 0 };
        let term = 1;
        for (const action of list) {
          if (action.type === 'append') {
            const end = base.index + twin.length;
            const first = Math.max(base.index + 1, end + 1 - action.back);
            // A suffix is only replaced by a newer term, as in Raft.
            term += first <= end ? 1 : action.termStep;
            const added = Array.from({ length: action.count }, (_, i): Entry => {
              return { index: first + i, term, kind: 'command', data: new Uint8Array(0) };
            });
            outline.check(added);
            outline.append({ hardState: undefined, entries: added });
            twin = [...twin.slice(0, first - base.index - 1), ...added];
          } else if (action.type === 'compact') {
            const index = Math.min(base.index + action.ahead, base.index + twin.length);
            const last = twin[index - base.index - 1];
            expect(outline.compact(index, index)).toBe(last?.term);
            twin = twin.slice(index - base.index);
            base = { index, term: last?.term ?? base.term };
          } else {
            base = { index: base.index + twin.length + action.ahead, term };
            twin = [];
            outline.reset(base.index, base.term);
          }
          expect([outline.compactedIndex, outline.compactedTerm, outline.lastIndex]).toEqual([
            base.index,
            base.term,
            base.index + twin.length,
          ]);
          expect(twin.map(({ index }) => outline.termAt(index))).toEqual(twin.map((each) => each.term));
          expect(outline.termAt(base.index)).toBe(base.term);
        }
      }),
      { seed: 20_261_122, numRuns: 300 },
    );
  });

  it('refuses what leaves a gap and changes nothing', () => {
    const outline = new LogOutline({ hardState: undefined, entries: [], compactedIndex: 10, compactedTerm: 2 });
    const at = (index: number): Entry => ({ index, term: 3, kind: 'command', data: new Uint8Array(0) });
    for (const list of [[at(10)], [at(12)], [at(11), at(13)]]) {
      expect(() => outline.check(list)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
    }
    expect(outline.lastIndex).toBe(10);
  });
});
