// The conformance suite of the Storage contract in a real Firefox. Run where Firefox is present, and always in CI, which installs it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Browser, Page } from 'puppeteer-core';
import { storageConformance } from '@raftkv/storage/conformance';
import { findFirefox, launchFirefox } from './harness/firefox.ts';
import { serveSite } from './harness/site.ts';
import type { Site } from './harness/site.ts';

const isWanted = findFirefox() !== undefined || process.env['CI'] !== undefined;

let browser: Browser | undefined;
let site: Site | undefined;
let page: Page;
beforeAll(async () => {
  if (!isWanted) return;
  [browser, site] = await Promise.all([launchFirefox(), serveSite(['storage'])]);
  page = await browser.newPage();
  await page.goto(site.url('storage'), { waitUntil: 'load' });
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
});

const declare = (durability: 'strict' | 'relaxed'): void =>
  storageConformance({
    name: durability,
    test: {
      describe,
      it: (title) =>
        it(`${title}`, async () => {
          const whole = expect.getState().currentTestName!;
          await page.evaluate((way, name) => storageLab.runConformance(way, name), durability, whole);
        }),
      expect,
    },
    createPlace: () => Promise.reject(new Error('places are in the tab')),
  });

if (isWanted) {
  declare('strict');
  declare('relaxed');
}

it('Firefox is found where it is installed, or named', () => {
  expect(findFirefox({ PATH: '/nowhere' })).toBe(undefined);
  expect(findFirefox({ PATH: '/nowhere', RAFTKV_FIREFOX: process.execPath })).toBe(process.execPath);
});
