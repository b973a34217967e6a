// What users and browsers do to a tab with a replica: reload it in the middle of a write, duplicate it, go back to it, go offline, wipe or bound what it
// keeps; and nodes that die meanwhile. Each write is done once, in order, or said not to be.
import { describe, expect, it } from 'vitest';
import { ReplicaTab, setCluster } from './harness/replica-tabs.ts';
import type { TabStatus } from './harness/replica-tabs.ts';
import { setStage } from './harness/stage.ts';
import { Tab } from './harness/tabs.ts';

const stage = setStage(['replica', 'storage'], { build: 'production' });
const cluster = setCluster();

const open = (options: Parameters<typeof ReplicaTab.open>[2] = {}): Promise<ReplicaTab> =>
  ReplicaTab.open(stage, cluster(), options);
const isReadyStatus = ({ phase, connection, storage }: TabStatus): boolean =>
  phase === 'ready' && connection === 'online' && storage === 'relaxed';
const isReady = (tab: ReplicaTab): Promise<unknown> => tab.until(isReadyStatus);

interface Counted {
  readonly value: number;
  readonly version: number;
}

/** A key that was written 1, 2, 3, …: its value and how often it was written. They are the same if each write was done once and in order. */
const counted = (tab: ReplicaTab, key: string): Promise<Counted | undefined> =>
  tab.getEntry(key) as Promise<Counted | undefined>;

async function reload(tab: ReplicaTab): Promise<void> {
  await tab.tab.page.reload();
  await tab.openReplica();
}

describe('a tab', () => {
  it('reloaded in the middle of writes did each of them once or not at all, in order, and fetches nothing anew', async () => {
    const tab = await open();
    await tab.put('reload/seen', 'x'.repeat(100_000));
    await tab.reloadKept(isReadyStatus);
    let first = 1;
    for (let round = 0; round < 5; round += 1) {
      await tab.begin('reload/count', first, 60);
      await new Promise((resolve) => setTimeout(resolve, round * 15));
      await reload(tab);
      await isReady(tab);
      const entry = await counted(tab, 'reload/count');
      // All from the first on, without a gap, up to where the page went.
      if (entry !== undefined) expect(entry.version).toBe(entry.value);
      first = (entry?.value ?? 0) + 1;
      expect(await tab.status()).toMatchObject({ snapshots: 0, tenancy: 'holder', divergences: 0 });
    }
    expect(first).toBeGreaterThan(1);
  });

  it('offline goes on reading and takes writes, which are done once and in order when it is back', async () => {
    const [one, two] = [await open(), await open()];
    await Promise.all([isReady(one), isReady(two)]);
    await one.reaches(await one.put('offline/before', 'here'));
    await one.tab.page.evaluate(() => replicaLab.kv!.setOnline(false));
    await one.begin('offline/count', 1, 40);
    expect(await one.get('offline/before')).toBe('here');
    expect(await one.status()).toMatchObject({ connection: 'offline', unsentWrites: 40 });
    expect(
      await one.tab.page.evaluate(() => replicaLab.kv!.live.get<number>('offline/count').getSnapshot().data?.value),
    ).toBe(40);
    await two.put('offline/meanwhile', 'there');
    expect(await two.get('offline/count', 'linearizable')).toBeUndefined();
    await one.tab.page.evaluate(() => replicaLab.kv!.setOnline(true));
    const revisions = await one.committed();
    expect(revisions).toEqual(revisions.toSorted((a, b) => a - b));
    expect(await counted(two, 'offline/count')).toMatchObject({ value: 40, version: 40 });
    await one.reaches(revisions.at(-1)!);
    expect(await one.get('offline/meanwhile')).toBe('there');
  });

  it('whose network is gone says so, and does what it was asked when it is back', async () => {
    const tab = await open();
    await isReady(tab);
    for (const node of [0, 1, 2]) cluster().pause(node);
    await tab.until(({ connection }) => connection === 'offline');
    await tab.begin('network/count', 1, 20);
    await new Promise((resolve) => setTimeout(resolve, 7_000));
    for (const node of [0, 1, 2]) cluster().resume(node);
    await tab.committed();
    expect(await counted(tab, 'network/count')).toMatchObject({ value: 20, version: 20 });
  });

  it('left and gone back to lives on where it was, if the browser kept it', async () => {
    const [one, two] = [await open(), await open()];
    await Promise.all([isReady(one), isReady(two)]);
    await one.tab.page.evaluate(() => {
      Object.assign(globalThis, { born: 'before' });
      addEventListener('pageshow', (event) => Object.assign(globalThis, { persisted: event.persisted }));
    });
    const leave = stage.url('storage');
    await one.tab.page.goto(leave);
    await two.isHolder();
    const revision = await two.put('cache/meanwhile', 1);
    // Not `goBack`, which waits for a page to load: this one does not.
    const shown = one.tab.page.waitForURL(stage.url('replica'), { waitUntil: 'commit' }).catch(() => undefined);
    await one.tab.page.evaluate(() => history.back()).catch(() => undefined);
    await shown;
    const kept = () =>
      one.tab.page.evaluate(() => {
        const { born, persisted } = globalThis as unknown as { born: string; persisted: boolean };
        const [entry] = performance.getEntriesByType('navigation') as unknown as { notRestoredReasons: unknown }[];
        return { born, persisted, why: JSON.stringify(entry?.notRestoredReasons) };
      });
    // The page is shown before it hears that it is.
    await expect.poll(kept).toMatchObject({ born: 'before', persisted: true });
    expect(await one.reaches(revision)).toMatchObject({ tenancy: 'attached', snapshots: 1, connection: 'online' });
    const next = await one.put('cache/back', 1);
    await two.reaches(next);
  });

  it('duplicated is another one: it shares the replica and no session', async () => {
    const one = await open();
    await isReady(one);
    await one.begin('duplicate/one', 1, 50);
    const born = stage.profile().then(({ context }) => context.waitForEvent('page'));
    await one.tab.page.evaluate(() => {
      sessionStorage.setItem('mark', 'cloned');
      // A page opened so is born with a copy of the session storage, as a duplicated one is.
      globalThis.open(location.href);
    });
    const page = await born;
    await page.waitForLoadState('load');
    expect(await page.evaluate(() => sessionStorage.getItem('mark'))).toBe('cloned');
    const two = await ReplicaTab.in(new Tab(page, await page.context().newCDPSession(page)), cluster());
    await Promise.all([one.begin('duplicate/one', 51, 50), two.begin('duplicate/two', 1, 100)]);
    await Promise.all([one.committed(), two.committed()]);
    expect(await counted(two, 'duplicate/one')).toMatchObject({ value: 100, version: 100 });
    expect(await counted(one, 'duplicate/two')).toMatchObject({ value: 100, version: 100 });
    expect((await two.status()).tenancy).toBe('attached');
  });

  it('with a replica of its own keeps it over a reload, and its duplicate gets another', async () => {
    const one = await open({ replica: 'per-tab' });
    await isReady(one);
    const { replicaId } = await one.status();
    expect(await one.reloadKept(isReadyStatus)).toMatchObject({ replicaId, tenancy: 'alone' });
    const born = stage.profile().then(({ context }) => context.waitForEvent('page'));
    await one.tab.page.evaluate(() => void globalThis.open(location.href));
    const page = await born;
    await page.waitForLoadState('load');
    const two = await ReplicaTab.in(new Tab(page, await page.context().newCDPSession(page)), cluster(), {
      replica: 'per-tab',
    });
    await isReady(two);
    const duplicate = await two.status();
    expect(duplicate.tenancy).toBe('alone');
    expect(duplicate.replicaId).not.toBe(replicaId);
    expect((await two.reloadKept(isReadyStatus)).replicaId).toBe(duplicate.replicaId);
    expect((await one.status()).replicaId).toBe(replicaId);
  });
});

describe('what a tab keeps', () => {
  it('wiped under its feet, is said to be gone; the tab goes on in memory, and the next start begins anew', async () => {
    const [one, two] = [await open(), await open()];
    await Promise.all([isReady(one), isReady(two)]);
    await one.put('wiped/before', 1);
    await one.tab.wipeStorage();
    const revision = await two.put('wiped/after', 2);
    await one.until(({ error, storage }) => error === 'storage_missing' && storage === 'memory');
    await Promise.all([one.reaches(revision), two.reaches(revision)]);
    expect(await one.get('wiped/before')).toBe(1);
    // The holder last: else the other one would take over, and keep the copy anew.
    await two.tab.page.close();
    await one.tab.page.close();
    const three = await open();
    await isReady(three);
    expect(await three.status()).toMatchObject({ snapshots: 1, error: undefined, tenancy: 'holder' });
    expect(await three.get('wiped/after')).toBe(2);
  });

  it('is forgotten on request, in all tabs', async () => {
    const [one, two] = [await open(), await open()];
    await Promise.all([isReady(one), isReady(two)]);
    await two.tab.page.evaluate(() => replicaLab.forgetReplica());
    expect(await one.tab.page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name))).toEqual([]);
    const revision = await two.put('forgotten/after', 2);
    await Promise.all([one.reaches(revision), two.reaches(revision)]);
    await one.until(({ storage }) => storage === 'memory');
  });

  it('finds no room: that is said, and the tab goes on in memory', async () => {
    const page = await stage.openTab('replica');
    // Before anything is kept: the browser remembers for a while how much room there was.
    await page.setQuota(1_000_000);
    const tab = await ReplicaTab.in(page, cluster());
    await isReady(tab);
    // Nothing that compresses.
    const noise = Array.from({ length: 30_000 }, () => Math.random().toString(36).slice(2)).join('');
    let revision = 0;
    for (let i = 0; i < 8; i += 1) revision = await tab.put('full', noise + String(i));
    expect(await tab.until(({ storage }) => storage === 'memory')).toMatchObject({ error: 'storage_full' });
    await tab.reaches(revision);
    expect(await tab.get('full')).toBe(`${noise}7`);
    await tab.tab.setQuota(undefined);
  });
});

describe('nodes', () => {
  it('die while tabs write: each write is done once, in order, and the tabs agree', { timeout: 300_000 }, async () => {
    const tabs = [await open(), await open(), await open()];
    await Promise.all(tabs.map(isReady));
    const perRound = 40;
    for (let round = 0; round < 3; round += 1) {
      await Promise.all(tabs.map((tab, i) => tab.begin(`dead/${i}`, round * perRound + 1, perRound)));
      const leader = await cluster().leader();
      await cluster().kill(leader);
      await Promise.all(tabs.map((tab) => tab.committed()));
      await cluster().start(leader);
    }
    for (const [i, tab] of tabs.entries()) {
      expect(await counted(tab, `dead/${i}`)).toMatchObject({ value: 3 * perRound, version: 3 * perRound });
      const revisions = await tab.committed();
      expect(revisions).toEqual(revisions.toSorted((a, b) => a - b));
    }
    const revision = await tabs[0]!.put('dead/after', 1);
    const statuses = await Promise.all(tabs.map((tab) => tab.reaches(revision)));
    expect(new Set(statuses.map(({ hash }) => hash)).size).toBe(1);
    expect(statuses.map(({ divergences }) => divergences)).toEqual([0, 0, 0]);
  });
});
