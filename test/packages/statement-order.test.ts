// In which order the statements of the production build may stand: each behind what it needs when it runs, however they are ranked.
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

interface StatementOrder {
  needsOf(code: string): Map<string, Set<string>>;
  sortedNames(needs: Map<string, Set<string>>, wanted: readonly string[]): string[];
}

const { needsOf, sortedNames } = (await import(
  join(import.meta.dirname, '../../packages/raftkv/build/statement-order.mjs')
)) as unknown as StatementOrder;

const code = `
  function spent(walk) { walk.ops += 1; return { ops: walk }; }
  class Pile { ops = 0; ops() {} }
  const writes = { put: spent({}), pile: new Pile() };
  const ops = [writes];
`;

describe('the order of statements', () => {
  it.each([['writes', 'ops'], ['ops', 'writes'], []])('has each behind what it needs, ranked %s, %s', (...ranked) => {
    const sorted = sortedNames(needsOf(code), ranked);
    expect(sorted.indexOf('writes')).toBeLessThan(sorted.indexOf('ops'));
    expect(sorted.indexOf('Pile')).toBeLessThan(sorted.indexOf('writes'));
  });

  it('takes what is used by a name for a use, also where a property is called by it in short', () => {
    const short = 'const used = 1;\nconst key = "a";\nconst made = { used, [key]: 2 };';
    expect([...needsOf(short).get('made')!].toSorted()).toEqual(['key', 'used']);
    expect([...needsOf('const a = 1;\nconst b = { a: 2 }.a;').get('b')!]).toEqual([]);
  });
});
