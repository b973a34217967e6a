// A workload client in a tab: the calls of `test/e2e/harness/workload.ts`, made in the page of `pages/history.ts`. A tab that is reloaded under a call
// leaves its outcome unknown, as it would for a user.
import type { WorkloadClient } from '../../e2e/harness/workload.ts';
import type { Tab } from './tabs.ts';

/** What the workload knows a failed call by. */
class CallFailed extends Error {
  readonly definite: boolean;

  constructor(message: string, definite: boolean) {
    super(message);
    this.definite = definite;
  }
}

type Told<T> = { readonly value: T } | { readonly error: { readonly message: string; readonly definite: boolean } };

export class TabWorkloadClient implements WorkloadClient {
  readonly #tab: Tab;
  readonly #endpoints: readonly string[];
  #opening: Promise<void> | undefined;
  reloads = 0;

  constructor(tab: Tab, endpoints: readonly string[]) {
    this.#tab = tab;
    this.#endpoints = endpoints;
  }

  /** `level`: how `get` reads. */
  open(level: 'linearizable' | 'local' = 'linearizable'): Promise<void> {
    this.#opening = this.#tab.page.evaluate(([to, how]) => historyLab.open(to, how), [this.#endpoints, level] as const);
    return this.#opening;
  }

  /** Calls under way are lost with the page; new ones wait for the next one. */
  async reload(): Promise<void> {
    this.reloads += 1;
    const reloaded = this.#tab.page.reload({ waitUntil: 'load' }).then(() => this.#evaluateOpen());
    this.#opening = reloaded;
    await reloaded;
  }

  async setOnline(isOnline: boolean): Promise<void> {
    await this.#tab.page.evaluate((wanted) => historyLab.setOnline(wanted), isOnline);
  }

  async cutOff(milliseconds: number): Promise<void> {
    await this.#tab.page.evaluate((time) => {
      historyLab.setOnline(false);
      setTimeout(() => historyLab.setOnline(true), time);
    }, milliseconds);
  }

  get(key: string): Promise<string | null> {
    return this.#call(() => this.#tab.page.evaluate((k) => historyLab.get(k), key));
  }

  put(key: string, value: string): Promise<number> {
    return this.#call(() => this.#tab.page.evaluate(([k, v]) => historyLab.put(k, v), [key, value] as const));
  }

  delete(key: string): Promise<boolean> {
    return this.#call(() => this.#tab.page.evaluate((k) => historyLab.delete(k), key));
  }

  cas(key: string, old: string | null, value: string): Promise<boolean> {
    return this.#call(() =>
      this.#tab.page.evaluate(([k, o, v]) => historyLab.cas(k, o, v), [key, old, value] as const),
    );
  }

  sessionRead(keys: readonly string[]): Promise<readonly (string | null)[]> {
    return this.#call(() => this.#tab.page.evaluate((k) => historyLab.sessionRead(k), keys));
  }

  close(): void {}

  #evaluateOpen(): Promise<void> {
    return this.#tab.page.evaluate((endpoints) => historyLab.open(endpoints), this.#endpoints);
  }

  async #call<T>(ask: () => Promise<Told<T>>): Promise<T> {
    await this.#opening;
    const { reloads } = this;
    let told: Told<T>;
    try {
      told = await ask();
    } catch (error) {
      // Only a page that went away may take its calls with it.
      if (this.reloads === reloads) throw error;
      throw new CallFailed('the page was reloaded', false);
    }
    if ('value' in told) return told.value;
    throw new CallFailed(told.error.message, told.error.definite);
  }
}
