// The ordered map against a naive twin: a plain Map whose keys are sorted for each walk.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OrderedMap } from '../src/ordered-map.ts';

const key = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '\u0000', '\u00ff'), maxLength: 4 });
const deed = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('set' as const), key, value: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('delete' as const), key }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('walk' as const),
      from: key,
      to: fc.option(key, { nil: undefined }),
      isReverse: fc.boolean(),
      limit: fc.nat(6),
    }),
  },
);

function walked(map: OrderedMap<number>, from: string, to: string | undefined, isReverse: boolean, limit = Infinity) {
  const found: [string, number][] = [];
  map.walk({ from, to }, isReverse, (value, at) => {
    found.push([at, value]);
    return found.length < limit;
  });
  return found;
}

function expected(twin: Map<string, number>, from: string, to: string | undefined, isReverse: boolean) {
  const found = [...twin].filter(([at]) => at >= from && (to === undefined || at < to));
  found.sort(([a], [b]) => (a < b ? -1 : 1));
  return isReverse ? found.toReversed() : found;
}

describe('the ordered map', () => {
  it('answers what a sorted Map would, whatever is done to it', () => {
    fc.assert(
      fc.property(fc.array(deed, { maxLength: 200 }), (deeds) => {
        const map = new OrderedMap<number>();
        const twin = new Map<string, number>();
        for (const act of deeds) {
          if (act.type === 'set') {
            expect(map.set(act.key, act.value)).toBe(twin.get(act.key));
            twin.set(act.key, act.value);
          } else if (act.type === 'delete') {
            expect(map.delete(act.key)).toBe(twin.get(act.key));
            twin.delete(act.key);
          } else {
            const { from, to, isReverse, limit } = act;
            const wanted = expected(twin, from, to, isReverse).slice(0, Math.max(1, limit));
            expect(walked(map, from, to, isReverse, Math.max(1, limit))).toEqual(wanted);
          }
          expect(map.size).toBe(twin.size);
        }
      }),
      { numRuns: 300 },
    );
  });

  it.each(['ascending', 'descending', 'scattered'] as const)('keeps thousands of keys in order (%s)', (order) => {
    const map = new OrderedMap<number>();
    const twin = new Map<string, number>();
    const names = Array.from({ length: 5000 }, (_, i) => String((i * 7919) % 5000).padStart(4, '0'));
    if (order !== 'scattered') names.sort();
    if (order === 'descending') names.reverse();
    for (const [i, name] of names.entries()) {
      map.set(name, i);
      twin.set(name, i);
    }
    for (const name of names) {
      if (Number(name) % 3 !== 0) continue;
      map.delete(name);
      twin.delete(name);
    }
    expect(walked(map, '', undefined, false)).toEqual(expected(twin, '', undefined, false));
    expect(walked(map, '1234', '4321', true)).toEqual(expected(twin, '1234', '4321', true));
    for (const name of twin.keys()) map.delete(name);
    expect(walked(map, '', undefined, false)).toEqual([]);
    map.set('again', 1);
    expect(walked(map, '', undefined, true)).toEqual([['again', 1]]);
  });
});
