// What a hook that reads promises of renders: one for each change of what it reads, none for others, and never an old or a mixed picture.
import { render } from '@testing-library/react';
import { Component, StrictMode, useLayoutEffect } from 'react';
import type { ReactNode } from 'react';
import { describe, expect, it, vi } from 'vitest';
import * as v from 'valibot';
import { RaftkvError } from '@raftkv/client';
import type { LiveEntry, ReadState } from '@raftkv/client';
import { useGet, useScan } from '../src/index.ts';
import { act, h, listenersOf, mount, probe, setUp } from './harness.ts';

const value = (state: ReadState<LiveEntry | null>): string => String(state.data?.value);
const values = (state: ReadState<readonly LiveEntry[]>): string => (state.data ?? []).map((row) => row.value).join();

describe('useGet and useScan', () => {
  it('give the state of the query, and null for a key that is not there', () => {
    const kv = setUp({ a: 1 });
    const here = probe(() => useGet('a'), value);
    const none = probe(() => useGet('b'));
    mount(kv, [h(here.Probe, { key: 1 }), h(none.Probe, { key: 2 })]);
    expect(here.seen).toEqual([kv.live.get('a').getSnapshot()]);
    expect(none.seen[0]).toMatchObject({ status: 'success', data: null });
  });

  it('render once for each change of what they read, and not for other keys', async () => {
    const kv = setUp({ a: 1, 'r/a': 1, 'r/b': 1 });
    const a = probe(() => useGet('a'), value);
    const b = probe(() => useGet('b'), value);
    const range = probe(() => useScan({ prefix: 'r/' }), values);
    const screen = mount(kv, [h(a.Probe, { key: 1 }), h(b.Probe, { key: 2 }), h(range.Probe, { key: 3 })]);
    const counts = (): number[] => [a.count(), b.count(), range.count()];
    expect(counts()).toEqual([1, 1, 1]);
    await act(() => void kv.copy.apply({ a: 2 }));
    expect(counts()).toEqual([2, 1, 1]);
    await act(() => void kv.copy.apply({ b: 1, 'r/c': 9 }));
    expect(counts()).toEqual([2, 2, 2]);
    await act(() => void kv.copy.apply({ other: 1 }));
    expect(counts()).toEqual([2, 2, 2]);
    expect(screen.text()).toBe('211,1,9');
  });

  it('in a list render only the row that changed', async () => {
    const kv = setUp(Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`r/${i}`, i])));
    const rendered: string[] = [];
    const Row = ({ name }: { name: string }) => {
      rendered.push(name);
      return h('li', null, value(useGet(name)));
    };
    const keys = Array.from({ length: 50 }, (_, i) => `r/${i}`);
    mount(
      kv,
      keys.map((name) => h(Row, { key: name, name })),
    );
    rendered.length = 0;
    for (const name of ['r/7', 'r/31', 'r/7']) await act(() => void kv.copy.apply({ [name]: name }));
    expect(rendered).toEqual(['r/7', 'r/31', 'r/7']);
  });

  it('do not render again when a snapshot is told that is the same', async () => {
    const kv = setUp({ a: 1 });
    const a = probe(() => useGet('a'), value);
    mount(kv, a.element);
    await act(() => kv.copy.become({ fetchStatus: 'idle', isReady: true }));
    expect(a.count()).toBe(1);
    const same = { a: kv.copy.getEntry('a')!.value };
    await act(() => {
      kv.mutate([{ type: 'put', key: 'a', value: same.a }]);
      return kv.refuse();
    });
    expect(a.seen.at(-1)).toMatchObject({ data: { value: 1, isPending: false }, pendingWrites: 0 });
  });

  it('see a change in a layout effect between render and commit', () => {
    const kv = setUp({ a: 'old' });
    const a = probe(() => useGet('a'), value);
    const Meddler = () => {
      useLayoutEffect(() => void kv.copy.apply({ a: 'new' }), []);
      return null;
    };
    const screen = mount(kv, [h(a.Probe, { key: 1 }), h(Meddler, { key: 2 })]);
    expect(screen.text()).toBe('new');
    expect(a.count()).toBe(2);
  });

  it('show the new key at once when the key changes, never the data of the key before', async () => {
    const kv = setUp({ a: 'A', b: 'B' });
    const seen: string[] = [];
    const Reader = ({ name }: { name: string | null }) => {
      const state = useGet(name);
      seen.push(`${name} ${state.status} ${value(state)}`);
      return null;
    };
    const screen = mount(kv, h(Reader, { name: 'a' }));
    screen.show(h(Reader, { name: 'b' }));
    screen.show(h(Reader, { name: null }));
    await act(() => void kv.copy.apply({ a: 'A2', b: 'B2' }));
    expect(seen).toEqual(['a success A', 'b success B', 'null pending undefined']);
    expect(listenersOf(kv.live.get('a')) + listenersOf(kv.live.get('b'))).toBe(0);
  });

  it('wait where the key or the range is null, as one state that never changes', async () => {
    const kv = setUp({ a: 1 });
    const off = probe(
      () => [useGet(null), useScan(null)] as const,
      () => '',
    );
    const screen = mount(kv, off.element);
    screen.show(h(off.Probe));
    expect(off.seen[0]![0]).toMatchObject({ status: 'pending', fetchStatus: 'idle', data: undefined });
    expect(off.seen.at(-1)![0]).toBe(off.seen[0]![0]);
    expect(off.seen.at(-1)![1]).toBe(off.seen[0]![1]);
  });

  it('take a range, a key of bytes and options that are new objects at each render, without listening anew', async () => {
    const kv = setUp({ 'r/a': 1, 'r/b': 2, 'r/c': 3 });
    const rows = probe(
      () => useScan({ prefix: 'r/' }, { limit: 2, reverse: true, select: (all) => all.map((row) => row.key).join() }),
      (state) => String(state.data),
    );
    const bytes = probe(() => useGet(new TextEncoder().encode('r/a')), value);
    const subscribe = vi.spyOn(kv.live.scan({ prefix: 'r/' }, { limit: 2, reverse: true }), 'subscribe');
    const both = (): ReactNode => [h(rows.Probe, { key: 1 }), h(bytes.Probe, { key: 2 })];
    const screen = mount(kv, both());
    for (let i = 0; i < 3; i += 1) screen.show(both());
    expect(screen.text()).toBe('r/c,r/b1');
    expect(subscribe).toHaveBeenCalledTimes(1);
  });

  it('are pending until the copy is whole, and say what keeps it from that', async () => {
    const kv = setUp({ a: 1 });
    kv.copy.become({ isReady: false, fetchStatus: 'fetching' });
    const a = probe(
      () => useGet('a'),
      (state) => `${state.status} ${state.fetchStatus} ${value(state)}`,
    );
    const screen = mount(kv, a.element);
    expect(screen.text()).toBe('pending fetching undefined');
    await act(() => kv.copy.become({ fetchStatus: 'paused' }));
    expect(screen.text()).toBe('pending paused undefined');
    await act(() => kv.copy.become({ error: new RaftkvError('wrong_cluster', 'no') }));
    expect(screen.text()).toBe('error paused undefined');
    await act(() => kv.copy.become({ isReady: true, fetchStatus: 'idle', error: undefined }));
    expect(screen.text()).toBe('success idle 1');
  });

  it('open and close in balance under StrictMode', async () => {
    const kv = setUp({ a: 1, 'r/a': 1 });
    const both = probe(
      () => [useGet('a'), useScan({ prefix: 'r/' })] as const,
      ([a, rows]) => value(a) + values(rows),
    );
    const screen = mount(kv, h(StrictMode, null, both.element));
    const listening = (): number[] => [kv.live.get('a'), kv.live.scan({ prefix: 'r/' })].map(listenersOf);
    expect(listening()).toEqual([1, 1]);
    await act(() => void kv.copy.apply({ a: 2, 'r/a': 2 }));
    expect(screen.text()).toBe('22');
    screen.unmount();
    expect(listening()).toEqual([0, 0]);
  });
});

describe('select', () => {
  it('renders only when what it picks changes by isEqual, NaN included', async () => {
    const kv = setUp({ 'r/a': 1 });
    const count = probe(
      () => useScan({ prefix: 'r/' }, { select: (rows) => rows.length }),
      (state) => String(state.data),
    );
    const nan = probe(
      () => useGet('r/a', { select: () => Number.NaN }),
      (state) => String(state.data),
    );
    const titles = probe(
      () =>
        useScan(
          { prefix: 'r/' },
          { select: (rows) => rows.map((row) => row.key), isEqual: (x, y) => x.join() === y.join() },
        ),
      (state) => state.data!.join(),
    );
    const screen = mount(
      kv,
      [count, nan, titles].map(({ Probe }, key) => h(Probe, { key })),
    );
    await act(() => void kv.copy.apply({ 'r/a': 2 }));
    await act(() => void kv.copy.apply({ 'r/a': 3 }));
    expect([count.count(), nan.count(), titles.count()]).toEqual([1, 1, 1]);
    await act(() => void kv.copy.apply({ 'r/b': 1 }));
    expect([count.count(), nan.count(), titles.count()]).toEqual([2, 1, 2]);
    expect(screen.text()).toBe('2NaNr/a,r/b');
  });

  it('is the one of the last render, also when the store changes afterwards', async () => {
    const kv = setUp({ a: 1 });
    const Reader = ({ factor }: { factor: number }) => {
      const { data } = useGet('a', { select: (entry) => Number(entry?.value) * factor });
      return h('p', null, data);
    };
    const screen = mount(kv, h(Reader, { factor: 10 }));
    screen.show(h(Reader, { factor: 100 }));
    expect(screen.text()).toBe('100');
    await act(() => void kv.copy.apply({ a: 2 }));
    expect(screen.text()).toBe('200');
  });

  it('answers the same object across renders while it is equal', () => {
    const kv = setUp({ a: { n: 1 } });
    const a = probe(() =>
      useGet('a', { select: (entry) => ({ ...(entry!.value as object) }), isEqual: (x, y) => String(x) === String(y) }),
    );
    const screen = mount(kv, a.element);
    screen.show(h(a.Probe));
    expect(a.count()).toBe(2);
    expect(a.seen[1]).toBe(a.seen[0]);
  });
});

class Boundary extends Component<{ children: ReactNode }> {
  override state: { error?: Error } = {};
  static getDerivedStateFromError(error: Error) {
    return { error };
  }
  override render(): ReactNode {
    const { error } = this.state;
    return error === undefined ? this.props.children : `caught ${(error as RaftkvError).code ?? error.message}`;
  }
}

describe('an error', () => {
  it('reaches the boundary with throwOnError, and one of a selector does too', async () => {
    const silent = vi.spyOn(console, 'error').mockImplementation(() => {});
    const kv = setUp({ a: 1 });
    kv.copy.become({ isReady: false, error: new RaftkvError('storage_full', 'no room') });
    const thrown = probe(() => useGet('a', { throwOnError: true }), value);
    expect(mount(kv, h(Boundary, null, thrown.element)).text()).toBe('caught storage_full');
    await act(() => kv.copy.become({ isReady: true, error: undefined }));
    const picky = probe(() =>
      useGet('a', {
        select: (entry) => {
          if (entry?.value === 2) throw new Error('two');
          return entry;
        },
      }),
    );
    const screen = mount(kv, h(Boundary, null, picky.element));
    await act(() => void kv.copy.apply({ a: 2 }));
    expect(screen.text()).toBe('caught two');
    silent.mockRestore();
  });

  it('is a state where a value does not fit the schema, beside what fitted, until one fits again', async () => {
    const schema = v.object({ title: v.string() });
    const kv = setUp({ 'r/a': { title: 'tea' } });
    const rows = probe(
      () => useScan({ prefix: 'r/' }, { schema }),
      (state) => `${state.status} ${state.error?.code} ${state.data?.map((row) => row.value.title).join()}`,
    );
    const screen = mount(kv, rows.element);
    expect(screen.text()).toBe('success undefined tea');
    await act(() => void kv.copy.apply({ 'r/b': { title: 1 } }));
    expect(screen.text()).toBe('error bad_frame tea');
    await act(() => void kv.copy.apply({ 'r/b': { title: 'milk' } }));
    expect(screen.text()).toBe('success undefined tea,milk');
    expect(rows.count()).toBe(3);
  });

  it('is a state where a key or a range cannot be asked for, and goes when another one is', async () => {
    const kv = setUp({ a: 1, 'r/a': 1 });
    const Reader = ({ name }: { name: string }) => {
      const [one, range] = [useGet(name), useScan({ prefix: 'x'.repeat(100_000) })];
      return h('p', null, `${one.status} ${one.error?.code} ${value(one)} ${range.error?.code}`);
    };
    const screen = mount(kv, h(Reader, { name: '' }));
    expect(screen.text()).toBe('error key_empty undefined key_too_large');
    screen.show(h(Reader, { name: 'a' }));
    expect(screen.text()).toBe('success undefined 1 key_too_large');
  });

  it('names the provider that is missing', () => {
    const silent = vi.spyOn(console, 'error').mockImplementation(() => {});
    const alone = probe(() => useGet('a'));
    const screen = render(h(Boundary, null, alone.element));
    expect(screen.container.textContent).toBe('caught invalid_argument');
    silent.mockRestore();
  });
});
