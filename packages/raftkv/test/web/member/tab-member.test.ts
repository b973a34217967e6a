// A member in a tab: it votes, leads only while it is seen, hands over before it is put to sleep, and begins anew with what is durable when it was. Pages and
// clocks are played, so that what browsers do at their leisure happens when a test wants it; `test/browser/member*.test.ts` has the real ones.
import { readFileSync } from 'node:fs';
import { connect } from '@raftkv/client';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { openTabMember } from '../../../src/web/member/index.ts';
import type { TabMemberEvent, TabMemberOptions, TabPage } from '../../../src/web/member/index.ts';
import { PlayedNetwork, PlayedPage, PlayedTab } from './played-tabs.ts';

let network: PlayedNetwork;
let tabs: PlayedTab[];
beforeEach(() => {
  network = new PlayedNetwork();
  tabs = [];
});
afterEach(() => Promise.all(tabs.map((tab) => tab.close())));

async function open(...[options, isHidden]: [Parameters<typeof PlayedTab.open>[1], boolean?]): Promise<PlayedTab> {
  const tab = await PlayedTab.open(network, options, isHidden);
  tabs.push(tab);
  return tab;
}

/** The first one founds, and leads. */
async function openThree(): Promise<PlayedTab[]> {
  const first = await open({ name: 'a', cluster: { founders: [{ name: 'a' }] } });
  await first.until(({ isLeader }) => isLeader);
  const cluster = { endpoints: [first.member.address] };
  const others = [await open({ name: 'b', cluster }), await open({ name: 'c', cluster })];
  for (const tab of others) await tab.until(({ standing }) => standing === 'voter');
  // Half way from two voters to three both of the two are needed.
  await expect.poll(async () => (await first.kv.members.list()).isChanging).toBe(false);
  return [first, ...others];
}

const leaderOf = (some: readonly PlayedTab[]): PlayedTab | undefined =>
  some.find(({ member }) => member.status().isLeader);
const oneLeads = (some: readonly PlayedTab[]): Promise<void> =>
  Promise.race(some.map((tab) => tab.until(({ isLeader }) => isLeader)));

describe('three tabs', () => {
  it('agree, and stay awake while they vote', async () => {
    const [a, b, c] = await openThree();
    await b!.kv.put('x', 1);
    expect(await c!.kv.get('x')).toBe(1);
    expect(a!.member.status()).toMatchObject({ phase: 'running', standing: 'voter', priority: 5, isKeptAwake: true });
    expect(a!.locks).toHaveLength(1);
    await a!.close();
    expect(a!.locks).toEqual([]);
    expect(a!.member.status()).toMatchObject({ phase: 'stopped', isKeptAwake: false, error: undefined });
  });

  it('a leader that is hidden hands over in that turn, to one that is seen, and does not campaign', async () => {
    const [a, b, c] = await openThree();
    b!.hide();
    await b!.until(({ priority }) => priority === 0);
    // The leader hears of it with the next heartbeat.
    await new Promise((resolve) => setTimeout(resolve, 150));
    a!.hide();
    await c!.until(({ isLeader }) => isLeader);
    expect(c!.member.status().term).toBe(2);
    await c!.kv.put('x', 1);
    network.cut(c!.member.status().name);
    await a!.until(({ leader }) => leader === undefined);
    await b!.until(({ leader }) => leader === undefined);
    await new Promise((resolve) => setTimeout(resolve, 2000));
    expect([a, b].map((tab) => tab!.member.status().term)).toEqual([2, 2]);
    b!.show();
    await b!.until(({ isLeader }) => isLeader);
    expect(await b!.kv.get('x')).toBe(1);
  });

  it.each(['freeze', 'pagehide'] as const)('a leader hands over on %s, to a hidden one if need be', async (type) => {
    const [a, b, c] = await openThree();
    b!.hide();
    c!.hide();
    await new Promise((resolve) => setTimeout(resolve, 150));
    a!.say(type);
    await oneLeads([b!, c!]);
    expect(a!.member.status().isLeader).toBe(false);
  });

  it.each(['both', 'wall'] as const)('one that did not run begins anew: by clocks of %s', async (clocks) => {
    const events: TabMemberEvent[] = [];
    const a = await open({ name: 'a', cluster: { founders: [{ name: 'a' }] }, onEvent: (event) => events.push(event) });
    await a.kv.put('x', 1);
    const { memberId } = a.member.status();
    a.sleep(10_000, clocks);
    await a.until(({ restarts, isLeader }) => restarts === 1 && isLeader);
    expect(a.member.status()).toMatchObject({ memberId, phase: 'running' });
    expect(events.find(({ type }) => type === 'restarting')).toMatchObject({ milliseconds: expect.any(Number) });
    expect(await a.kv.get('x')).toBe(1);
    expect(a.member.status().term).toBeGreaterThan(1);
  });

  it('what was under way when the tab stopped is not acknowledged by the life after', async () => {
    const [a, b] = await openThree();
    const leader = leaderOf(tabs)!;
    expect(leader).toBe(a);
    const { name } = a!.member.status();
    const once = connect({ endpoints: [a!.member.address], dial: a!.member.dial, retries: 0 });
    await once.put('before', 1);
    network.cut(name);
    const lost = once.put('lost', 1, { timeoutMilliseconds: 20_000 }).catch((error: unknown) => error);
    await oneLeads(tabs.slice(1));
    await b!.kv.put('won', 1);
    // A busy machine may have made it stop before.
    const { restarts: before } = a!.member.status();
    a!.sleep(5000);
    await a!.until(({ restarts }) => restarts > before);
    network.mend(name);
    expect(await lost).toMatchObject({ code: 'connection_lost', definite: false });
    await once.close();
    expect(await b!.kv.get('lost')).toBeUndefined();
    expect(await a!.kv.get('won')).toBe(1);
    expect(a!.member.status().isLeader).toBe(false);
  });

  it('one that is restored from the cache begins anew, however short it was away', async () => {
    const [a] = await openThree();
    const { restarts: before } = a!.member.status();
    a!.restore();
    await a!.until(({ restarts, phase }) => restarts > before && phase === 'running');
    await oneLeads(tabs);
    await a!.kv.put('x', 1);
  });

  it('one that is hidden may be quiet for a minute, and looks when it is shown', async () => {
    const [, b] = await openThree();
    b!.hide();
    b!.sleep(60_000);
    await tabs[0]!.kv.put('x', 1);
    expect(await b!.kv.get('x')).toBe(1);
    expect(b!.member.status().restarts).toBe(0);
    b!.sleep(60_000);
    b!.show();
    await b!.until(({ restarts, phase }) => restarts === 1 && phase === 'running');
  });

  it('one that stops running while it hands over is closed all the same', async () => {
    const [a] = await openThree();
    const closed = a!.member.close({ handOver: true });
    a!.sleep(60_000);
    await closed;
    expect(a!.member.status()).toMatchObject({ phase: 'stopped', error: undefined });
  });

  it('close one after another, and the last one goes on', async () => {
    const [a, b, c] = await openThree();
    await a!.kv.put('x', 1);
    // A voter that leaves for good is removed while it can still agree to that: the room does so, and here the test.
    for (const [leaving, staying] of [
      [a!, b!],
      [b!, c!],
    ] as const) {
      const { memberId, name } = leaving.member.status();
      await staying.kv.members.remove(memberId);
      await leaving.until(({ phase }) => phase === 'stopped');
      await staying.kv.put('x', name);
    }
    expect(await c!.kv.get('x')).toBe(b!.member.status().name);
    expect(c!.member.status()).toMatchObject({ isLeader: true });
  });
});

describe('a member on battery', () => {
  it('leads while there is no other, and gives that up to a desktop as soon as it votes', async () => {
    const mobile = await open({ name: 'a', cluster: { founders: [{ name: 'a' }] }, isMobile: true });
    await mobile.until(({ isLeader }) => isLeader);
    expect(mobile.member.status().priority).toBe(3);
    const desktop = await open({ name: 'b', cluster: { endpoints: [mobile.member.address] } });
    await desktop.until(({ isLeader }) => isLeader);
    expect(desktop.member.status().priority).toBe(5);
    mobile.hide();
    expect(mobile.member.status().priority).toBe(0);
  });
});

describe('members of one browser', () => {
  const domainsOf = async ({ kv }: PlayedTab) =>
    Object.fromEntries((await kv.members.list()).members.map(({ name, domain }) => [name.slice(0, 1), domain]));

  it('say the word that this browser keeps, so that they are known to fail together, or what the app says', async () => {
    const kept = new Map<string, string>();
    vi.stubGlobal('localStorage', {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
    });
    onTestFinished(() => void vi.unstubAllGlobals());
    const [first] = await openThree();
    const [word] = [...kept.values()];
    expect(word).toMatch(/^[A-Za-z0-9_-]{12}$/);
    expect(await domainsOf(first!)).toEqual({ a: word, b: word, c: word });
    const other = await open({
      name: 'd',
      domain: 'elsewhere',
      cluster: { endpoints: [first!.member.address], plan: 'stay' },
    });
    await other.until(({ standing }) => standing === 'learner');
    expect(await domainsOf(first!)).toMatchObject({ c: word, d: 'elsewhere' });
  });
});

describe('a member that ends with its page', () => {
  it('is another one in the next page, under another name', async () => {
    const a = await open({ name: 'a', cluster: { founders: [{ name: 'a' }] } });
    const cluster = { endpoints: [a.member.address] };
    const first = await open({ name: 'b', cluster: { ...cluster, plan: 'stay' } });
    const before = first.member.status();
    await first.close();
    const again = (await open({ name: 'b', cluster: { ...cluster, plan: 'stay' } })).member.status();
    expect(again.memberId).not.toBe(before.memberId);
    expect(again.name).not.toBe(before.name);
    expect(again.name).toMatch(/^b-[a-z0-9]{10}$/);
  });
});

describe('a member that is removed', () => {
  it('stops for good, and says why', async () => {
    const [a, b] = await openThree();
    await a!.kv.members.remove(b!.member.status().memberId);
    await b!.until(({ phase }) => phase === 'stopped');
    expect(b!.member.status().error).toMatchObject({ code: 'member_removed' });
    await expect(b!.member.dial(b!.member.address, { signal: new AbortController().signal })).rejects.toMatchObject({
      code: 'connect_failed',
    });
  });
});

describe('what cannot be', () => {
  const options: TabMemberOptions = {
    name: 'a',
    cluster: { founders: [{ name: 'a' }] },
    storage: 'memory',
    openNetwork: () => {
      throw new Error('not to be asked');
    },
  };
  const founders = [{ name: 'a' }, { name: 'b' }];

  it.each([
    ['a relaxed storage', { storage: 'relaxed' as 'strict' }, 'unsupported'],
    ['a name that is no address', { name: 'a.b' }, 'invalid_argument'],
    ['a founder that is not in the list', { cluster: { founders: [{ name: 'b' }] } }, 'invalid_argument'],
    ['many founders that forget', { cluster: { founders } }, 'invalid_argument'],
    ['no time to elect', { electionTimeoutMilliseconds: 10 }, 'invalid_argument'],
  ])('%s is refused before anything is opened', async (_what, change, code) => {
    await expect(openTabMember({ ...options, ...change })).rejects.toMatchObject({ code });
  });
});

describe('a member that is to last', () => {
  const refused = (page: TabPage) =>
    openTabMember({
      name: 'a',
      cluster: { founders: [{ name: 'a' }] },
      storage: 'strict',
      openNetwork: network.open,
      page,
    });
  const withNavigator = (storage: object): void => {
    vi.stubGlobal('navigator', { storage });
    onTestFinished(() => void vi.unstubAllGlobals());
  };

  it('is refused in a page without locks, where nothing would keep two tabs from being it', async () => {
    withNavigator({});
    const page = Object.assign(new PlayedPage(false), { locks: undefined });
    const error = refused(page);
    await expect(error).rejects.toMatchObject({ code: 'unsupported' });
    await expect(error).rejects.toThrow('this page has no Web Locks');
  });

  it('is refused in a private window, as far as that can be told, and told what there is instead', async () => {
    withNavigator({ getDirectory: () => Promise.reject(new DOMException('no', 'SecurityError')) });
    const error = refused(new PlayedPage(false));
    await expect(error).rejects.toMatchObject({ code: 'unsupported' });
    await expect(error).rejects.toThrow("this is a private window, whose data go with it; storage: 'memory' makes one");
  });
});

it('says the version of this package', async () => {
  const a = await open({ name: 'a', cluster: { founders: [{ name: 'a' }] } });
  await a.kv.put('x', 1);
  const manifest = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  expect((await a.kv.status()).version).toBe((JSON.parse(manifest) as { version: string }).version);
});
