// The room of the page on a static host, as suites visit it: tabs of one browser that are opened, read and waited for. Used at the top of a test file.
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { launchChromium, webRtcFlags } from './chromium.ts';
import { serveBuiltPage } from './static-host.ts';
import type { StaticHost } from './static-host.ts';

/** Milliseconds that what is waited for may take. */
export const timeout = 90_000;

/** Options of a profile whose windows are wide. */
export const wide = { viewport: { width: 1280, height: 1000 } } as const;

export interface RoomPages {
  readonly browser: Browser;
  /** Once it is set. */
  readonly context: BrowserContext;
  /** What the console of this test's pages complained of. */
  readonly complaints: readonly string[];
  /** The profile that this test's pages are opened in, made so. Default: a wide window of who wants less motion, which costs the machine less. */
  setContext(options: BrowserContextOptions): Promise<void>;
  visit(path: string): Promise<Page>;
  /** So many tabs of one room, all voting. */
  openRoom(tabs: number): Promise<Page[]>;
}

export function setRoomPages(): RoomPages {
  let browser: Browser | undefined;
  let host: StaticHost | undefined;
  let context: BrowserContext | undefined;
  let complaints: string[] = [];
  beforeAll(async () => {
    [browser, host] = await Promise.all([launchChromium(webRtcFlags), serveBuiltPage()]);
  });
  afterEach(async () => {
    await context?.close();
    context = undefined;
    complaints = [];
  });
  afterAll(async () => {
    await browser?.close();
    await host?.close();
  });
  const pages: RoomPages = {
    get browser() {
      return browser!;
    },
    get context() {
      return context!;
    },
    get complaints() {
      return complaints;
    },
    setContext: async (options) => {
      context = await browser!.newContext(options);
    },
    visit: async (path) => {
      if (context === undefined) await pages.setContext({ ...wide, reducedMotion: 'reduce' });
      const page = await context!.newPage();
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('console', (message) => {
        // A static host has no /livez, which is how the page finds out that it is on one.
        const isExpected = /404/.test(message.text());
        if (['error', 'warning'].includes(message.type()) && !isExpected) complaints.push(message.text());
      });
      await page.goto(host!.url + path);
      return page;
    },
    openRoom: async (tabs) => {
      const first = await pages.visit('#/room');
      await first.getByRole('button', { name: 'Make a room' }).click();
      await until(first, 'You lead');
      const link = await first.getByRole('textbox', { name: 'Link to this room' }).inputValue();
      const others: Page[] = [];
      for (let at = 1; at < tabs; at += 1) others.push(await pages.visit(new URL(link).hash));
      const all = [first, ...others];
      for (const page of all) await voters(page, `${tabs} of ${tabs} voters here`);
      return all;
    },
  };
  return pages;
}

export const stateLine = (page: Page) => page.locator('.state-line');
export const until = (page: Page, text: string | RegExp) =>
  stateLine(page).filter({ hasText: text }).waitFor({ timeout });
export const voters = (page: Page, text: string) => page.locator('.ring-panel', { hasText: text }).waitFor({ timeout });
export const leaderOn = (page: Page) => page.locator('.seat.is-leads .name').textContent({ timeout });

/** What the checker says. */
export async function verdict(page: Page): Promise<{ readonly violations: number; readonly operations: number }> {
  const [violations, operations] = await page.locator('.verdict p').first().locator('strong, b').allTextContents();
  return { violations: Number(violations), operations: Number(operations!.replaceAll(',', '')) };
}

/** Resolves once the checker has judged more than so many operations. */
export async function judged(page: Page, operations: number): Promise<void> {
  await expect.poll(async () => (await verdict(page)).operations, { timeout }).toBeGreaterThan(operations);
}

export async function splitLeader(
  pages: readonly Page[],
): Promise<{ readonly leader: Page; readonly others: readonly Page[] }> {
  const names = await Promise.all(pages.map((page) => page.locator('.seat.is-self .name').textContent()));
  const leads = await leaderOn(pages[0]!);
  const leader = pages[names.indexOf(leads)]!;
  return { leader, others: pages.filter((page) => page !== leader) };
}

/** The process of its tab ends where it stands. */
export async function crash(page: Page): Promise<void> {
  const gone = new Promise((resolve) => void page.once('crash', resolve));
  const protocol = await page.context().newCDPSession(page);
  // It does not answer: whoever would is dead.
  protocol.send('Page.crash').catch(() => undefined);
  await gone;
  await page.close();
}
