// A replica in a worker in a real Firefox: two tabs share it, one is busy while the other writes, one's worker ends. Run where Firefox is present, and always in
// CI, which installs it.
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Browser, Page } from 'puppeteer-core';
import { withCluster } from '../e2e/harness/cluster.ts';
import { waitFor } from '../e2e/harness/wait.ts';
import { findFirefox, launchFirefox } from './harness/firefox.ts';
import { serveSite } from './harness/site.ts';
import type { Site } from './harness/site.ts';

const isWanted = findFirefox() !== undefined || process.env['CI'] !== undefined;

let browser: Browser | undefined;
let site: Site | undefined;
beforeAll(async () => {
  if (!isWanted) return;
  [browser, site] = await Promise.all([launchFirefox(), serveSite(['off-thread'])]);
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
});

async function openTab(endpoints: readonly string[]): Promise<Page> {
  const page = await browser!.newPage();
  await page.goto(site!.url('off-thread'), { waitUntil: 'load' });
  await page.evaluate((to) => replicaLab.open({ endpoints: to }), endpoints);
  await isReady(page, 0);
  return page;
}

async function isReady(page: Page, revision: number): Promise<void> {
  await waitFor('it is ready, in a worker', async () => {
    const status = await page.evaluate(() => replicaLab.status());
    const { phase, connection, thread, storage } = status;
    const isThere = phase === 'ready' && connection === 'online' && thread === 'worker' && storage === 'relaxed';
    return isThere && status.revision >= revision;
  });
}

async function smoke(): Promise<void> {
  await withCluster({ nodes: 3, args: ['--allowed-origins', '*'] }, async (cluster) => {
    const [one, two] = [await openTab(cluster.addresses), await openTab(cluster.addresses)];
    const put = (page: Page, value: number): Promise<number> =>
      page.evaluate((v) => replicaLab.kv!.put('greeting', v), value);
    await isReady(two, await put(one, 1));
    // The one that holds is busy, and the other goes on.
    const hanging = one.evaluate(() => replicaLab.hang(3_000));
    await isReady(two, await put(two, 2));
    await hanging;
    await isReady(one, await put(two, 3));
    expect(await one.evaluate(() => replicaLab.status().tenancy)).toBe('holder');
    await one.evaluate(() => threadLab.workers.at(-1)!.terminate());
    await waitFor('another worker is there', () => one.evaluate(() => threadLab.workers.length === 2));
    await isReady(one, await put(one, 4));
    expect(await two.evaluate(() => replicaLab.kv!.get('greeting'))).toBe(4);
  });
}

it(
  'a replica in a worker of Firefox is shared, and survives a busy page and the end of its worker',
  { timeout: 300_000 },
  async () => {
    if (isWanted) await smoke();
    else expect(findFirefox()).toBe(undefined);
  },
);
