// What becomes of a room that browsers entered by codes: its majority is killed and one goes on, whom others find by the same meeting; and a page of it that is left, and
// gone back to, is invited again.
import { expect, it } from 'vitest';
import { webRtcFlags } from './harness/chromium.ts';
import { allVote, get, invite, put, status, timeout } from './harness/code-pages.ts';
import { setStage } from './harness/stage.ts';
import { Profile } from './harness/tabs.ts';
import type { Tab } from './harness/tabs.ts';

const stage = setStage(['room-codes', 'storage'], { flags: webRtcFlags });

const openTab = (profile: Profile): Promise<Tab> => profile.openTab(stage.url('room-codes'));

/** So many browsers with a tab each, all of them voters of one room. */
async function openRoom(count: number) {
  const browser = (await stage.profile()).context.browser()!;
  const profiles = await Promise.all(Array.from({ length: count }, () => Profile.open(browser)));
  const tabs = await Promise.all(profiles.map(openTab));
  const [{ page: host }, ...guests] = tabs as [Tab, ...Tab[]];
  const link = await host.evaluate(() => codesLab.create());
  for (const { page } of guests) await invite(host, page, link);
  await allVote(tabs.map(({ page }) => page));
  const close = () => Promise.all(profiles.map((profile) => profile.close()));
  return { profiles, tabs, link, close };
}

it('whose majority is killed is gone on from; who comes back is invited to what went on, is told, and joins anew', async () => {
  const { profiles, tabs, link, close } = await openRoom(3);
  try {
    const [{ page: one }, two, three] = tabs as [Tab, Tab, Tab];
    await put(one, 'n', 1);
    await Promise.all([two, three].map((tab) => tab.kill()));
    await expect.poll(async () => (await status(one)).quorum.state, { timeout }).toBe('lost');
    const before = await status(one);
    expect(before.quorum.words).toContain('everything can be read, nothing can be written');
    await one.evaluate(() => roomLab.goOn());
    await allVote([one]);
    const after = await status(one);
    expect([after.epoch, after.clusterId === before.clusterId]).toEqual([2, false]);
    expect(await get(one, 'n')).toBe(1);
    await put(one, 'n', 2);
    // The meeting and the link are those of before, and so is the way in.
    const { page: back } = await openTab(profiles[1]!);
    await invite(one, back, link);
    await expect.poll(async () => (await status(back)).supersededBy?.epoch, { timeout }).toBe(2);
    await back.evaluate(() => roomLab.joinAnew());
    await allVote([one, back]);
    expect(await get(back, 'n')).toBe(2);
    await put(back, 'n', 3);
    expect(await get(one, 'n')).toBe(3);
  } finally {
    await close();
  }
});

it('a page that is left says its last word, and when it is gone back to it is invited again, and votes', async () => {
  const { tabs, link, close } = await openRoom(2);
  try {
    const [{ page: one }, { page: two }] = tabs as [Tab, Tab];
    await put(two, 'n', 1);
    await two.goto(stage.url('storage'));
    // Its voice is here: nobody waits for it.
    await allVote([one]);
    await put(one, 'n', 2);
    // Browsers keep no page with connections: it is loaded anew.
    await two.goBack({ waitUntil: 'load' });
    expect(
      await two.evaluate(() => performance.getEntriesByType('navigation').map((each) => each.toJSON().type)),
    ).toEqual(['back_forward']);
    expect(await two.evaluate(() => roomLab.room === undefined)).toBe(true);
    await invite(one, two, link);
    await allVote([one, two]);
    expect(await get(two, 'n')).toBe(2);
    await put(two, 'n', 3);
    expect(await get(one, 'n')).toBe(3);
  } finally {
    await close();
  }
});
