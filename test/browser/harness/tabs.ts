// What a suite does to tabs: open them, kill, freeze, cut them off, and wipe or bound the storage of their origin. Each of these is what a user,
// the browser or the system does to a real tab; they go through the protocol of Chromium's developer tools.
import type { Browser, BrowserContext, CDPSession, Page } from 'playwright-core';

/** One profile: tabs of it share the storage of an origin. */
export class Profile {
  readonly context: BrowserContext;

  constructor(context: BrowserContext) {
    this.context = context;
  }

  static async open(browser: Browser): Promise<Profile> {
    return new Profile(await browser.newContext());
  }

  /** `before` runs in the page before any of its own scripts. */
  async openTab(url: string, before?: () => void): Promise<Tab> {
    const page = await this.context.newPage();
    if (before !== undefined) await page.addInitScript(before);
    const tab = new Tab(page, await this.context.newCDPSession(page));
    await page.goto(url, { waitUntil: 'load' });
    return tab;
  }

  async close(): Promise<void> {
    await this.context.close();
  }
}

export class Tab {
  readonly page: Page;
  readonly #protocol: CDPSession;

  constructor(page: Page, protocol: CDPSession) {
    this.page = page;
    this.#protocol = protocol;
  }

  /** Ends the tab's process where it stands: no event is sent, no handler runs. */
  async kill(): Promise<void> {
    const crashed = new Promise((resolve) => {
      this.page.once('crash', resolve);
    });
    // It does not answer: whoever would is dead.
    this.#protocol.send('Page.crash').catch(() => undefined);
    await crashed;
    await this.page.close();
  }

  async close(): Promise<void> {
    await this.page.close();
  }

  /** As the browser does to tabs that were hidden for long: `visibilitychange`, `freeze`, then no script runs until `resume`. */
  async freeze(): Promise<void> {
    await pretendFocus(this.page, false);
    await this.#protocol.send('Page.setWebLifecycleState', { state: 'frozen' });
  }

  async resume(): Promise<void> {
    await this.#protocol.send('Page.setWebLifecycleState', { state: 'active' });
    await pretendFocus(this.page, true);
  }

  /** Its script stands still where it is, and nothing else of it runs, as in one that does something else without end; until `goOn`. Its workers run on. */
  async hang(): Promise<void> {
    const hangs = new Promise((resolve) => {
      this.#protocol.once('Debugger.paused', resolve);
    });
    await this.#protocol.send('Debugger.enable');
    await this.#protocol.send('Debugger.pause');
    // Not all pages do something by themselves.
    this.page.evaluate(() => undefined).catch(() => undefined);
    await hangs;
  }

  async goOn(): Promise<void> {
    await this.#protocol.send('Debugger.resume');
    await this.#protocol.send('Debugger.disable');
  }

  /** As when another tab is looked at. `front` is one of the same window, which is looked at meanwhile. */
  async hide(front: Page): Promise<void> {
    await pretendFocus(this.page, false);
    await front.bringToFront();
  }

  async show(): Promise<void> {
    await this.page.bringToFront();
    await pretendFocus(this.page, true);
  }

  async setOffline(isOffline: boolean): Promise<void> {
    await this.page.context().setOffline(isOffline);
  }

  /** "Clear site data": everything that the origin keeps is gone, under the feet of whoever has it open. */
  async wipeStorage(): Promise<void> {
    const { origin } = new URL(this.page.url());
    await this.#protocol.send('Storage.clearDataForOrigin', { origin, storageTypes: 'all' });
  }

  /** Bounds what the origin may keep, as a full disk does; undefined lifts the bound. */
  async setQuota(bytes: number | undefined): Promise<void> {
    const { origin } = new URL(this.page.url());
    await this.#protocol.send('Storage.overrideQuotaForOrigin', {
      origin,
      ...(bytes === undefined ? {} : { quotaSize: bytes }),
    });
  }
}

/**
 * Playwright keeps every page visible and focused, and a visible page is never frozen. Only its own session can end that, which its interface
 * does not offer: hence this way in. `harness.test.ts` fails if a new Playwright closes it.
 */
async function pretendFocus(page: Page, enabled: boolean): Promise<void> {
  const { _connection } = page as unknown as { _connection: { toImpl(page: Page): PageInside } };
  const session = _connection.toImpl(page).delegate._mainFrameSession._client;
  await session.send('Emulation.setFocusEmulationEnabled', { enabled });
}

interface PageInside {
  readonly delegate: {
    readonly _mainFrameSession: { readonly _client: { send(method: string, words: object): Promise<void> } };
  };
}
