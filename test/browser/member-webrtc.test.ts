// Members in three browser profiles, connected over WebRTC with nothing but signals through a relay: they agree, and go on when the tab that leads is closed,
// killed, frozen, reloaded or cut off.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { webRtcFlags } from './harness/chromium.ts';
import { MemberTab, leaderOf } from './harness/member-tabs.ts';
import { openRelay } from './harness/relay.ts';
import { setStage } from './harness/stage.ts';
import { Profile } from './harness/tabs.ts';
import type { LabOptions } from './pages/member.ts';

const stage = setStage(['member'], { flags: webRtcFlags });
const names = ['ada', 'bob', 'eve'] as const;
let relay: Awaited<ReturnType<typeof openRelay>>;
beforeAll(async () => {
  relay = await openRelay();
});
afterAll(() => relay.close());

function options(name: string): LabOptions {
  const cluster = { founders: names.map((each) => ({ name: each })) };
  return { name, cluster, storage: 'strict', room: 'profiles', relay: relay.url };
}

it('agree over WebRTC, and go on when the tab that leads is closed, killed, reloaded, frozen and cut off in turn', async () => {
  const browser = (await stage.profile()).context.browser()!;
  const profiles = new Map(await Promise.all(names.map(async (name) => [name, await Profile.open(browser)] as const)));
  const openOne = async (name: string): Promise<MemberTab> =>
    MemberTab.in(await profiles.get(name as 'ada')!.openTab(stage.url('member')), options(name));
  try {
    let tabs = await Promise.all(names.map((name) => openOne(name)));
    let written = 0;
    const write = async (tab: MemberTab): Promise<void> => {
      written += 1;
      await tab.put(`n/${written}`, written);
    };
    const othersOf = (one: MemberTab): MemberTab[] => tabs.filter((tab) => tab !== one);

    for (const how of ['close', 'kill'] as const) {
      const leader = await leaderOf(tabs);
      await write(leader);
      await leader.tab[how]();
      const others = othersOf(leader);
      await leaderOf(others);
      await write(others[0]!);
      tabs = [...others, await openOne(leader.name)];
      await leaderOf(tabs);
      await write(tabs[2]!);
    }

    let leader = await leaderOf(tabs);
    await leader.reload();
    await leaderOf(tabs);
    await write(leader);

    leader = await leaderOf(tabs);
    await leader.tab.freeze();
    await leaderOf(othersOf(leader));
    await write(othersOf(leader)[0]!);
    await leader.tab.resume();
    await leaderOf(tabs);
    await write(leader);

    leader = await leaderOf(tabs);
    await leader.tab.page.evaluate(() => memberLab.cut(true));
    await leaderOf(othersOf(leader));
    await write(othersOf(leader)[0]!);
    await leader.tab.page.evaluate(() => memberLab.cut(false));
    await leaderOf(tabs);
    await write(leader);

    for (const tab of tabs) expect(await tab.keys('n/')).toHaveLength(written);
  } finally {
    await Promise.all([...profiles.values()].map((profile) => profile.close()));
  }
});
