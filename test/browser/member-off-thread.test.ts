// Members in workers: a page that is busy holds up neither heartbeats nor votes, its events reach the member all the same, and a worker that dies is a
// member that crashed.
import { expect, it } from 'vitest';
import { MemberTab, leaderOf } from './harness/member-tabs.ts';
import { setStage } from './harness/stage.ts';

const stage = setStage(['member-off-thread']);
const names = ['ada', 'bob', 'eve'] as const;

async function openThree(room: string): Promise<MemberTab[]> {
  const cluster = { founders: names.map((each) => ({ name: each })) };
  await stage.profile();
  const tabs = await Promise.all(
    names.map(async (name) =>
      MemberTab.in(await stage.openTab('member-off-thread'), { name, cluster, storage: 'strict', room }),
    ),
  );
  await leaderOf(tabs);
  return tabs;
}

const without = (tabs: readonly MemberTab[], one: MemberTab): MemberTab[] => tabs.filter((tab) => tab !== one);

it('goes on leading while its page, and that of another, do nothing else for seconds, and nobody is elected', async () => {
  const tabs = await openThree('busy');
  const leader = await leaderOf(tabs);
  const [follower] = without(tabs, leader);
  const { term } = await leader.status();
  const busy = [leader, without(tabs, leader)[1]!];
  const hanging = Promise.all(busy.map((tab) => tab.tab.page.evaluate(() => memberThreadLab.hang(4_000))));
  // The leader's page does not run, and its member commits.
  const end = performance.now() + 3_000;
  let writes = 0;
  while (performance.now() < end) {
    await follower!.put('busy', (writes += 1));
  }
  expect(writes).toBeGreaterThan(10);
  await hanging;
  const statuses = await Promise.all(tabs.map((tab) => tab.status()));
  expect(statuses.map((each) => [each.term, each.leader, each.restarts])).toEqual(
    tabs.map(() => [term, `tab:${leader.name}`, 0]),
  );
  expect(await leader.get('busy')).toBe(writes);
});

it('comes back as itself when its worker is killed, and nothing that was acknowledged is lost', async () => {
  const tabs = await openThree('killed');
  const { memberId } = await tabs[0]!.status();
  for (let round = 0; round < 2; round += 1) {
    const leader = await leaderOf(tabs);
    const key = `killed/${round}`;
    await leader.put(`${key}/before`, round);
    await leader.tab.page.evaluate((prefix) => {
      memberLab.begin(prefix, 40);
      setTimeout(() => memberThreadLab.workers.at(-1)!.terminate(), 30);
    }, key);
    await leader.until(({ restarts, phase }) => restarts > 0 && phase === 'running');
    await expect.poll(() => leader.tab.page.evaluate(() => memberLab.outcomesOf().length)).toBeGreaterThanOrEqual(40);
    const outcomes = await leader.tab.page.evaluate(() => memberLab.outcomesOf());
    const next = await leaderOf(tabs);
    const found = new Set(await next.keys('killed/'));
    const lost = outcomes.filter(([name, outcome]) => outcome === 'acknowledged' && !found.has(name));
    expect(lost).toEqual([]);
    expect(await next.get(`${key}/before`)).toBe(round);
  }
  expect(await tabs[0]!.status()).toMatchObject({ memberId, standing: 'voter' });
});

it('hands leadership over when its page is frozen, and is led when it is thawed', async () => {
  const tabs = await openThree('frozen');
  const leader = await leaderOf(tabs);
  const others = without(tabs, leader);
  await leader.tab.freeze();
  await leaderOf(others);
  await others[0]!.put('frozen', 1);
  await leader.tab.resume();
  await leaderOf(tabs);
  expect(await leader.get('frozen')).toBe(1);
});

it('is closed in order, and another page opens it again as who it was', async () => {
  const tabs = await openThree('closed');
  const leader = await leaderOf(tabs);
  const { memberId } = await leader.status();
  await leader.put('closed', 1);
  await leader.tab.page.evaluate(() => memberLab.close(true));
  await leaderOf(without(tabs, leader));
  await leader.reload();
  await leaderOf(tabs);
  expect(await leader.status()).toMatchObject({ memberId });
  expect(await leader.get('closed')).toBe(1);
});
