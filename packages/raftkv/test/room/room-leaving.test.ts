// Tabs that leave a room in order: what stands then is told, and what is kept of it is a member's as before or nobody's.
import { RaftkvError } from '@raftkv/wire';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { describeDeparture } from '../../src/room/room-departure.ts';
import { deferred, openPages, quorum, settled, within } from './room-acts.ts';
import { Profile, Stage, clock } from './room-stage.ts';
import type { Page } from './room-stage.ts';

let stage = new Stage();
afterEach(async () => {
  await stage.close();
  stage = new Stage();
});

vi.setConfig({ testTimeout: 240_000 });

const kept = (page: Page): number => page.profile.rooms.values().next().value!.size;

describe('a tab that leaves', () => {
  it('is told that the others could not let its member go, and leaves for good when they can', async () => {
    stage.options = { ...stage.options, leaveMilliseconds: 1_000 };
    const [a, b, ...others] = (await openPages(stage, 5)) as [Page, Page, Page, Page, Page];
    await settled([a, b, ...others]);
    const { memberId } = a;
    for (const page of others) page.crash();
    await vi.waitFor(() => expect(quorum(a).state).toBe('lost'), within);
    const departure = await a.room.leave();
    stage.gone(a);
    expect(departure).toMatchObject({ state: 'owed' });
    expect(departure.words).toContain('it is one of 5 voters as before');
    expect(a.room.status.getSnapshot()).toMatchObject({ phase: 'left', departure });
    expect(kept(a)).toBe(1);
    // It is the member that it was.
    stage.options = { ...stage.options, leaveMilliseconds: 600_000 };
    const again = await stage.enter(a.profile);
    expect(again.memberId).toBe(memberId);
    const [c] = others;
    const back = await stage.enter(c.profile);
    await settled([again, b, back]);
    expect(await again.room.leave()).toMatchObject({ state: 'gone' });
    stage.gone(again);
    expect(kept(a)).toBe(0);
  });

  it('leaves nothing that is taken for a member when what it kept cannot be removed', async () => {
    const [a, b, c] = (await openPages(stage, 3)) as [Page, Page, Page];
    await settled([a, b, c]);
    b.profile.isStuck = true;
    expect(await b.room.leave()).toMatchObject({ state: 'gone' });
    stage.gone(b);
    await settled([a, c]);
    expect(kept(b)).toBe(1);
    b.profile.isStuck = false;
    // Alone: nobody tells it.
    for (const page of [a, c]) page.crash();
    const back = await stage.enter(b.profile);
    expect(back.memberId).toBeUndefined();
    expect(kept(back)).toBe(0);
  });

  it('leaves once, though it is told to twice', async () => {
    const [a, b, c] = (await openPages(stage, 3)) as [Page, Page, Page];
    await settled([a, b, c]);
    const departures = await Promise.all([b.room.leave(), b.room.leave()]);
    stage.gone(b);
    expect(departures.map(({ state }) => state)).toEqual(['gone', 'gone']);
    expect(kept(b)).toBe(0);
    await settled([a, c]);
  });

  it('keeps the room if nobody else votes in it', async () => {
    const a = await stage.create(new Profile('p1'));
    await settled([a]);
    expect(await a.room.leave()).toMatchObject({
      state: 'last',
      words: expect.stringContaining('kept in this browser'),
    });
    stage.gone(a);
    expect(kept(a)).toBe(1);
  });
});

/** Comes to pass when it is told to, and tells when it is waited for. */
function gate() {
  const reached = deferred();
  const open = deferred();
  const pass = (): Promise<void> => {
    reached.resolve();
    return open.promise;
  };
  return { pass, reached: reached.promise, open: open.resolve };
}

describe('a tab that leaves while its member is on its way', () => {
  it('is let go like any other, if its page did not run and the member is being revived', async () => {
    stage.options = { ...stage.options, leaveMilliseconds: 600_000 };
    const [a, b, c] = (await openPages(stage, 3)) as [Page, Page, Page];
    await settled([a, b, c]);
    const { pass, reached, open } = gate();
    b.beforeReopening = pass;
    b.gap();
    await reached;
    const leaving = b.room.leave();
    open();
    expect(await leaving).toMatchObject({ state: 'gone' });
    stage.gone(b);
    expect(kept(b)).toBe(0);
    await settled([a, c]);
  });

  it('owes its leave, if the member cannot be revived in time, and nothing of it runs afterwards', async () => {
    stage.options = { ...stage.options, leaveMilliseconds: 1_000 };
    const [a, b, c] = (await openPages(stage, 3)) as [Page, Page, Page];
    await settled([a, b, c]);
    const { memberId } = b;
    b.beforeReopening = async () => {
      throw new RaftkvError('storage_locked', 'another tab holds it open');
    };
    b.gap();
    expect(await b.room.leave()).toMatchObject({ state: 'owed' });
    stage.gone(b);
    const [store] = b.profile.rooms.values().next().value!;
    expect(store!.isLocked).toBe(false);
    expect((await stage.enter(b.profile)).memberId).toBe(memberId);
  });

  it('is the last one, if it is the only voter and was being revived', async () => {
    const a = await stage.create(new Profile('p1'));
    await settled([a]);
    const { pass, reached, open } = gate();
    a.beforeReopening = pass;
    a.gap();
    await reached;
    const leaving = a.room.leave();
    open();
    expect(await leaving).toMatchObject({ state: 'last' });
    stage.gone(a);
    expect(kept(a)).toBe(1);
  });

  it('keeps nothing, if it was just let in', async () => {
    stage.options = { ...stage.options, leaveMilliseconds: 600_000 };
    const a = await stage.create(new Profile('p1'));
    await settled([a]);
    const { pass, reached, open } = gate();
    const b = await stage.enter(new Profile('p2'));
    b.beforeCreating = pass;
    await reached;
    const leaving = b.room.leave();
    open();
    expect(await leaving).toMatchObject({ state: 'gone' });
    stage.gone(b);
    expect(kept(b)).toBe(0);
    await settled([a]);
  });

  it('keeps nothing, if it was just let in and its storage comes too late', async () => {
    stage.options = { ...stage.options, leaveMilliseconds: 500 };
    const a = await stage.create(new Profile('p1'));
    await settled([a]);
    const { pass, reached, open } = gate();
    const b = await stage.enter(new Profile('p2'));
    b.beforeCreating = pass;
    await reached;
    const leaving = b.room.leave();
    const over = clock.now() + 2_000;
    await vi.waitFor(() => expect(clock.now()).toBeGreaterThan(over), within);
    open();
    expect(await leaving).toMatchObject({ state: 'gone' });
    stage.gone(b);
    expect(kept(b)).toBe(0);
    await settled([a]);
  });
});

it('says so of a member that keeps nothing, and of one that does not vote', async () => {
  const a = await stage.create(new Profile('p1', { isEphemeral: true }));
  await settled([a]);
  const status = a.room.status.getSnapshot();
  expect(describeDeparture(status, true).words).toContain('ends with this tab');
  const three = { ...status, quorum: { ...status.quorum, voters: 3 } };
  expect(describeDeparture(three, true)).toMatchObject({
    state: 'owed',
    words: expect.stringContaining('not come back'),
  });
  const learner = { ...three, self: { ...three.self, role: 'learner', isEphemeral: false } } as const;
  expect(describeDeparture(learner, true).words).toContain('it is a member as before');
  expect(describeDeparture(three, false).state).toBe('gone');
});
