// The room of the page that a node with a relay serves: browsers find each other by the link alone. Without any node, see page-room.test.ts.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Browser, BrowserContext, Page } from 'playwright-core';
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

/** Run in the page, before anything else: behind a firewall no way leads but a TURN server's, and there is none. */
function loseDirectWays(): void {
  const Direct = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Direct {
    constructor(configuration?: RTCConfiguration) {
      super({ ...configuration, iceTransportPolicy: 'relay' });
    }
  };
}

/** So many browsers with a tab each, the first of which makes the room. `isCut`: those that have no direct way. */
async function openRoom(isCut: readonly boolean[]) {
  const contexts: BrowserContext[] = [];
  const pages: Page[] = [];
  const complaints: string[] = [];
  let address = cluster.url('/room');
  for (const cut of isCut) {
    const context = await browser.newContext({ reducedMotion: 'reduce' });
    contexts.push(context);
    if (cut) await context.addInitScript(loseDirectWays);
    const page = await context.newPage();
    page.on('pageerror', (error) => complaints.push(error.message));
    pages.push(page);
    await page.goto(address);
    if (pages.length > 1) continue;
    await page.getByRole('button', { name: 'Make a room' }).click();
    await until(page, 'You lead');
    address = await page.getByRole('textbox', { name: 'Link to this room' }).inputValue();
  }
  const count = isCut.length;
  for (const page of pages)
    await page.locator('.ring-panel', { hasText: `${count} of ${count} voters here` }).waitFor({ timeout });
  return { pages, complaints, close: () => Promise.all(contexts.map((context) => context.close())) };
}

/** How many links of each kind the picture of this page shows. */
async function linksOn(page: Page): Promise<Readonly<Record<string, number>>> {
  const titles = await page.locator('.link-label title').allTextContents();
  const kinds = titles.map((title) => title.split(': ')[1]!);
  return Object.fromEntries([...new Set(kinds)].map((kind) => [kind, kinds.filter((each) => each === kind).length]));
}

describe('a room beside a cluster', () => {
  it('takes in another browser by its link, over WebRTC, with signals through the relay of a node', async () => {
    const { pages, complaints, close } = await openRoom([false, false]);
    try {
      for (const page of pages) await expect.poll(() => linksOn(page), { timeout }).toEqual({ WebRTC: 1 });
      const [page] = pages;
      await page!.getByRole('link', { name: 'Board' }).click();
      await until(page!, 'In step');
      expect(complaints).toEqual([]);
    } finally {
      await close();
    }
  });

  it.each([
    ['the browser that made the room', [true, false], { relayed: 1 }],
    ['the browser that came', [false, true], { relayed: 1 }],
    ['both', [true, true], { relayed: 1 }],
    ['one of three', [true, false, false], { relayed: 2, WebRTC: 1 }],
  ] as const)('takes it in through the relay where no direct way leads to %s, and says so', async (_, isCut, links) => {
    const { pages, complaints, close } = await openRoom(isCut);
    try {
      for (const page of pages) await expect.poll(() => linksOn(page), { timeout }).toEqual(links);
      // All of them write, and each sees what the others did.
      for (const page of pages) {
        const judged = async () =>
          Number((await page.locator('.verdict p').first().locator('b').textContent())!.replaceAll(',', ''));
        await expect.poll(judged, { timeout }).toBeGreaterThan(20);
        expect(await page.locator('.verdict p').first().locator('strong').textContent()).toBe('0');
      }
      for (const page of pages) await expect.poll(() => linksOn(page), { timeout }).toEqual(links);
      expect(complaints).toEqual([]);
    } finally {
      await close();
    }
  });
});
