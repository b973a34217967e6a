// A page of a room that is left for a while, and comes out of the browser's cache: it is in the room again, with what is kept of it and nothing that it only knew.
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Room } from '../../src/room/open-room.ts';
import { openPages, quorum, settled, voters, within } from './room-acts.ts';
import { Profile, Stage } from './room-stage.ts';
import type { Page } from './room-stage.ts';

let stage = new Stage();
afterEach(async () => {
  await stage.close();
  stage = new Stage();
});

vi.setConfig({ testTimeout: 120_000 });

/** A room of some pages, and of one that an app has. */
async function openWithApp(others: number, profile = new Profile('app')) {
  const pages = await openPages(stage, others);
  await settled(pages);
  const { page, room } = await stage.join(profile);
  await votes(room);
  await vi.waitFor(() => expect(quorum(pages[0]!)).toMatchObject({ voters: others + 1, isChanging: false }), within);
  return { pages, page, room };
}

const statusOf = (room: Room) => room.status.getSnapshot();
const votes = (room: Room): Promise<void> =>
  vi.waitFor(() => {
    expect(statusOf(room)).toMatchObject({ phase: 'open', self: { role: 'voter' }, quorum: { state: 'works' } });
  }, within);
const reads = (room: Room, key: string, value: unknown): Promise<void> =>
  vi.waitFor(async () => expect(await room.kv.get(key, { level: 'local' })).toBe(value), within);

describe('a page of a room that comes back from the cache', () => {
  it('is in it again, under the same store and status, as the member that it was', async () => {
    // However long the others take to go on: nobody is let go for being away.
    stage.options = { ...stage.options, policy: { ...stage.options.policy, goneMilliseconds: 10_000_000 } };
    const { pages, page, room } = await openWithApp(2);
    const [a] = pages as [Page, Page];
    const { kv, status } = room;
    const seen: unknown[] = [];
    const live = kv.live.get('x');
    live.subscribe(() => seen.push(live.getSnapshot().data?.value));
    await a.room.kv.put('x', 'before');
    await vi.waitFor(() => expect(seen).toContain('before'), within);
    page.close('away');
    expect(statusOf(room)).toMatchObject({ phase: 'away' });
    expect(page.doors).toEqual([]);
    // The others heard its last word, and go on.
    await a.room.kv.put('x', 'meanwhile');
    page.comeBack();
    await votes(room);
    expect([room.kv === kv, room.status === status]).toEqual([true, true]);
    await vi.waitFor(() => expect(seen.at(-1)).toBe('meanwhile'), within);
    await room.kv.put('x', 'back');
    expect(await a.room.kv.get('x')).toBe('back');
    await vi.waitFor(() => expect(voters(a)).toContain(statusOf(room).self.word), within);
    expect([...page.profile.rooms.values()].map(({ size }) => size)).toEqual([1]);
  });

  it('may go and come back many times, also before it has come back', async () => {
    const { pages, page, room } = await openWithApp(2);
    for (let times = 1; times <= 5; times += 1) {
      page.close('away');
      page.comeBack();
      // It is on its way back, or not yet.
      if (times % 2 === 0) {
        for (let turns = 0; turns < times; turns += 1) await new Promise(setImmediate);
        page.close('away');
        page.comeBack();
      }
      await votes(room);
      await room.kv.put('times', times);
      await vi.waitFor(async () => expect(await pages[0]!.room.kv.get('times')).toBe(times), within);
    }
  });

  it('sends then what was written while it was away, once', async () => {
    const { pages, page, room } = await openWithApp(2);
    page.close('away');
    const write = room.kv.mutate([{ type: 'put', key: 'n', value: 1 }]);
    page.comeBack();
    await vi.waitFor(() => expect(write.state.getSnapshot().status).toBe('committed'), within);
    expect(await pages[0]!.room.kv.getEntry('n')).toMatchObject({ value: 1, version: 1 });
  });

  it('that is alone in its room has all of it, though it keeps nothing', async () => {
    const { page, room } = await stageAlone(new Profile('p1', { isEphemeral: true }));
    await room.kv.put('x', 1);
    page.close('away');
    page.comeBack();
    await votes(room);
    expect(await room.kv.get('x')).toBe(1);
    await room.kv.put('x', 2);
    expect(await room.kv.getEntry('x')).toMatchObject({ value: 2, version: 2 });
  });

  it('is another tab of the room if its member is another tab of the profile by now', async () => {
    const profile = new Profile('app');
    const { pages, page, room } = await openWithApp(2, profile);
    const { word } = statusOf(room).self;
    await pages[0]!.room.kv.put('x', 1);
    const closed = new Promise<void>((resolve) => {
      page.afterClosing = async () => resolve();
    });
    page.close('away');
    await closed;
    const heir = await stage.enter(profile);
    expect(heir.room.word).toBe(word);
    page.comeBack();
    await vi.waitFor(() => expect(statusOf(room)).toMatchObject({ phase: 'open', quorum: { state: 'works' } }), within);
    expect(statusOf(room).self.word).not.toBe(word);
    await reads(room, 'x', 1);
    await room.kv.put('x', 2);
    expect(await heir.room.kv.get('x')).toBe(2);
  });

  it('is told where the room went on meanwhile, and stays with what it holds', async () => {
    const { pages, page, room } = await openWithApp(2);
    const [a, b] = pages as [Page, Page];
    const { clusterId } = statusOf(room);
    await a.room.kv.put('x', 'agreed');
    await reads(room, 'x', 'agreed');
    b.crash();
    page.cut();
    await vi.waitFor(() => expect(quorum(a).state).toBe('lost'), within);
    page.close('away');
    a.room = await a.room.goOnFromHere();
    page.comeBack();
    await vi.waitFor(() => expect(statusOf(room)).toMatchObject({ phase: 'open', supersededBy: { epoch: 2 } }), within);
    expect(statusOf(room)).toMatchObject({ clusterId, epoch: 1 });
    expect(await room.kv.get('x', { level: 'local' })).toBe('agreed');
    page.app = await room.joinAnew({ confirm: true });
    await votes(page.app);
    expect(statusOf(page.app).epoch).toBe(2);
    // The former one hears of pages no more.
    page.close('away');
    page.comeBack();
    await votes(page.app);
    expect(statusOf(room).phase).toBe('left');
  });

  it('does not come back to a room that it left', async () => {
    const { page, room } = await openWithApp(2);
    await room.leave();
    page.close('away');
    page.comeBack();
    await new Promise(setImmediate);
    expect(statusOf(room)).toMatchObject({ phase: 'left', departure: { state: 'gone' } });
    expect(page.doors).toEqual([]);
  });

  it('may leave on its way back', async () => {
    const { pages, page, room } = await openWithApp(2);
    page.close('away');
    page.comeBack();
    await room.leave();
    expect(statusOf(room)).toMatchObject({ phase: 'left' });
    expect(page.doors).toEqual([]);
    await expect(room.kv.put('x', 1)).rejects.toMatchObject({ code: 'closed' });
    await vi.waitFor(() => expect(quorum(pages[0]!)).toMatchObject({ state: 'works', voters: 2 }), within);
  });

  it('says so if its storage cannot be had', async () => {
    const { page, room } = await openWithApp(2);
    page.close('away');
    page.profile.isTaken = true;
    page.comeBack();
    await vi.waitFor(
      () => expect(statusOf(room)).toMatchObject({ phase: 'left', error: { code: 'storage_locked' } }),
      within,
    );
    await expect(room.kv.put('x', 1)).rejects.toMatchObject({ code: 'closed' });
    expect(page.doors).toEqual([]);
  });
});

async function stageAlone(profile: Profile) {
  const founder = await stage.create(new Profile('founder'));
  const { page, room } = await stage.join(profile);
  await votes(room);
  await founder.room.leave();
  stage.gone(founder);
  await vi.waitFor(() => expect(statusOf(room).quorum).toMatchObject({ state: 'works', voters: 1 }), within);
  return { page, room };
}
