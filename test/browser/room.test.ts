// Rooms of real tabs in browser profiles of their own, over WebRTC with nothing but signals through a relay: founded and joined by a link, left in every way, closed
// as a whole and opened again, and gone on from without a majority.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { webRtcFlags } from './harness/chromium.ts';
import { openRelay } from './harness/relay.ts';
import { RoomTab, settled, untilAll } from './harness/room-tabs.ts';
import { setStage } from './harness/stage.ts';
import { Profile } from './harness/tabs.ts';
import type { LabRoomOptions } from './pages/room.ts';

const stage = setStage(['room'], { flags: webRtcFlags });
let relay: Awaited<ReturnType<typeof openRelay>>;
beforeAll(async () => {
  relay = await openRelay();
});
afterAll(() => relay.close());

function options(): LabRoomOptions {
  return {
    signalling: relay.url,
    policy: { stableMilliseconds: 500, steadyMilliseconds: 2_000, goneMilliseconds: 30_000 },
  };
}

/** So many profiles with a tab each, all of them voters of one room. */
async function openRoom(count: number, more: Partial<LabRoomOptions> = {}) {
  const all = { ...options(), ...more };
  const browser = (await stage.profile()).context.browser()!;
  const profiles = await Promise.all(Array.from({ length: count }, () => Profile.open(browser)));
  const { tab, link } = await RoomTab.create(profiles[0]!, stage.url('room'), all);
  const others = await Promise.all(
    profiles.slice(1).map((profile) => RoomTab.join(profile, stage.url('room'), link, all)),
  );
  const tabs = [tab, ...others];
  await settled(tabs);
  const open = (profile: Profile) => RoomTab.join(profile, stage.url('room'), link, all);
  const close = () => Promise.all(profiles.map((profile) => profile.close()));
  return { tabs, link, open, close };
}

it('three tabs form a room, and it goes on when the leader is killed, reloaded and closed in turn', async () => {
  const { tabs, link, open, close } = await openRoom(3);
  try {
    const [status] = await Promise.all(tabs.map((tab) => tab.status()));
    expect(new Set(status!.tabs.map(({ domain }) => domain)).size).toBe(3);
    let written = 0;
    const write = async (tab: RoomTab): Promise<void> => {
      written += 1;
      await tab.put('n', written);
      for (const each of tabs) expect(await each.get('n')).toBe(written);
    };
    await write(tabs[1]!);

    let leader = await settled(tabs);
    await leader.tab.kill();
    tabs.splice(tabs.indexOf(leader), 1);
    await untilAll(tabs, ({ quorum }) => quorum.state === 'works' && quorum.votersHere === 2);
    await write(tabs[0]!);
    tabs.push(await open(leader.profile));
    leader = await settled(tabs);
    await write(tabs[2]!);

    await leader.tab.page.reload({ waitUntil: 'load' });
    await leader.begin(link, options());
    leader = await settled(tabs);
    await write(leader);

    tabs.splice(tabs.indexOf(leader), 1);
    await leader.tab.close();
    await untilAll(tabs, ({ quorum }) => quorum.state === 'works');
    await write(tabs[0]!);
    tabs.push(await open(leader.profile));
    await settled(tabs);
    await write(tabs[2]!);
  } finally {
    await close();
  }
});

it('five tabs are closed one by one down to one; all are closed, and the data are there when they come back', async () => {
  const { tabs, open, close } = await openRoom(5);
  try {
    await tabs[0]!.put('x', 'kept');
    while (tabs.length > 1) {
      const [going] = tabs.splice(tabs.length % 2 === 0 ? 0 : tabs.length - 1, 1);
      // As a user does it: the page hears that it goes, and has no time.
      await going!.tab.page.close({ runBeforeUnload: true });
      await untilAll(tabs, ({ quorum, tabs: seen }) => {
        const wanted = tabs.length === 4 ? 3 : tabs.length;
        // Its last word may be on its way: it is one after another that they go, not two at once.
        const isKnown = seen.filter(({ isHere }) => isHere).length === tabs.length;
        return (
          isKnown &&
          quorum.state === 'works' &&
          !quorum.isChanging &&
          quorum.voters === wanted &&
          quorum.votersHere === wanted
        );
      });
      await tabs[0]!.put('left', tabs.length);
    }
    const [last] = tabs;
    expect(await last!.get('x')).toBe('kept');
    const gone = last!.tab.page.waitForEvent('close');
    await last!.tab.page.close({ runBeforeUnload: true });
    await gone;
    const again = await open(last!.profile);
    await untilAll([again], ({ quorum }) => quorum.state === 'works');
    expect(await again.get('x')).toBe('kept');
    expect(await again.get('left')).toBe(1);
  } finally {
    await close();
  }
});

it('whose majority is killed at once is read, gone on from, and closed to those who come back, who are told', async () => {
  const { tabs, open, close } = await openRoom(3);
  try {
    const [one, ...others] = tabs;
    await one!.put('x', 'agreed');
    await untilAll([one!], ({ quorum }) => quorum.state === 'works');
    expect(await one!.get('x', 'local')).toBe('agreed');
    await Promise.all(others.map(({ tab }) => tab.kill()));
    const [lost] = await untilAll([one!], ({ quorum }) => quorum.state === 'lost');
    expect(lost!.quorum.words).toContain('everything can be read, nothing can be written');
    expect(await one!.get('x', 'local')).toBe('agreed');
    await one!.tab.page.evaluate(() => roomLab.goOn());
    const [gone] = await untilAll([one!], ({ quorum }) => quorum.state === 'works');
    expect(gone).toMatchObject({ epoch: 2 });
    expect(gone!.clusterId).not.toBe(lost!.clusterId);
    await one!.put('x', 'gone on');
    const back = await Promise.all(others.map(({ profile }) => open(profile)));
    const told = await untilAll(back, ({ supersededBy }) => supersededBy?.epoch === 2);
    expect(told.map(({ clusterId }) => clusterId)).toEqual([lost!.clusterId, lost!.clusterId]);
    await untilAll(back, ({ quorum }) => quorum.state === 'works');
    expect(await back[0]!.get('x')).toBe('agreed');
    expect(await one!.get('x')).toBe('gone on');
    expect(await back[0]!.tab.page.evaluate(() => roomLab.unmerged())).toBe(1);
    for (const tab of back) await tab.tab.page.evaluate(() => roomLab.joinAnew());
    await settled([one!, ...back]);
    expect(await back[1]!.get('x')).toBe('gone on');
  } finally {
    await close();
  }
});

it('what is written without a majority survives the tab, is done once when the majority is back, and is told where the room went on', async () => {
  const { tabs, open, close } = await openRoom(3, { isKeepingWrites: true });
  const writes = (tab: RoomTab) => tab.tab.page.evaluate(() => roomLab.writes());
  const mutate = (tab: RoomTab, key: string, value: number) =>
    tab.tab.page.evaluate(([k, v]) => roomLab.mutate(k, v), [key, value] as const);
  const lost = (tab: RoomTab) => untilAll([tab], ({ quorum }) => quorum.state === 'lost');
  try {
    const [one, ...others] = tabs as [RoomTab, RoomTab, RoomTab];
    await Promise.all(others.map(({ tab }) => tab.kill()));
    await lost(one);
    await mutate(one, 'n', 1);
    await mutate(one, 'n', 2);
    await one.tab.kill();
    let left = await open(one.profile);
    const waiting = { key: 'n', status: 'local', kept: true, code: undefined };
    expect(await writes(left)).toEqual([waiting, waiting]);
    const back = await Promise.all(others.map(({ profile }) => open(profile)));
    await settled([left, ...back]);
    await expect.poll(() => writes(left), { timeout: 90_000 }).toEqual([]);
    expect(await back[0]!.get('n')).toBe(2);
    expect(await left.tab.page.evaluate(() => roomLab.version('n'))).toBe(2);

    await Promise.all(back.map(({ tab }) => tab.kill()));
    await lost(left);
    await mutate(left, 'later', 1);
    await left.tab.kill();
    left = await open(one.profile);
    await lost(left);
    await left.tab.page.evaluate(() => roomLab.goOn());
    await untilAll([left], ({ quorum }) => quorum.state === 'works');
    const code = 'wrong_cluster';
    await expect
      .poll(() => writes(left), { timeout: 90_000 })
      .toEqual([{ key: 'later', status: 'refused', kept: true, code }]);
    expect(await left.get('later')).toBeUndefined();
    await left.put('last', 1);
    // Votes, log and what waits: nothing of it is acknowledged before it is on the medium.
    expect(await left.tab.page.evaluate(() => roomLab.durabilities())).toEqual([
      'raftkv-outbox/default/room: strict',
      'raftkv/room: strict',
    ]);
  } finally {
    await close();
  }
});

it('tabs of one browser form a room without any server, and say that they can fail together', async () => {
  const profile = await stage.profile();
  const without = { ...options(), signalling: 'tabs' };
  const { tab, link } = await RoomTab.create(profile, stage.url('room'), without);
  const others = [
    await RoomTab.join(profile, stage.url('room'), link, without),
    await RoomTab.join(profile, stage.url('room'), link, without),
  ];
  const tabs = [tab, ...others];
  const leader = await settled(tabs);
  await leader.put('x', 1);
  const [status] = await untilAll(tabs, ({ warnings }) => warnings.length > 0);
  expect(status!.warnings).toEqual(['All voters are tabs of one browser: they can all fail together.']);
  await leader.tab.close();
  const rest = tabs.filter((each) => each !== leader);
  await untilAll(rest, ({ quorum }) => quorum.state === 'works');
  await rest[0]!.put('x', 2);
  expect(await rest[1]!.get('x')).toBe(2);
});
