// The conformance suite of the Storage contract in a real Firefox. Run where Firefox is present, and always in CI, which installs it.
import { beforeAll, describe, expect, it } from 'vitest';
import type { Page } from 'puppeteer-core';
import { storageConformance } from '@raftkv/storage/conformance';
import { findFirefox } from './harness/firefox.ts';
import { setFirefoxStage } from './harness/firefox-stage.ts';

const stage = setFirefoxStage(['storage']);
let page: Page;
beforeAll(async () => {
  if (stage.isWanted) page = await stage.openTab('storage');
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

if (stage.isWanted) {
  declare('strict');
  declare('relaxed');
}

it('Firefox is found where it is installed, or named', () => {
  expect(findFirefox({ PATH: '/nowhere' })).toBe(undefined);
  expect(findFirefox({ PATH: '/nowhere', RAFTKV_FIREFOX: process.execPath })).toBe(process.execPath);
});
