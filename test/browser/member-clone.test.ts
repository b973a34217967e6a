// A browser profile with a member in it that is copied, and started twice: the others know the one that they met first, and the other one never votes and never
// acknowledges anything, whether the first one lives or not.
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { launchProfile, webRtcFlags } from './harness/chromium.ts';
import { MemberTab, leaderOf } from './harness/member-tabs.ts';
import { openRelay } from './harness/relay.ts';
import { setStage } from './harness/stage.ts';
import { Profile } from './harness/tabs.ts';
import type { LabOptions } from './pages/member.ts';

const stage = setStage(['member'], { flags: webRtcFlags });
const names = ['ada', 'bob', 'eve'] as const;
let relay: Awaited<ReturnType<typeof openRelay>>;
let folder = '';
const open = new Set<Profile>();
beforeEach(async () => {
  relay = await openRelay();
  folder = mkdtempSync(join(tmpdir(), 'raftkv-clone-'));
});
afterEach(async () => {
  await Promise.all([...open].map((profile) => profile.close()));
  open.clear();
  await relay.close();
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
});

async function openIn(profile: Profile, name: string): Promise<MemberTab> {
  const cluster = { founders: names.map((each) => ({ name: each })) };
  const options: LabOptions = { name, cluster, storage: 'strict', room: 'clones', relay: relay.url };
  return MemberTab.in(await profile.openTab(stage.url('member')), options);
}

async function launch(place: string): Promise<Profile> {
  const profile = new Profile(await launchProfile(join(folder, place), webRtcFlags));
  open.add(profile);
  return profile;
}

async function leave(profile: Profile): Promise<void> {
  open.delete(profile);
  await profile.close();
}

it('a copied profile is not the member that it was copied from', async () => {
  const browser = (await stage.profile()).context.browser()!;
  const elsewhere = await Promise.all([Profile.open(browser), Profile.open(browser)]);
  for (const profile of elsewhere) open.add(profile);
  let home = await launch('home');
  let ada = await openIn(home, 'ada');
  const others = [await openIn(elsewhere[0], 'bob'), await openIn(elsewhere[1], 'eve')];
  await leaderOf([ada, ...others]);
  await ada.put('x', 1);
  await leave(home);
  for (const place of ['copy', 'second copy']) cpSync(join(folder, 'home'), join(folder, place), { recursive: true });

  home = await launch('home');
  ada = await openIn(home, 'ada');
  await leaderOf([ada, ...others]);
  await ada.put('x', 2);

  // Both at once.
  const copy = await launch('copy');
  const twin = await openIn(copy, 'ada');
  await twin.tab.page.evaluate(() => memberLab.begin('twin', 20));
  await expect.poll(() => twin.tab.page.evaluate(() => memberLab.outcomesOf().length)).toBe(20);
  const outcomes = await twin.tab.page.evaluate(() => memberLab.outcomesOf());
  expect(outcomes.filter(([, outcome]) => outcome === 'acknowledged')).toEqual([]);
  expect((await twin.status()).isLeader).toBe(false);
  expect(await ada.keys('twin/')).toEqual([]);
  expect(await ada.get('x')).toBe(2);
  await leave(copy);

  // One after the other: what it says of its start is not what the others remember.
  await leave(home);
  await leaderOf(others);
  const late = await openIn(await launch('second copy'), 'ada');
  expect(await late.until(({ phase }) => phase === 'stopped')).toMatchObject({ error: 'member_superseded' });
  await others[0]!.put('x', 3);
  expect(await others[1]!.get('x')).toBe(3);
  // And from then on it knows.
  await late.tab.page.reload({ waitUntil: 'load' });
  const cluster = { founders: names.map((each) => ({ name: each })) };
  const again: LabOptions = { name: 'ada', cluster, storage: 'strict', room: 'clones', relay: relay.url };
  expect(await late.tab.page.evaluate((how) => memberLab.refusal(how), again)).toBe('member_superseded');
});
