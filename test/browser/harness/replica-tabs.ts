// Tabs with a replica in them, and a real cluster behind: opened, looked at and waited for. What is done to a tab is in `tabs.ts`.
import { afterAll, beforeAll, expect } from 'vitest';
import type { Entry, ReplicaOptions, ReplicaStatus } from 'raftkv';
import { Cluster } from '../../e2e/harness/cluster.ts';
import { Patience, waitFor } from '../../e2e/harness/wait.ts';
import type { Stage } from './stage.ts';
import type { Tab } from './tabs.ts';

/** Errors by their codes. */
export type TabStatus = Omit<ReplicaStatus, 'error' | 'threadError'> & {
  readonly error: string | undefined;
  readonly threadError?: string;
};

/** A cluster for all tests of a file; each has keys of its own. */
export function setCluster(): () => Cluster {
  let cluster: Cluster | undefined;
  beforeAll(async () => {
    cluster = await Cluster.start({ args: ['--allowed-origins', '*'] });
  });
  afterAll(() => cluster?.destroy());
  return () => cluster!;
}

const lookMilliseconds = 20;
/** How long a busy machine may let one wait for an answer. */
const patient = { timeoutMilliseconds: 60_000 };

export class ReplicaTab {
  readonly tab: Tab;
  readonly #options: ReplicaOptions;

  private constructor(tab: Tab, options: ReplicaOptions) {
    this.tab = tab;
    this.#options = options;
  }

  static async open(stage: Stage, cluster: Cluster, options: Partial<ReplicaOptions> = {}): Promise<ReplicaTab> {
    return ReplicaTab.in(await stage.openTab('replica'), cluster, options);
  }

  /** The page is there already. */
  static async in(tab: Tab, cluster: Cluster, options: Partial<ReplicaOptions> = {}): Promise<ReplicaTab> {
    const made = new ReplicaTab(tab, { endpoints: cluster.addresses, ...options });
    await made.openReplica();
    return made;
  }

  /** Opens the replica in a page that has none, as after a reload. */
  async openReplica(): Promise<void> {
    await this.tab.page.evaluate((options) => replicaLab.open(options), this.#options);
  }

  status(): Promise<TabStatus> {
    return this.tab.page.evaluate(() => replicaLab.status());
  }

  /** Resolves with the first status that satisfies; fails with the last one. */
  async until(isWanted: (status: TabStatus) => boolean, milliseconds = 60_000): Promise<TabStatus> {
    const end = performance.now() + milliseconds;
    for (;;) {
      const status = await this.status();
      if (isWanted(status)) return status;
      if (performance.now() > end)
        throw new Error(`waited ${milliseconds} ms in vain: the last was ${JSON.stringify(status)}`);
      await new Promise((resolve) => setTimeout(resolve, lookMilliseconds));
    }
  }

  put(key: string, value: unknown): Promise<number> {
    return this.tab.page.evaluate(([k, v, how]) => replicaLab.kv!.put(k, v, how), [key, value, patient] as const);
  }

  get(key: string, level: 'local' | 'session' | 'linearizable' = 'local'): Promise<unknown> {
    const how = { level, ...patient };
    return this.tab.page.evaluate(([k, h]) => replicaLab.kv!.get(k, h), [key, how] as const);
  }

  /** As the cluster has it. */
  getEntry(key: string): Promise<Entry<unknown> | undefined> {
    return this.tab.page.evaluate(([k, how]) => replicaLab.kv!.getEntry(k, how), [key, patient] as const);
  }

  /** Resolves once the copy has come to this revision. */
  reaches(revision: number, milliseconds?: number): Promise<TabStatus> {
    return this.until((status) => status.revision >= revision && status.phase === 'ready', milliseconds);
  }

  /** Loads the page anew until it goes on from what it has kept: one that is left as soon as it is ready may not have kept its copy yet. */
  reloadKept(isWanted: (status: TabStatus) => boolean): Promise<TabStatus> {
    const again = async (): Promise<TabStatus | undefined> => {
      await this.tab.page.reload();
      await this.openReplica();
      const status = await this.until(isWanted);
      return status.snapshots === 0 ? status : undefined;
    };
    return waitFor('it goes on from what it has kept', again, { timeoutMilliseconds: 120_000 });
  }

  isHolder(): Promise<TabStatus> {
    return this.until(({ tenancy }) => tenancy === 'holder');
  }

  /** As `until`, but within so many milliseconds in which this tab has the time to answer. */
  async soon(isWanted: (status: TabStatus) => boolean, milliseconds: number): Promise<TabStatus> {
    const patience = new Patience(milliseconds, lookMilliseconds);
    return this.until((status) => {
      if (patience.isOver()) expect.fail(`not within ${milliseconds} ms; the last was ${JSON.stringify(status)}`);
      return isWanted(status);
    }, 300_000);
  }

  /** Begins writes that wait for whatever they must. */
  begin(key: string, first: number, writes: number): Promise<void> {
    return this.tab.page.evaluate(([k, f, n]) => replicaLab.count(k, f, n), [key, first, writes] as const);
  }

  /** Of the writes that were begun, once they are all committed: their revisions in the order in which they were begun. */
  committed(): Promise<number[]> {
    return this.tab.page.evaluate(() => replicaLab.committed());
  }
}
