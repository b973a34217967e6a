// A cluster of three real members in Node that a tab joins: as a learner, then as a voter, and leaves again; its storage is the tab's, and its way the peers' door of
// the members, which were told to let tabs in.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect } from 'raftkv';
import type { ClusterKv } from 'raftkv';
import { Cluster } from '../e2e/harness/cluster.ts';
import { MemberTab } from './harness/member-tabs.ts';
import { setStage } from './harness/stage.ts';
import type { LabOptions } from './pages/member.ts';

const stage = setStage(['member']);
let cluster: Cluster;
let kv: ClusterKv;
beforeAll(async () => {
  cluster = await Cluster.start({ args: ['--allowed-origins', '*', '--tab-members', 'true'] });
  kv = connect({ endpoints: cluster.addresses, requestTimeoutMilliseconds: 30_000 });
});
afterAll(async () => {
  await kv.close();
  await cluster.destroy();
});

function options(name: string, plan?: 'stay'): LabOptions {
  const joining = { endpoints: cluster.addresses, ...(plan === undefined ? {} : { plan }) };
  return { name, cluster: joining, storage: 'strict', room: 'mixed' };
}

it('a tab joins as a learner, votes when it is promoted, never leads while Node does, comes back after a reload, and leaves', async () => {
  await kv.put('before', 1);
  const tab = await MemberTab.in(await stage.openTab('member'), options('ada', 'stay'));
  await tab.until(({ standing }) => standing === 'learner');
  expect(await tab.get('before')).toBe(1);
  await tab.put('from the tab', 2);
  expect(await kv.get('from the tab')).toBe(2);
  const { memberId } = await tab.status();
  // Whoever was elected in the meantime: it is Node that leads, as soon as it can.
  const nodeLeads = async () => {
    const leaderId = async () => (await kv.members.list()).leaderId;
    await expect.poll(leaderId, { timeout: 120_000 }).toSatisfy((id) => id !== undefined && id !== memberId);
  };
  await expect
    .poll(async () => (await kv.members.list()).members.find(({ id }) => id === memberId))
    .toMatchObject({ name: 'ada', address: 'tab:ada', role: 'learner', kind: 'tab', isReachable: true });

  await kv.members.promote('ada');
  await tab.until(({ standing }) => standing === 'voter');
  await kv.transferLeader();
  await kv.put('promoted', 3);
  await nodeLeads();
  expect(await tab.get('promoted')).toBe(3);

  await tab.reload();
  await tab.until(({ phase, standing }) => phase === 'running' && standing === 'voter');
  expect((await tab.status()).memberId).toBe(memberId);
  await tab.put('reloaded', 4);
  // With one member of Node down the tab's vote counts.
  await cluster.kill(0);
  await kv.put('with the tab', 5);
  expect(await tab.get('with the tab')).toBe(5);
  await nodeLeads();
  await cluster.start(0);

  await kv.members.remove('ada');
  expect(await tab.until(({ phase }) => phase === 'stopped')).toMatchObject({ error: 'member_removed' });
  await tab.tab.page.reload({ waitUntil: 'load' });
  expect(await tab.tab.page.evaluate((how) => memberLab.refusal(how), options('ada', 'stay'))).toBe('member_removed');
  await kv.put('after', 6);
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
