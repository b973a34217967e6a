// Members in tabs of one browser, which reach each other over BroadcastChannel and keep their logs in IndexedDB: whatever becomes of a tab, those that are left go
// on, nothing that was acknowledged is lost, and nobody votes or acknowledges twice.
import { expect, it } from 'vitest';
import { MemberTab, leaderOf } from './harness/member-tabs.ts';
import { setStage } from './harness/stage.ts';
import { Tab } from './harness/tabs.ts';
import type { LabOptions } from './pages/member.ts';

const stage = setStage(['member']);
const names = ['ada', 'bob', 'eve'] as const;

function options(name: string, more: Partial<LabOptions> = {}): LabOptions {
  const cluster = { founders: names.map((each) => ({ name: each })) };
  return { name, cluster, storage: 'strict', room: 'tabs', ...more };
}

const openOne = async (name: string, more: Partial<LabOptions> = {}): Promise<MemberTab> =>
  MemberTab.in(await stage.openTab('member'), options(name, more));

/** A cluster with a leader, whom all know. */
async function openThree(): Promise<MemberTab[]> {
  await stage.profile();
  const tabs = await Promise.all(names.map((name) => openOne(name)));
  await leaderOf(tabs);
  return tabs;
}

const without = (tabs: readonly MemberTab[], one: MemberTab): MemberTab[] => tabs.filter((tab) => tab !== one);

it('goes on when the tab that leads is closed, killed, reloaded and frozen in turn, and takes it back as who it was', async () => {
  let tabs = await openThree();
  const ids = new Map(await Promise.all(tabs.map(async (tab) => [tab.name, (await tab.status()).memberId] as const)));
  let written = 0;
  const write = async (tab: MemberTab): Promise<void> => {
    written += 1;
    await tab.put(`n/${written}`, written);
  };
  const end = async (how: 'close' | 'kill'): Promise<void> => {
    const leader = await leaderOf(tabs);
    await write(leader);
    await leader.tab[how]();
    const others = without(tabs, leader);
    await leaderOf(others);
    await write(others[0]!);
    tabs = [...others, await openOne(leader.name)];
    await leaderOf(tabs);
    await write(tabs[2]!);
  };
  await end('close');
  await end('kill');

  let leader = await leaderOf(tabs);
  await leader.reload();
  await leaderOf(tabs);
  await write(leader);

  leader = await leaderOf(tabs);
  await leader.tab.freeze();
  const others = without(tabs, leader);
  await leaderOf(others);
  await write(others[0]!);
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  await leader.tab.resume();
  await leader.until(({ restarts, phase }) => restarts > 0 && phase === 'running');
  await leaderOf(tabs);
  await write(leader);

  for (const tab of tabs) {
    expect((await tab.status()).memberId).toBe(ids.get(tab.name));
    expect(await tab.keys('n/')).toHaveLength(written);
  }
});

it('hands over in the turn in which the tab that leads is hidden or closed: nobody waits for an election timeout', async () => {
  const electionTimeoutMilliseconds = 8_000;
  const soonMilliseconds = 5_000;
  await stage.profile();
  const tabs = await Promise.all(names.map((name) => openOne(name, { electionTimeoutMilliseconds })));
  const first = await leaderOf(tabs);
  // Who is seen is told with the heartbeats, which are rare here.
  await first.put('x', 1);
  await new Promise((resolve) => setTimeout(resolve, electionTimeoutMilliseconds / 2));
  await first.tab.freeze();
  const others = without(tabs, first);
  const second = await leaderOf(others, { soonMilliseconds });
  await second.put('x', 2);
  await second.tab.close();
  await without(others, second)[0]!.soon(({ isLeader, term }) => isLeader || term > 2, soonMilliseconds);
});

it('a frozen tab that was robbed of its storage acknowledges nothing when it thaws, and ends', async () => {
  const tabs = await openThree();
  const zombie = await leaderOf(tabs);
  await zombie.put('x', 1);
  await zombie.tab.page.evaluate(() => memberLab.begin('zombie', 200));
  await zombie.tab.freeze();
  const heir = await openOne(zombie.name, { steal: true });
  const living = [...without(tabs, zombie), heir];
  await leaderOf(living);
  await heir.put('x', 2);
  await zombie.tab.resume();
  // A transaction that was under way when it froze may have been ended by the browser meanwhile, since it held up those of others: then it finds that first.
  const { error } = await zombie.until(({ phase }) => phase === 'stopped');
  expect(['storage_locked', 'storage_failed']).toContain(error);
  await expect.poll(() => zombie.tab.page.evaluate(() => memberLab.outcomesOf().length)).toBe(200);
  const outcomes = await zombie.tab.page.evaluate(() => memberLab.outcomesOf());
  for (const tab of living) {
    expect(await tab.get('x')).toBe(2);
    const keys = new Set(await tab.keys('zombie/'));
    for (const [key, outcome] of outcomes) if (outcome === 'acknowledged') expect(keys.has(key)).toBe(true);
    for (const [key, outcome] of outcomes) if (outcome === 'refused') expect(keys.has(key)).toBe(false);
  }
});

it('a duplicated tab, which is born with the session storage of the other, is not the same member', async () => {
  const [one, ...others] = await openThree();
  const { context } = await stage.profile();
  const born = context.waitForEvent('page');
  await one!.tab.page.evaluate(() => {
    sessionStorage.setItem('mark', 'cloned');
    globalThis.open(location.href);
  });
  const page = await born;
  await page.waitForLoadState('load');
  expect(await page.evaluate(() => sessionStorage.getItem('mark'))).toBe('cloned');
  const two = new Tab(page, await context.newCDPSession(page));
  expect(await two.page.evaluate((how) => memberLab.refusal(how), options(one!.name))).toBe('storage_locked');
  await one!.put('x', 1);
  expect(await others[0]!.get('x')).toBe(1);
  expect((await one!.status()).phase).toBe('running');
  await one!.tab.close();
  await MemberTab.in(two, options(one!.name));
  await leaderOf(others);
});

it('a member whose storage is gone is not taken for the one that it was, and the others go on', async () => {
  const tabs = await openThree();
  const leader = await leaderOf(tabs);
  await leader.put('x', 1);
  const [lost, other] = without(tabs, leader);
  await lost!.tab.page.evaluate(() => memberLab.close(false));
  await lost!.tab.page.evaluate(
    (name) =>
      indexedDB.databases().then((all) => {
        const database = all.find((each) => each.name!.endsWith(`member.${name}`))!.name!;
        return new Promise<void>((resolve, reject) => {
          const request = indexedDB.deleteDatabase(database);
          request.addEventListener('success', () => resolve());
          request.addEventListener('error', () => reject(request.error!));
        });
      }),
    lost!.name,
  );
  await lost!.begin();
  expect(await lost!.until(({ phase }) => phase === 'stopped')).toMatchObject({ error: 'member_amnesia' });
  await other!.put('x', 2);
  expect(await leader.get('x')).toBe(2);
});
