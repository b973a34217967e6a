// Kept writes in a real browser over real nodes: made while nobody could be reached, they are found again after a reload, a crash of the browser or in
// another tab, and are done once and in order, or said not to be.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Page } from 'playwright-core';
import { killBrowser, launchProfile } from './harness/chromium.ts';
import { setCluster } from './harness/replica-tabs.ts';
import { setStage } from './harness/stage.ts';
import { Profile } from './harness/tabs.ts';

const stage = setStage(['outbox']);
const cluster = setCluster();

const open = (page: Page, isOnline = true): Promise<void> =>
  page.evaluate(([addresses, online]) => outboxLab.open(addresses, online), [cluster().addresses, isOnline] as const);
const write = (page: Page, key: string, first: number, count: number): Promise<void> =>
  page.evaluate(([k, f, n]) => outboxLab.write(k, f, n), [key, first, count] as const);
const drained = async (page: Page): Promise<void> => {
  await expect.poll(() => page.evaluate(() => outboxLab.status())).toMatchObject({ waiting: 0 });
};
/** Its value and how often it was written: the same if each write was done once and in order. */
const counted = (page: Page, key: string): Promise<unknown> => page.evaluate((k) => outboxLab.kv!.getEntry(k), key);

describe('writes that were made offline', () => {
  it('are shown as kept after a reload, and done once and in order when the way is open', async () => {
    const { page } = await stage.openTab('outbox');
    await open(page, false);
    await write(page, 'reload', 1, 40);
    expect(await page.evaluate(() => outboxLab.status())).toMatchObject({ storage: 'strict', waiting: 40 });
    await page.reload();
    await open(page, false);
    const seen = await page.evaluate(() => outboxLab.seen());
    expect(seen).toHaveLength(40);
    expect(seen[0]).toMatchObject({ keys: ['reload'], status: 'local', kept: true });
    await page.reload();
    await open(page);
    await drained(page);
    // What is kept, stamped and forgotten is on the medium before it counts; a copy need not be.
    expect(await page.evaluate(() => outboxLab.durabilities())).toContain('raftkv-outbox/default: strict');
    expect(await page.evaluate(() => outboxLab.durabilities())).not.toContain('raftkv-outbox/default: relaxed');
    expect(await counted(page, 'reload')).toMatchObject({ value: 40, version: 40 });
    expect(await page.evaluate(() => outboxLab.seen())).toEqual([]);
    // Nothing is left of them.
    await page.reload();
    await open(page);
    expect(await page.evaluate(() => outboxLab.status())).toMatchObject({ waiting: 0, undecided: 0, bytes: 0 });
  });

  it('survive the browser, which is killed again and again while they are sent', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'raftkv-outbox-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));
    const start = async () => {
      const context = await launchProfile(folder);
      const page = await context.newPage();
      await page.goto(stage.url('outbox'));
      return { context, page };
    };
    let { context, page } = await start();
    await open(page, false);
    await write(page, 'killed', 1, 200);
    await killBrowser(context);
    for (const milliseconds of [0, 40, 120]) {
      ({ context, page } = await start());
      await open(page);
      // However far it comes: it ends in the middle of something else each time.
      await page.waitForTimeout(milliseconds);
      await killBrowser(context);
    }
    ({ context, page } = await start());
    await open(page);
    await drained(page);
    expect(await counted(page, 'killed')).toMatchObject({ value: 200, version: 200 });
    await context.close();
  });

  it('in two tabs of which one is killed: the other sends those of both', async () => {
    const [one, two] = [await stage.openTab('outbox'), await stage.openTab('outbox')];
    await open(one.page, false);
    await open(two.page);
    await write(one.page, 'tabs/one', 1, 30);
    await two.page.evaluate(() => outboxLab.kv!.setOnline(false));
    await write(two.page, 'tabs/two', 1, 30);
    await one.kill();
    await expect.poll(() => two.page.evaluate(() => outboxLab.status())).toMatchObject({ waiting: 60 });
    await two.page.evaluate(() => outboxLab.kv!.setOnline(true));
    await drained(two.page);
    expect(await counted(two.page, 'tabs/one')).toMatchObject({ value: 30, version: 30 });
    expect(await counted(two.page, 'tabs/two')).toMatchObject({ value: 30, version: 30 });
  });

  it('in a tab and its duplicate: each is done once, whichever of them has it', async () => {
    const { page } = await stage.openTab('outbox');
    await open(page, false);
    await write(page, 'first', 1, 20);
    // As a browser duplicates a tab: what it noted of itself goes with it.
    const [twin] = await Promise.all([
      page.context().waitForEvent('page'),
      page.evaluate(() => void window.open(location.href)),
    ]);
    await twin.waitForFunction(() => 'outboxLab' in globalThis);
    const notes = (of: Page) => of.evaluate(() => sessionStorage.getItem('raftkv/default/outbox'));
    expect(await notes(twin)).toBe(await notes(page));
    await open(twin, false);
    await write(twin, 'twin', 1, 20);
    await write(page, 'first', 21, 20);
    expect(await page.evaluate(() => outboxLab.status())).toMatchObject({ waiting: 40 });
    expect(await twin.evaluate(() => outboxLab.status())).toMatchObject({ waiting: 20 });
    await Promise.all([page, twin].map((each) => each.reload()));
    await Promise.all([page, twin].map((each) => open(each)));
    await Promise.all([page, twin].map((each) => drained(each)));
    await expect.poll(() => counted(page, 'first'), { timeout: 90_000 }).toMatchObject({ value: 40, version: 40 });
    await expect.poll(() => counted(page, 'twin'), { timeout: 90_000 }).toMatchObject({ value: 20, version: 20 });
    for (const each of [page, twin]) {
      expect(await each.evaluate(() => outboxLab.status())).toMatchObject({ waiting: 0, undecided: 0 });
    }
    await twin.close();
  });

  it('under a condition that no longer holds are refused with what is there now, and wait for a decision', async () => {
    const [one, two] = [await stage.openTab('outbox'), await stage.openTab('outbox')];
    await open(one.page);
    await open(two.page);
    const revision = await one.page.evaluate(() => outboxLab.kv!.put('title', 'first'));
    await one.page.evaluate(() => outboxLab.kv!.setOnline(false));
    await one.page.evaluate((r) => outboxLab.write('title', 7, 1, [{ key: 'title', revision: r }]), revision);
    await two.page.evaluate(() => outboxLab.kv!.put('title', 'theirs'));
    await one.page.reload();
    await open(one.page);
    await expect
      .poll(() => one.page.evaluate(() => outboxLab.seen()))
      .toMatchObject([
        {
          keys: ['title'],
          status: 'refused',
          kept: true,
          code: 'condition_failed',
          definite: true,
          found: [{ key: 'title', value: 'theirs' }],
        },
      ]);
    await one.page.evaluate(() => outboxLab.retry(0));
    expect(await counted(two.page, 'title')).toMatchObject({ value: 7, version: 3 });
    await expect.poll(() => one.page.evaluate(() => outboxLab.seen())).toEqual([]);
  });

  it('whose session is gone are surfaced if they may have happened, and sent if they never left', async () => {
    const [one, two] = [await stage.openTab('outbox'), await stage.openTab('outbox')];
    await open(one.page);
    await open(two.page);
    await write(one.page, 'expired', 1, 1);
    await drained(one.page);
    await two.page.evaluate(() => outboxLab.kv!.put('expired/marked', 'before'));
    // On its way when the process ends: marked, and nobody knows whether it arrived.
    const leaving = one.page.evaluate(() => {
      const sent = outboxLab.kv!.mutate([{ type: 'put', key: 'expired/marked', value: 'sent' }]);
      void outboxLab.kv!.mutate([{ type: 'put', key: 'expired/marked', value: 'after' }]);
      return new Promise<void>((resolve) => {
        sent.state.subscribe(() => {
          if (sent.state.getSnapshot().status !== 'sent') return;
          outboxLab.kv!.setOnline(false);
          resolve();
        });
      });
    });
    await leaving;
    await one.page.evaluate(() => outboxLab.write('expired', 2, 3));
    await two.page.evaluate(() => outboxLab.forgetSessions());
    await one.page.reload();
    await open(one.page);
    await drained(one.page);
    expect(await counted(one.page, 'expired')).toMatchObject({ value: 4, version: 4 });
    await expect
      .poll(() => one.page.evaluate(() => outboxLab.seen()))
      .toMatchObject([
        {
          keys: ['expired/marked'],
          status: 'unknown',
          code: 'session_expired',
          definite: false,
          found: [{ key: 'expired/marked' }],
        },
      ]);
    expect(await counted(one.page, 'expired/marked')).toMatchObject({ value: 'after' });
    await one.page.evaluate(() => outboxLab.discard(0));
    expect(await one.page.evaluate(() => outboxLab.status())).toMatchObject({ undecided: 0, bytes: 0 });
  });

  it('that do not fit are refused, and never shown as kept', async () => {
    // On disk: quota is not enforced on profiles in memory.
    const folder = mkdtempSync(path.join(tmpdir(), 'raftkv-outbox-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));
    const profile = new Profile(await launchProfile(folder));
    const tab = await profile.openTab(stage.url('outbox'));
    const { page } = tab;
    // Before the first write: the browser remembers for a while how much room there was.
    await tab.setQuota(1_000_000);
    await open(page, false);
    const { kept, last } = await page.evaluate(async () => {
      let count = 0;
      for (; count < 200; count += 1) {
        await outboxLab.write('quota', count, 1, undefined, 'x'.repeat(50_000));
        if (outboxLab.last().status === 'refused') break;
      }
      return { kept: count, last: outboxLab.last() };
    });
    expect(last).toMatchObject({ status: 'refused', kept: undefined, code: 'storage_full', definite: true });
    expect(kept).toBeGreaterThan(0);
    expect(await page.evaluate(() => outboxLab.status())).toMatchObject({
      storage: 'strict',
      waiting: kept,
      error: 'storage_full',
    });
    await tab.setQuota(undefined);
    await page.reload();
    await open(page);
    await drained(page);
    expect(await counted(page, 'quota')).toMatchObject({ value: [kept - 1, 'x'.repeat(50_000)], version: kept });
    await profile.close();
  });
});
