// The few assertions that the conformance suites use, for the page: a test runner's own would be larger than what is tested. Values are
// compared by content; a property that is undefined counts as missing.
import type { ConformanceExpect } from '@raftkv/storage/conformance';

type ExpectInPage = (
  ...asked: Parameters<ConformanceExpect>
) => ReturnType<ConformanceExpect> & { toBeLessThanOrEqual(expected: number): void };

export const expectInPage: ExpectInPage = (value, message) => {
  const check = (isRight: boolean, expectation: string): void => {
    if (!isRight) throw new Error(`${message === undefined ? '' : `${message}: `}${show(value)} ${expectation}`);
  };
  return {
    toBe: (expected) => check(Object.is(value, expected), `is not ${show(expected)}`),
    toEqual: (expected) => check(isEqual(value, expected), `does not equal ${show(expected)}`),
    toBeGreaterThan: (expected) =>
      check(typeof value === 'number' && value > expected, `is not greater than ${expected}`),
    toBeLessThanOrEqual: (expected) =>
      check(typeof value === 'number' && value <= expected, `is greater than ${expected}`),
  };
};

function isEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (Array.isArray(a) && Array.isArray(b) && a.length !== b.length) return false;
  const keys = new Set([...definedKeys(a), ...definedKeys(b)]);
  return [...keys].every((key) => isEqual(Reflect.get(a, key), Reflect.get(b, key)));
}

function definedKeys(value: object): string[] {
  return Object.keys(value).filter((key) => Reflect.get(value, key) !== undefined);
}

function show(value: unknown): string {
  return (
    JSON.stringify(value, (_, each: unknown) => (each === undefined ? 'undefined' : each))?.slice(0, 500) ?? 'undefined'
  );
}
