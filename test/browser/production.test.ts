// What an app gets in production: names that nobody sees are short there, and errors have no sentences. Everything else is as in the sources, which all
// other suites run; `RAFTKV_BUILD=production` runs any of them over this build.
import { expect, it } from 'vitest';
import { ReplicaTab, setCluster } from './harness/replica-tabs.ts';
import { setStage } from './harness/stage.ts';

const stage = setStage(['replica'], { build: 'production' });
const cluster = setCluster();

it('feeds tabs from one replica, writes once, and goes on from what it has kept', async () => {
  const first = await ReplicaTab.open(stage, cluster());
  await first.isHolder();
  const second = await ReplicaTab.open(stage, cluster());
  const revision = await second.put('made/in', { production: [1, 2] });
  for (const tab of [first, second]) {
    await tab.reaches(revision);
    expect(await tab.get('made/in')).toEqual({ production: [1, 2] });
    expect(await tab.get('made/in', 'linearizable')).toEqual({ production: [1, 2] });
  }
  const states = await second.tab.page.evaluate(() => {
    const { live } = replicaLab.kv!;
    return [live.get('made/in').getSnapshot(), live.scan({ prefix: 'made/' }, { reverse: true }).getSnapshot()];
  });
  expect(states).toMatchObject([
    { status: 'success', data: { key: 'made/in', version: 1 } },
    { status: 'success', data: [{ key: 'made/in', isPending: false }] },
  ]);
  await second.tab.close();
  await first.reloadKept(({ phase }) => phase === 'ready');
  const status = await first.reaches(revision);
  expect(status).toMatchObject({ snapshots: 0, divergences: 0, storage: 'relaxed', error: undefined });
});

it('runs transactions, scans and watches, and orders writes that wait', async () => {
  const tab = await ReplicaTab.open(stage, cluster());
  await tab.begin('counted', 1, 20);
  const results = await tab.tab.page.evaluate(async () => {
    const kv = replicaLab.kv!;
    await replicaLab.committed();
    const watch = kv.watch({ prefix: 'watched/' });
    await watch.ready();
    const { succeeded } = await kv
      .txn()
      .if({ key: 'counted', value: 20 }, { key: 'watched/1', exists: false })
      .then({ type: 'put', key: 'watched/1', value: 'yes' })
      .commit();
    const { value } = await watch.next();
    watch.close();
    const rows = await kv.scan({ all: true, pageSize: 1, keysOnly: true }).all();
    const counts = await Promise.all([kv.count({ prefix: 'watched/' }), kv.count({ all: true, revision: 1 })]);
    const { phase } = await kv.status();
    return {
      succeeded,
      entry: await kv.getEntry('counted'),
      events: value?.events,
      keys: rows.map(({ key }) => key),
      counts,
      phase,
    };
  });
  expect(results).toMatchObject({
    succeeded: true,
    entry: { value: 20, version: 20 },
    events: [{ type: 'put', key: 'watched/1', entry: { value: 'yes' } }],
    keys: expect.arrayContaining(['counted', 'watched/1']),
    counts: [1, expect.any(Number)],
    phase: 'running',
  });
});

it('says of an error its code and the values that belong to it', async () => {
  const tab = await ReplicaTab.open(stage, cluster());
  const messages = await tab.tab.page.evaluate(async () => {
    const kv = replicaLab.kv!;
    const told = (error: unknown): string => String(error);
    return Promise.all([
      kv.put('', 1).catch(told),
      kv.put('k'.repeat(5_000), 1).catch(told),
      kv.get('k', { timeoutMilliseconds: -1 }).catch(told),
    ]);
  });
  expect(messages).toEqual([
    'RaftkvError: key empty',
    'RaftkvError: key too large: 5000 4096',
    'RaftkvError: invalid argument: -1',
  ]);
});
