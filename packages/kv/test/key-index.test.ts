// The index against a sorted array: point look-ups, walks both ways, and frozen trees that stay as they were.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KeyCell } from '../src/record.ts';
import { KeyIndex, stop } from '../src/key-index.ts';
import { range } from './arbitrary.ts';

const someKey = fc.stringMatching(/^[a-f\xff]{1,3}$/);

function cellOf(key: string): KeyCell {
  return { key, newest: { key, entry: undefined, revision: 2, order: 0, previous: undefined } };
}

function keysOf(walk: (visit: (key: string) => undefined) => void): string[] {
  const keys: string[] = [];
  walk((key) => void keys.push(key));
  return keys;
}

describe('KeyIndex', () => {
  it('holds and orders keys as a sorted array does, and a frozen tree stays as it was', () => {
    const edits = fc.array(fc.record({ key: someKey, remove: fc.boolean() }), { maxLength: 300 });
    fc.assert(
      fc.property(fc.uniqueArray(someKey, { maxLength: 100 }), edits, range, (start, changes, within) => {
        const initial = start.toSorted((a, b) => (a < b ? -1 : 1));
        const index = new KeyIndex(initial.map(cellOf));
        const frozen = index.freeze();
        const twin = new Set(initial);
        for (const { key, remove } of changes) {
          if (remove) index.remove(key);
          else if (!twin.has(key)) index.insert(cellOf(key));
          if (remove) twin.delete(key);
          else twin.add(key);
          expect(index.find(key)?.key).toBe(remove ? undefined : key);
        }
        const expected = [...twin]
          .filter((key) => key >= within.from && (within.to === undefined || key < within.to))
          .toSorted((a, b) => (a < b ? -1 : 1));
        expect(keysOf((visit) => index.walkForward(within, visit))).toEqual(expected);
        expect(keysOf((visit) => index.walkBackward(within, visit))).toEqual(expected.toReversed());
        expect([...frozen.keys()]).toEqual(initial);
      }),
      { seed: 6, numRuns: 100 },
    );
  });

  it('leaves each of several frozen trees as it was while tens of thousands of keys come and go', () => {
    let state = 1;
    const someNumber = (): number => (state = (state * 48271) % 0x7fffffff) % 20_000;
    const initial = Array.from({ length: 15_000 }, (_, at) => `k${at + 10_000}`);
    const index = new KeyIndex(initial.map(cellOf));
    const twin = new Set(initial);
    const frozen: (readonly [tree: ReturnType<KeyIndex['freeze']>, keys: string[]])[] = [];
    for (let at = 0; at < 30_000; at++) {
      if (at % 10_000 === 0) frozen.push([index.freeze(), [...twin].toSorted()]);
      const key = `k${someNumber() + 10_000}`;
      // First they become fewer, then more.
      if (twin.has(key) && at % 3 < (at < 20_000 ? 3 : 1)) {
        index.remove(key);
        twin.delete(key);
      } else if (!twin.has(key) && at % 3 > (at < 20_000 ? 1 : 0)) {
        index.insert(cellOf(key));
        twin.add(key);
      }
    }
    expect(frozen.map(([, keys]) => keys.length)).not.toContain(twin.size);
    // Joined, since a comparison of long arrays takes seconds.
    for (const [tree, keys] of frozen) expect([...tree.keys()].join() === keys.join()).toBe(true);
    expect(keysOf((visit) => index.walkForward({ from: '', to: undefined }, visit)).join()).toBe([...twin].toSorted().join()); // prettier-ignore
  });

  it('ends a walk when it is told to', () => {
    const index = new KeyIndex(['a', 'b', 'c'].map(cellOf));
    for (const walk of ['walkForward', 'walkBackward'] as const) {
      const seen: string[] = [];
      index[walk]({ from: '', to: undefined }, (key) => {
        seen.push(key);
        return seen.length === 2 ? stop : undefined;
      });
      expect(seen).toHaveLength(2);
    }
  });
});
