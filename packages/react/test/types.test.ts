// What the compiler makes of the hooks: a wrong use here is a compile error of `tsconfig.test.json`, so the checks of types are in the text.
import * as v from 'valibot';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { LiveEntry, LiveKv, ReadState } from '@raftkv/client';
import { useGet, usePut, useScan, useScanSuspense, useStatus, useTxn } from '../src/index.ts';
import type { SuspenseState } from '../src/index.ts';
import { h, mount, setUp } from './harness.ts';

interface Todo {
  readonly title: string;
}
/** Of all the suites: what is registered holds for the whole program. */
type Value = string | number | object;

const schema = v.object({ title: v.string() });
const dates = v.pipe(
  v.string(),
  v.transform((text) => new Date(text)),
);

declare module '../src/register.ts' {
  interface Register {
    kv: LiveKv<Value>;
  }
}

function useAll() {
  expectTypeOf(useGet('a')).toEqualTypeOf<ReadState<LiveEntry<Value> | null>>();
  expectTypeOf(useGet<Todo>('a')).toEqualTypeOf<ReadState<LiveEntry<Todo> | null>>();
  expectTypeOf(useGet(null, { schema })).toEqualTypeOf<ReadState<LiveEntry<{ title: string }> | null>>();
  expectTypeOf(useGet('d', { schema: dates, select: (entry) => entry?.value.getTime() })).toEqualTypeOf<
    ReadState<number | undefined>
  >();
  expectTypeOf(useScan({ prefix: 'a' }, { select: (rows) => rows.length })).toEqualTypeOf<ReadState<number>>();
  expectTypeOf(useScan({ prefix: 'a' }, { schema, limit: 1, select: (rows) => rows[0]?.value.title })).toEqualTypeOf<
    ReadState<string | undefined>
  >();
  expectTypeOf(useScanSuspense({ prefix: 'a' }, { schema })).toEqualTypeOf<
    SuspenseState<readonly LiveEntry<{ title: string }>[]>
  >();
  expectTypeOf(useScanSuspense({ prefix: 'a' }).data).toEqualTypeOf<readonly LiveEntry<Value>[]>();
  expectTypeOf(useStatus((status) => status.keys)).toEqualTypeOf<number>();
  expectTypeOf(usePut().mutate).parameter(0).toHaveProperty('value').toEqualTypeOf<Value>();
  expectTypeOf(usePut({ schema }).mutate).parameter(0).toHaveProperty('value').toEqualTypeOf<{ title: string }>();
  expectTypeOf(usePut({ schema: dates }).mutate)
    .parameter(0)
    .toHaveProperty('value')
    .toEqualTypeOf<string>();
  expectTypeOf(useTxn().mutateAsync).returns.resolves.toHaveProperty('succeeded').toEqualTypeOf<boolean>();
}

describe('the types', () => {
  it('follow the kv that is registered, a type that is given, and a schema', () => {
    const kv = setUp({ a: { title: 'tea' }, d: '2026-01-01' });
    const seen: unknown[] = [];
    const All = () => {
      useAll();
      seen.push(useGet('d', { schema: dates, select: (entry) => entry?.value.getFullYear() }).data);
      return null;
    };
    mount(kv, h(All));
    expect(seen).toEqual([2026]);
  });
});
