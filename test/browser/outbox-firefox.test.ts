// Kept writes in a real Firefox over real nodes: made while nobody could be reached, by one tab and by two, they are found again after a reload, or by the tab that is
// left, and done once and in order. What needs a browser killed stays with Chromium. Run where Firefox is present, and always in CI, which installs it.
import { expect, it } from 'vitest';
import type { Page } from 'puppeteer-core';
import { withCluster } from '../e2e/harness/cluster.ts';
import { findFirefox } from './harness/firefox.ts';
import { setFirefoxStage } from './harness/firefox-stage.ts';

const timeout = 120_000;
const stage = setFirefoxStage(['outbox']);

const open = (page: Page, addresses: readonly string[], isOnline: boolean): Promise<void> =>
  page.evaluate((to, online) => outboxLab.open(to, online), addresses, isOnline);
const write = (page: Page, key: string, first: number, count: number): Promise<void> =>
  page.evaluate((k, f, n) => outboxLab.write(k, f, n), key, first, count);
const status = (page: Page) => page.evaluate(() => outboxLab.status());
const seen = (page: Page) => page.evaluate(() => outboxLab.seen());

/** Each of the 1st to the nth write of this key was done once, and they were done in their order. */
async function expectDone(page: Page, key: string, n: number): Promise<void> {
  const entry = () => page.evaluate((k) => outboxLab.kv!.getEntry(k), key);
  await expect.poll(entry, { timeout }).toMatchObject({ value: n, version: n });
}

async function drained(pages: readonly Page[]): Promise<void> {
  for (const page of pages)
    await expect.poll(() => status(page), { timeout }).toMatchObject({ waiting: 0, undecided: 0 });
}

async function surviveReload(addresses: readonly string[]): Promise<void> {
  const page = await stage.openTab('outbox');
  await open(page, addresses, false);
  await write(page, 'reload', 1, 40);
  expect(await status(page)).toMatchObject({ storage: 'strict', waiting: 40 });
  await page.reload({ waitUntil: 'load' });
  await open(page, addresses, false);
  const found = await seen(page);
  expect(found).toHaveLength(40);
  for (const each of found) expect(each).toMatchObject({ keys: ['reload'], status: 'local', kept: true });
  // Those of this life come after those of the one before.
  await write(page, 'reload', 41, 10);
  await page.reload({ waitUntil: 'load' });
  await open(page, addresses, true);
  await drained([page]);
  await expectDone(page, 'reload', 50);
  expect(await page.evaluate(() => outboxLab.durabilities())).toContain('raftkv-outbox/default: strict');
  expect(await page.evaluate(() => outboxLab.durabilities())).not.toContain('raftkv-outbox/default: relaxed');
  // Nothing is left of them, nor sent again.
  await page.reload({ waitUntil: 'load' });
  await open(page, addresses, true);
  expect(await status(page)).toMatchObject({ waiting: 0, undecided: 0, bytes: 0 });
  await expectDone(page, 'reload', 50);
  await page.close();
}

async function writeInTwo(addresses: readonly string[]): Promise<void> {
  const pages = [await stage.openTab('outbox'), await stage.openTab('outbox')];
  for (const page of pages) await open(page, addresses, false);
  for (const first of [1, 16]) {
    await Promise.all(pages.map((page, at) => write(page, `both/${at}`, first, 15)));
  }
  await Promise.all(pages.map((page) => page.reload({ waitUntil: 'load' })));
  await Promise.all(pages.map((page) => open(page, addresses, true)));
  await drained(pages);
  for (const [at, page] of pages.entries()) await expectDone(page, `both/${at}`, 30);
  // One that is closed leaves its own to the other.
  for (const page of pages) await page.reload({ waitUntil: 'load' });
  for (const page of pages) await open(page, addresses, false);
  await Promise.all(pages.map((page, at) => write(page, `left/${at}`, 1, 20)));
  const [left, closed] = pages as [Page, Page];
  await closed.close();
  await expect.poll(() => status(left), { timeout }).toMatchObject({ waiting: 40 });
  await left.reload({ waitUntil: 'load' });
  await open(left, addresses, true);
  await drained([left]);
  for (const at of [0, 1]) await expectDone(left, `left/${at}`, 20);
  await left.close();
}

it(
  'writes that were made offline in Firefox are done once and in order, after a reload and in two tabs',
  { timeout: 600_000 },
  async () => {
    if (!stage.isWanted) return expect(findFirefox()).toBe(undefined);
    // Of one cluster: what is kept is meant for the one that it was made for.
    await withCluster({ nodes: 3, args: ['--allowed-origins', '*'] }, async ({ addresses }) => {
      await surviveReload(addresses);
      await writeInTwo(addresses);
    });
  },
);
