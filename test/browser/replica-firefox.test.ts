// The path of a tab's replica in a real Firefox: two tabs converge, one is reloaded, one is offline for a while, a node is killed. What needs a tab killed or
// frozen stays with Chromium. Run where Firefox is present, and always in CI, which installs it.
import { expect, it } from 'vitest';
import type { Page } from 'puppeteer-core';
import { withCluster } from '../e2e/harness/cluster.ts';
import { waitFor } from '../e2e/harness/wait.ts';
import { findFirefox } from './harness/firefox.ts';
import { setFirefoxStage } from './harness/firefox-stage.ts';

const stage = setFirefoxStage(['replica']);

async function openTab(endpoints: readonly string[]): Promise<Page> {
  const page = await stage.openTab('replica');
  await openReplica(page, endpoints);
  return page;
}

async function openReplica(page: Page, endpoints: readonly string[]): Promise<void> {
  await page.evaluate((to) => replicaLab.open({ endpoints: to }), endpoints);
}

type Status = Awaited<ReturnType<typeof status>>;

function status(page: Page) {
  return page.evaluate(() => replicaLab.status());
}

function until(page: Page, what: string, isMet: (status: Status) => boolean): Promise<Status> {
  return waitFor(what, async () => {
    const now = await status(page);
    return isMet(now) && now;
  });
}

const read = (page: Page, key: string): Promise<unknown> =>
  page.evaluate((k) => replicaLab.kv!.get(k, { level: 'local' }), key);

async function smoke(): Promise<void> {
  await withCluster({ nodes: 3, args: ['--allowed-origins', '*'] }, async (cluster) => {
    const [one, two] = [await openTab(cluster.addresses), await openTab(cluster.addresses)];
    // They share one replica, and what one writes the other shows.
    const tenancies = [await status(one), await status(two)].map(({ tenancy }) => tenancy);
    expect(tenancies.toSorted()).toEqual(['attached', 'holder']);
    await one.evaluate(() => replicaLab.kv!.put('greeting', 'hello'));
    await waitFor('the other tab shows it', async () => (await read(two, 'greeting')) === 'hello');
    // A reload gets the stored copy back and goes on.
    await one.reload({ waitUntil: 'load' });
    await openReplica(one, cluster.addresses);
    await until(one, 'ready after a reload', ({ phase, keys }) => phase === 'ready' && keys > 0);
    expect(await read(one, 'greeting')).toBe('hello');
    // Offline: writes wait, in their order, and are done once.
    await two.evaluate(() => replicaLab.kv!.setOnline(false));
    await two.evaluate(() => replicaLab.count('counter', 1, 10));
    expect(await read(two, 'greeting')).toBe('hello');
    await two.evaluate(() => replicaLab.kv!.setOnline(true));
    const revisions = await two.evaluate(() => replicaLab.committed());
    expect(revisions).toEqual(revisions.toSorted((a, b) => a - b));
    await waitFor('the first tab shows it', async () => (await read(one, 'counter')) === 10);
    const entry = await one.evaluate(() => replicaLab.kv!.getEntry('counter'));
    expect(entry).toMatchObject({ value: 10, version: 10 });
    // The leader dies while a tab writes.
    const writing = one.evaluate(() => replicaLab.count('after', 1, 20).then(() => replicaLab.committed()));
    await cluster.kill(await cluster.leader());
    expect(await writing).toHaveLength(20);
    await waitFor('both tabs agree', async () => {
      const [left, right] = [await status(one), await status(two)];
      return left.revision === right.revision && left.hash === right.hash && (await read(two, 'after')) === 20;
    });
    await Promise.all([one.close(), two.close()]);
  });
}

it(
  'a replica in Firefox is shared, survives a reload, an offline spell and a killed leader',
  { timeout: 300_000 },
  async () => {
    if (stage.isWanted) await smoke();
    else expect(findFirefox()).toBe(undefined);
  },
);
