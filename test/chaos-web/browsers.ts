// The browsers of a run, one for each seat: a process with a profile on disk, and tabs in it. What a run does to them is said here in words that Chromium and
// Firefox share; what one of them cannot do is missing there, and the faults that need it do not come.
import { readFileSync, readdirSync } from 'node:fs';
import type { BrowserContext, Page } from 'playwright-core';
import type { Browser, Page as FirefoxPage } from 'puppeteer-core';
import { killBrowser, launchProfile, processesOf, webRtcFlags } from '../browser/harness/chromium.ts';
import { launchFirefox, webRtcPreferences } from '../browser/harness/firefox.ts';
import { Profile } from '../browser/harness/tabs.ts';
import type { Tab } from '../browser/harness/tabs.ts';

export interface SeatTab {
  /** Calls a function in the page, with an argument that is plain data. */
  evaluate<A, T>(run: (argument: A) => T, argument: A): Promise<Awaited<T>>;
  reload(): Promise<void>;
  /** As a user does: the page is told. */
  close(): Promise<void>;
  hide(): Promise<void>;
  show(): Promise<void>;
  /** Its process ends where it stands. */
  readonly crash?: () => Promise<void>;
  readonly freeze?: () => Promise<void>;
  readonly resume?: () => Promise<void>;
  /** "Clear site data". */
  readonly wipe?: () => Promise<void>;
}

export interface SeatBrowser {
  readonly kind: 'Chromium' | 'Firefox';
  openTab(url: string): Promise<SeatTab>;
  /** -9. The profile stays. */
  kill(): Promise<void>;
  /** Its pages do not run, and nobody is told, until they are let go on. */
  stall(): Promise<() => void>;
  close(): Promise<void>;
}

export async function launchSeatBrowser(kind: SeatBrowser['kind'], folder: string): Promise<SeatBrowser> {
  if (kind === 'Firefox') return firefoxSeat(await launchFirefox(webRtcPreferences, { profile: folder }));
  return chromiumSeat(await launchProfile(folder, webRtcFlags));
}

function chromiumSeat(context: BrowserContext): SeatBrowser {
  const profile = new Profile(context);
  return {
    kind: 'Chromium',
    openTab: async (url) => chromiumTab(await profile.openTab(url), context),
    kill: () => killBrowser(context),
    stall: async () => {
      const renderers = (await processesOf(context)).filter(({ type }) => type === 'renderer');
      return stop(renderers.map(({ id }) => id));
    },
    close: () => profile.close(),
  };
}

function chromiumTab(tab: Tab, context: BrowserContext): SeatTab {
  const front = async (): Promise<Page> => context.pages().find((page) => page !== tab.page) ?? context.newPage();
  return {
    // The types of arguments are Playwright's own: what is given is plain data, by the contract above.
    evaluate: (run, argument) => tab.page.evaluate(run as never, argument) as never,
    reload: async () => void (await tab.page.reload({ waitUntil: 'load' })),
    close: () => tab.close(),
    hide: async () => tab.hide(await front()),
    show: () => tab.show(),
    crash: () => tab.kill(),
    freeze: () => tab.freeze(),
    resume: () => tab.resume(),
    wipe: () => tab.wipeStorage(),
  };
}

function firefoxSeat(browser: Browser): SeatBrowser {
  const main = browser.process()!;
  return {
    kind: 'Firefox',
    openTab: async (url) => {
      const page = await browser.newPage();
      await page.goto(url, { waitUntil: 'load' });
      return firefoxTab(page, browser);
    },
    kill: async () => {
      const gone = new Promise((resolve) => {
        main.once('exit', resolve);
      });
      for (const id of [...childrenOf(main.pid!), main.pid!]) signal(id, 'SIGKILL');
      await gone;
    },
    stall: () => Promise.resolve(stop(childrenOf(main.pid!))),
    close: () => browser.close(),
  };
}

function firefoxTab(page: FirefoxPage, browser: Browser): SeatTab {
  return {
    evaluate: (run, argument) => page.evaluate(run as never, argument as never) as never,
    reload: async () => void (await page.reload({ waitUntil: 'load' })),
    close: () => page.close(),
    hide: async () => {
      const others = (await browser.pages()).filter((one) => one !== page);
      await (others[0] ?? (await browser.newPage())).bringToFront();
    },
    show: () => page.bringToFront(),
  };
}

function stop(ids: readonly number[]): () => void {
  for (const id of ids) signal(id, 'SIGSTOP');
  return () => {
    for (const id of ids) signal(id, 'SIGCONT');
  };
}

function signal(id: number, name: NodeJS.Signals): void {
  try {
    process.kill(id, name);
  } catch {
    // It has ended by itself.
  }
}

/** All that a process has begun, and what they have. Known only where there is a /proc. */
function childrenOf(parent: number): number[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name): [number, number] => [Number(name), parentOf(name)]);
  const below = (id: number): number[] =>
    parents.filter(([, of]) => of === id).flatMap(([child]) => [child, ...below(child)]);
  return below(parent);
}

function parentOf(id: string): number {
  try {
    const stat = readFileSync(`/proc/${id}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return -1;
  }
}
