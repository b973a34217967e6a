// Tabs in a room: opened, looked at and waited for. What is done to a tab is in `tabs.ts`.
import type { LabRoomOptions, RoomLab } from '../pages/room.ts';
import type { Profile, Tab } from './tabs.ts';

type Status = ReturnType<RoomLab['status']>;

export class RoomTab {
  readonly profile: Profile;
  readonly tab: Tab;

  private constructor(profile: Profile, tab: Tab) {
    this.profile = profile;
    this.tab = tab;
  }

  static async create(profile: Profile, url: string, options: LabRoomOptions): Promise<{ tab: RoomTab; link: string }> {
    const made = new RoomTab(profile, await profile.openTab(url));
    const link = await made.tab.page.evaluate((given) => roomLab.create(given), options);
    return { tab: made, link };
  }

  /** `before`: runs in the page before any of its own scripts. */
  static async join(
    profile: Profile,
    url: string,
    link: string,
    options: LabRoomOptions,
    before?: () => void,
  ): Promise<RoomTab> {
    const made = new RoomTab(profile, await profile.openTab(url, before));
    await made.begin(link, options);
    return made;
  }

  /** As after a reload. */
  async begin(link: string, options: LabRoomOptions): Promise<void> {
    await this.tab.page.evaluate(([to, given]) => roomLab.join(to, given), [link, options] as const);
  }

  status(): Promise<Status> {
    return this.tab.page.evaluate(() => roomLab.status());
  }
  put(key: string, value: unknown): Promise<unknown> {
    return this.tab.page.evaluate(([k, v]) => roomLab.put(k, v), [key, value] as const);
  }
  get(key: string, level: 'local' | 'linearizable' = 'linearizable'): Promise<unknown> {
    return this.tab.page.evaluate(([k, l]) => roomLab.get(k, l), [key, level] as const);
  }
}

/** Resolves when each of these tabs sees what is wanted; fails with what they see instead. */
export async function untilAll(
  tabs: readonly RoomTab[],
  isWanted: (status: Status) => boolean,
  milliseconds = 90_000,
): Promise<Status[]> {
  const end = performance.now() + milliseconds;
  for (;;) {
    const all = await Promise.all(tabs.map((tab) => tab.status()));
    if (all.every((status) => isWanted(status))) return all;
    if (performance.now() > end)
      throw new Error(`waited ${milliseconds} ms in vain: all there was is ${JSON.stringify(all)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** All of them vote, nobody else does, and one leads. Answers that one. */
export async function settled(tabs: readonly RoomTab[]): Promise<RoomTab> {
  const all = await untilAll(
    tabs,
    ({ quorum, self, tabs: seen }) =>
      quorum.state === 'works' &&
      !quorum.isChanging &&
      self.role === 'voter' &&
      quorum.voters === tabs.length &&
      quorum.votersHere === tabs.length &&
      seen.some(({ isLeader }) => isLeader),
  );
  return tabs[all.findIndex(({ self }) => self.isLeader)] ?? settled(tabs);
}
