// Writes in a room that are kept until they are settled: made while there is no majority, found again after a crash, done once when there is one; and never sent into the
// history of another room than the one that they were meant for.
import type { Write } from '@raftkv/client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openPages, quorum, settled, within } from './room-acts.ts';
import { Stage } from './room-stage.ts';
import type { Page } from './room-stage.ts';
import { outboxOf, scopesOf } from './stage-outbox.ts';

let stage: Stage;
beforeEach(() => {
  const present = new Stage();
  present.optionsOf = (page) => ({ outbox: outboxOf(present, page) });
  stage = present;
});
afterEach(() => stage.close());

vi.setConfig({ testTimeout: 120_000 });

const write = (page: Page, key: string, value: unknown): Write<unknown> =>
  page.room.kv.mutate([{ type: 'put', key, value }]);
const stateOf = ({ state }: Write<unknown>) => state.getSnapshot();
const isKept = (made: Write<unknown>) => vi.waitFor(() => expect(stateOf(made).kept).toBe(true), within);
const told = (page: Page) =>
  page.room.kv.writes.getSnapshot().map(({ keys, state }) => {
    const { status, kept, error } = state.getSnapshot();
    return { key: keys[0], status, kept, code: error?.code };
  });
const kept = (page: Page) => page.room.kv.outbox!.status.getSnapshot();
/** Its value, and how often it was written: once if that is 1. */
const found = async (page: Page, key: string) => {
  const entry = await page.room.kv.getEntry(key);
  return entry && [entry.value, entry.version];
};

/** Three voters of which the first is left alone; the others are to come back. */
async function lose(): Promise<{ readonly left: Page; readonly others: readonly Page[] }> {
  const pages = await openPages(stage, 3);
  await settled(pages);
  const [left, ...others] = pages as [Page, Page, Page];
  await left.room.kv.put('x', 'agreed');
  for (const page of others) page.crash();
  await vi.waitFor(() => expect(quorum(left).state).toBe('lost'), within);
  return { left, others };
}

const comeBack = (pages: readonly Page[]) => Promise.all(pages.map(({ profile }) => stage.enter(profile)));

describe('a write that is made without a majority', () => {
  it('waits, is there after every crash, and is done once when the majority is back', async () => {
    const { left, others } = await lose();
    const made = [write(left, 'n', 1), write(left, 'n', 2), write(left, 'm', 3)];
    await Promise.all(made.map(isKept));
    expect(stateOf(made[0]!).status).toBe('local');
    left.crash();
    const alone = await stage.enter(left.profile);
    expect(told(alone)).toEqual(['n', 'n', 'm'].map((key) => ({ key, status: 'local', kept: true, code: undefined })));
    await isKept(write(alone, 'n', 4));
    alone.crash();
    const pages = [await stage.enter(left.profile), ...(await comeBack(others))];
    const [again] = pages as [Page];
    expect(kept(again)).toMatchObject({ storage: 'strict', waiting: 4, undecided: 0 });
    await settled(pages);
    await vi.waitFor(() => expect(kept(again)).toMatchObject({ waiting: 0, undecided: 0 }), within);
    expect(await found(again, 'n')).toEqual([4, 3]);
    expect(await found(pages[1]!, 'm')).toEqual([3, 1]);
    expect(told(again)).toEqual([]);
  });

  it('is done once though it was on its way when the tab crashed', async () => {
    const pages = await openPages(stage, 3);
    await settled(pages);
    const [one, ...others] = pages as [Page, Page, Page];
    await write(one, 'n', 1).committed;
    // Its session is open, so it is sent, and nobody but the member in this tab hears of it.
    one.cut();
    const made = write(one, 'n', 2);
    await vi.waitFor(() => expect(stateOf(made)).toMatchObject({ status: 'sent', kept: true }), within);
    one.crash();
    const again = await stage.enter(one.profile);
    await settled([again, ...others]);
    await vi.waitFor(() => expect(kept(again)).toMatchObject({ waiting: 0, undecided: 0 }), within);
    expect(await found(again, 'n')).toEqual([2, 2]);
  });
});

describe('what waits when a room goes on without its majority', () => {
  it('is not sent there: the app is told, over crashes too, and decides', async () => {
    const { left } = await lose();
    await isKept(write(left, 'wanted', 1));
    await isKept(write(left, 'unwanted', 2));
    left.crash();
    const alone = await stage.enter(left.profile);
    await isKept(write(alone, 'early', 3));
    await vi.waitFor(() => expect(quorum(alone).state).toBe('lost'), within);
    const before = alone.room;
    alone.room = await before.goOnFromHere({ isLessEnough: true });
    expect(alone.room.clusterId).not.toBe(before.clusterId);
    const undecided = ['wanted', 'unwanted', 'early'].map((key) => ({
      key,
      status: 'refused',
      kept: true,
      code: 'wrong_cluster',
    }));
    await vi.waitFor(() => expect(told(alone)).toEqual(undecided), within);
    expect(kept(alone)).toMatchObject({ waiting: 0, undecided: 3 });
    expect(await found(alone, 'wanted')).toBeUndefined();
    alone.crash();
    const again = await stage.enter(left.profile);
    await vi.waitFor(() => expect(told(again)).toEqual(undecided), within);
    const [wanted, unwanted, early] = again.room.kv.writes.getSnapshot();
    const { outbox } = again.room.kv;
    await outbox!.retry(wanted!).committed;
    await outbox!.discard(unwanted!);
    await expect(outbox!.retry(early!, { if: [{ key: 'x', exists: false }] }).committed).rejects.toMatchObject({
      code: 'condition_failed',
    });
    expect(await found(again, 'wanted')).toEqual([1, 1]);
    expect(await found(again, 'unwanted')).toBeUndefined();
    expect(await found(again, 'early')).toBeUndefined();
  });

  it('may be part of what the room goes on with, if it was on its way: then that is said', async () => {
    const pages = await openPages(stage, 3);
    await settled(pages);
    const leader = pages.find(({ room }) => room.status.getSnapshot().self.isLeader)!;
    await write(leader, 'n', 1).committed;
    for (const page of pages) if (page !== leader) page.crash();
    const made = write(leader, 'n', 2);
    await vi.waitFor(() => expect(stateOf(made)).toMatchObject({ status: 'sent', kept: true }), within);
    await vi.waitFor(() => expect(quorum(leader).state).toBe('lost'), within);
    leader.room = await leader.room.goOnFromHere({ isLessEnough: true });
    await vi.waitFor(
      () => expect(told(leader)).toEqual([{ key: 'n', status: 'unknown', kept: true, code: 'wrong_cluster' }]),
      within,
    );
    // Once, or not at all, whichever it is; and what is there now is told.
    const entry = (await found(leader, 'n'))!;
    expect([
      [1, 1],
      [2, 2],
    ]).toContainEqual(entry);
    const [inDoubt] = leader.room.kv.writes.getSnapshot();
    await vi.waitFor(
      () => expect(stateOf(inDoubt!).error?.found).toMatchObject([{ key: 'n', value: entry[0] }]),
      within,
    );
  });

  it('is told to whoever joins the room that went on, and was kept under the name of this room alone', async () => {
    const { left, others } = await lose();
    left.cut();
    const [back] = (await comeBack(others.slice(0, 1))) as [Page];
    await isKept(write(back, 'y', 'of the room that was'));
    left.room = await left.room.goOnFromHere({ isLessEnough: true });
    left.mend();
    await vi.waitFor(() => expect(back.room.status.getSnapshot().supersededBy?.epoch).toBe(2), within);
    back.room = await back.room.joinAnew();
    await vi.waitFor(
      () => expect(told(back)).toEqual([{ key: 'y', status: 'refused', kept: true, code: 'wrong_cluster' }]),
      within,
    );
    expect(await found(left, 'y')).toBeUndefined();
    await back.room.kv.outbox!.retry(back.room.kv.writes.getSnapshot()[0]!).committed;
    expect(await found(left, 'y')).toEqual(['of the room that was', 1]);
    expect(scopesOf(back.profile)).toEqual([expect.stringMatching(/^room\.[0-9a-f]{32}$/)]);
  });
});
