// The stores under Svelte's own readers of stores: they call at once, tell each change once, and let go.
import { derived, get } from 'svelte/store';
import { describe, expect, it } from 'vitest';
import * as v from 'valibot';
import type { LiveEntry, ReadState } from '@raftkv/client';
import { getStore, liveStore, scanStore } from '../src/index.ts';
import { RaftkvError } from '@raftkv/client';
import { fakeOutbox } from '../../../test/bindings/fake-outbox.ts';
import { FakeKv, listenersOf } from '../../../test/bindings/fake-kv.ts';

const value = (state: ReadState<LiveEntry | null>): string => `${state.status} ${String(state.data?.value)}`;

describe('a store', () => {
  it('calls at once and for each change of what it reads, and for nothing else', () => {
    const kv = new FakeKv({ a: 1 });
    const seen: string[] = [];
    const stop = getStore(kv.kv, 'a').subscribe((state) => seen.push(value(state)));
    expect(seen).toEqual(['success 1']);
    kv.copy.apply({ b: 1 });
    kv.copy.apply({ a: 2 });
    expect(seen).toEqual(['success 1', 'success 2']);
    stop();
    kv.copy.apply({ a: 3 });
    expect(seen).toHaveLength(2);
    expect(listenersOf(kv.live.get('a'))).toBe(0);
  });

  it('is one that Svelte can read and derive from', () => {
    const kv = new FakeKv({ 'r/a': 1, 'r/b': 2 });
    const rows = scanStore(kv.kv, { prefix: 'r/' }, { limit: 1, reverse: true });
    expect(get(rows).data!.map((row) => row.key)).toEqual(['r/b']);
    const count = derived(scanStore(kv.kv, { prefix: 'r/' }), ({ data }) => data!.length);
    const seen: number[] = [];
    const stop = count.subscribe((each) => seen.push(each));
    kv.copy.apply({ 'r/c': 1 });
    stop();
    expect(seen).toEqual([2, 3]);
    expect(listenersOf(kv.live.scan({ prefix: 'r/' }))).toBe(0);
  });

  it('selects by isEqual and checks by a schema, for each subscriber', () => {
    const kv = new FakeKv({ 'r/a': 'x' });
    const length = scanStore(kv.kv, { prefix: 'r/' }, { schema: v.string(), select: (rows) => rows.length });
    const seen: unknown[] = [];
    length.subscribe(({ status, data }) => seen.push([status, data]));
    kv.copy.apply({ 'r/a': 'y' });
    kv.copy.apply({ 'r/b': 'z' });
    kv.copy.apply({ 'r/b': 1 });
    expect(seen).toEqual([
      ['success', 1],
      ['success', 2],
      ['error', 2],
    ]);
    expect(get(length)).toMatchObject({ status: 'error', data: undefined, error: { code: 'bad_frame' } });
  });

  it('waits where there is no kv, and where there is no key', () => {
    expect(get(getStore(undefined, 'a'))).toMatchObject({ status: 'pending', fetchStatus: 'fetching' });
    expect(get(getStore(new FakeKv().kv, null))).toMatchObject({ status: 'pending', fetchStatus: 'idle' });
    expect(get(getStore(new FakeKv().kv, ''))).toMatchObject({ status: 'error', error: { code: 'key_empty' } });
    expect(get(scanStore(new FakeKv().kv, null))).toMatchObject({ status: 'pending', fetchStatus: 'idle' });
  });

  it('follows own writes, one write and the copy', async () => {
    const kv = new FakeKv({ a: 'old' });
    const seen: string[] = [];
    getStore(kv.kv, 'a').subscribe((state) => seen.push(value(state)));
    const write = kv.kv.mutate([{ type: 'put', key: 'a', value: 'new' }]);
    const states: string[] = [];
    liveStore(write.state).subscribe(({ status }) => states.push(status));
    await kv.refuse();
    expect(seen).toEqual(['success old', 'success new', 'success old']);
    expect(states).toEqual(['local', 'refused']);
    expect(get(liveStore(kv.writes))).toEqual([write]);
    expect(get(liveStore(kv.replica)).phase).toBe('ready');
  });

  it('follows how kept writes are doing, and what the app decides about them', async () => {
    const kv = new FakeKv({ a: 'old' });
    const { outbox, status, asked, listeners } = fakeOutbox();
    kv.outbox = outbox;
    const seen: string[] = [];
    const stop = liveStore(kv.kv.outbox!.status).subscribe(({ storage, waiting, undecided, error }) =>
      seen.push(`${storage} ${waiting} ${undecided} ${error?.code}`),
    );
    const write = kv.kv.mutate([{ type: 'put', key: 'a', value: 'new' }]);
    const states: string[] = [];
    liveStore(write.state).subscribe((state) => states.push(`${state.status} ${state.kept} ${state.error?.code}`));
    kv.sent[0]!.teller.tell({ kept: true });
    status.set({ ...status.getSnapshot(), waiting: 1 });
    kv.sent[0]!.teller.tell({ status: 'sent' });
    await kv.refuse();
    status.set({ ...status.getSnapshot(), waiting: 0, undecided: 1, error: new RaftkvError('storage_full', '') });
    expect(seen).toEqual(['strict 0 0 undefined', 'strict 1 0 undefined', 'strict 0 1 storage_full']);
    expect(states).toEqual([
      'local undefined undefined',
      'local true undefined',
      'sent true undefined',
      'refused true condition_failed',
    ]);
    kv.kv.outbox!.retry(write, { if: [] });
    await kv.kv.outbox!.discard(write);
    expect(asked).toEqual(['retry', 'discard']);
    stop();
    expect(listeners()).toBe(0);
  });
});
