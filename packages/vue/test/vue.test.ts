// @vitest-environment happy-dom
// The composables in real components: what they show, when they render, and that they let go of what they looked at.
import { createApp, createSSRApp, defineComponent, h, nextTick, ref, shallowRef } from 'vue';
import type { Component } from 'vue';
import { renderToString } from 'vue/server-renderer';
import { describe, expect, it, vi } from 'vitest';
import * as v from 'valibot';
import type { LiveKv, WriteState } from '@raftkv/client';
import { LiveValue } from '@raftkv/client/live';
import {
  raftkv,
  useBatch,
  useDelete,
  useGet,
  useKv,
  useLive,
  usePut,
  useScan,
  useStatus,
  useWrites,
} from '../src/index.ts';
import { fakeOutbox } from '../../../test/bindings/fake-outbox.ts';
import { FakeKv, listenersOf, settle } from '../../../test/bindings/fake-kv.ts';

function mount(kv: FakeKv, root: Component) {
  const container = document.createElement('div');
  const app = createApp(root);
  app.use(raftkv(kv.kv)).mount(container);
  return { text: (): string => container.textContent ?? '', unmount: (): void => app.unmount() };
}

/** A component that shows `show()` and counts how often it rendered. */
function component(setup: () => () => string) {
  let renders = 0;
  const Shown = defineComponent(() => {
    const show = setup();
    return () => {
      renders += 1;
      return h('p', show());
    };
  });
  return { Shown, count: (): number => renders };
}

describe('useGet and useScan', () => {
  it('follow a key and a range, and render for what changed alone', async () => {
    const kv = new FakeKv({ a: 1, 'r/a': 1 });
    const one = component(() => {
      const a = useGet('a');
      return () => String(a.value.data?.value);
    });
    const rows = component(() => {
      const state = useScan({ prefix: 'r/' }, { limit: 2, reverse: true, select: (all) => all.map((row) => row.key) });
      return () => state.value.data!.join();
    });
    const screen = mount(kv, () => [h(one.Shown), h(rows.Shown)]);
    kv.copy.apply({ a: 2, other: 1 });
    await nextTick();
    expect([screen.text(), one.count(), rows.count()]).toEqual(['2r/a', 2, 1]);
    kv.copy.apply({ 'r/b': 1, 'r/c': 1 });
    await nextTick();
    expect([screen.text(), one.count(), rows.count()]).toEqual(['2r/c,r/b', 2, 2]);
    screen.unmount();
    expect(listenersOf(kv.live.get('a'))).toBe(0);
    expect(listenersOf(kv.live.scan({ prefix: 'r/' }, { limit: 2, reverse: true }))).toBe(0);
  });

  it('move to another key in the same turn, and wait where it is null', async () => {
    const kv = new FakeKv({ a: 'A', b: 'B' });
    const key = ref<string | null>('a');
    const seen: string[] = [];
    const { Shown } = component(() => {
      const state = useGet(key);
      return () => {
        seen.push(`${key.value} ${state.value.fetchStatus} ${String(state.value.data?.value)}`);
        return '';
      };
    });
    mount(kv, Shown);
    for (const next of ['b', null]) {
      key.value = next;
      await nextTick();
    }
    expect(seen).toEqual(['a idle A', 'b idle B', 'null idle undefined']);
    expect([listenersOf(kv.live.get('a')), listenersOf(kv.live.get('b'))]).toEqual([0, 0]);
  });

  it('check values by a schema', async () => {
    const kv = new FakeKv({ a: 'tea' });
    const { Shown } = component(() => {
      const state = useGet('a', { schema: v.string() });
      return () => `${state.value.status} ${state.value.data?.value.toUpperCase()}`;
    });
    const screen = mount(kv, Shown);
    kv.copy.apply({ a: 1 });
    await nextTick();
    expect(screen.text()).toBe('error TEA');
  });
});

describe('kept writes', () => {
  const noState = new LiveValue<WriteState | undefined>(undefined);

  it('are followed from local to refused, with how the outbox is doing', async () => {
    const kv = new FakeKv({ a: 'old' });
    const { outbox, status, asked, listeners } = fakeOutbox();
    kv.outbox = outbox;
    let put!: ReturnType<typeof usePut>;
    const { Shown } = component(() => {
      put = usePut();
      const held = useKv();
      const [kept, writes] = [useLive(() => held().outbox!.status), useWrites()];
      const state = useLive<WriteState | undefined>(() => writes.value.at(-1)?.state ?? noState);
      return () =>
        [kept.value.waiting, kept.value.undecided, state.value?.status, state.value?.kept, state.value?.error?.code]
          .map(String)
          .join(' ');
    });
    const screen = mount(kv, Shown);
    expect(screen.text()).toBe('0 0 undefined undefined undefined');
    put.mutate({ key: 'a', value: 'new' });
    kv.sent[0]!.teller.tell({ kept: true });
    status.set({ ...status.getSnapshot(), waiting: 1 });
    await settle();
    expect(screen.text()).toBe('1 0 local true undefined');
    kv.sent[0]!.teller.tell({ status: 'sent' });
    await settle();
    expect(screen.text()).toBe('1 0 sent true undefined');
    await kv.refuse();
    status.set({ ...status.getSnapshot(), waiting: 0, undecided: 1 });
    await settle();
    expect(screen.text()).toBe('0 1 refused true condition_failed');
    const [write] = kv.writes.getSnapshot();
    kv.kv.outbox!.retry(write!);
    await kv.kv.outbox!.discard(write!);
    expect(asked).toEqual(['retry', 'discard']);
    screen.unmount();
    expect(listeners()).toBe(0);
  });
});

describe('writes', () => {
  it('are shown at once, listed, and taken back when refused', async () => {
    const kv = new FakeKv({ a: 'old', b: 1 });
    let calls: {
      put: ReturnType<typeof usePut>;
      remove: ReturnType<typeof useDelete>;
      all: ReturnType<typeof useBatch>;
    };
    const { Shown } = component(() => {
      calls = { put: usePut(), remove: useDelete(), all: useBatch() };
      const [a, b, writes] = [useGet('a'), useGet('b'), useWrites()];
      const { isPending, error, last } = calls.put;
      return () =>
        [
          a.value.data?.value,
          b.value.data?.value,
          isPending.value,
          error.value?.code,
          last.value?.id,
          writes.value.length,
        ]
          .map(String)
          .join(' ');
    });
    const screen = mount(kv, Shown);
    calls!.put.mutate({ key: 'a', value: 'new' });
    calls!.remove.mutate('b');
    await settle();
    expect(screen.text()).toBe('new undefined true undefined 1 2');
    await kv.refuse();
    await kv.refuse();
    await nextTick();
    expect(screen.text()).toBe('old 1 false condition_failed 1 2');
    const committed = calls!.all.mutateAsync([{ type: 'put', key: 'a', value: 'both' }]);
    await kv.commit();
    await expect(committed).resolves.toMatchObject({ revision: 3 });
    calls!.put.mutate({ key: 'a', value: 1 }, { if: [{ key: 'a', revision: 3 }] });
    expect(kv.sent.map(({ options }) => options.if)).toEqual([[{ key: 'a', revision: 3 }]]);
    await kv.refuse();
    calls!.put.mutate({ key: '', value: 1 });
    await nextTick();
    expect(screen.text()).toBe('both 1 false key_empty undefined 3');
  });
});

describe('the copy', () => {
  it('says how it is doing, also where it is opened later', async () => {
    const late = shallowRef<LiveKv>();
    const { Shown } = component(() => {
      const [status, a] = [useStatus(), useGet('a')];
      return () => `${status.value?.connection} ${a.value.status}`;
    });
    const container = document.createElement('div');
    createApp(Shown).use(raftkv(late)).mount(container);
    expect(container.textContent).toBe('undefined pending');
    const kv = new FakeKv({ a: 1 });
    late.value = kv.kv;
    await nextTick();
    expect(container.textContent).toBe('online success');
    kv.setOnline(false);
    await nextTick();
    expect(container.textContent).toBe('offline success');
  });

  it('is not there on a server, and hydration begins with the same', async () => {
    const kv = new FakeKv({ a: 'there' });
    const { Shown } = component(() => {
      const [a, replica] = [useGet('a'), useLive(kv.replica)];
      return () => `${a.value.status} ${String(a.value.data?.value)} ${replica.value.role}`;
    });
    const html = await renderToString(createSSRApp(Shown).use(raftkv(undefined)));
    expect(html).toBe('<p>pending undefined observer</p>');
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const failed = vi.spyOn(console, 'error').mockImplementation(() => {});
    const container = document.createElement('div');
    container.innerHTML = html;
    createSSRApp(Shown).use(raftkv(kv.kv)).mount(container);
    await nextTick();
    expect([...warned.mock.calls, ...failed.mock.calls]).toEqual([]);
    expect(container.textContent).toBe('success there observer');
    vi.restoreAllMocks();
  });
});
