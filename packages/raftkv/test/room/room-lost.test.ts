// Rooms of tabs in one process whose majority vanished at once: read, gone on from, by one of several tabs, and joined anew by those who come back.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openPages, quorum, settled, voters, within } from './room-acts.ts';
import { Profile, Stage, clock } from './room-stage.ts';
import type { Page } from './room-stage.ts';

let stage = new Stage();
afterEach(async () => {
  await stage.close();
  stage = new Stage();
});

vi.setConfig({ testTimeout: 120_000 });
const open = (count: number): Promise<Page[]> => openPages(stage, count);

describe('a room whose majority vanished at once', () => {
  it('can be read, and goes on from what is left when somebody says so; who comes back is refused and told', async () => {
    const pages = await open(3);
    await settled(pages);
    const [a, b, c] = pages as [Page, Page, Page];
    await a.room.kv.put('x', 'agreed');
    await vi.waitFor(async () => expect(await a.room.kv.get('x', { level: 'local' })).toBe('agreed'), within);
    await expect(a.room.goOnFromHere()).rejects.toMatchObject({ code: 'invalid_argument' });
    a.cut();
    await b.room.kv.put('y', 'only there');
    await c.room.kv.put('x', 'another');
    const [profileB, profileC] = [b.profile, c.profile];
    b.crash();
    c.crash();
    a.mend();
    await vi.waitFor(() => expect(quorum(a).state).toBe('lost'), within);
    const before = a.room.status.getSnapshot();
    await go(a);
    const after = a.room.status.getSnapshot();
    expect(after.epoch).toBe(2);
    expect(after.clusterId).not.toBe(before.clusterId);
    await vi.waitFor(async () => expect(await a.room.kv.get('x')).toBe('agreed'), within);
    await a.room.kv.put('x', 'gone on');
    await expect(a.room.joinAnew()).rejects.toMatchObject({ code: 'not_found' });
    // The old majority comes back: it is a room of its own, and hears that another went on.
    const back = await stage.enter(profileB);
    await vi.waitFor(() => expect(back.room.status.getSnapshot().supersededBy?.epoch).toBe(2), within);
    const other = await stage.enter(profileC);
    await vi.waitFor(() => expect(quorum(other).state).toBe('works'), within);
    expect(await back.room.kv.get('y')).toBe('only there');
    expect(other.room.status.getSnapshot().clusterId).toBe(before.clusterId);
    expect(voters(a)).toEqual([a.room.word]);
    const unmerged = await back.room.unmerged();
    expect(unmerged.entries.toSorted((p, q) => (p.key < q.key ? -1 : 1))).toEqual([
      { key: 'x', value: 'another', there: 'gone on' },
      { key: 'y', value: 'only there', there: undefined },
    ]);
    expect(unmerged.export().split('\n')).toContain('{"key":"y","value":"\\"only there\\""}');
    // They may join anew.
    for (const page of [back, other]) page.room = await page.room.joinAnew();
    await settled([a, back, other]);
    expect(await other.room.kv.get('x')).toBe('gone on');
    // A page that joined anew says its last word like any other.
    const closedAt = clock.now();
    other.close();
    await settled([a, back]);
    expect(clock.now() - closedAt).toBeLessThan(4_000);
    // And it is noted where it lasts.
    const { profile } = a;
    a.crash();
    const again = await stage.enter(profile);
    expect(again.room.status.getSnapshot().epoch).toBe(2);
  });

  it('is read from the member that was left for a room that went on, if that room cannot be opened', async () => {
    const [a, b, c] = (await open(3)) as [Page, Page, Page];
    await settled([a, b, c]);
    await a.room.kv.put('x', 1);
    await vi.waitFor(async () => expect(await a.room.kv.get('x', { level: 'local' })).toBe(1), within);
    for (const page of [b, c]) page.crash();
    await vi.waitFor(() => expect(quorum(a).state).toBe('lost'), within);
    const { clusterId } = a.room.status.getSnapshot();
    const [stores] = a.profile.rooms.values();
    const [former] = stores!;
    await go(a);
    expect(stores!.has(former!)).toBe(false);
    // As when the tab ended between two steps: the room that went on is there, and so is what was left for it.
    stores!.add(former!);
    a.crash();
    const [on] = [...stores!].filter((store) => store !== former);
    on!.notes.set('incarnation', new TextEncoder().encode('no note'));
    const back = await stage.enter(a.profile);
    expect(back.room.status.getSnapshot()).toMatchObject({ clusterId, epoch: 1, error: undefined });
    expect(back.room.status.getSnapshot().warnings.join(' ')).toContain('storage_corrupt');
    expect(stores!.size).toBe(2);
    await vi.waitFor(() => expect(quorum(back).state).toBe('lost'), within);
    await go(back);
    expect(await back.room.kv.get('x')).toBe(1);
  });

  it('goes on with all that was acknowledged, though who is left does not know of all of it that it is agreed', async () => {
    const pages = await open(3);
    await settled(pages);
    const leader = pages.find(({ room }) => room.status.getSnapshot().self.isLeader)!;
    const [one, ...others] = pages.filter((page) => page !== leader) as [Page, Page];
    // Only one of the others has what is acknowledged now.
    others[0]!.cut();
    for (let n = 1; n <= 20; n += 1) await leader.room.kv.put(`n${n}`, n);
    for (const page of pages) page.crash();
    const back = await stage.enter(one.profile);
    await vi.waitFor(() => expect(quorum(back).state).toBe('lost'), within);
    await go(back);
    await vi.waitFor(async () => expect(await back.room.kv.get('n20')).toBe(20), within);
    const kept = await Promise.all(Array.from({ length: 20 }, (_, at) => back.room.kv.get(`n${at + 1}`)));
    expect(kept).toEqual(Array.from({ length: 20 }, (_, at) => at + 1));
  });

  it('tells which of its tabs knows most, and goes on from no other one unless that is said', async () => {
    const pages = await open(5);
    await settled(pages);
    const leader = pages.find(({ room }) => room.status.getSnapshot().self.isLeader)!;
    const [behind, one, ...others] = pages.filter((page) => page !== leader) as [Page, Page, ...Page[]];
    behind.cut();
    await leader.room.kv.put('x', 'acknowledged');
    await vi.waitFor(async () => expect(await one.room.kv.get('x', { level: 'local' })).toBe('acknowledged'), within);
    for (const page of [leader, ...others]) page.crash();
    behind.mend();
    await vi.waitFor(() => {
      expect([quorum(behind).knowsMost, quorum(one).knowsMost]).toEqual([one.room.word, one.room.word]);
    }, within);
    expect(quorum(behind).words).toContain(`The tab ${one.room.word} may know more than this one`);
    await expect(behind.room.goOnFromHere()).rejects.toMatchObject({ code: 'invalid_argument' });
    await go(one);
    expect(await one.room.kv.get('x')).toBe('acknowledged');
    await vi.waitFor(() => expect(behind.room.status.getSnapshot().supersededBy?.epoch).toBe(2), within);
    await expect(behind.room.goOnFromHere({ isLessEnough: true })).rejects.toThrow('went on already');
  });

  it.each([
    ['within reach of each other', false],
    ['of one browser that do not hear each other', true],
  ])('goes on from one of two tabs that mean to at the same moment: %s', async (_where, isApart) => {
    const profile = new Profile('p1');
    const pages = [await stage.create(profile)];
    for (const domain of ['p1', 'p2', 'p3', 'p4']) {
      pages.push(await stage.enter(domain === 'p1' && isApart ? profile : new Profile(domain)));
    }
    await settled(pages);
    const [a, b, ...others] = pages as [Page, Page, ...Page[]];
    for (const page of others) page.crash();
    if (isApart) a.cut();
    await vi.waitFor(() => expect([quorum(a).state, quorum(b).state]).toEqual(['lost', 'lost']), within);
    const outcomes = await Promise.allSettled([go(a), go(b)]);
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    a.mend();
    const [on, left] = outcomes[0].status === 'fulfilled' ? [a, b] : [b, a];
    await vi.waitFor(() => expect(quorum(on).state).toBe('works'), within);
    // The other one is the member that it was, and is told.
    await vi.waitFor(() => expect(left.room.status.getSnapshot().supersededBy?.epoch).toBe(2), within);
    expect(left.room.status.getSnapshot()).toMatchObject({ epoch: 1, quorum: { state: 'lost', votersHere: 1 } });
    expect(left.memberId).toBeDefined();
  });

  it('goes on once from a tab that is told to twice', async () => {
    const [a, ...others] = (await openPages(stage, 3)) as [Page, Page, Page];
    await settled([a, ...others]);
    for (const page of others) page.crash();
    await vi.waitFor(() => expect(quorum(a).state).toBe('lost'), within);
    const { room } = a;
    const [first, second] = await Promise.allSettled([room.goOnFromHere(), room.goOnFromHere()]);
    expect([first.status, second]).toMatchObject(['fulfilled', { reason: { code: 'busy' } }]);
    if (first.status === 'fulfilled') a.room = first.value;
    await vi.waitFor(() => expect(quorum(a).state).toBe('works'), within);
    await a.room.kv.put('x', 1);
    await expect(room.goOnFromHere()).rejects.toMatchObject({ code: 'closed' });
  });

  it('becomes two rooms, of the same epoch and with ids of their own, if two go on apart', async () => {
    const pages = await open(5);
    await settled(pages);
    const [a, b, ...others] = pages as [Page, Page, ...Page[]];
    await a.room.kv.put('x', 1);
    await vi.waitFor(async () => expect(await b.room.kv.get('x', { level: 'local' })).toBe(1), within);
    for (const page of others) page.crash();
    a.cut();
    await vi.waitFor(() => expect([quorum(a).state, quorum(b).state]).toEqual(['lost', 'lost']), within);
    await Promise.all([go(a), go(b)]);
    a.mend();
    await a.room.kv.put('x', 'a');
    await b.room.kv.put('x', 'b');
    await vi.waitFor(() => expect(a.room.status.getSnapshot().others).toHaveLength(1), within);
    const [one, two] = [a.room.status.getSnapshot(), b.room.status.getSnapshot()];
    expect([one.epoch, two.epoch]).toEqual([2, 2]);
    expect(one.clusterId).not.toBe(two.clusterId);
    expect(one.others[0]!.clusterId).toBe(two.clusterId);
    expect([await a.room.kv.get('x'), await b.room.kv.get('x')]).toEqual(['a', 'b']);
    expect([voters(a), voters(b)]).toEqual([[a.room.word], [b.room.word]]);
  });
});

async function go(page: Page): Promise<void> {
  page.room = await page.room.goOnFromHere();
}
