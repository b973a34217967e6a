// The checker against its naive twin, against histories with planted faults, and against long ones.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLinearizableByBruteForce } from './brute-force.ts';
import { checkLinearizability } from './checker.ts';
import { formatHistory, parseHistory } from './history.ts';
import type { Operation } from './history.ts';
import { simulateHistory } from './simulate.ts';

const verdictOf = (operations: readonly Operation[]): string => checkLinearizability(operations).verdict;

/** Few keys, few values and short times, so that about half of them are linearizable. */
const value = fc.constantFrom('a', 'b', 'c');
const valueOrAbsent = fc.option(value, { nil: null });
const operation: fc.Arbitrary<Operation> = fc
  .record({
    c: fc.nat(3),
    op: fc.constantFrom('get' as const, 'put' as const, 'del' as const, 'cas' as const),
    k: fc.constantFrom('x', 'x', 'y'),
    v: value,
    old: valueOrAbsent,
    call: fc.nat(12),
    length: fc.nat(8),
    isUnknown: fc.boolean(),
    out: valueOrAbsent,
    // Of some a client heard that they are done, but not whether they matched.
    ok: fc.constantFrom(true, false, undefined),
  })
  .map(({ length, isUnknown, ok, ...rest }) => ({
    ...rest,
    ret: isUnknown ? null : rest.call + length,
    ...(ok === undefined ? {} : { ok }),
  }));

describe('the linearizability checker', () => {
  it('agrees with trying every order on small histories of any kind', () => {
    const seen = { linearizable: 0, violation: 0 };
    fc.assert(
      fc.property(fc.array(operation, { minLength: 1, maxLength: 7 }), (operations) => {
        const expected = isLinearizableByBruteForce(operations) ? 'linearizable' : 'violation';
        seen[expected]++;
        const { verdict, explanation } = checkLinearizability(operations);
        expect(verdict, explanation).toBe(expected);
      }),
      { numRuns: 6000 },
    );
    expect(Math.min(seen.linearizable, seen.violation)).toBeGreaterThan(300);
  });

  it('lets a write of unknown outcome decide a cas of which nobody was told whether it matched', () => {
    const unsure: Operation[] = [
      { c: 1, op: 'put', k: 'k', v: 'a', call: 1, ret: null },
      { c: 2, op: 'cas', k: 'k', old: 'a', v: 'b', call: 2, ret: 3 },
    ];
    expect(verdictOf([...unsure, { c: 2, op: 'get', k: 'k', call: 4, ret: 5, out: 'b' }])).toBe('linearizable');
    expect(verdictOf([...unsure, { c: 2, op: 'get', k: 'k', call: 4, ret: 5, out: 'a' }])).toBe('linearizable');
    expect(verdictOf([...unsure, { c: 2, op: 'get', k: 'k', call: 4, ret: 5, out: 'c' }])).toBe('violation');
  });

  it('agrees with trying every order on small histories of a correct store with one answer changed', () => {
    const seen = { linearizable: 0, violation: 0 };
    fc.assert(
      fc.property(fc.nat(), fc.nat(6), value, (seed, at, other) => {
        const operations = simulateHistory({ seed, operations: 7, clients: 3, keys: 1, unknownShare: 0.3, values: 3 });
        const changed = operations.map((one, index) =>
          index === at && one.op === 'get' && one.ret !== null ? { ...one, out: other } : one,
        );
        const expected = isLinearizableByBruteForce(changed) ? 'linearizable' : 'violation';
        seen[expected]++;
        expect(verdictOf(changed)).toBe(expected);
      }),
      { numRuns: 3000 },
    );
    expect(Math.min(seen.linearizable, seen.violation)).toBeGreaterThan(100);
  });

  it('accepts whatever a correct store answers, with lost answers too', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const values = seed % 2 === 0 ? undefined : 4;
      const options = { seed, operations: 400, clients: 8, keys: 3, unknownShare: 0.1 };
      const result = checkLinearizability(simulateHistory(values === undefined ? options : { ...options, values }));
      expect(result.verdict, `seed ${seed}: ${result.explanation}`).toBe('linearizable');
    }
  });

  it('judges 50,000 operations of 16 clients on 10 keys in seconds', () => {
    const operations = simulateHistory({ seed: 7, operations: 50_000, clients: 16, keys: 10, unknownShare: 0.02 });
    // Of the processor: another one may have it meanwhile.
    const before = process.cpuUsage();
    const result = checkLinearizability(operations, { maxMilliseconds: 300_000 });
    expect(result.verdict, result.explanation).toBe('linearizable');
    const { user, system } = process.cpuUsage(before);
    expect(user + system).toBeLessThan(20_000_000);
  });

  it('says unknown when its budget runs out', () => {
    const operations = simulateHistory({ seed: 3, operations: 500, clients: 8, keys: 1, unknownShare: 0 });
    const result = checkLinearizability(operations, { maxConfigurations: 100 });
    expect(result.verdict).toBe('unknown');
    expect(result.explanation).toContain('ran out of budget');
  });
});

describe('a doctored history is caught', () => {
  const clean: Operation[] = [
    { c: 1, op: 'put', k: 'k', v: 'a', call: 1, ret: 2 },
    { c: 1, op: 'put', k: 'k', v: 'b', call: 3, ret: 4 },
    { c: 2, op: 'get', k: 'k', call: 5, ret: 6, out: 'b' },
    { c: 2, op: 'cas', k: 'k', old: 'b', v: 'c', call: 7, ret: 8, ok: true },
    { c: 1, op: 'get', k: 'k', call: 9, ret: 10, out: 'c' },
  ];
  const with_ = (index: number, change: Partial<Operation>): Operation[] =>
    clean.map((one, at) => (at === index ? { ...one, ...change } : one));

  it('which is not so before', () => {
    expect(verdictOf(clean)).toBe('linearizable');
  });

  it('when a read is stale', () => {
    const { verdict, explanation } = checkLinearizability(with_(4, { out: 'b' }));
    expect(verdict).toBe('violation');
    expect(explanation).toContain('client 1 [9..10]: get k saw "b"');
    expect(explanation).toContain('the value is then "c"');
    expect(explanation).toContain('"b" was written by:');
  });

  it('when an acknowledged write is lost', () => {
    expect(verdictOf(with_(2, { out: 'a' }))).toBe('violation');
    expect(verdictOf([...clean, { c: 3, op: 'get', k: 'k', call: 20, ret: 21, out: null }])).toBe('violation');
  });

  it('when a write takes effect twice', () => {
    expect(verdictOf([...clean, { c: 3, op: 'get', k: 'k', call: 20, ret: 21, out: 'a' }])).toBe('violation');
  });

  it('when a write of unknown outcome takes effect twice', () => {
    const unsure: Operation[] = [
      { c: 1, op: 'put', k: 'k', v: 'u', call: 1, ret: null },
      { c: 2, op: 'get', k: 'k', call: 2, ret: 3, out: 'u' },
      { c: 2, op: 'put', k: 'k', v: 'w', call: 4, ret: 5 },
      { c: 2, op: 'get', k: 'k', call: 6, ret: 7, out: 'w' },
    ];
    expect(verdictOf(unsure)).toBe('linearizable');
    expect(verdictOf([...unsure, { c: 2, op: 'get', k: 'k', call: 8, ret: 9, out: 'u' }])).toBe('violation');
  });

  it('when a delete or a cas says yes and could not', () => {
    expect(verdictOf(with_(3, { old: 'a' }))).toBe('violation');
    const deleted: Operation = { c: 3, op: 'del', k: 'k', call: 11, ret: 12, ok: true };
    expect(verdictOf([...clean, deleted])).toBe('linearizable');
    expect(verdictOf([...clean, deleted, { ...deleted, call: 13, ret: 14 }])).toBe('violation');
  });

  it('when one read among thousands is one write behind', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const operations = simulateHistory({ seed, operations: 5000, clients: 8, keys: 5, unknownShare: 0.02 });
      expect(verdictOf(operations)).toBe('linearizable');
      const stale = staleRead(operations);
      const { verdict, explanation } = checkLinearizability([...operations, stale]);
      expect(verdict, `seed ${seed}`).toBe('violation');
      expect(explanation).toContain('client 99');
    }
  });
});

/** A read, at the end, of a value that a later answered write of the same key has replaced. */
function staleRead(operations: readonly Operation[]): Operation {
  const end = 1 + Math.max(...operations.map((one) => one.ret ?? one.call));
  const puts = operations.filter((one) => one.op === 'put' && one.k === 'k0' && one.ret !== null);
  const old = puts.at(-5)!;
  expect(puts.some((one) => one.call > old.ret!)).toBe(true);
  return { c: 99, op: 'get', k: 'k0', call: end, ret: end + 1, out: old.v! };
}

describe('a history on disk', () => {
  it('reads back as it was written', () => {
    const operations = simulateHistory({ seed: 1, operations: 50, clients: 3, keys: 2, unknownShare: 0.2 });
    const byCall = operations.toSorted((a, b) => a.call - b.call);
    expect(parseHistory(formatHistory(operations))).toEqual(byCall);
  });

  it('is refused with the line number where it is not a history', () => {
    const good = formatHistory([{ c: 1, op: 'put', k: 'k', v: 'a', call: 1, ret: 2 }]);
    expect(() => parseHistory(`${good}{"c":1,"op":"inc","k":"k","call":3,"ret":4}`)).toThrow(
      'history line 2: unknown op inc',
    );
    expect(() => parseHistory('{"c":1,"op":"get","k":"k","call":3,"ret":2}')).toThrow('line 1: ret must be');
  });
});
