// Tearing, under real time slicing: a store that changes while a slow render is under way must not leave two values on one screen, neither in
// the end (level 1) nor for a frame (level 2). A reader that does not use the hooks shows that these screens would tear.
import { memo, useDeferredValue, useEffect, useReducer, useState, useTransition } from 'react';
import type { ComponentType, ReactElement } from 'react';
import { createRoot } from 'react-dom/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { useGet, useKv } from '../src/index.ts';
import { FakeKv, h, provide } from './harness.ts';

const readers = 12;
const renderMilliseconds = 8;

type Use = () => number;
const useHook: Use = () => Number(useGet('n').data?.value);

/** What not to do: look at the store while rendering, and hear of it in an effect. */
const useNaively: Use = () => {
  const live = useKv().live.get('n');
  const [, renderAgain] = useReducer((count: number) => count + 1, 0);
  useEffect(() => live.subscribe(renderAgain), [live]);
  return Number(live.getSnapshot().data?.value);
};

/** In each render pass, what its readers have read: more than one value shows that the store changed in the middle of it. */
let reads: number[] = [];

type Reader = ComponentType<{ readonly extra: number }>;

function slowReader(use: Use): Reader {
  // Memoised: only what a stage changes makes it render in slices, and not the urgent render before that.
  return memo(({ extra }) => {
    const n = use();
    reads.push(n);
    const end = performance.now() + renderMilliseconds;
    while (performance.now() < end);
    return h('i', null, `${n}/${extra}`);
  });
}

interface Stage {
  readonly start: () => void;
}

/** Three ways in which React renders in slices. Each hands out a function that begins. */
const stages = {
  'a transition that mounts': (Reader: Reader, stage: (stage: Stage) => void) => () => {
    const [isShown, setShown] = useState(false);
    const [, startTransition] = useTransition();
    stage({ start: () => startTransition(() => setShown(true)) });
    return h('div', null, isShown ? list(Reader, 0) : []);
  },
  'a transition that updates': (Reader: Reader, stage: (stage: Stage) => void) => () => {
    const [extra, setExtra] = useState(0);
    const [, startTransition] = useTransition();
    stage({ start: () => startTransition(() => setExtra(1)) });
    return h('div', null, list(Reader, extra));
  },
  'a deferred value': (Reader: Reader, stage: (stage: Stage) => void) => () => {
    const [extra, setExtra] = useState(0);
    const deferred = useDeferredValue(extra);
    stage({ start: () => setExtra(1) });
    return h('div', null, list(Reader, deferred));
  },
};

function list(Reader: Reader, extra: number): ReactElement[] {
  return Array.from({ length: readers }, (_, key) => h(Reader, { key, extra }));
}

const flags = globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean };
beforeEach(() => {
  // An act would render in one go, and nothing could come in between.
  flags.IS_REACT_ACT_ENVIRONMENT = false;
});
afterEach(() => {
  flags.IS_REACT_ACT_ENVIRONMENT = true;
});

/** Runs a stage, changes the store in the middle of its render, and writes down every picture that was on the screen. */
async function watchScreen(name: keyof typeof stages, use: Use) {
  const kv = new FakeKv({ n: 1 });
  let stage: Stage | undefined;
  const App = stages[name](slowReader(use), (each) => (stage = each));
  const container = document.createElement('div');
  const root = createRoot(container);
  root.render(provide(kv, h(App)));
  const isStill = (): boolean => name === 'a transition that mounts' || pictureOf(container).length === readers;
  await until(() => stage !== undefined && isStill());
  await pause(50);
  const pictures: string[][] = [];
  const observer = new MutationObserver(() => pictures.push(pictureOf(container)));
  observer.observe(container, { subtree: true, childList: true, characterData: true });
  reads = [];
  stage!.start();
  await until(() => reads.length >= 2);
  const isMidway = reads.length < readers;
  kv.copy.apply({ n: 2 });
  // Readers that tear may stay so for good.
  const end = performance.now() + (use === useNaively ? 1_000 : 20_000);
  await until(() => isFinal(pictureOf(container), name) || performance.now() > end);
  await pause(50);
  pictures.push(pictureOf(container));
  observer.disconnect();
  root.unmount();
  return { pictures, isMidway, last: pictures.at(-1)! };
}

function pictureOf(container: HTMLElement): string[] {
  return [...container.querySelectorAll('i')].map((each) => each.textContent ?? '');
}

function isFinal(picture: readonly string[], name: keyof typeof stages): boolean {
  const text = `2/${name === 'a transition that mounts' ? 0 : 1}`;
  return picture.length === readers && picture.every((each) => each === text);
}

const isTorn = (picture: readonly string[]): boolean => new Set(picture.map((text) => text.split('/')[0])).size > 1;

async function until(isDone: () => boolean): Promise<void> {
  while (!isDone()) await pause(1);
}
const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe('a store that changes in the middle of a render', () => {
  it.each(Object.keys(stages) as (keyof typeof stages)[])('does not tear %s', async (name) => {
    const { pictures, isMidway, last } = await watchScreen(name, useHook);
    expect(isMidway).toBe(true);
    expect(pictures.filter(isTorn)).toEqual([]);
    expect(last).toSatisfy((picture: string[]) => isFinal(picture, name));
  });

  it('tears readers that look without the hooks', async () => {
    const { pictures, isMidway } = await watchScreen('a transition that mounts', useNaively);
    expect(isMidway).toBe(true);
    expect(pictures.filter(isTorn)).not.toEqual([]);
  });
});
