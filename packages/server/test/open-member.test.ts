// A member as a whole, over memory: it founds, joins, comes back, hands over, is removed and notes that; and whoever opens it gets back what could not be opened, and
// hears once of what went wrong. What its parts do is tested by themselves.
import { createMemoryStore, openMemoryStorage } from '@raftkv/storage';
import { memoryChannelPair } from '@raftkv/transport';
import { RaftkvError } from '@raftkv/wire';
import type { AdminRequest } from '@raftkv/wire';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askAdmission, openHome, openMember } from '../src/index.ts';
import type { HomeOptions, Member, MemberEvent, MemberOptions } from '../src/index.ts';

const clock = {
  now: () => performance.now(),
  schedule: (callback: () => void, milliseconds: number) => {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
  defer: (callback: () => void) => void setImmediate(callback),
};
const founders = ['a', 'b', 'c'].map((name) => ({ name, address: `${name}:1` }));

let stores: Map<string, ReturnType<typeof createMemoryStore>>;
let running: Map<string, Member>;
let events: MemberEvent[];
let halts: string[];
beforeEach(() => {
  stores = new Map();
  running = new Map();
  events = [];
  halts = [];
});
afterEach(async () => {
  await Promise.all([...running.values()].map((member) => member.close()));
});

function homeOf(name: string, how: Partial<HomeOptions> = {}): HomeOptions {
  const store = stores.get(name) ?? createMemoryStore();
  stores.set(name, store);
  const place = {
    label: `the memory of ${name}`,
    reopen: async () => (store.identity === undefined ? undefined : openMemoryStorage({ create: false, store })),
    create: async (identity: Parameters<HomeOptions['place']['create']>[0]) =>
      openMemoryStorage({ create: true, identity, store }),
  };
  return { place, name, token: 'test', founders, join: undefined, ...how };
}

async function open(name: string, how: Partial<HomeOptions> = {}, more: Partial<MemberOptions> = {}): Promise<Member> {
  const address = `${name}:1`;
  const member = await openMember({
    home: await openHome(homeOf(name, how)),
    version: 'test',
    clock,
    raft: { seed: name.charCodeAt(0), electionTimeoutTicks: 10 },
    tickMilliseconds: 20,
    mesh: {
      dial: async (to) => {
        const there = running.get(to);
        if (there === undefined) throw new RaftkvError('connect_failed', `nobody is at ${to}`);
        const { left, right } = memoryChannelPair();
        there.mesh.accept(right);
        return left;
      },
    },
    onHalt: ({ code }) => halts.push(`${name} ${code}`),
    onEvent: (event) => events.push(event),
    ...more,
  });
  running.set(address, member);
  return member;
}

async function start(member: Member): Promise<Member> {
  await member.start();
  return member;
}

async function openThree(): Promise<Member[]> {
  const members = await Promise.all(founders.map(({ name }) => open(name)));
  return Promise.all(members.map(start));
}

async function leaderOf(members: readonly Member[]): Promise<Member> {
  await expect.poll(() => members.some(({ node }) => node.isLeader)).toBe(true);
  return members.find(({ node }) => node.isLeader)!;
}

const put = (member: Member, key: string): Promise<unknown> =>
  member.node.execute({ session: undefined, command: { type: 'put', key, value: Uint8Array.of(1) } });
const has = async (member: Member, key: string): Promise<boolean> =>
  (await member.node.get(key, { level: 'linearizable' })).entry !== undefined;

describe('members', () => {
  it('found a cluster once all are there, agree, hand over, and come back as who they were', async () => {
    const [a, b] = [await open('a'), await open('b')];
    void a.start();
    void b.start();
    await expect.poll(() => events.filter(({ type }) => type === 'peer connected').length).toBeGreaterThan(1);
    expect(a.clusterId.known).toBeUndefined();
    const members = [a, b, await start(await open('c'))];
    const leader = await leaderOf(members);
    await put(leader, 'x');
    await expect.poll(() => new Set(members.map(({ clusterId }) => clusterId.settled)).size).toBe(1);
    await leader.handOver();
    expect(leader.node.isLeader).toBe(false);

    const { memberId } = a.node;
    await a.close();
    running.delete('a:1');
    const again = await start(await open('a', { founders: [] }));
    expect(again.node.memberId).toBe(memberId);
    // Nobody may lead for a moment: the one that was closed may have.
    await expect.poll(() => has(again, 'x').catch(() => false)).toBe(true);
  });

  it('join, and one that is removed notes that, says so, and does not start again', async () => {
    const members = await openThree();
    const leader = await leaderOf(members);
    await put(leader, 'x');
    const ask = (request: AdminRequest) => leader.node.admin(request);
    const join = () => askAdmission(ask, { name: 'd', address: 'd:1', plan: 'stay' });
    const joined = await start(await open('d', { founders: [], join }));
    await expect.poll(() => has(joined, 'x')).toBe(true);
    await ask({ type: 'remove', member: 'd' });
    await expect.poll(() => halts).toEqual(['d member_removed']);
    await joined.close();
    running.delete('d:1');
    await expect(openHome(homeOf('d', { founders: [] }))).rejects.toMatchObject({ code: 'member_removed' });
    expect(stores.get('d')!.isLocked).toBe(false);
  });
});

describe('opening', () => {
  it('asks whoever has to be asked before anybody hears of the member, and closes the storage if the answer is no', async () => {
    const no = new RaftkvError('storage_identity', 'another cluster');
    const asked: unknown[] = [];
    const check = async (known: string | undefined): Promise<void> => {
      asked.push(known);
      throw no;
    };
    await expect(open('a', {}, { check })).rejects.toBe(no);
    expect(asked).toEqual([undefined]);
    expect(stores.get('a')!.isLocked).toBe(false);
    expect(events).toEqual([]);
  });

  it('refuses one that is no founder and was not told to join, and one of another name', async () => {
    await expect(openHome(homeOf('z'))).rejects.toMatchObject({ code: 'config_invalid' });
    const home = homeOf('a');
    await (await openHome(home)).storage.close();
    await expect(openHome({ ...home, name: 'b' })).rejects.toMatchObject({ code: 'storage_identity' });
    await expect(openHome({ ...home, token: 'another' })).rejects.toMatchObject({ code: 'storage_identity' });
    expect(stores.get('a')!.isLocked).toBe(false);
  });
});

describe('a member that fails', () => {
  it('is told of once, and not after it was closed', async () => {
    const member = await open('a', { founders: founders.slice(0, 1) });
    await start(member);
    await leaderOf([member]);
    member.storage.append = () => Promise.reject(new RaftkvError('storage_failed', 'no more'));
    await expect(put(member, 'x')).rejects.toMatchObject({ code: 'closed' });
    expect(halts).toEqual(['a storage_failed']);
    await member.close();
    await expect(put(member, 'x')).rejects.toMatchObject({ code: 'closed' });
    expect(halts).toEqual(['a storage_failed']);
  });
});
