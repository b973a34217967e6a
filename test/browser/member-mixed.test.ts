// A cluster of three real members in Node that a tab joins: as a learner, then as a voter, and leaves again; its storage is the tab's, and its way the peers' door of
// the members, which were told to let tabs in.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect } from 'raftkv';
import type { ClusterKv } from 'raftkv';
import { Cluster } from '../e2e/harness/cluster.ts';
import { MemberTab } from './harness/member-tabs.ts';
import { setStage } from './harness/stage.ts';
import { Profile } from './harness/tabs.ts';
import type { LabOptions } from './pages/member.ts';

const stage = setStage(['member']);
/** How long a busy machine may let one wait for an answer. */
const patient = { timeoutMilliseconds: 60_000 };
let cluster: Cluster;
let kv: ClusterKv;
beforeAll(async () => {
  cluster = await Cluster.start({ args: ['--allowed-origins', '*', '--tab-members', 'true'] });
  kv = connect({ endpoints: cluster.addresses });
});
afterAll(async () => {
  await kv.close();
  await cluster.destroy();
});

function options(name: string, plan?: 'stay'): LabOptions {
  const joining = { endpoints: cluster.addresses, ...(plan === undefined ? {} : { plan }) };
  return { name, cluster: joining, storage: 'strict', room: 'mixed' };
}

/** Whoever was elected in the meantime: it is Node that leads, as soon as it can. */
async function othersLead(memberId: string | undefined): Promise<void> {
  const leaderId = async () => (await kv.members.list()).leaderId;
  await expect.poll(leaderId, { timeout: 120_000 }).toSatisfy((id) => id !== undefined && id !== memberId);
}

it('a tab joins as a learner, votes when it is promoted, never leads while Node does, comes back when it is reloaded, frozen or robbed, and leaves', async () => {
  await kv.put('before', 1, patient);
  const tab = await MemberTab.in(await stage.openTab('member'), options('ada', 'stay'));
  await tab.until(({ standing }) => standing === 'learner');
  expect(await tab.get('before')).toBe(1);
  await tab.put('from the tab', 2);
  expect(await kv.get('from the tab')).toBe(2);
  const { memberId } = await tab.status();
  const nodeLeads = () => othersLead(memberId);
  await expect
    .poll(async () => (await kv.members.list()).members.find(({ id }) => id === memberId))
    .toMatchObject({ name: 'ada', address: 'tab:ada', role: 'learner', kind: 'tab', isReachable: true });

  await kv.members.promote('ada');
  await tab.until(({ standing }) => standing === 'voter');
  await kv.transferLeader();
  await kv.put('promoted', 3, patient);
  await nodeLeads();
  expect(await tab.get('promoted')).toBe(3);

  await tab.reload();
  await tab.until(({ phase, standing }) => phase === 'running' && standing === 'voter');
  expect((await tab.status()).memberId).toBe(memberId);
  await tab.put('reloaded', 4);
  // With one member of Node down the tab's vote counts.
  await cluster.kill(0);
  await kv.put('with the tab', 5, patient);
  expect(await tab.get('with the tab')).toBe(5);
  await nodeLeads();
  await cluster.start(0);

  await tab.tab.freeze();
  await kv.put('while it is frozen', 6, patient);
  // Long enough for what it knew to be worth nothing.
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  await tab.tab.resume();
  await tab.until(({ phase, restarts, standing }) => phase === 'running' && restarts > 0 && standing === 'voter');
  expect(await tab.get('while it is frozen')).toBe(6);

  await tab.tab.freeze();
  const heir = await MemberTab.in(await stage.openTab('member'), { ...options('ada', 'stay'), steal: true });
  await heir.until(({ phase, standing }) => phase === 'running' && standing === 'voter');
  expect((await heir.status()).memberId).toBe(memberId);
  await heir.put('from the heir', 7);
  await tab.tab.resume();
  // A transaction that was under way when it froze may have been ended by the browser meanwhile: then it finds that first.
  const { error } = await tab.until(({ phase }) => phase === 'stopped');
  expect(['storage_locked', 'storage_failed']).toContain(error);
  // With one member of Node down it is the heir's vote that counts, and the other's no more.
  await cluster.kill(0);
  await kv.put('with the heir', 8, patient);
  expect(await heir.get('with the heir')).toBe(8);
  await nodeLeads();
  await cluster.start(0);
  // Votes and log: nothing of it is acknowledged before it is on the medium.
  expect(await heir.tab.page.evaluate(() => memberLab.durabilities())).toEqual(['raftkv/member.ada: strict']);

  await kv.members.remove('ada');
  expect(await heir.until(({ phase }) => phase === 'stopped')).toMatchObject({ error: 'member_removed' });
  await heir.tab.page.reload({ waitUntil: 'load' });
  expect(await heir.tab.page.evaluate((how) => memberLab.refusal(how), options('ada', 'stay'))).toBe('member_removed');
  await kv.put('after', 6, patient);
});

it('a tab of a phone that is seen, and is handed leadership, gives it up to a member of Node', async () => {
  const browser = (await stage.profile()).context.browser()!;
  const userAgent = 'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/130.0.0.0 Mobile Safari/537.36';
  const profile = new Profile(await browser.newContext({ isMobile: true, userAgent }));
  try {
    const tab = await MemberTab.in(await profile.openTab(stage.url('member')), options('phone'));
    const { memberId } = await tab.until(({ standing }) => standing === 'voter');
    // Less than that of a desktop, and of Node.
    expect((await tab.status()).priority).toBe(3);
    // It may be refused while the tab lags; and it may be given up before whoever asked for it hears of it.
    const led = async () => {
      await kv.transferLeader('phone', patient).catch(() => undefined);
      return tab.tab.page.evaluate(() => memberLab.led);
    };
    await expect.poll(led, { timeout: 120_000 }).toBeGreaterThan(0);
    await othersLead(memberId);
    expect(await tab.tab.page.evaluate(() => document.visibilityState)).toBe('visible');
    await tab.put('from the phone', 1);
    expect(await kv.get('from the phone', patient)).toBe(1);
    await kv.members.remove('phone');
    await tab.until(({ phase }) => phase === 'stopped');
  } finally {
    await profile.close();
  }
});

it('a page is no member where nobody said that it may be one', async () => {
  const closed = await Cluster.start({ nodes: 1, args: ['--allowed-origins', '*'] });
  try {
    const tab = await stage.openTab('member');
    const how = { ...options('bob'), cluster: { endpoints: closed.addresses } };
    expect(await tab.page.evaluate((each) => memberLab.refusal(each), how)).toBe('unsupported');
  } finally {
    await closed.destroy();
  }
});
