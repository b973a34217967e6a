// The ways between the tabs of a room, in browser profiles of their own: direct where there is one, through the relay where there is none, and said to be so;
// with tabs that are frozen, cut off, and killed all at once. What tabs do of their own accord is in `room.test.ts`.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { webRtcFlags } from './harness/chromium.ts';
import { openRelay } from './harness/relay.ts';
import { RoomTab, settled, untilAll } from './harness/room-tabs.ts';
import { setStage } from './harness/stage.ts';
import { Profile } from './harness/tabs.ts';
import type { LabRoomOptions } from './pages/room.ts';

const stage = setStage(['room-ways'], { flags: webRtcFlags });
let relay: Awaited<ReturnType<typeof openRelay>>;
beforeAll(async () => {
  relay = await openRelay();
});
afterAll(() => relay.close());

const timeout = 300_000;
/** What is given up on, and the pauses between attempts, take up to a minute of their own. */
const patienceMilliseconds = 180_000;

/** Three profiles with a tab each, all of them voters of one room. */
async function openRoom(more: Partial<LabRoomOptions> = {}) {
  const options: LabRoomOptions = {
    signalling: relay.url,
    policy: { stableMilliseconds: 500, steadyMilliseconds: 2_000, goneMilliseconds: 30_000 },
    ...more,
  };
  const url = stage.url('room-ways');
  const browser = (await stage.profile()).context.browser()!;
  const profiles = await Promise.all([1, 2, 3].map(() => Profile.open(browser)));
  const { tab, link } = await RoomTab.create(profiles[0]!, url, options);
  const others = await Promise.all(profiles.slice(1).map((profile) => RoomTab.join(profile, url, link, options)));
  const tabs = [tab, ...others];
  await settled(tabs);
  return {
    tabs,
    open: (profile: Profile) => RoomTab.join(profile, url, link, options),
    close: () => Promise.all(profiles.map((profile) => profile.close())),
  };
}

/** Which ways lead from each of these to all others that are there, as they say. */
async function untilWays(tabs: readonly RoomTab[], path: 'direct' | 'relayed'): Promise<void> {
  await untilAll(
    tabs,
    ({ tabs: seen, quorum }) => {
      const others = seen.filter(({ isSelf }) => !isSelf);
      return quorum.state === 'works' && others.length === 2 && others.every((other) => other.path === path);
    },
    patienceMilliseconds,
  );
}

const sever = (tab: RoomTab, links: boolean, isRelayGone: boolean): Promise<void> =>
  tab.tab.page.evaluate(([l, r]) => waysLab.sever(l, r), [links, isRelayGone] as const);

/** Two that go on without the third. */
const goOn = (tabs: readonly RoomTab[]): Promise<unknown> =>
  untilAll(tabs, ({ quorum }) => quorum.state === 'works' && quorum.votersHere === 2, patienceMilliseconds);

it('the leader is frozen, and cut off, and the room goes on each time over direct ways', { timeout }, async () => {
  const { tabs, close } = await openRoom();
  try {
    await untilWays(tabs, 'direct');
    const frozen = await settled(tabs);
    const awake = tabs.filter((tab) => tab !== frozen);
    const { word } = (await frozen.status()).self;
    await frozen.tab.freeze();
    // That it is missed takes longer, since a hidden tab may be silent for a minute.
    await untilAll(awake, ({ quorum, tabs: seen }) => {
      const leader = seen.find(({ isLeader }) => isLeader);
      return quorum.state === 'works' && leader !== undefined && leader.word !== word;
    });
    await awake[0]!.put('n', 1);
    expect(await awake[1]!.get('n')).toBe(1);
    await frozen.tab.resume();
    const cut = await settled(tabs);
    expect(await frozen.get('n')).toBe(1);
    await untilWays(tabs, 'direct');

    const connected = tabs.filter((tab) => tab !== cut);
    await sever(cut, true, true);
    await goOn(connected);
    await connected[0]!.put('n', 2);
    expect(await connected[1]!.get('n')).toBe(2);
    await untilAll([cut], ({ quorum, self }) => quorum.state !== 'works' && !self.isLeader);
    expect(await cut.get('n', 'local')).toBe(1);
    await sever(cut, false, false);
    await settled(tabs);
    expect(await cut.get('n')).toBe(2);
    await untilWays(tabs, 'direct');
  } finally {
    await close();
  }
});

it(
  'where no direct way leads the relay carries the room, and that is said, until there is one',
  { timeout },
  async () => {
    const { tabs, close } = await openRoom();
    try {
      await untilWays(tabs, 'direct');
      const [behind, ...others] = tabs;
      await sever(behind!, true, false);
      await untilWays([behind!], 'relayed');
      const { word } = (await behind!.status()).self;
      // The other two still have a direct one between them.
      await untilAll(others, ({ tabs: seen }) =>
        seen.every(({ isSelf, word: whose, path }) => isSelf || path === (whose === word ? 'relayed' : 'direct')),
      );
      await behind!.put('x', 'by the relay');
      for (const other of others) expect(await other.get('x')).toBe('by the relay');
      await sever(behind!, false, false);
      await untilWays(tabs, 'direct');
      await others[0]!.put('x', 'directly');
      expect(await behind!.get('x')).toBe('directly');
    } finally {
      await close();
    }
  },
);

it('all are killed at once, and two of three bring back what was agreed', { timeout }, async () => {
  const { tabs, open, close } = await openRoom();
  try {
    await tabs[0]!.put('x', 'agreed');
    await Promise.all(tabs.map((tab) => tab.tab.kill()));
    const back = await Promise.all(tabs.slice(1).map(({ profile }) => open(profile)));
    await goOn(back);
    expect(await back[0]!.get('x')).toBe('agreed');
    await back[1]!.put('x', 'written by two');
    const all = [...back, await open(tabs[0]!.profile)];
    await settled(all);
    expect(await all[2]!.get('x')).toBe('written by two');
  } finally {
    await close();
  }
});

it(
  'a room that keeps nothing lives as long as enough of it does, and each start is a new member',
  { timeout },
  async () => {
    const { tabs, open, close } = await openRoom({
      storage: 'memory',
      policy: { stableMilliseconds: 500, steadyMilliseconds: 1_000, goneMilliseconds: 8_000 },
    });
    try {
      const [status] = await Promise.all(tabs.map((tab) => tab.status()));
      expect(status!.tabs.every(({ isEphemeral }) => isEphemeral)).toBe(true);
      await tabs[0]!.put('x', 'in memory');
      const killed = await settled(tabs);
      const before = (await killed.status()).self.word;
      const others = tabs.filter((tab) => tab !== killed);
      await killed.tab.kill();
      await goOn(others);
      await others[0]!.put('x', 'without it');
      const back = await open(killed.profile);
      await settled([...others, back]);
      expect((await back.status()).self.word).not.toBe(before);
      expect(await back.get('x')).toBe('without it');
      await Promise.all([...others, back].map((tab) => tab.tab.kill()));
      const alone = await open(killed.profile);
      const [told] = await untilAll([alone], ({ quorum }) => quorum.state === 'seeking');
      expect(told!.self.role).toBe('observer');
    } finally {
      await close();
    }
  },
);
