// Rooms whose tabs find each other through two relays: when one of them goes, whoever is there stays in touch, and whoever comes finds them.
import { afterEach, expect, it } from 'vitest';
import { webRtcFlags } from './harness/chromium.ts';
import { openRelay } from './harness/relay.ts';
import { RoomTab, settled, untilAll } from './harness/room-tabs.ts';
import { setStage } from './harness/stage.ts';
import { Profile } from './harness/tabs.ts';
import type { LabRoomOptions } from './pages/room.ts';

const stage = setStage(['room'], { flags: webRtcFlags });
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function openProfile(): Promise<Profile> {
  const profile = await Profile.open((await stage.profile()).context.browser()!);
  closers.push(() => profile.close());
  return profile;
}

it('the first relay goes: the tabs that are there stay connected, and another one joins by the second', async () => {
  const [first, second] = await Promise.all([openRelay(), openRelay()]);
  closers.push(() => second.close());
  const policy = { stableMilliseconds: 500, steadyMilliseconds: 2_000, goneMilliseconds: 30_000 };
  const options: LabRoomOptions = { signalling: [first.url, second.url], policy };
  const url = stage.url('room');
  const { tab, link } = await RoomTab.create(await openProfile(), url, options);
  const tabs = [tab];
  for (let more = 0; more < 2; more += 1) tabs.push(await RoomTab.join(await openProfile(), url, link, options));
  const leader = await settled(tabs);
  await leader.put('x', 1);
  await first.close();
  // Links between tabs that stand are none of the relay's business.
  await leader.put('x', 2);
  for (const each of tabs) expect((await each.status()).tabs.filter(({ isHere }) => isHere)).toHaveLength(3);
  const late = await RoomTab.join(await openProfile(), url, link, options);
  await untilAll([late], ({ quorum, tabs: seen }) => quorum.state === 'works' && seen.length === 4);
  expect(await late.get('x')).toBe(2);
  // One that knows of the second alone, too.
  const other = await RoomTab.join(await openProfile(), url, link, { ...options, signalling: second.url });
  await untilAll([other], ({ quorum, tabs: seen }) => quorum.state === 'works' && seen.length === 5);
  await other.put('x', 3);
  expect(await late.get('x')).toBe(3);
  await untilAll(tabs, ({ quorum, tabs: seen }) => quorum.state === 'works' && seen.length === 5);
}, 300_000);
