// Several tabs of one origin over real nodes: they share one replica, and whatever becomes of the tab that holds it, of the others or of the nodes,
// nothing that was acknowledged is lost and nothing is done twice.
import { describe, expect, it } from 'vitest';
import { ReplicaTab, setCluster } from './harness/replica-tabs.ts';
import { setStage } from './harness/stage.ts';

const stage = setStage(['replica']);
const cluster = setCluster();

interface Prompt {
  readonly i: number;
  readonly at: number;
}
declare global {
  /** In the page: which writes a subscriber was told of, and how many milliseconds after they were made. */
  var seen: { readonly i: number; readonly delay: number }[];
}

/** What the store says for itself: a replica that hangs or goes without a word is replaced within this. */
const takeOverMilliseconds = 10_000;
/** Not as long as one waits for that hears nothing. */
const silenceMilliseconds = 8_000;

async function openTabs(count: number): Promise<ReplicaTab[]> {
  const tabs: ReplicaTab[] = [];
  for (let i = 0; i < count; i += 1) {
    const tab = await ReplicaTab.open(stage, cluster());
    await tab.until(
      ({ phase, connection, storage }) => phase === 'ready' && connection === 'online' && storage === 'relaxed',
    );
    tabs.push(tab);
  }
  return tabs;
}

/** Within so many milliseconds in which they have the time to answer. */
const oneTakesOver = (tabs: readonly ReplicaTab[], milliseconds: number): Promise<unknown> =>
  Promise.race(tabs.map((tab) => tab.soon(({ tenancy }) => tenancy === 'holder', milliseconds)));

const tenancies = async (tabs: readonly ReplicaTab[]): Promise<string[]> =>
  Promise.all(tabs.map(async (tab) => (await tab.status()).tenancy));

/** `n` writes to one key, in order and each exactly once, leave it at version `n` with the last value. */
async function expectCounted(tab: ReplicaTab, key: string, writes: number, last: number): Promise<void> {
  expect(await tab.getEntry(key)).toMatchObject({ value: last, version: writes });
}

describe('tabs of one origin', () => {
  it('share one replica, show at once what one of them writes, and agree with the members', async () => {
    const tabs = await openTabs(3);
    expect(await tenancies(tabs)).toEqual(['holder', 'attached', 'attached']);
    for (const [i, tab] of tabs.entries()) {
      const revision = await tab.put(`converge/${i}`, { by: i });
      const statuses = await Promise.all(tabs.map((each) => each.reaches(revision)));
      expect(new Set(statuses.map(({ hash }) => hash)).size).toBe(1);
      for (const each of tabs) expect(await each.get(`converge/${i}`)).toEqual({ by: i });
    }
    const statuses = await Promise.all(tabs.map((tab) => tab.status()));
    expect(new Set(statuses.map(({ replicaId }) => replicaId)).size).toBe(1);
    expect(statuses.map(({ divergences, error }) => [divergences, error])).toEqual(statuses.map(() => [0, undefined]));
  });

  it('tell a subscriber in one tab of what another wrote within a moment', async () => {
    const [, second] = await openTabs(2);
    const third = (await openTabs(1))[0]!;
    await third.tab.page.evaluate(() => {
      const live = replicaLab.kv!.live.get<Prompt>('prompt');
      Object.assign(globalThis, { seen: [] });
      live.subscribe(() => {
        const { data } = live.getSnapshot();
        if (data != null) globalThis.seen.push({ i: data.value.i, delay: Date.now() - data.value.at });
      });
    });
    for (let i = 1; i <= 20; i += 1) await second!.put('prompt', { i, at: Date.now() });
    const seen = () => third.tab.page.evaluate(() => globalThis.seen);
    await expect.poll(async () => (await seen()).at(-1)?.i).toBe(20);
    // A tab that is late may be told of two at once.
    const delays = (await seen()).map(({ delay }) => delay).toSorted((a, b) => a - b);
    expect(delays.length).toBeGreaterThan(1);
    expect(delays[Math.floor(delays.length / 2)]).toBeLessThan(2_500);
  });
});

describe('the tab that holds the replica', () => {
  it('is closed: another holds it at once, and writes in flight in the others are done exactly once', async () => {
    const [holder, ...others] = await openTabs(3);
    for (const [i, tab] of others.entries()) await tab.begin(`closed/${i}`, 1, 100);
    await holder!.tab.close();
    await oneTakesOver(others, silenceMilliseconds);
    for (const [i, tab] of others.entries()) {
      const revisions = await tab.committed();
      expect(revisions).toEqual(revisions.toSorted((a, b) => a - b));
      await expectCounted(tab, `closed/${i}`, 100, 100);
    }
    const revision = await others[0]!.put('closed/after', 1);
    for (const tab of others) expect((await tab.reaches(revision)).snapshots).toBe(1);
  });

  it('crashes: another holds it, with what was stored', async () => {
    const [holder, ...others] = await openTabs(3);
    for (const [i, tab] of others.entries()) await tab.begin(`crashed/${i}`, 1, 100);
    await holder!.tab.kill();
    await oneTakesOver(others, silenceMilliseconds);
    for (const [i, tab] of others.entries()) {
      await tab.committed();
      await expectCounted(tab, `crashed/${i}`, 100, 100);
    }
    const revision = await others[0]!.put('crashed/after', 1);
    for (const tab of others) expect(await tab.reaches(revision)).toMatchObject({ snapshots: 1, storage: 'relaxed' });
  });

  it('is frozen: another holds it, and it catches up when it is thawed', async () => {
    const [holder, ...others] = await openTabs(3);
    await holder!.tab.freeze();
    await oneTakesOver(others, takeOverMilliseconds);
    for (const [i, tab] of others.entries()) {
      await tab.begin(`frozen/${i}`, 1, 50);
      await tab.committed();
    }
    const revision = await others[1]!.put('frozen/after', 1);
    for (const tab of others) await tab.reaches(revision);
    await holder!.tab.resume();
    expect(await holder!.reaches(revision)).toMatchObject({ tenancy: 'attached', snapshots: 1, error: undefined });
    await holder!.put('frozen/thawed', 1);
    expect(await others[0]!.get('frozen/thawed', 'linearizable')).toBe(1);
  });

  it('hangs without a word: a tab that is seen takes over, and the old one is fed when it is back', async () => {
    const [holder, ...others] = await openTabs(2);
    await holder!.tab.hang();
    await oneTakesOver(others, takeOverMilliseconds + 1_000);
    const revision = await others[0]!.put('hung', 1);
    await others[0]!.reaches(revision);
    await holder!.tab.goOn();
    const status = await holder!.until(({ tenancy, revision: own }) => tenancy === 'attached' && own >= revision);
    expect(status.error).toBeUndefined();
    const next = await holder!.put('hung', 2);
    expect(await others[0]!.reaches(next)).toMatchObject({ tenancy: 'holder', storage: 'relaxed', error: undefined });
  });
});
