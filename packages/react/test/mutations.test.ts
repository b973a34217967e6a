// The hooks that write: shown at once without flicker, taken back when refused, followed to the end, and never thrown from `mutate`.
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { RaftkvError } from '@raftkv/client';
import { useBatch, useDelete, useGet, useLive, usePut, useScan, useTxn, useWrites } from '../src/index.ts';
import { FakeKv, act, h, mount, probe, provide, settle, setUp } from './harness.ts';

const reader = () =>
  probe(
    () => useGet('a'),
    ({ data, source, pendingWrites }) => `${String(data?.value)} ${source} ${pendingWrites}`,
  );

/** Mounts a component that holds what `use` answers, beside others. */
function hold<T>(kv: FakeKv, use: () => T, others: readonly ReturnType<typeof probe>[] = []) {
  const holder = probe(use, () => '');
  const screen = mount(kv, [h(holder.Probe, { key: 'holder' }), ...others.map(({ Probe }, key) => h(Probe, { key }))]);
  return { screen, get: (): T => holder.seen.at(-1)!, seen: holder.seen };
}

describe('usePut', () => {
  it.each(['copy first', 'answer first'] as const)(
    'shows the value at once and never the old one again (%s)',
    async (order) => {
      const kv = setUp({ a: 'old' });
      const a = reader();
      const { get, screen } = hold(kv, () => usePut(), [a]);
      const pictures: string[] = [];
      new MutationObserver(() => pictures.push(screen.text())).observe(screen.container, {
        subtree: true,
        characterData: true,
        childList: true,
      });
      await act(() => get().mutate({ key: 'a', value: 'new' }));
      expect(screen.text()).toBe('new local 1');
      expect(get()).toMatchObject({ isPending: true, isPaused: false, error: undefined });
      expect(get().variables).toEqual({ key: 'a', value: 'new' });
      await act(() => kv.commit(order));
      expect(screen.text()).toBe('new confirmed 0');
      expect(get()).toMatchObject({ isPending: false, error: undefined });
      expect(get().last!.state.getSnapshot()).toMatchObject({ status: 'committed', revision: 3 });
      expect(pictures.filter((text) => !text.startsWith('new'))).toEqual([]);
      // Once when it is shown, once when it is confirmed, and where the copy is first, perhaps once in between.
      const [first, ...later] = a.seen.map((state) => state.data?.value);
      expect([first, ...new Set(later)]).toEqual(['old', 'new']);
      expect(later.length).toBeLessThanOrEqual(order === 'copy first' ? 3 : 2);
    },
  );

  it('takes back what was refused, and says why', async () => {
    const kv = setUp({ a: 'old' });
    const a = reader();
    const { get, screen } = hold(kv, () => usePut(), [a]);
    await act(() => get().mutate({ key: 'a', value: 'new' }));
    await act(() => kv.refuse());
    expect(screen.text()).toBe('old confirmed 0');
    expect(get()).toMatchObject({ isPending: false, error: { code: 'condition_failed' } });
    await act(() => get().reset());
    expect(get()).toMatchObject({ error: undefined, variables: undefined, last: undefined });
  });

  it('is sent under the conditions of each call', async () => {
    const kv = setUp({ a: 'old' });
    const calls = hold(kv, () => ({ put: usePut({ optimistic: false }), remove: useDelete(), all: useBatch() }));
    const conditions = [{ key: 'a', revision: 2 }];
    await act(() => {
      calls.get().put.mutate({ key: 'a', value: 1 }, { if: conditions });
      calls.get().remove.mutate('b', { if: conditions });
      void calls.get().all.mutateAsync([{ type: 'put', key: 'c', value: 1 }], { if: conditions });
      calls.get().put.mutate({ key: 'd', value: 1 });
    });
    expect(kv.sent.map(({ options }) => options.if)).toEqual([conditions, conditions, conditions, undefined]);
    expect(kv.sent[0]!.options).toMatchObject({ optimistic: false });
  });

  it('waits to be agreed where it is not optimistic', async () => {
    const kv = setUp({ a: 'old' });
    const { get, screen } = hold(kv, () => usePut({ optimistic: false }), [reader()]);
    await act(() => get().mutate({ key: 'a', value: 'new' }));
    expect([screen.text(), get().isPending]).toEqual(['old confirmed 0', true]);
    await act(() => kv.commit());
    expect([screen.text(), get().isPending]).toEqual(['new confirmed 0', false]);
  });

  it('is paused while it waits for a connection', async () => {
    const kv = setUp();
    kv.setOnline(false);
    const { get } = hold(kv, () => usePut());
    expect(get().isPaused).toBe(false);
    await act(() => get().mutate({ key: 'a', value: 1 }));
    expect(get()).toMatchObject({ isPending: true, isPaused: true });
    await act(() => kv.setOnline(true));
    expect(get()).toMatchObject({ isPending: true, isPaused: false });
    await act(() => kv.commit());
    expect(get()).toMatchObject({ isPending: false, isPaused: false });
  });

  it('has calls that stay the same functions, and renders when its state changes alone', async () => {
    const kv = setUp({ a: 1 });
    const { get, seen } = hold(kv, () => usePut());
    const { mutate, mutateAsync, reset } = get();
    await act(() => mutate({ key: 'a', value: 2 }));
    await act(() => kv.commit());
    await act(() => void kv.copy.apply({ b: 1 }));
    expect(seen.map((each) => each.isPending)).toEqual([false, true, false]);
    expect([get().mutate, get().mutateAsync, get().reset]).toEqual([mutate, mutateAsync, reset]);
  });

  it('follows the last of several writes, and every one is carried out', async () => {
    const kv = setUp();
    const { get, screen } = hold(kv, () => usePut(), [reader()]);
    await act(() => {
      for (const value of [1, 2, 3]) get().mutate({ key: 'a', value });
    });
    expect([screen.text(), get().variables]).toEqual(['3 local 3', { key: 'a', value: 3 }]);
    for (const left of [2, 1]) {
      await act(() => kv.commit());
      expect([screen.text(), get().isPending]).toEqual([`3 local ${left}`, true]);
    }
    await act(() => kv.commit());
    expect([screen.text(), get().isPending]).toEqual(['3 confirmed 0', false]);
  });

  it('never throws from mutate what can never be sent; mutateAsync rejects with it', async () => {
    const kv = setUp();
    const schema = v.object({ title: v.string() });
    const { get } = hold(kv, () => usePut({ schema }));
    await act(() => get().mutate({ key: '', value: { title: 'tea' } }));
    expect(get()).toMatchObject({ isPending: false, error: { code: 'key_empty' }, last: undefined });
    const wrong = { title: 1 } as unknown as { title: string };
    await act(() => get().mutate({ key: 'a', value: wrong }));
    expect(get().error).toMatchObject({ code: 'invalid_argument', message: expect.stringMatching(/^title/) });
    await act(() =>
      expect(get().mutateAsync({ key: 'a', value: wrong })).rejects.toMatchObject({ code: 'invalid_argument' }),
    );
    expect(kv.sent).toEqual([]);
    await act(() => get().mutate({ key: 'a', value: { title: 'tea' } }));
    expect(get()).toMatchObject({ error: undefined, isPending: true });
  });

  it('resolves mutateAsync once committed, and rejects it when the outcome is not known', async () => {
    const kv = setUp();
    const { get } = hold(kv, () => usePut());
    let committed: Promise<unknown> | undefined;
    await act(() => void (committed = get().mutateAsync({ key: 'a', value: 1 })));
    await act(() => kv.commit());
    await expect(committed).resolves.toMatchObject({ revision: 2 });
    let unknown: Promise<unknown> | undefined;
    await act(() => {
      unknown = get().mutateAsync({ key: 'a', value: 2 });
      unknown.catch(() => {});
    });
    await act(() => kv.refuse(new RaftkvError('timeout', 'perhaps', { definite: false })));
    await expect(unknown).rejects.toMatchObject({ code: 'timeout', definite: false });
    expect(get().last!.state.getSnapshot().status).toBe('unknown');
  });

  it('says so where there is no kv yet', async () => {
    const kv = new FakeKv();
    const holder = probe(
      () => usePut(),
      () => '',
    );
    const screen = mount(kv, null);
    screen.show(provide(undefined, holder.element));
    await act(() => holder.seen.at(-1)!.mutate({ key: 'a', value: 1 }));
    expect(holder.seen.at(-1)).toMatchObject({ error: { code: 'closed' }, isPending: false });
  });
});

describe('useDelete and useBatch', () => {
  it('hide and show rows together', async () => {
    const kv = setUp({ 'r/a': 1, 'r/b': 2 });
    const rows = probe(
      () => useScan({ prefix: 'r/' }),
      (state) => state.data!.map((row) => `${row.key}${row.isPending ? '*' : ''}`).join(),
    );
    const { get, screen } = hold(kv, () => ({ remove: useDelete(), batch: useBatch() }), [rows]);
    await act(() => get().remove.mutate('r/a'));
    expect(screen.text()).toBe('r/b');
    const before = rows.count();
    await act(() =>
      get().batch.mutate([
        { type: 'put', key: 'r/c', value: 3 },
        { type: 'delete', key: 'r/b' },
      ]),
    );
    expect([screen.text(), rows.count() - before]).toEqual(['r/c*', 1]);
    await act(() => kv.refuse());
    expect(screen.text()).toBe('r/a,r/c*');
    await act(() => kv.commit());
    expect(screen.text()).toBe('r/a,r/c');
  });
});

describe('useTxn', () => {
  it('sends the parts as one transaction and follows it', async () => {
    const kv = setUp();
    const { get } = hold(kv, () => useTxn());
    const parts = { if: [{ key: 'a', exists: false }], then: [{ type: 'put', key: 'a', value: 1 } as const] };
    await act(() => get().mutate(parts));
    expect(kv.txns[0]!.parts).toEqual({ ...parts, else: [] });
    expect(get()).toMatchObject({ isPending: true, variables: parts });
    await act(async () => {
      kv.txns[0]!.resolve({ succeeded: true, revision: 5 });
      await settle();
    });
    expect(get()).toMatchObject({ isPending: false, error: undefined });
    expect(get().last!.state.getSnapshot()).toEqual({ status: 'committed', error: undefined, revision: 5 });
    await expect(get().last!.committed).resolves.toMatchObject({ succeeded: true });
  });

  it('has an outcome that is refused or unknown', async () => {
    const kv = setUp();
    const { get } = hold(kv, () => useTxn());
    await act(() => get().mutate({}));
    await act(async () => {
      kv.txns[0]!.reject(new RaftkvError('connection_lost', 'perhaps', { definite: false }));
      await settle();
    });
    expect(get()).toMatchObject({ isPending: false, error: { code: 'connection_lost' } });
    expect(get().last!.state.getSnapshot().status).toBe('unknown');
  });
});

describe('useWrites', () => {
  it('lists what is on its way and what was refused, each with its state', async () => {
    const kv = setUp();
    const Each = ({ write }: { write: ReturnType<typeof useWrites>[number] }) =>
      h('li', null, `${write.keys.join()}:${useLive(write.state).status} `);
    const List = () =>
      h(
        'ul',
        null,
        useWrites().map((write) => h(Each, { key: write.id, write })),
      );
    const screen = mount(kv, h(List));
    await act(() => {
      kv.mutate([{ type: 'put', key: 'a', value: 1 }]);
      kv.mutate([{ type: 'put', key: 'b', value: 1 }]);
    });
    expect(screen.text()).toBe('a:local b:local ');
    await act(() => kv.sent[1]!.teller.tell({ status: 'sent' }));
    expect(screen.text()).toBe('a:local b:sent ');
    await act(() => kv.refuse());
    expect(screen.text()).toBe('a:refused b:sent ');
    await act(() => kv.commit());
    expect(screen.text()).toBe('a:refused ');
  });
});
