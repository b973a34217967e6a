// A seat of a run: one browser with one profile, in which there is a member most of the time. It is opened, closed and opened again; who it is stays with its
// profile, until that is wiped. Calls of clients go through it (`tab-client.ts`), and faults act on it (`faults.ts`).
import { mkdirSync, rmSync } from 'node:fs';
import { sleep, within } from '../e2e/harness/wait.ts';
import type { ChaosTabOptions } from '../browser/pages/chaos.ts';
import { launchSeatBrowser } from './browsers.ts';
import type { SeatBrowser, SeatTab } from './browsers.ts';

const openMilliseconds = 60_000;

export interface SeatOptions {
  readonly kind: SeatBrowser['kind'];
  readonly folder: string;
  readonly url: string;
  /** The member's first name. */
  readonly name: string;
  readonly lab: Omit<ChaosTabOptions, 'name' | 'cluster'>;
  readonly founders: readonly string[];
}

export class Seat {
  /** The member's present name: another after each wipe. */
  name: string;
  /** Changes when calls under way are lost with their page. */
  life = 0;
  readonly kind: SeatBrowser['kind'];
  readonly #options: SeatOptions;
  #cluster: ChaosTabOptions['cluster'];
  #browser: SeatBrowser | undefined;
  #tab: SeatTab | undefined;
  #isOpen = false;
  #wipes = 0;

  constructor(options: SeatOptions) {
    this.#options = options;
    this.name = options.name;
    this.kind = options.kind;
    this.#cluster = { founders: options.founders.map((name) => ({ name })) };
  }

  /** Whether calls can be made. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  get tab(): SeatTab {
    if (this.#tab === undefined) throw new Error(`${this.name} has no tab`);
    return this.#tab;
  }

  /** Running, in a tab. */
  get browser(): SeatBrowser {
    if (this.#browser === undefined) throw new Error(`${this.name} has no browser`);
    return this.#browser;
  }

  /** Starts what is missing: the browser, the tab, the member. */
  async open(): Promise<void> {
    if (this.#browser === undefined) {
      mkdirSync(this.#options.folder, { recursive: true });
      const { kind, folder } = this.#options;
      this.#browser = await within(openMilliseconds, `${kind} of ${this.name} starts`, launchSeatBrowser(kind, folder));
    }
    this.#tab ??= await this.newTab();
    if (this.#isOpen) return;
    const refused = await within(openMilliseconds, `${this.name} opens`, this.openMember(this.#tab));
    if (refused !== undefined) throw new Error(`${this.name} was not opened: ${refused}`);
    this.#isOpen = true;
  }

  newTab(): Promise<SeatTab> {
    return within(openMilliseconds, `a tab of ${this.name} opens`, this.browser.openTab(this.#options.url));
  }

  /**
   * As the member of this seat. Undefined, or the code of what it was refused with. A lock that its last page has is waited for, and so is a cluster that is
   * to let it in.
   */
  async openMember(tab: SeatTab, { steal = false, patient = true } = {}): Promise<string | undefined> {
    const options: ChaosTabOptions = { ...this.#options.lab, name: this.name, cluster: this.#cluster, steal };
    const until = performance.now() + (patient ? openMilliseconds / 2 : 0);
    for (;;) {
      const refused = await tab.evaluate((how) => chaosLab.open(how), options);
      const canPass = refused === 'storage_locked' || 'endpoints' in this.#cluster;
      if (refused === undefined || !canPass || performance.now() > until) return refused;
      await sleep(200);
    }
  }

  /** The calls of its clients that are under way may not come back. */
  doom(): void {
    this.life += 1;
    this.#isOpen = false;
  }

  async closeTab(how: 'close' | 'crash'): Promise<void> {
    const { tab } = this;
    this.doom();
    this.#tab = undefined;
    await (how === 'crash' ? tab.crash!() : tab.close());
  }

  async reload(): Promise<void> {
    this.doom();
    await this.tab.reload();
    await this.open();
  }

  /** The member is in another tab now. */
  moveTo(tab: SeatTab): void {
    this.life += 1;
    this.#tab = tab;
  }

  async kill(): Promise<void> {
    const { browser } = this;
    this.doom();
    this.#tab = undefined;
    this.#browser = undefined;
    await browser.kill();
  }

  /** Everything that it knew is gone; when it is opened again, it asks the others to be let in, in the place of whom it was. */
  async wipe(others: readonly string[]): Promise<void> {
    const { browser, name } = this;
    if (this.#tab?.wipe !== undefined) {
      await this.#tab.wipe();
      await this.closeTab('close');
    } else {
      this.doom();
      this.#tab = undefined;
      this.#browser = undefined;
      await browser.close();
      rmSync(this.#options.folder, { recursive: true, force: true, maxRetries: 5 });
    }
    this.#wipes += 1;
    this.name = `${this.#options.name}-${this.#wipes}`;
    this.#cluster = { endpoints: others.map((other) => `tab:${other}`), plan: { replaces: name } };
  }

  async close(): Promise<void> {
    this.doom();
    await this.#browser?.close().catch(() => undefined);
    this.#browser = undefined;
    this.#tab = undefined;
  }
}
