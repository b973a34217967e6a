// useWatch is an effect alone; useStatus renders for what it picks alone.
import { StrictMode } from 'react';
import { describe, expect, it } from 'vitest';
import { RaftkvError } from '@raftkv/client';
import type { RangeInput, WatchChange } from '@raftkv/client';
import { useKv, useStatus, useWatch } from '../src/index.ts';
import { act, h, mount, probe, settle, setUp } from './harness.ts';

const change = (revision: number): WatchChange => ({ revision, events: [] });

describe('useWatch', () => {
  it('calls the handler of the last render with each change, and renders nothing', async () => {
    const kv = setUp();
    const heard: string[] = [];
    const Watcher = ({ name }: { name: string }) => {
      useWatch({ prefix: 'r/' }, ({ revision }) => heard.push(`${name} ${revision}`), { from: 3 });
      return null;
    };
    const screen = mount(kv, h(Watcher, { name: 'one' }));
    kv.watches[0]!.give(change(3));
    await settle();
    screen.show(h(Watcher, { name: 'two' }));
    kv.watches[0]!.give(change(4));
    await settle();
    expect(heard).toEqual(['one 3', 'two 4']);
    expect(kv.watches.map(({ range, options }) => ({ range, options }))).toEqual([
      { range: { prefix: 'r/' }, options: { from: 3 } },
    ]);
    screen.unmount();
    expect(kv.watches[0]!.isClosed).toBe(true);
  });

  it('begins anew for another range, waits for one, and is balanced under StrictMode', () => {
    const kv = setUp();
    const Watcher = ({ range }: { range: RangeInput | null }) => {
      useWatch(range, () => {});
      return null;
    };
    const screen = mount(kv, h(StrictMode, null, h(Watcher, { range: null })));
    expect(kv.watches).toHaveLength(0);
    screen.show(h(StrictMode, null, h(Watcher, { range: { prefix: 'a' } })));
    screen.show(h(StrictMode, null, h(Watcher, { range: { prefix: 'a' } })));
    screen.show(h(StrictMode, null, h(Watcher, { range: { prefix: 'b' } })));
    expect(kv.watches.filter((watch) => !watch.isClosed).map(({ range }) => range)).toEqual([{ prefix: 'b' }]);
    screen.unmount();
    expect(kv.watches.filter((watch) => !watch.isClosed)).toEqual([]);
    const strict = mount(kv, h(StrictMode, null, h(Watcher, { range: { prefix: 'c' } })));
    expect(kv.watches.filter((watch) => !watch.isClosed)).toHaveLength(1);
    strict.unmount();
    expect(kv.watches.filter((watch) => !watch.isClosed)).toEqual([]);
  });

  it('tells the error that ended it, and goes on after a handler that throws', async () => {
    const kv = setUp();
    const errors: string[] = [];
    const heard: number[] = [];
    const uncaught: unknown[] = [];
    const listen = (error: unknown): void => void uncaught.push(error);
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException').on('uncaughtException', listen);
    const Watcher = () => {
      useWatch(
        { prefix: 'r/' },
        ({ revision }) => {
          heard.push(revision);
          if (revision === 1) throw new Error('of the handler');
        },
        { onError: (error) => errors.push(error.code) },
      );
      return null;
    };
    mount(kv, h(Watcher));
    for (const each of [change(1), change(2), new RaftkvError('compacted', 'gone')]) kv.watches[0]!.give(each);
    await settle();
    process.removeListener('uncaughtException', listen);
    for (const other of others) process.on('uncaughtException', other);
    expect([heard, errors]).toEqual([[1, 2], ['compacted']]);
    expect(uncaught).toMatchObject([{ message: 'of the handler' }]);
  });
});

describe('useWatch over a range that is none', () => {
  it('tells the error instead of throwing it while rendering', () => {
    const errors: string[] = [];
    const Watcher = () => {
      useWatch({ prefix: 'x'.repeat(100_000) }, () => {}, { onError: (error) => errors.push(error.code) });
      return null;
    };
    mount(setUp(), h(Watcher));
    expect(errors).toEqual(['key_too_large']);
  });
});

describe('useStatus', () => {
  it('renders for what it picks alone, compared by isEqual', async () => {
    const kv = setUp();
    const connection = probe(() => useStatus((status) => status.connection));
    const pair = probe(() =>
      useStatus(
        ({ phase, leader }) => [phase, leader],
        (a, b) => a.join() === b.join(),
      ),
    );
    const all = probe(
      () => useStatus(),
      (status) => String(status.revision),
    );
    mount(
      kv,
      [connection, pair, all].map(({ Probe }, key) => h(Probe, { key })),
    );
    const counts = (): number[] => [connection.count(), pair.count(), all.count()];
    await act(() => kv.replica.set({ ...kv.replica.getSnapshot(), revision: 7 }));
    expect(counts()).toEqual([1, 1, 2]);
    await act(() => kv.setOnline(false));
    expect(counts()).toEqual([2, 1, 3]);
    await act(() => kv.replica.set({ ...kv.replica.getSnapshot(), leader: 'n2' }));
    expect(counts()).toEqual([2, 2, 4]);
    expect([connection.seen.at(-1), pair.seen.at(-1)]).toEqual(['offline', ['ready', 'n2']]);
  });
});

describe('useKv', () => {
  it('is the kv of the provider', () => {
    const kv = setUp();
    const holder = probe(
      () => useKv(),
      () => '',
    );
    mount(kv, holder.element);
    expect(holder.seen[0]).toBe(kv.kv);
  });
});
