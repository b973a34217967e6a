// Tabs that join the room that went on without them: what they held is forgotten, or, where that cannot be, nobody's any more and told of; the room that they join is theirs
// either way. Whose room went on is in `room-lost.test.ts`.
import type { MemoryStore } from '@raftkv/storage';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { roomIdOf } from '../../src/room/room-link.ts';
import { deferred, openPages, quorum, settled, within } from './room-acts.ts';
import { Stage, clock } from './room-stage.ts';
import type { Page } from './room-stage.ts';

let stage = new Stage();
afterEach(async () => {
  await stage.close();
  stage = new Stage();
});

vi.setConfig({ testTimeout: 120_000 });

/** Of three, one went on, and one of the others is back. */
async function loseAndReturn(): Promise<{ on: Page; back: Page; stores: Set<MemoryStore>; former: MemoryStore }> {
  const pages = await openPages(stage, 3);
  await settled(pages);
  const [on, one, other] = pages as [Page, Page, Page];
  for (const page of [one, other]) page.crash();
  await vi.waitFor(() => expect(quorum(on).state).toBe('lost'), within);
  on.room = await on.room.goOnFromHere({ isLessEnough: true });
  const back = await stage.enter(one.profile);
  await vi.waitFor(() => expect(back.room.status.getSnapshot().supersededBy?.epoch).toBe(2), within);
  const stores = back.profile.rooms.values().next().value!;
  const [former] = stores;
  return { on, back, stores, former: former! };
}

describe('a tab that joins anew', () => {
  it('does so once, however often it is told to', async () => {
    const { on, back } = await loseAndReturn();
    const { room } = back;
    const [first, ...others] = await Promise.allSettled([room.joinAnew(), room.joinAnew(), room.goOnFromHere()]);
    expect(others).toMatchObject([{ reason: { code: 'busy' } }, { reason: { code: 'busy' } }]);
    expect(first.status).toBe('fulfilled');
    if (first.status === 'fulfilled') back.room = first.value;
    await expect(room.joinAnew()).rejects.toMatchObject({ code: 'closed' });
    await settled([on, back]);
    expect(on.room.status.getSnapshot().tabs).toHaveLength(2);
    expect(back.doors).toHaveLength(1);
  });

  it('is in the room though what it held cannot be removed, is told so, and is not what it was when it comes back', async () => {
    const { on, back, stores, former } = await loseAndReturn();
    back.profile.isStuck = true;
    back.room = await back.room.joinAnew();
    await settled([on, back]);
    expect(stores.has(former)).toBe(true);
    expect(back.room.status.getSnapshot().warnings.join(' ')).toContain('another tab holds it open (storage_locked)');
    // Nobody takes it for a member's any more, whoever finds it first.
    back.profile.isStuck = false;
    const present = [...stores].find((store) => store !== former)!;
    back.crash();
    stores.delete([...stores].find((store) => store.identity?.memberId === present.identity?.memberId)!);
    const again = await stage.enter(back.profile);
    expect(again.memberId).toBeUndefined();
    expect(stores.has(former)).toBe(false);
  });

  it('waits for another tab of its browser that looks through what is kept', async () => {
    const { on, back, stores, former } = await loseAndReturn();
    const slots = await back.platform.openSlots(roomIdOf(stage.key));
    const looked: Promise<void>[] = [];
    back.afterClosing = async () => {
      if (looked.length > 0) return;
      const opened = deferred();
      looked.push(
        slots.alone(async () => {
          const { free } = await slots.openFree({ isPatient: false });
          opened.resolve();
          await new Promise<void>((resolve) => void clock.schedule(resolve, 2_000));
          for (const slot of free) await slot.release();
        }),
      );
      await opened.promise;
    };
    back.room = await back.room.joinAnew();
    await Promise.all(looked);
    expect(looked).toHaveLength(1);
    expect(stores.has(former)).toBe(false);
    await settled([on, back]);
  });

  it('forgets what it held though its member was being revived', async () => {
    const { on, back, stores, former } = await loseAndReturn();
    const reached = deferred();
    const open = deferred();
    back.beforeReopening = () => {
      reached.resolve();
      return open.promise;
    };
    back.gap();
    await reached.promise;
    const joining = back.room.joinAnew();
    back.beforeReopening = () => Promise.resolve();
    open.resolve();
    back.room = await joining;
    expect(stores.has(former)).toBe(false);
    await settled([on, back]);
  });
});
