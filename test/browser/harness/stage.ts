// What most suites need: one browser and one site for the file, and a new profile for each test. Used at the top of a test file.
import { afterAll, afterEach, beforeAll } from 'vitest';
import type { Browser } from 'playwright-core';
import { launchChromium } from './chromium.ts';
import { serveSite } from './site.ts';
import type { Site, SiteBuild } from './site.ts';
import { Profile } from './tabs.ts';
import type { Tab } from './tabs.ts';

export interface Stage {
  /** A tab of this test's profile; tabs of one test share the storage of the site's origin. */
  openTab(page: string): Promise<Tab>;
  profile(): Promise<Profile>;
  /** Where a page is; `host` for another name of this machine. */
  url(page: string, host?: string): string;
}

export interface StageOptions {
  /** More flags for the browser. */
  readonly flags?: readonly string[];
  /** One profile for the whole file. Default: each test has a new one. */
  readonly keepProfile?: boolean;
  readonly build?: SiteBuild;
}

export function setStage(pages: readonly string[], { flags, keepProfile = false, build }: StageOptions = {}): Stage {
  let browser: Browser | undefined;
  let site: Site | undefined;
  let profile: Profile | undefined;
  beforeAll(async () => {
    [browser, site] = await Promise.all([launchChromium(flags), serveSite(pages, build)]);
    // A production build takes some seconds, and more on a busy machine.
  }, 300_000);
  afterEach(async () => {
    if (keepProfile) return;
    await profile?.close();
    profile = undefined;
  });
  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });
  const stage: Stage = {
    profile: async () => (profile ??= await Profile.open(browser!)),
    openTab: async (page) => (await stage.profile()).openTab(stage.url(page)),
    url: (page, host) => site!.url(page, host),
  };
  return stage;
}
