// Tabs with a member in them: opened, looked at and waited for. What is done to a tab is in `tabs.ts`.
import { expect } from 'vitest';
import type { LabOptions, MemberLab } from '../pages/member.ts';
import { Patience } from '../../e2e/harness/wait.ts';
import type { Tab } from './tabs.ts';

export type MemberStatus = ReturnType<MemberLab['status']>;

const lookMilliseconds = 20;

export class MemberTab {
  readonly tab: Tab;
  readonly #options: LabOptions;

  private constructor(tab: Tab, options: LabOptions) {
    this.tab = tab;
    this.#options = options;
  }

  /** The page is there already. */
  static async in(tab: Tab, options: LabOptions): Promise<MemberTab> {
    const made = new MemberTab(tab, options);
    await made.begin();
    return made;
  }

  /** Opens the member in a page that has none, as after a reload. */
  async begin(): Promise<void> {
    await this.tab.page.evaluate((options) => memberLab.open(options), this.#options);
  }

  get name(): string {
    return this.#options.name;
  }

  status(): Promise<MemberStatus> {
    return this.tab.page.evaluate(() => memberLab.status());
  }

  /** Resolves with the first status that satisfies; fails with the last one. */
  async until(isWanted: (status: MemberStatus) => boolean, milliseconds = 90_000): Promise<MemberStatus> {
    const end = performance.now() + milliseconds;
    for (;;) {
      const status = await this.status();
      if (isWanted(status)) return status;
      if (performance.now() > end)
        throw new Error(`waited ${milliseconds} ms in vain: the last was ${JSON.stringify(status)}`);
      await new Promise((resolve) => setTimeout(resolve, lookMilliseconds));
    }
  }

  /** As `until`, but within so many milliseconds in which this tab has the time to answer. */
  soon(isWanted: (status: MemberStatus) => boolean, milliseconds: number): Promise<MemberStatus> {
    const patience = new Patience(milliseconds, lookMilliseconds);
    return this.until((status) => {
      if (patience.isOver()) expect.fail(`not within ${milliseconds} ms; the last was ${JSON.stringify(status)}`);
      return isWanted(status);
    }, 300_000);
  }

  put(key: string, value: unknown): Promise<number> {
    return this.tab.page.evaluate(([k, v]) => memberLab.put(k, v), [key, value] as const);
  }
  get(key: string): Promise<unknown> {
    return this.tab.page.evaluate((k) => memberLab.get(k), key);
  }
  keys(prefix: string): Promise<string[]> {
    return this.tab.page.evaluate((p) => memberLab.keys(p), prefix);
  }

  async reload(): Promise<void> {
    await this.tab.page.reload({ waitUntil: 'load' });
    await this.begin();
  }
}

/** The one that leads, as soon as there is one that all of these know. `soonMilliseconds`: of those in which these tabs have the time to answer. */
export async function leaderOf(
  tabs: readonly MemberTab[],
  { soonMilliseconds = Infinity }: { readonly soonMilliseconds?: number } = {},
): Promise<MemberTab> {
  const end = performance.now() + 90_000;
  const patience = new Patience(soonMilliseconds, lookMilliseconds);
  for (;;) {
    const all = await Promise.all(tabs.map((tab) => tab.status()));
    const leader = tabs.find((_, at) => all[at]!.isLeader);
    if (leader !== undefined && all.every((each) => each.leader === `tab:${leader.name}`)) return leader;
    if (patience.isOver()) return expect.fail(`nobody leads: ${JSON.stringify(all)}`);
    if (performance.now() > end) throw new Error(`waited 90000 ms in vain: nobody leads: ${JSON.stringify(all)}`);
    await new Promise((resolve) => setTimeout(resolve, lookMilliseconds));
  }
}
