// `npm run bench:web`: clusters of three tabs that vote, on strict IndexedDB: puts in a second, by the way that the tabs reach each other, and how long nobody
// can write when the tab that leads, or the one that holds a replica, goes. One machine does the work of three: read ratios.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launchProfile, webRtcFlags } from '../../browser/harness/chromium.ts';
import { openRelay } from '../../browser/harness/relay.ts';
import { serveSite } from '../../browser/harness/site.ts';
import type { Site } from '../../browser/harness/site.ts';
import { Profile } from '../../browser/harness/tabs.ts';
import type { Tab } from '../../browser/harness/tabs.ts';
import type { ChaosTabOptions } from '../../browser/pages/chaos-lab.ts';
import { Arena } from '../../chaos-web/arena.ts';
import { measureDeaths } from '../../chaos-web/deaths.ts';
import { ActRecord } from '../../chaos/work/act-record.ts';
import { percentile } from '../../chaos/deaths.ts';
import { Cluster } from '../../e2e/harness/cluster.ts';
import { waitFor } from '../../e2e/harness/wait.ts';
import { quantiles, rate, say } from './say.ts';

const callers = [1, 32, 256];
const putMilliseconds = Number(process.env['RAFTKV_BENCH_SECONDS'] ?? 5) * 1000;
const deaths = 7;
const folder = mkdtempSync(join(tmpdir(), 'raftkv-bench-members-'));
let site: Site;
let relay: Awaited<ReturnType<typeof openRelay>>;

beforeAll(async () => {
  [site, relay] = await Promise.all([serveSite(['chaos', 'replica']), openRelay()]);
});
afterAll(async () => {
  await site?.close();
  await relay?.close();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

type Way = NonNullable<NonNullable<ChaosTabOptions['member']>['way']>;

/** Puts through a client in the page of the leader. Answers puts a second by callers. */
async function measurePuts(name: string, evaluate: Tab['page']['evaluate']): Promise<Map<number, number>> {
  const perSecond = new Map<number, number>();
  // Warm.
  await evaluate(() => chaosLab.puts(32, 1000));
  for (const count of callers) {
    const { times, took } = await evaluate(([c, m]) => chaosLab.puts(c!, m!), [count, putMilliseconds]);
    perSecond.set(count, (times.length / took) * 1000);
    say(
      `${name.padEnd(24)} ${String(count).padStart(3)} callers ${rate(perSecond.get(count)!).padStart(8)}  ${quantiles(times)}`,
    );
    expect(times.length).toBeGreaterThan(0);
  }
  return perSecond;
}

/** Three tabs of one profile, the shape in which BroadcastChannel is a way at all. */
async function putsInOneProfile(way: Way): Promise<Map<number, number>> {
  const profile = new Profile(await launchProfile(join(folder, way), webRtcFlags));
  try {
    const names = ['ada', 'bob', 'eve'];
    const tabs = await Promise.all(names.map(() => profile.openTab(site.url('chaos'))));
    const cluster = { founders: names.map((name) => ({ name })) };
    for (const [at, name] of names.entries()) {
      const refused = await tabs[at]!.page.evaluate((how) => chaosLab.open(how), {
        name,
        member: { cluster, room: way, way },
        relay: relay.url,
      });
      expect(refused).toBeUndefined();
    }
    const leader = await waitFor(
      'somebody leads',
      async () => {
        const leads = await Promise.all(tabs.map((tab) => tab.page.evaluate(() => chaosLab.status().isLeader)));
        return tabs.find((_, at) => leads[at]);
      },
      { timeoutMilliseconds: 60_000 },
    );
    return await measurePuts(`${way}, one profile`, leader.page.evaluate.bind(leader.page));
  } finally {
    await profile.close();
  }
}

it('puts in a cluster of three tabs, on strict IndexedDB, 256 bytes', { timeout: 900_000 }, async () => {
  console.log('\nThree tabs that vote, strict IndexedDB, puts of 256 bytes from the tab that leads');
  const results = new Map<Way, Map<number, number>>();
  for (const way of ['webrtc', 'websocket', 'broadcast'] as const) results.set(way, await putsInOneProfile(way));
  const base = results.get('webrtc')!;
  for (const way of ['websocket', 'broadcast'] as const) {
    const ratios = callers.map((count) => `${count}: ${(results.get(way)!.get(count)! / base.get(count)!).toFixed(2)}`);
    say(`${way}, × WebRTC by callers  ${ratios.join(', ')}`);
  }
});

it('a room of three tabs in three profiles', { timeout: 900_000 }, async () => {
  console.log('\nThree tabs in three browsers over WebRTC');
  const arena = await Arena.open({ on: 'room', seats: 3, firefox: false, lab: { snapshotThreshold: 10_000 } });
  try {
    const leader = await waitFor('somebody leads', () => arena.leader());
    const evaluate = ((run: never, argument: never) => leader.tab.evaluate(run, argument)) as Tab['page']['evaluate'];
    await measurePuts('webrtc, three profiles', evaluate);
    const { closed, crashed, elected } = await measureDeaths({
      arena,
      deaths,
      random: () => 0.5,
      record: new ActRecord(),
      log: () => undefined,
    });
    const figures = (times: readonly number[]): string => `${quantiles(times)} (${times.length} times)`;
    say(`no writes, the tab that leads closed   ${figures(closed)}`);
    say(`no writes, its process killed          ${figures(crashed)}`);
    say(`another is elected, its process killed ${figures(elected)}`);
    say(`closed, × killed, at the median        ${(percentile(closed, 50) / percentile(crashed, 50)).toFixed(2)}`);
  } finally {
    await arena.close();
  }
});

it('the tab that holds a replica goes', { timeout: 600_000 }, async () => {
  console.log('\nTwo tabs share a replica, and the one that holds it goes: until the other has a put answered');
  const cluster = await Cluster.start({ args: ['--allowed-origins', '*'] });
  const profile = new Profile(await launchProfile(join(folder, 'holder')));
  const open = async (): Promise<Tab> => {
    const tab = await profile.openTab(site.url('replica'));
    await tab.page.evaluate((endpoints) => replicaLab.open({ endpoints }), cluster.addresses);
    await tab.page.evaluate(() => replicaLab.kv!.put('bench', 0));
    return tab;
  };
  try {
    let holder = await open();
    for (const how of ['close', 'kill'] as const) {
      const times: number[] = [];
      for (let turn = 0; turn < deaths; turn += 1) {
        const heir = await open();
        expect(await heir.page.evaluate(() => replicaLab.status().tenancy)).toBe('attached');
        const from = performance.now();
        const gone = holder[how]();
        await heir.page.evaluate(() => replicaLab.kv!.put('bench', 1));
        await heir.page.evaluate(
          () =>
            new Promise<void>((resolve) => {
              const look = (): void => {
                if (replicaLab.status().tenancy === 'holder') resolve();
              };
              replicaLab.kv!.replica.subscribe(look);
              look();
            }),
        );
        await heir.page.evaluate(() => replicaLab.kv!.put('bench', 2));
        times.push(performance.now() - from);
        await gone;
        holder = heir;
      }
      say(`${how === 'close' ? 'closed' : 'its process killed'}`.padEnd(38) + quantiles(times));
    }
  } finally {
    await profile.close();
    await cluster.destroy();
  }
});
