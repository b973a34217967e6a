// Members in workers: a page that is busy holds up neither heartbeats nor votes, its events reach the member all the same, and a worker that dies is a
// member that crashed.
import { expect, it } from 'vitest';
import { webRtcFlags } from './harness/chromium.ts';
import { MemberTab, leaderOf } from './harness/member-tabs.ts';
import { openRelay } from './harness/relay.ts';
import { setStage } from './harness/stage.ts';
import { Profile } from './harness/tabs.ts';

const stage = setStage(['member-off-thread'], { flags: webRtcFlags });
const names = ['ada', 'bob', 'eve'] as const;
const options = {
  cluster: { founders: names.map((name) => ({ name })) },
  storage: 'strict',
  // Less than half as long as pages are made to hang.
  electionTimeoutMilliseconds: 2_000,
} as const;

async function openThree(room: string): Promise<MemberTab[]> {
  await stage.profile();
  const tabs = await Promise.all(
    names.map(async (name) => MemberTab.in(await stage.openTab('member-off-thread'), { name, room, ...options })),
  );
  await leaderOf(tabs);
  return tabs;
}

const without = (tabs: readonly MemberTab[], one: MemberTab): MemberTab[] => tabs.filter((tab) => tab !== one);

/** Two busy pages and their workers share few cores with others, and a busy machine may hold an election: but not each time. */
async function expectToGoOnBeside(tabs: readonly MemberTab[]): Promise<void> {
  let found = await goOnBeside(tabs);
  for (let again = 0; again < 3 && !found.isSame; again += 1) found = await goOnBeside(tabs);
  expect(found.isSame, JSON.stringify(found)).toBe(true);
}

/** Pages of which these do nothing else for seconds: the leader's, which therefore does not run, and a follower's. The third one writes meanwhile. */
async function goOnBeside(tabs: readonly MemberTab[]): Promise<{ readonly isSame: boolean }> {
  const leader = await leaderOf(tabs);
  const [writer, other] = without(tabs, leader) as [MemberTab, MemberTab];
  const before = await Promise.all(tabs.map((tab) => tab.status()));
  let isHanging = true;
  const hanging = Promise.all([leader, other].map(({ tab }) => tab.page.evaluate(() => memberThreadLab.hang(5_000))));
  const over = hanging.finally(() => (isHanging = false)).catch(() => undefined);
  let [begun, written] = [0, 0];
  while (isHanging) {
    await writer.put('busy', (begun += 1));
    if (isHanging) written = begun;
  }
  await over;
  await hanging;
  expect(await leader.get('busy')).toBe(begun);
  const after = await Promise.all(tabs.map((tab) => tab.status()));
  const isSame = after.every(({ term, leader: whom, restarts }, at) => {
    return term === before[at]!.term && whom === `tab:${leader.name}` && restarts === before[at]!.restarts;
  });
  // Two of two cores are busy with nothing: few writes may do.
  return { isSame: isSame && written > 0, ...{ written, before, after } };
}

it('goes on leading while its page, and that of another, do nothing else for seconds, and nobody is elected', async () => {
  await expectToGoOnBeside(await openThree('busy'));
});

/** Of the writes that it was told to begin: what became of those that are over. */
const outcomesOf = ({ tab }: MemberTab) => tab.page.evaluate(() => memberLab.outcomesOf());

it('comes back as itself when its worker is killed, and nothing that was acknowledged is lost', async () => {
  const tabs = await openThree('killed');
  const { memberId } = await tabs[0]!.status();
  for (let round = 0; round < 2; round += 1) {
    const leader = await leaderOf(tabs);
    const [before, known] = await Promise.all([leader.status(), outcomesOf(leader)]);
    const key = `killed/${round}`;
    await leader.put(`${key}/before`, round);
    await leader.tab.page.evaluate((prefix) => {
      memberLab.begin(prefix, 40);
      setTimeout(() => memberThreadLab.workers.at(-1)!.terminate(), 30);
    }, key);
    await leader.until(({ restarts, phase }) => restarts > before.restarts && phase === 'running');
    await expect.poll(async () => (await outcomesOf(leader)).length).toBe(known.length + 40);
    const outcomes = await outcomesOf(leader);
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

it('goes on over WebRTC in three profiles while the pages, which have the connections, do nothing else', async () => {
  const browser = (await stage.profile()).context.browser()!;
  const relay = await openRelay();
  const profiles = await Promise.all(names.map(() => Profile.open(browser)));
  try {
    const tabs = await Promise.all(
      names.map(async (name, at) => {
        const tab = await profiles[at]!.openTab(stage.url('member-off-thread'));
        return MemberTab.in(tab, { name, room: 'profiles', relay: relay.url, ...options });
      }),
    );
    await leaderOf(tabs);
    await tabs[0]!.put('busy', 0);
    // The only ways are direct ones: the server carried signals, and is gone.
    await relay.close();
    await expectToGoOnBeside(tabs);
  } finally {
    await relay.close();
    await Promise.all(profiles.map((profile) => profile.close()));
  }
});

it('tries again when the script of its worker does not load, and can be closed meanwhile', async () => {
  await stage.profile();
  const cluster = { founders: [{ name: 'ada' }] };
  const member = await MemberTab.in(await stage.openTab('member-off-thread'), {
    name: 'ada',
    cluster,
    storage: 'strict',
    room: 'gone',
  });
  await leaderOf([member]);
  await member.put('gone', 1);
  const { page } = member.tab;
  const endWorker = (isGone: boolean): Promise<void> =>
    page.evaluate((gone) => {
      memberThreadLab.isScriptGone = gone;
      memberThreadLab.workers.at(-1)!.terminate();
    }, isGone);
  await endWorker(true);
  await expect.poll(() => page.evaluate(() => memberThreadLab.workers.length)).toBeGreaterThan(1);
  await page.evaluate(() => void (memberThreadLab.isScriptGone = false));
  await member.until(({ phase, isLeader }) => phase === 'running' && isLeader);
  expect(await member.get('gone')).toBe(1);
  await endWorker(true);
  await member.until(({ phase }) => phase === 'restarting');
  await page.evaluate(() => memberLab.close(true));
});
