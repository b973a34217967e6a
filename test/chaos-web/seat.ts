// A seat of a run: one browser with one profile, in which there is a tab with a member or a room most of the time. It is opened, closed and opened again; who it is
// stays with its profile, until that is wiped. Calls of clients go through it (`tab-client.ts`), faults act on it (`faults.ts`); what is opened in its tab is for
// `member-seat.ts` and `room-seat.ts`.
import { mkdirSync, rmSync } from 'node:fs';
import { within } from '../e2e/harness/wait.ts';
import { launchSeatBrowser } from './browsers.ts';
import type { SeatBrowser, SeatTab } from './browsers.ts';

export const openMilliseconds = 60_000;

export interface SeatOptions {
  readonly kind: SeatBrowser['kind'];
  readonly folder: string;
  readonly url: string;
  readonly name: string;
}

export abstract class Seat {
  /** For the log; a member's present name. */
  name: string;
  /** Changes when calls under way are lost with their page. */
  life = 0;
  readonly kind: SeatBrowser['kind'];
  readonly #options: SeatOptions;
  #browser: SeatBrowser | undefined;
  #tab: SeatTab | undefined;
  #isOpen = false;

  constructor(options: SeatOptions) {
    this.#options = options;
    this.name = options.name;
    this.kind = options.kind;
  }

  /** Opens what this seat is about. Undefined, or the code of what it was refused with. */
  protected abstract enter(tab: SeatTab): Promise<string | undefined>;
  /** The profile keeps nothing any more. */
  protected abstract forgot(others: readonly Seat[]): void;

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

  /** Starts what is missing: the browser, the tab, what is in it. */
  async open(): Promise<void> {
    if (this.#browser === undefined) {
      mkdirSync(this.#options.folder, { recursive: true });
      const { kind, folder } = this.#options;
      this.#browser = await within(openMilliseconds, `${kind} of ${this.name} starts`, launchSeatBrowser(kind, folder));
    }
    this.#tab ??= await this.newTab();
    if (this.#isOpen) return;
    const refused = await within(openMilliseconds, `${this.name} opens`, this.enter(this.#tab));
    if (refused !== undefined) throw new Error(`${this.name} was not opened: ${refused}`);
    this.#isOpen = true;
  }

  newTab(): Promise<SeatTab> {
    return within(openMilliseconds, `a tab of ${this.name} opens`, this.browser.openTab(this.#options.url));
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

  /** What is in this seat is in another tab now. */
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

  /** Everything that its profile kept is gone. */
  async wipe(others: readonly Seat[]): Promise<void> {
    const { browser } = this;
    if (this.#tab?.wipe !== undefined) {
      await this.#tab.wipe();
      await this.closeTab('close');
    } else {
      this.doom();
      this.#tab = undefined;
      this.#browser = undefined;
      await browser.close();
      rmSync(this.#options.folder, { recursive: true, force: true, maxRetries: 10 });
    }
    this.forgot(others);
  }

  async close(): Promise<void> {
    this.doom();
    await this.#browser?.close().catch(() => undefined);
    this.#browser = undefined;
    this.#tab = undefined;
  }
}
