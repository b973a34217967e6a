// The conformance suite of the Channel contract in a real Firefox, over each kind of channel that a browser has. Run where Firefox is present, and
// always in CI, which installs it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Browser, Page } from 'puppeteer-core';
import { describeChannel } from '@raftkv/transport/conformance';
import { findFirefox, launchFirefox, webRtcPreferences } from './harness/firefox.ts';
import { serveSite } from './harness/site.ts';
import type { Site } from './harness/site.ts';

const isWanted = findFirefox() !== undefined || process.env['CI'] !== undefined;

let browser: Browser | undefined;
let site: Site | undefined;
let page: Page;
beforeAll(async () => {
  if (!isWanted) return;
  [browser, site] = await Promise.all([launchFirefox(webRtcPreferences), serveSite(['channels'])]);
  page = await browser.newPage();
  await page.goto(site.url('channels'), { waitUntil: 'load' });
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
});

const kinds = ['BroadcastChannel', 'MessagePort', 'WebRTC, ordered', 'WebRTC, unordered'];
for (const kind of isWanted ? kinds : []) {
  describeChannel(kind, () => Promise.reject(new Error('channels are in the tab')), {
    describe,
    it: (title) =>
      it(`${title}`, async () => {
        const whole = expect.getState().currentTestName!;
        await page.evaluate((way, name) => channelLab.runConformance(way, name), kind, whole);
      }),
    expect,
  });
}

it('lets a ping pass 16 MiB of bulk that are under way', async () => {
  if (!isWanted) return;
  const bytes = 16 * 1024 * 1024;
  const figures = await page.evaluate((size) => channelLab.passBulk(size, 'channel'), bytes);
  expect(figures.bulkBytesBefore).toBeLessThan(bytes / 4);
});
