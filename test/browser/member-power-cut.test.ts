// The power is cut under a browser: its profile lies on a file system of its own that is shut down while a member in a tab acknowledges writes. None of them is lost;
// and so that it is known that this cut takes something, neither is all kept of what was written beside it with relaxed durability.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CuttableDisk } from '../chaos/faults/cuttable-disk.ts';
import { waitFor } from '../e2e/harness/wait.ts';
import { launchProfile, processesOf } from './harness/chromium.ts';
import { MemberTab } from './harness/member-tabs.ts';
import { setStage } from './harness/stage.ts';
import { Profile } from './harness/tabs.ts';
import type { Tab } from './harness/tabs.ts';
import type { LabOptions } from './pages/member.ts';

const stage = setStage(['member', 'storage']);
const alone: LabOptions = { name: 'ada', cluster: { founders: [{ name: 'ada' }] }, storage: 'strict', room: 'cut' };
const relaxedBatches = 200;

let folder = '';
let disk: CuttableDisk | undefined;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'raftkv-cut-'));
  const obstacle = await CuttableDisk.obstacle(folder);
  if (obstacle === undefined) disk = CuttableDisk.mount(join(folder, 'disk'));
  else console.warn(`no power can be cut here (${obstacle}): the browser is killed instead, which proves less`);
}, 300_000);
afterAll(() => {
  disk?.discard();
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
});

/** The browser stops where it stands, the power goes, and comes back. */
async function cutPower(context: BrowserContext): Promise<void> {
  const ids = (await processesOf(context)).map(({ id }) => id);
  const gone = new Promise((resolve) => {
    context.once('close', resolve);
  });
  for (const id of ids) process.kill(id, 'SIGSTOP');
  const before = await disk?.cut();
  for (const id of ids) process.kill(id, 'SIGKILL');
  await gone;
  await waitFor('its processes are gone', () => ids.every((id) => !isAlive(id)));
  if (before !== undefined) await disk!.restore(before);
}

function isAlive(id: number): boolean {
  try {
    process.kill(id, 0);
    return true;
  } catch {
    return false;
  }
}

/** How many batches of a relaxed storage are there, after so many were acknowledged. */
const appendRelaxed = (tab: Tab, count: number): Promise<number> =>
  tab.page.evaluate(async (batches) => {
    const { openIndexedDbStorage, identity, append } = storageLab;
    const storage = await openIndexedDbStorage({ name: 'relaxed', create: true, identity, durability: 'relaxed' });
    const { entries } = await storage.load();
    for (let index = entries.length + 1; index <= batches; index += 1) await append(storage, index, 1);
    return entries.length;
  }, count);

/** Some of them. */
function lostOf(acknowledged: readonly string[], there: ReadonlySet<string>): string[] {
  return acknowledged.filter((key) => !there.has(key)).slice(0, 5);
}

it('no write that a member in a tab acknowledged is lost', async () => {
  const place = join(disk?.directory ?? folder, 'profile');
  mkdirSync(place);
  const acknowledged: string[] = [];
  const keptBatches: number[] = [];
  // What a cut takes of what is relaxed is a matter of luck: the system may just have written it all.
  const tookSomething = (): boolean => keptBatches.slice(1).some((kept, at) => kept < relaxedBatches * (at + 1));
  for (let round = 1; round <= 3 || (disk !== undefined && !tookSomething() && round <= 6); round += 1) {
    const profile = new Profile(await launchProfile(place));
    await profile.context.exposeFunction('noteAcknowledged', (key: string) => void acknowledged.push(key));
    const member = await MemberTab.in(await profile.openTab(stage.url('member')), alone);
    await member.until(({ isLeader }) => isLeader);
    const there = new Set(await member.keys(''));
    expect(lostOf(acknowledged, there)).toEqual([]);
    const known = acknowledged.length;
    void member.tab.page.evaluate((key) => memberLab.writeOn(key), `round ${round}`).catch(() => undefined);
    await waitFor('writes are acknowledged', () => acknowledged.length > known + 50 * round);
    // Of another origin: what is strict in one forces along what is relaxed in it.
    const relaxed = await profile.openTab(stage.url('storage', 'localhost'));
    keptBatches.push(await appendRelaxed(relaxed, relaxedBatches * round));
    await cutPower(profile.context);
  }
  const profile = new Profile(await launchProfile(place));
  const member = await MemberTab.in(await profile.openTab(stage.url('member')), alone);
  await member.until(({ isLeader }) => isLeader);
  const there = new Set(await member.keys(''));
  expect(lostOf(acknowledged, there)).toEqual([]);
  expect(acknowledged.length).toBeGreaterThan(300);
  if (disk !== undefined) expect(tookSomething(), keptBatches.join()).toBe(true);
  await member.put('after', 1);
  await profile.close();
}, 300_000);
