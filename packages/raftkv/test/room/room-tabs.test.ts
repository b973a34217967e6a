// Tabs of one browser profile in one room: each goes by a word of its own and has a storage of its own, also while a storage is closed to be opened again; and a member
// that its page revives after it did not run.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openPages, quorum, settled, within } from './room-acts.ts';
import { Stage } from './room-stage.ts';
import type { Page } from './room-stage.ts';

let stage = new Stage();
afterEach(async () => {
  await stage.close();
  stage = new Stage();
});

vi.setConfig({ testTimeout: 240_000 });

/** Once, as soon as this page has closed its storage: another tab of the profile is opened. */
function enterWhileClosed(page: Page): Promise<Page> {
  return new Promise((resolve, reject) => {
    page.afterClosing = () => {
      page.afterClosing = () => Promise.resolve();
      const entered = stage.enter(page.profile);
      entered.then(resolve, reject);
      return entered.then(() => undefined);
    };
  });
}

describe('another tab of the profile, which is opened while the storage of this one is closed,', () => {
  it('is another member, and this one is revived as itself', async () => {
    const [a, b, c] = (await openPages(stage, 3)) as [Page, Page, Page];
    await settled([a, b, c]);
    const before = b.memberId;
    const entering = enterWhileClosed(b);
    b.gap();
    const other = await entering;
    expect(other.room.word).not.toBe(b.room.word);
    await settled([a, b, c, other], [a, b, c]);
    await vi.waitFor(() => expect(b.memberId).toBe(before), within);
    expect(other.memberId).toBeUndefined();
  });

  it('is another member, and this one goes on from what it holds', async () => {
    const [a, b, c] = (await openPages(stage, 3)) as [Page, Page, Page];
    await settled([a, b, c]);
    await a.room.kv.put('x', 1);
    await vi.waitFor(async () => expect(await b.room.kv.get('x', { level: 'local' })).toBe(1), within);
    for (const page of [a, c]) page.crash();
    await vi.waitFor(() => expect(quorum(b).state).toBe('lost'), within);
    const { word } = b.room;
    const entering = enterWhileClosed(b);
    b.room = await b.room.goOnFromHere();
    const other = await entering;
    expect(b.room.word).toBe(word);
    expect(other.room.word).not.toBe(word);
    await settled([b, other]);
    expect(await other.room.kv.get('x')).toBe(1);
  });
});
