// The tools of the browser suites themselves: which browser is taken, and that the measurement which the web benchmark calls works.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findChromium } from './harness/chromium.ts';
import { measureStorage } from './harness/measure-storage.ts';
import { setStage } from './harness/stage.ts';

const stage = setStage(['storage']);

it('takes the browser that is named, else one that is on the path, else says what to install', () => {
  const folder = mkdtempSync(join(tmpdir(), 'raftkv-browsers-'));
  try {
    const browser = join(folder, 'google-chrome');
    writeFileSync(browser, '');
    chmodSync(browser, 0o755);
    expect(findChromium({ PATH: `/nowhere:${folder}` })).toBe(browser);
    expect(findChromium({ PATH: '', RAFTKV_CHROMIUM: browser })).toBe(browser);
    expect(() => findChromium({ PATH: folder, RAFTKV_CHROMIUM: join(folder, 'none') })).toThrow(
      /no Chromium and no Chrome was found.*apt-get install chromium/,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('measures batches, and many callers share transactions', async () => {
  const tab = await stage.openTab('storage');
  const figures = await measureStorage(tab, { batches: 30 });
  expect(figures.map(({ durability, callers }) => `${durability} ${callers}`)).toEqual([
    'strict 1',
    'strict 64',
    'relaxed 1',
    'relaxed 64',
  ]);
  for (const { callers, batchesPerSecond, transactionsPerSecond, p50Milliseconds, p99Milliseconds } of figures) {
    expect(batchesPerSecond / transactionsPerSecond).toBeGreaterThan(callers === 1 ? 0.99 : 5);
    expect(p99Milliseconds).toBeGreaterThanOrEqual(p50Milliseconds);
    expect(p50Milliseconds).toBeGreaterThan(0);
  }
});

it('a frozen tab runs nothing until it is resumed, and one that is offline reaches nobody', async () => {
  const tab = await stage.openTab('storage');
  await tab.page.evaluate(() => {
    let last = performance.now();
    const events: string[] = [];
    Object.assign(globalThis, { longestPause: 0, events });
    for (const name of ['visibilitychange', 'freeze', 'resume']) {
      document.addEventListener(name, () => events.push(`${name} ${document.visibilityState}`));
    }
    setInterval(() => {
      const now = performance.now();
      const pause = Math.max(Reflect.get(globalThis, 'longestPause') as number, now - last);
      Object.assign(globalThis, { longestPause: pause });
      last = now;
    }, 5);
  });
  await tab.freeze();
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await tab.resume();
  await expect
    .poll(() => tab.page.evaluate(() => Reflect.get(globalThis, 'longestPause') as number))
    .toBeGreaterThan(1000);
  await expect
    .poll(() => tab.page.evaluate(() => Reflect.get(globalThis, 'events') as string[]))
    .toEqual(['visibilitychange hidden', 'freeze hidden', 'resume hidden', 'visibilitychange visible']);
  const reach = (): Promise<string> =>
    tab.page.evaluate(() =>
      fetch('/storage').then(
        () => 'reached',
        () => 'cut off',
      ),
    );
  expect(await reach()).toBe('reached');
  await tab.setOffline(true);
  expect(await reach()).toBe('cut off');
  await tab.setOffline(false);
  expect(await reach()).toBe('reached');
});
