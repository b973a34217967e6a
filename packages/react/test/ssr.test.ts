// On a server and while hydrating: there is no copy there, so both render the pending state (or initial data), and what the copy has comes after.
import { version } from 'react';
import { hydrateRoot } from 'react-dom/client';
import { renderToString } from 'react-dom/server';
import type { ReactElement, ReactNode } from 'react';
import { Suspense } from 'react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { LiveEntry } from '@raftkv/client';
import { useGet, useGetSuspense, usePut, useScan, useStatus, useWrites } from '../src/index.ts';
import { FakeKv, act, h, provide } from './harness.ts';

const initial: LiveEntry = { key: 'a', value: 'first', revision: 1, createRevision: 1, version: 1, isPending: false };

function Page(): ReactElement {
  const a = useGet('a');
  const rows = useScan({ prefix: 'r/' }, { select: (all) => all.length });
  const off = useGet(null);
  const filled = useGet('a', { initialData: initial, select: (entry) => entry?.value as string });
  const connection = useStatus((status) => status.connection);
  const { phase } = useStatus();
  const put = usePut();
  const parts = [a.status, a.fetchStatus, a.data?.value, rows.data, off.fetchStatus, filled.data, connection, phase];
  return h('p', null, [...parts, useWrites().length, put.isPending].map(String).join(' '));
}

const pendingPage = 'pending fetching undefined undefined idle first connecting loading 0 false';

function page(kv: FakeKv | undefined, child: ReactNode = h(Page)): ReactElement {
  return provide(kv, child);
}

let unmount = (): void => {};
afterEach(() => act(() => unmount()));

async function hydrate(html: string, element: ReactElement) {
  const container = document.createElement('div');
  container.innerHTML = html;
  const errors: unknown[] = [];
  const logged = vi.spyOn(console, 'error').mockImplementation((...words) => void errors.push(words));
  const pictures = [container.textContent];
  const observer = new MutationObserver(() => pictures.push(container.textContent));
  observer.observe(container, { subtree: true, childList: true, characterData: true });
  await act(() => {
    const root = hydrateRoot(container, element, { onRecoverableError: (error) => errors.push(error) });
    unmount = () => root.unmount();
  });
  logged.mockRestore();
  return { container, errors, pictures };
}

describe('the suite', () => {
  it('runs on the React that the project is named after', () => {
    expect(version.split('.')[0]).toBe(process.env.REACT_MAJOR);
  });
});

describe('a server', () => {
  it('renders what is pending, with a kv and without one, and listens to nothing', () => {
    const kv = new FakeKv({ a: 1 });
    const subscribe = vi.spyOn(kv.live.get('a'), 'subscribe');
    expect(renderToString(page(kv))).toBe(`<p>${pendingPage}</p>`);
    expect(renderToString(page(undefined))).toBe(`<p>${pendingPage}</p>`);
    expect(subscribe).not.toHaveBeenCalled();
  });

  it('renders the fallback around a hook that suspends', () => {
    const Late = (): ReactElement => h('b', null, String(useGetSuspense('a').data?.value));
    const html = renderToString(page(new FakeKv({ a: 1 }), h(Suspense, { fallback: 'wait' }, h(Late))));
    expect(html).toContain('wait');
    expect(html).not.toContain('<b>');
  });
});

describe('hydration', () => {
  it('begins with what the server rendered, without a mismatch, and then shows what the copy has', async () => {
    const kv = new FakeKv({ a: 'there', 'r/1': 1 });
    const { container, errors, pictures } = await hydrate(renderToString(page(undefined)), page(kv));
    expect(errors).toEqual([]);
    expect(pictures[0]).toBe(pendingPage);
    expect(container.textContent).toBe('success idle there 1 idle there online ready 0 false');
    await act(() => void kv.copy.apply({ a: 'later' }));
    expect(container.textContent).toContain('later');
  });

  it('waits for a kv that is opened later', async () => {
    const { container, errors } = await hydrate(renderToString(page(undefined)), page(undefined));
    expect([container.textContent, errors]).toEqual([pendingPage, []]);
  });

  it('renders in the client what the server left to Suspense', async () => {
    const Late = (): ReactElement => h('b', null, String(useGetSuspense('a').data?.value));
    const tree = (kv: FakeKv): ReactElement => page(kv, h(Suspense, { fallback: 'wait' }, h(Late)));
    const { container } = await hydrate(renderToString(tree(new FakeKv())), tree(new FakeKv({ a: 'there' })));
    expect(container.textContent).toBe('there');
  });
});
