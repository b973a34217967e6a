// Kept writes as a visitor of the page meets them: what was written offline is there after a reload, says that it waits, and is sent; what somebody else was
// faster at waits for a decision, which is made on the page.
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { launchChromium } from './harness/chromium.ts';
import { DevCluster } from './harness/dev-cluster.ts';

let browser: Browser;
let cluster: DevCluster;
let context: BrowserContext;
const complaints: string[] = [];

beforeAll(async () => {
  [browser, cluster] = await Promise.all([launchChromium(), DevCluster.start()]);
  context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
});
afterAll(async () => {
  await browser?.close();
  await cluster?.stop();
});

async function visit(): Promise<Page> {
  const page = await context.newPage();
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(cluster.url(''));
  await page.waitForSelector('.state-line.is-good', { timeout: 90_000 });
  return page;
}

async function addCard(page: Page, title: string): Promise<void> {
  await page.fill('.add input', title);
  await page.press('.add input', 'Enter');
}

async function rename(page: Page, from: string, to: string): Promise<void> {
  await card(page, from)
    .getByRole('button', { name: /Rename/ })
    .click();
  await page.fill('li.card form input', to);
  await page.press('li.card form input', 'Enter');
  await page.locator('li.card form').waitFor({ state: 'detached' });
}
const card = (page: Page, title: string) => page.locator('li.card', { hasText: title });

it('shows after a reload what was written offline, and leaves what somebody overtook to be decided', async () => {
  const first = await visit();
  const second = await visit();
  for (const title of ['Draft', 'Plan']) await addCard(first, title);
  for (const title of ['Draft', 'Plan']) await card(second, title).getByText('Committed').waitFor();
  await first.getByRole('switch', { name: 'Online' }).click();
  await first.locator('.state-line', { hasText: 'working offline' }).waitFor();
  await rename(first, 'Draft', 'Mine');
  await rename(first, 'Plan', 'My plan');
  await addCard(first, 'New');
  await card(first, 'Mine').getByText('Waiting on this device').waitFor();
  await rename(second, 'Draft', 'Theirs');
  await rename(second, 'Plan', 'Their plan');
  for (const title of ['Theirs', 'Their plan']) await card(second, title).getByText('Committed').waitFor();
  await first.reload();
  await first.getByText('2 writes need your decision').waitFor({ timeout: 90_000 });
  const lines = first.locator('.writes li', { hasText: 'Needs your decision' });
  const overtaken = lines.filter({ hasText: 'Refused' });
  await overtaken.filter({ hasText: 'somebody else changed it to “Theirs”' }).waitFor();
  await overtaken.filter({ hasText: 'somebody else changed it to “Their plan”' }).waitFor();
  await card(second, 'New').waitFor();
  await first.setViewportSize({ width: 360, height: 800 });
  const room = await first.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(room).toBeLessThanOrEqual(0);
  await lines
    .filter({ hasText: '“Their plan”' })
    .getByRole('button', { name: /Discard/ })
    .click();
  await first.getByText('One write needs your decision').waitFor();
  await lines.filter({ hasText: '“Theirs”' }).getByRole('button', { name: /Retry/ }).click();
  await card(second, 'Mine').getByText('Committed').waitFor();
  await card(second, 'Their plan').waitFor();
  await first.reload();
  await first.waitForSelector('.state-line.is-good', { timeout: 90_000 });
  expect(await lines.count()).toBe(0);
  expect(complaints).toEqual([]);
});
