// The room of the page that a node with a relay serves: browsers find each other by the link alone. Without any node, see page-room.test.ts.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Browser, Page } from 'playwright-core';
import { launchChromium, webRtcFlags } from './harness/chromium.ts';
import { DevCluster } from './harness/dev-cluster.ts';

let browser: Browser;
let cluster: DevCluster;
beforeAll(async () => {
  [browser, cluster] = await Promise.all([launchChromium(webRtcFlags), DevCluster.start()]);
});
afterAll(async () => {
  await browser?.close();
  await cluster?.stop();
});

const timeout = 90_000;
const until = (page: Page, text: string) => page.locator('.state-line').filter({ hasText: text }).waitFor({ timeout });

describe('a room beside a cluster', () => {
  it('takes in another browser by its link, over WebRTC, with signals through the relay of a node', async () => {
    const [here, there] = [await browser.newContext(), await browser.newContext()];
    try {
      const page = await here.newPage();
      const complaints: string[] = [];
      page.on('pageerror', (error) => complaints.push(error.message));
      await page.goto(cluster.url());
      await page.getByRole('link', { name: 'Room' }).click();
      await page.getByRole('button', { name: 'Make a room' }).click();
      await until(page, 'You lead');
      const other = await there.newPage();
      await other.goto(await page.getByRole('textbox', { name: 'Link to this room' }).inputValue());
      const both = [page, other];
      for (const each of both) {
        await each.locator('.ring-panel', { hasText: '2 of 2 voters here' }).waitFor({ timeout });
        await each.locator('.link-label', { hasText: 'WebRTC' }).waitFor({ timeout });
      }
      await page.getByRole('link', { name: 'Board' }).click();
      await until(page, 'In step');
      expect(complaints).toEqual([]);
    } finally {
      await here.close();
      await there.close();
    }
  });
});
