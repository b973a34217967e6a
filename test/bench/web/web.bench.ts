// `npm run bench:web`: what a tab reaches with its replica, in a real Chromium against three members with syncs on. Times are of one shared machine: read
// them beside each other (does the latency stay flat as the keys grow?), not as records. Each check that stands here is about truth, not about speed.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect } from 'raftkv';
import type { Kv } from 'raftkv';
import { launchProfile } from '../../browser/harness/chromium.ts';
import { measureStorage } from '../../browser/harness/measure-storage.ts';
import { serveSite } from '../../browser/harness/site.ts';
import type { Site } from '../../browser/harness/site.ts';
import { Profile } from '../../browser/harness/tabs.ts';
import type { Tab } from '../../browser/harness/tabs.ts';
import { Cluster } from '../../e2e/harness/cluster.ts';
import { quantiles, rate, say } from './say.ts';

const sizes = [1_000, 10_000, 100_000];
const folder = mkdtempSync(join(tmpdir(), 'raftkv-bench-web-'));
let site: Site;
let profile: Profile;

beforeAll(async () => {
  site = await serveSite(['bench', 'storage']);
  // A profile on disk: a browser that keeps everything in memory would flatter the storage.
  profile = new Profile(await launchProfile(folder));
}, 120_000);
afterAll(async () => {
  await profile?.close();
  await site?.close();
  rmSync(folder, { recursive: true, force: true });
});

const key = (i: number): string => `row/${String(i).padStart(6, '0')}`;
const record = (i: number) => ({
  id: i,
  name: `Name ${i}`,
  city: `City ${i % 977}`,
  population: (i * 7919) % 1_000_003,
});

async function fill(kv: Kv, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += 500) {
    const end = Math.min(to, at + 500);
    await kv.batch(
      Array.from({ length: end - at }, (_, i) => ({ type: 'put', key: key(at + i), value: record(at + i) })),
    );
  }
}

/** Changes a row of one of the live scans, again and again, and times what the tab hears. */
async function measureLatency(tab: Tab, kv: Kv, keys: number): Promise<{ inTab: number[]; fromCommit: number[] }> {
  await tab.page.evaluate((count) => benchLab.watchScans(count), keys);
  const inTab: number[] = [];
  const fromCommit: number[] = [];
  for (let i = 0; i < 300; i += 1) {
    const row = Math.floor(((i % 100) * keys) / 100) + (i % Math.min(100, Math.floor(keys / 100)));
    await kv.put(key(row), { ...record(row), population: i });
    const committedAt = performance.timeOrigin + performance.now();
    let heard = await tab.page.evaluate(() => benchLab.takeHeard());
    for (let tries = 0; heard.length === 0 && tries < 200; tries += 1)
      heard = await tab.page.evaluate(() => benchLab.takeHeard());
    // One change touches one of the hundred scans, and each scan is told once.
    expect(heard).toHaveLength(1);
    inTab.push(heard[0]!.afterArrival);
    fromCommit.push(heard[0]!.at - committedAt);
  }
  return { inTab, fromCommit };
}

it('a replica in a tab', { timeout: 900_000 }, async () => {
  const cluster = await Cluster.start({ args: ['--allowed-origins', '*'] });
  const kv = connect({ endpoints: cluster.addresses });
  try {
    let filled = 0;
    for (const keys of sizes) {
      await fill(kv, filled, keys);
      filled = keys;
      console.log(`\n${keys.toLocaleString('en')} records`);
      const tab = await profile.openTab(site.url('bench'));
      const endpoints = cluster.addresses;
      await tab.page.evaluate((to) => benchLab.open(to, 'memory', 0).then(() => benchLab.close()), endpoints);
      await tab.wipeStorage();
      await tab.page.reload();
      const open = (): Promise<number> =>
        tab.page.evaluate(([to, count]) => benchLab.open(to, 'relaxed', count), [endpoints, keys] as const);
      say(`first usable state, cold                       ${(await open()).toFixed(0)} ms`);
      const live = await kv.status();
      expect(await tab.page.evaluate(() => benchLab.status())).toMatchObject({
        revision: live.revision,
        divergences: 0,
      });
      await tab.page.evaluate(() => benchLab.close());
      await tab.page.reload();
      say(`first usable state, from IndexedDB             ${(await open()).toFixed(0)} ms`);
      const gets = await tab.page.evaluate((count) => benchLab.localGets(50_000, count), keys);
      say(`local get, awaited one by one                  ${rate(gets.awaited)}`);
      say(`live snapshot of a key                         ${rate(gets.snapshots)}`);
      say(
        `local scan of 100 rows                         ${rate(await tab.page.evaluate((n) => benchLab.localScans(2_000, n), keys))}`,
      );
      const { inTab, fromCommit } = await measureLatency(tab, kv, keys);
      say(`change to callback, 100 live scans, in the tab ${quantiles(inTab)}`);
      say(`the same, from the writer's acknowledgement    ${quantiles(fromCommit)}`);
      if (keys === sizes.at(-1)) {
        say(
          `put from the tab, answered                     ${quantiles(await tab.page.evaluate(() => benchLab.putRoundTrips(300)))}`,
        );
        const { shown, committed } = await tab.page.evaluate(() => benchLab.mutations(300));
        say(`own write, shown                               ${quantiles(shown)}`);
        say(`own write, committed                           ${quantiles(committed)}`);
      }
      await tab.close();
    }
  } finally {
    await kv.close();
    await cluster.destroy();
  }
});

it('the tab’s storage', { timeout: 300_000 }, async () => {
  const tab = await profile.openTab(site.url('storage'));
  console.log('\nIndexedDB, batches of one entry of 256 bytes');
  for (const figures of await measureStorage(tab, { batches: 300 })) {
    const { durability, callers, batchesPerSecond, transactionsPerSecond, p50Milliseconds, p99Milliseconds } = figures;
    const times = `p50 ${p50Milliseconds.toFixed(2)} ms, p99 ${p99Milliseconds.toFixed(2)} ms`;
    say(
      `${durability.padEnd(8)} ${String(callers).padStart(3)} callers  ${rate(batchesPerSecond).padStart(10)} batches  ${rate(transactionsPerSecond).padStart(8)} transactions  ${times}`,
    );
    expect(batchesPerSecond).toBeGreaterThan(0);
  }
});
