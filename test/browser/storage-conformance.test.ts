// The conformance suite of the Storage contract in a real Chromium, over IndexedDB, for each durability. The suite is declared here by its titles;
// its bodies run in the tab.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Browser } from 'playwright-core';
import { storageConformance } from '@raftkv/storage/conformance';
import { launchChromium } from './harness/chromium.ts';
import { serveSite } from './harness/site.ts';
import type { Site } from './harness/site.ts';
import { Profile } from './harness/tabs.ts';
import type { Tab } from './harness/tabs.ts';

let browser: Browser;
let site: Site;
let tab: Tab;

beforeAll(async () => {
  [browser, site] = await Promise.all([launchChromium(), serveSite(['storage'])]);
  tab = await (await Profile.open(browser)).openTab(site.url('storage'));
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
});

for (const durability of ['strict', 'relaxed'] as const) {
  storageConformance({
    name: durability,
    test: {
      describe,
      it: (title) =>
        it(`${title}`, async () => {
          const whole = expect.getState().currentTestName!;
          await tab.page.evaluate(([way, name]) => storageLab.runConformance(way, name), [durability, whole] as const);
        }),
      expect,
    },
    createPlace: () => Promise.reject(new Error('places are in the tab')),
  });
}

it('the suite in the tab can fail', async () => {
  const run = tab.page.evaluate(() => storageLab.runConformance('strict', 'no such test'));
  await expect(run).rejects.toThrow('no test is called');
});
