// The conditions of transactions, rule by rule, with etcd's answers for what is missing.
import { describe, expect, it } from 'vitest';
import type { Compare, CompareOperator } from '../src/index.ts';
import { Store } from '../src/index.ts';
import { bytesOf } from './arbitrary.ts';

function outcome(compare: Compare): boolean {
  const store = new Store();
  const put = (key: string, text: string): unknown =>
    store.apply(store.appliedIndex + 1, { session: undefined, command: { type: 'put', key, value: bytesOf(text) } });
  put('a', 'm');
  put('b', 'm');
  put('b', 'z');
  const result = store.apply(9, {
    session: undefined,
    command: { type: 'txn', compare: [compare], then: [], otherwise: [] },
  });
  if (result.type !== 'txn') throw new Error('refused');
  return result.succeeded;
}

const operators: readonly CompareOperator[] = ['equal', 'notEqual', 'greater', 'less'];
const outcomes = (compare: Compare): boolean[] => operators.map((operator) => outcome({ ...compare, operator }));

describe('a condition', () => {
  it('compares values bytewise, the shorter first', () => {
    const value = (text: string): Compare => ({ key: 'a', operator: 'equal', target: 'value', value: bytesOf(text) });
    expect(outcomes(value('m'))).toEqual([true, false, false, false]);
    expect(outcomes(value('ma'))).toEqual([false, true, false, true]);
    expect(outcomes(value(''))).toEqual([false, true, true, false]);
    expect(outcomes(value('\xff'))).toEqual([false, true, false, true]);
  });

  it('never holds for the value of a missing key, not even that it differs', () => {
    expect(outcomes({ key: 'x', operator: 'equal', target: 'value', value: bytesOf('m') })).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });

  it('takes a missing key’s numbers for 0', () => {
    for (const target of ['revision', 'createRevision', 'version'] as const) {
      expect(outcomes({ key: 'x', operator: 'equal', target, number: 0 })).toEqual([true, false, false, false]);
      expect(outcomes({ key: 'x', operator: 'equal', target, number: 1 })).toEqual([false, true, false, true]);
    }
  });

  it('tells revision, createRevision and version apart', () => {
    const number = (target: 'revision' | 'createRevision' | 'version', expected: number): boolean =>
      outcome({ key: 'b', operator: 'equal', target, number: expected });
    expect([number('revision', 4), number('createRevision', 3), number('version', 2)]).toEqual([true, true, true]);
  });

  it('over a range holds if it holds for each existing key', () => {
    const range = { from: 'a', to: 'c' };
    expect(outcome({ key: 'a', range, operator: 'greater', target: 'revision', number: 1 })).toBe(true);
    expect(outcome({ key: 'a', range, operator: 'equal', target: 'version', number: 1 })).toBe(false);
  });

  it('over a range without keys judges one missing key, as etcd does', () => {
    const range = { from: 'x', to: 'y' };
    expect(outcome({ key: 'x', range, operator: 'equal', target: 'version', number: 0 })).toBe(true);
    expect(outcome({ key: 'x', range, operator: 'equal', target: 'exists', exists: false })).toBe(true);
    expect(outcome({ key: 'x', range, operator: 'notEqual', target: 'value', value: bytesOf('m') })).toBe(false);
  });

  it('asks whether a key exists', () => {
    const asks = (key: string, exists: boolean, operator: CompareOperator): boolean =>
      outcome({ key, operator, target: 'exists', exists });
    expect([asks('a', true, 'equal'), asks('a', false, 'equal'), asks('a', true, 'notEqual')]).toEqual([
      true,
      false,
      false,
    ]);
    expect([asks('x', true, 'equal'), asks('x', false, 'equal'), asks('x', true, 'notEqual')]).toEqual([
      false,
      true,
      true,
    ]);
  });
});
