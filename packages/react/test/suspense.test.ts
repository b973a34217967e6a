// The hooks that suspend: until the first result and never again, with errors at the boundary.
import { Component, Suspense, startTransition, useState } from 'react';
import type { ReactElement, ReactNode } from 'react';
import { describe, expect, it, vi } from 'vitest';
import { RaftkvError } from '@raftkv/client';
import { useGetSuspense, useScanSuspense } from '../src/index.ts';
import { act, h, listenersOf, mount, setUp } from './harness.ts';

class Boundary extends Component<{ children: ReactNode }> {
  override state: { error?: RaftkvError } = {};
  static getDerivedStateFromError(error: RaftkvError) {
    return { error };
  }
  override render(): ReactNode {
    const { error } = this.state;
    return error === undefined ? this.props.children : `caught ${error.code}`;
  }
}

const Get = ({ name }: { name: string }): ReactElement => h('p', null, String(useGetSuspense(name).data?.value));
const Rows = (): ReactElement =>
  h('p', null, useScanSuspense({ prefix: 'r/' }, { select: (rows) => rows.map((row) => row.key) }).data.join());
const inside = (child: ReactNode): ReactElement => h(Boundary, null, h(Suspense, { fallback: 'wait' }, child));

function setUpEmpty() {
  const kv = setUp({ a: 1, b: 2, 'r/a': 1 });
  kv.copy.become({ isReady: false, fetchStatus: 'fetching' });
  return kv;
}

describe('a hook that suspends', () => {
  it('waits for the first result, then shows it and what follows', async () => {
    const kv = setUpEmpty();
    const screen = mount(kv, inside([h(Get, { key: 1, name: 'a' }), h(Rows, { key: 2 })]));
    expect(screen.text()).toBe('wait');
    await act(() => kv.copy.become({ fetchStatus: 'paused' }));
    expect(screen.text()).toBe('wait');
    await act(() => kv.copy.become({ isReady: true, fetchStatus: 'idle' }));
    expect(screen.text()).toBe('1r/a');
    await act(() => void kv.copy.apply({ a: 2, 'r/b': 1 }));
    expect(screen.text()).toBe('2r/a,r/b');
    screen.unmount();
    expect([listenersOf(kv.live.get('a')), listenersOf(kv.live.scan({ prefix: 'r/' }))]).toEqual([0, 0]);
  });

  it('does not wait where the result is there, and not again while the copy is fetched anew', async () => {
    const kv = setUp({ a: 1 });
    const seen: string[] = [];
    const screen = mount(kv, inside(h(Get, { name: 'a' })));
    seen.push(screen.text());
    await act(() => kv.copy.become({ isReady: false, fetchStatus: 'fetching' }));
    seen.push(screen.text());
    await act(() => kv.copy.become({ isReady: true, fetchStatus: 'idle' }));
    seen.push(screen.text());
    expect(seen).toEqual(['1', '1', '1']);
  });

  it('keeps what is shown while a transition goes to a key that is not there yet', async () => {
    const kv = setUp({ a: 1, b: 2 });
    let go = (_name: string): void => {};
    const App = (): ReactElement => {
      const [name, setName] = useState('a');
      go = (next) => startTransition(() => setName(next));
      return h(Get, { name });
    };
    const screen = mount(kv, inside(h(App)));
    await act(() => kv.copy.become({ isReady: false, fetchStatus: 'fetching' }));
    await act(() => go('b'));
    expect(screen.text()).toBe('1');
    await act(() => kv.copy.become({ isReady: true, fetchStatus: 'idle' }));
    expect(screen.text()).toBe('2');
  });

  it('hands an error to the boundary where there is nothing to show, and shows what there is beside one', async () => {
    const silent = vi.spyOn(console, 'error').mockImplementation(() => {});
    const kv = setUpEmpty();
    const screen = mount(kv, inside(h(Get, { name: 'a' })));
    await act(() => kv.copy.become({ error: new RaftkvError('wrong_cluster', 'no'), fetchStatus: 'paused' }));
    expect(screen.text()).toBe('caught wrong_cluster');
    screen.unmount();
    const other = setUp({ a: 1 });
    const second = mount(other, inside(h(Get, { name: 'a' })));
    await act(() => other.copy.become({ isReady: false, error: new RaftkvError('storage_corrupt', 'no') }));
    expect(second.text()).toBe('1');
    silent.mockRestore();
  });

  it('shows initial data instead of waiting', async () => {
    const kv = setUpEmpty();
    const Filled = (): ReactElement =>
      h('p', null, String(useGetSuspense('a', { initialData: null, select: (entry) => entry?.value ?? 'none' }).data));
    const screen = mount(kv, inside(h(Filled)));
    expect(screen.text()).toBe('none');
    await act(() => kv.copy.become({ isReady: true, fetchStatus: 'idle' }));
    expect(screen.text()).toBe('1');
  });
});
