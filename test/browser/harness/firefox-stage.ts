// What suites in Firefox need: one browser and one site for the file, where Firefox is present, and always in CI, which installs it. Elsewhere nothing is
// started. Used at the top of a test file.
import { afterAll, beforeAll } from 'vitest';
import type { Browser, Page } from 'puppeteer-core';
import { findFirefox, launchFirefox } from './firefox.ts';
import { serveSite } from './site.ts';
import type { Site } from './site.ts';

export interface FirefoxStage {
  /** False: there is none here, and nothing can be opened. */
  readonly isWanted: boolean;
  openTab(page: string): Promise<Page>;
  url(page: string): string;
}

export function setFirefoxStage(
  pages: readonly string[],
  preferences?: Parameters<typeof launchFirefox>[0],
): FirefoxStage {
  const isWanted = findFirefox() !== undefined || process.env['CI'] !== undefined;
  let browser: Browser | undefined;
  let site: Site | undefined;
  beforeAll(async () => {
    if (isWanted) [browser, site] = await Promise.all([launchFirefox(preferences), serveSite(pages)]);
  });
  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });
  const url = (page: string): string => site!.url(page);
  return {
    isWanted,
    url,
    openTab: async (name) => {
      const page = await browser!.newPage();
      await page.goto(url(name), { waitUntil: 'load' });
      return page;
    },
  };
}
