// Tabs of three profiles that feed each other over real WebRTC: the cluster feeds one, and what it sends the others is counted; feeders are closed and
// killed, and all hold what the cluster holds.
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Browser } from 'playwright-core';
import { connect, openReplica } from 'raftkv';
import type { Kv, LiveKv } from 'raftkv';
import { Cluster } from '../e2e/harness/cluster.ts';
import { webRtcFlags } from './harness/chromium.ts';
import { setStage } from './harness/stage.ts';
import { Profile } from './harness/tabs.ts';
import type { Tab } from './harness/tabs.ts';

const stage = setStage(['feeders'], { flags: webRtcFlags });
const secret = 'known to these tabs alone';
let cluster: Cluster;
let kv: Kv;
/** In this process, fed by the cluster: what all must hold. */
let real: LiveKv;
const profiles: Profile[] = [];

beforeAll(async () => {
  cluster = await Cluster.start({ nodes: 1, args: ['--allowed-origins', '*', '--relay', 'true'] });
  kv = connect({ endpoints: cluster.addresses });
  real = await openReplica({ endpoints: cluster.addresses });
});
afterAll(async () => {
  for (const profile of profiles) await profile.close();
  await real?.close();
  await kv?.close();
  await cluster?.destroy();
});

async function openTab(): Promise<Tab> {
  const browser: Browser = (await stage.profile()).context.browser()!;
  const profile = await Profile.open(browser);
  profiles.push(profile);
  const tab = await profile.openTab(stage.url('feeders'));
  await tab.page.evaluate(([place, word]) => feederLab.open(place!, word!), [cluster.addresses[0]!, secret]);
  return tab;
}

const swarm = (tab: Tab) => tab.page.evaluate(() => feederLab.swarm());
const copy = (tab: Tab) => tab.page.evaluate(() => feederLab.copy());
const patience = { timeout: 60_000 };

/** Bytes that the cluster has sent to observers. */
async function observerBytes(): Promise<number> {
  const text = await (await fetch(`http://${cluster.addresses[0]}/metrics`)).text();
  return Number(/^raftkv_observer_bytes_total (\S+)$/m.exec(text)![1]);
}

async function holdsTheSame(...tabs: readonly Tab[]): Promise<void> {
  const { revision } = await kv.status();
  await expect.poll(() => real.replica.getSnapshot().revision, patience).toBeGreaterThanOrEqual(revision);
  const { hash, keys } = real.replica.getSnapshot();
  for (const tab of tabs) {
    await expect.poll(() => copy(tab), patience).toMatchObject({ phase: 'ready', hash, keys, divergences: 0 });
  }
}

/** Values that do not become smaller. */
function noise(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(3_000))).toString('base64');
}

it('feed each other, while the cluster sends one copy and a few words', async () => {
  for (let i = 0; i < 300; i += 1) await kv.put(`k${i}`, noise(), { timeoutMilliseconds: 60_000 });
  await expect.poll(() => real.replica.getSnapshot().keys, patience).toBe(300);
  const atFirst = await observerBytes();
  const a = await openTab();
  await holdsTheSame(a);
  expect(await swarm(a)).toMatchObject({ source: 'cluster' });
  const copyBytes = (await observerBytes()) - atFirst;
  expect(copyBytes).toBeGreaterThan(700_000);

  const b = await openTab();
  await holdsTheSame(b);
  const c = await openTab();
  await holdsTheSame(b, c);
  for (const tab of [b, c]) expect(await swarm(tab)).toMatchObject({ source: 'tab', clusterBytes: 0, left: 0 });
  // The member had nothing to send to them; what it tells the others of its progress is a few words.
  expect((await observerBytes()) - atFirst - copyBytes).toBeLessThan(copyBytes / 20);

  const before = await observerBytes();
  for (let i = 0; i < 50; i += 1) await kv.put(`k${i}`, noise(), { timeoutMilliseconds: 60_000 });
  await holdsTheSame(a, b, c);
  const changeBytes = (await observerBytes()) - before;
  // Changes go to the tab that the cluster feeds and to the replica in this process, and to no other.
  const fromCluster = async (): Promise<number> => (await swarm(a)).clusterBytes - copyBytes;
  await expect.poll(fromCluster, patience).toBeGreaterThan(100_000);
  // What a tab tells of itself is a moment old.
  await expect.poll(async () => changeBytes / (await fromCluster()), patience).toBeLessThan(2.3);
  const perFeed = await fromCluster();
  expect(await swarm(b)).toMatchObject({ source: 'tab', clusterBytes: 0 });
  await expect.poll(async () => (await swarm(c)).tabBytes, patience).toBeGreaterThan(copyBytes);
  console.info(`a copy of ${copyBytes} bytes and changes of ${perFeed}: three tabs, from the cluster to one of them`);

  // Killed: its process is gone, no word is said.
  await a.kill();
  await kv.put('after', 'the feeder was killed', { timeoutMilliseconds: 60_000 });
  await holdsTheSame(b, c);
  const roots = async (): Promise<string[]> => (await Promise.all([b, c].map(swarm))).map(({ source }) => source);
  await expect.poll(async () => (await roots()).toSorted(), patience).toEqual(['cluster', 'tab']);
  for (const tab of [b, c]) expect(await copy(tab)).toMatchObject({ snapshots: 1 });

  // The last one that feeds is closed in order.
  const [feeder, fed] = (await swarm(b)).source === 'cluster' ? [b, c] : [c, b];
  await feeder.close();
  await kv.put('after', 'the feeder was closed', { timeoutMilliseconds: 60_000 });
  await holdsTheSame(fed);
  expect(await copy(fed)).toMatchObject({ snapshots: 1 });
  expect(await swarm(fed)).toMatchObject({ source: 'cluster', lies: 0 });
});
