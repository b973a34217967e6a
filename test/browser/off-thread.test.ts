// Replicas in workers, over real nodes: a page that is busy or whose worker dies stops nobody, and whatever becomes of the tab that holds, another
// takes its place, whether its replica is in a worker or in the page.
import { describe, expect, it } from 'vitest';
import type { ReplicaOptions } from 'raftkv';
import { Patience, waitFor } from '../e2e/harness/wait.ts';
import { ReplicaTab, setCluster } from './harness/replica-tabs.ts';
import type { TabStatus } from './harness/replica-tabs.ts';
import { setStage } from './harness/stage.ts';

const stage = setStage(['replica', 'off-thread', 'storage']);
const cluster = setCluster();

const isReady = ({ phase, connection, storage }: TabStatus): boolean =>
  phase === 'ready' && connection === 'online' && storage === 'relaxed';

/** With its replica in a worker. */
async function openTab(options: Partial<ReplicaOptions> = {}): Promise<ReplicaTab> {
  const tab = await ReplicaTab.in(await stage.openTab('off-thread'), cluster(), options);
  await tab.until(isReady);
  return tab;
}

/** With its replica in the page, as an app that asks for no worker, or an earlier build of it. */
async function openPageTab(): Promise<ReplicaTab> {
  const tab = await ReplicaTab.open(stage, cluster());
  await tab.until(isReady);
  return tab;
}

/** `n` writes to one key, in order and each exactly once, leave it at version `n` with the last value. */
async function expectCounted(tab: ReplicaTab, key: string, writes: number): Promise<void> {
  expect(await tab.getEntry(key)).toMatchObject({ value: writes, version: writes });
}

describe('a replica in a worker', () => {
  it('reads, writes and agrees with the members as one in the page does', async () => {
    const tab = await openTab();
    expect(await tab.status()).toMatchObject({ tenancy: 'holder', thread: 'worker', error: undefined });
    const other = await openPageTab();
    expect(await other.status()).toMatchObject({ tenancy: 'attached' });
    const revision = await tab.put('thread/a', { by: 'worker' });
    const [mine, others] = [await tab.reaches(revision), await other.reaches(revision)];
    expect(mine.hash).toBe(others.hash);
    expect(mine.replicaId).toBe(others.replicaId);
    expect(await other.get('thread/a')).toEqual({ by: 'worker' });
    expect(await tab.get('thread/a', 'linearizable')).toEqual({ by: 'worker' });
  });

  it('goes on from what is stored when the page is loaded again', async () => {
    const tab = await openTab();
    const revision = await tab.put('thread/stored', 1);
    await tab.reaches(revision);
    await tab.reloadKept(isReady);
    expect(await tab.reaches(revision)).toMatchObject({ snapshots: 0, tenancy: 'holder', divergences: 0 });
  });

  it('feeds others while its page does nothing else for seconds, and the page has all at once afterwards', async () => {
    const busy = await openTab();
    const [one, two] = [await openPageTab(), await openTab()];
    let isHanging = true;
    const hanging = busy.tab.page.evaluate(() => replicaLab.hang(5_000)).finally(() => (isHanging = false));
    let [revision, writes, fed] = [0, 0, 0];
    while (isHanging) {
      revision = await one.put('thread/meanwhile', (writes += 1));
      await two.reaches(revision);
      if (isHanging) fed += 1;
    }
    // One of two cores is busy with nothing: few may do.
    expect(fed).toBeGreaterThan(0);
    await hanging;
    // Nobody took over.
    for (const tab of [one, two]) expect(await tab.status()).toMatchObject({ tenancy: 'attached' });
    await busy.soon((status) => status.revision >= revision, 5_000);
    expect(await busy.get('thread/meanwhile')).toBe(writes);
    expect(await busy.status()).toMatchObject({ tenancy: 'holder', thread: 'worker', error: undefined });
  }, 120_000);

  it('whose worker dies has another one at once, with what was stored, and writes in flight are done exactly once', async () => {
    const tab = await openTab();
    await tab.begin('thread/died', 1, 60);
    await tab.tab.page.evaluate(() => threadLab.workers.at(-1)!.terminate());
    // One that only fell silent would be waited for longer.
    const patience = new Patience(8_000, 50);
    await waitFor('another worker', async () => {
      expect(patience.isOver()).toBe(false);
      return (await tab.tab.page.evaluate(() => threadLab.workers.length)) === 2;
    });
    await tab.committed();
    await expectCounted(tab, 'thread/died', 60);
    const revision = await tab.put('thread/after', 1);
    const status = await tab.until((each) => isReady(each) && each.revision >= revision);
    expect(status).toMatchObject({ thread: 'worker', tenancy: 'holder', snapshots: 0 });
  });

  it('whose worker dies is replaced by another tab, and fed by that', async () => {
    const [first, second] = [await openTab(), await openTab()];
    await first.tab.page.evaluate(() => threadLab.workers.at(-1)!.terminate());
    await second.isHolder();
    const revision = await first.put('thread/replaced', 1);
    await second.reaches(revision);
    expect(await first.until((each) => isReady(each) && each.revision >= revision)).toMatchObject({
      thread: 'worker',
      tenancy: 'attached',
    });
  });

  it('whose workers die again and again lives in the page, and says so', async () => {
    const tab = await openTab();
    for (let death = 1; death <= 3; death += 1) {
      await tab.tab.page.evaluate(() => threadLab.workers.at(-1)!.terminate());
      if (death < 3) await expect.poll(() => tab.tab.page.evaluate(() => threadLab.workers.length)).toBe(death + 1);
      await tab.until(isReady);
    }
    expect(await tab.until(({ thread }) => thread === 'page')).toMatchObject({ threadError: 'connection_lost' });
    const revision = await tab.put('thread/in-page', 1);
    expect(await tab.until((status) => isReady(status) && status.revision >= revision)).toMatchObject({
      tenancy: 'holder',
    });
  });

  it('dials through the page where the app has a way of its own', async () => {
    const tab = await stage.openTab('off-thread');
    await tab.page.evaluate(() => (threadLab.ownDials = 0));
    const opened = await ReplicaTab.in(tab, cluster());
    await opened.until(isReady);
    const feeds = await tab.page.evaluate(() => threadLab.ownDials);
    expect(feeds).toBeGreaterThan(0);
    await opened.reaches(await opened.put('thread/own-dial', 1));
    expect(await tab.page.evaluate(() => threadLab.ownDials)).toBeGreaterThan(feeds!);
  });
});

describe('where no worker can be had', () => {
  const refusals = {
    'its script is not there': () => void (threadLab.script = '/no-such-script.js'),
    'the policy of the page forbids it': () => {
      const policy = Object.assign(document.createElement('meta'), { content: "worker-src 'none'" });
      policy.httpEquiv = 'Content-Security-Policy';
      document.head.append(policy);
    },
    'the browser has none': () => void Object.assign(globalThis, { Worker: undefined }),
  };
  it.each(Object.entries(refusals))('since %s, the replica lives in the page, and says so', async (_, refuse) => {
    const tab = await stage.openTab('off-thread');
    await tab.page.evaluate(refuse);
    const opened = await ReplicaTab.in(tab, cluster());
    expect(await opened.until(isReady)).toMatchObject({
      tenancy: 'holder',
      thread: 'page',
      threadError: 'unsupported',
    });
    expect(await opened.get('thread/none', 'linearizable')).toBeUndefined();
    await opened.reaches(await opened.put('thread/some', 1));
  });
});

describe('the tab that holds the replica in a worker', () => {
  it('is closed: another holds it at once, in its page or in a worker, and nothing is fetched anew', async () => {
    const [worker, page] = [await openTab(), await openPageTab()];
    await page.begin('thread/closed', 1, 50);
    await worker.tab.close();
    await page.soon(({ tenancy }) => tenancy === 'holder', 8_000);
    await page.committed();
    await expectCounted(page, 'thread/closed', 50);
    const next = await openTab();
    expect(await next.status()).toMatchObject({ tenancy: 'attached', thread: 'worker' });
    await page.tab.close();
    await next.soon(({ tenancy }) => tenancy === 'holder', 8_000);
    await expectCounted(next, 'thread/closed', 50);
    const revision = await next.put('thread/closed-after', 1);
    expect(await next.until((status) => isReady(status) && status.revision >= revision)).toMatchObject({
      divergences: 0,
      error: undefined,
    });
  });

  it('crashes: another holds it, with what was stored', async () => {
    const [first, second] = [await openTab(), await openTab()];
    await second.begin('thread/crashed', 1, 50);
    await first.tab.kill();
    await second.isHolder();
    await second.committed();
    await expectCounted(second, 'thread/crashed', 50);
    await second.until(isReady);
  });

  it('is frozen: another holds it, and it catches up when it is thawed', async () => {
    const [first, second] = [await openTab(), await openPageTab()];
    await first.tab.freeze();
    await second.soon(({ tenancy }) => tenancy === 'holder', 10_000);
    const revision = await second.put('thread/frozen', 1);
    await first.tab.resume();
    expect(await first.reaches(revision)).toMatchObject({ tenancy: 'attached', thread: 'worker' });
    await first.put('thread/thawed', 1);
    expect(await second.get('thread/thawed', 'linearizable')).toBe(1);
  });

  it('is left and gone back to: another holds it meanwhile', async () => {
    const [first, second] = [await openTab(), await openPageTab()];
    const { page } = first.tab;
    await page.evaluate(() => {
      addEventListener('pageshow', (event) => Object.assign(globalThis, { persisted: event.persisted }));
    });
    await page.goto(stage.url('storage'));
    await second.isHolder();
    const revision = await second.put('thread/left', 1);
    // Not `goBack`, which waits for a page to load: this one does not.
    const shown = page.waitForURL(stage.url('off-thread'), { waitUntil: 'commit' }).catch(() => undefined);
    await page.evaluate(() => history.back()).catch(() => undefined);
    await shown;
    const kept = () =>
      page.evaluate(() => {
        const [entry] = performance.getEntriesByType('navigation') as unknown as { notRestoredReasons: unknown }[];
        const { persisted } = globalThis as unknown as { persisted?: boolean };
        return { persisted, why: JSON.stringify(entry?.notRestoredReasons) };
      });
    // The page is shown before it hears that it is.
    await expect.poll(kept).toMatchObject({ persisted: true });
    expect(await first.reaches(revision)).toMatchObject({ tenancy: 'attached', thread: 'worker' });
  });
});
