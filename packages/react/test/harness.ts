// What the suites of the hooks share: a tree under a provider in a document, acts, and a component that writes down how often it rendered.
import { cleanup, render, act as actSync } from '@testing-library/react';
import { createElement } from 'react';
import type { ReactElement, ReactNode } from 'react';
import { afterEach } from 'vitest';
import { RaftkvProvider } from '../src/index.ts';
import type { RaftkvProviderProps } from '../src/index.ts';
import { FakeKv } from '../../../test/bindings/fake-kv.ts';
import type { Changes } from '../../../test/bindings/fake-copy.ts';

export { createElement as h } from 'react';
export { FakeKv, listenersOf, settle } from '../../../test/bindings/fake-kv.ts';

(globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;
afterEach(cleanup);

/** Renders `child` under a provider of `kv`. `show` renders anew, with other children. */
export function mount(kv: FakeKv, child: ReactNode, options: { readonly reactStrictMode?: boolean } = {}) {
  const wrap = (inner: ReactNode): ReactElement => provide(kv, inner);
  const screen = render(wrap(child), options);
  return {
    container: screen.container,
    unmount: screen.unmount,
    text: (): string => screen.container.textContent ?? '',
    show: (other: ReactNode): void => screen.rerender(wrap(other)),
  };
}

export function provide(kv: FakeKv | undefined, child: ReactNode): ReactElement {
  return createElement(RaftkvProvider, { kv: kv?.kv as RaftkvProviderProps['kv'] }, child);
}

export function setUp(content: Changes = {}): FakeKv {
  return new FakeKv(content);
}

export async function act(work: () => void | Promise<unknown>): Promise<void> {
  await actSync(async () => {
    await work();
  });
}

/** A component that shows what `use` answers, and what it answered at each render. */
export function probe<T>(use: () => T, show: (value: T) => string = (value) => JSON.stringify(value)) {
  const seen: T[] = [];
  const Probe = (): ReactElement => {
    const value = use();
    seen.push(value);
    return createElement('p', null, show(value));
  };
  return { element: createElement(Probe), Probe, seen, count: (): number => seen.length };
}
