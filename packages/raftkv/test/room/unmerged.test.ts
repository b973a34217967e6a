// What those have who come back to a room that went on without them, and it has not: values, and deletions too; and not what was only never told to them.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openPages, quorum, settled, within } from './room-acts.ts';
import type { UnmergedEntry } from '../../src/room/unmerged.ts';
import { Profile, Stage } from './room-stage.ts';
import type { Page } from './room-stage.ts';

let stage = new Stage();
afterEach(async () => {
  await stage.close();
  stage = new Stage();
});

vi.setConfig({ testTimeout: 120_000 });

async function goOn(page: Page): Promise<void> {
  await vi.waitFor(() => expect(quorum(page).state).toBe('lost'), within);
  page.room = await page.room.goOnFromHere();
  await vi.waitFor(() => expect(quorum(page).state).toBe('works'), within);
}

/** One of them knows of this write, so it is part of what it goes on with. */
async function putAndKnown(writer: Page, knower: Page, key: string, value: unknown): Promise<void> {
  await writer.room.kv.put(key, value);
  await vi.waitFor(async () => expect(await knower.room.kv.get(key, { level: 'local' })).toEqual(value), within);
}

/** It hears that another one went on. */
async function back(page: Page, on: Page): Promise<Page> {
  const again = await stage.enter(page.profile);
  const { clusterId } = on.room.status.getSnapshot();
  await vi.waitFor(() => expect(again.room.status.getSnapshot().supersededBy?.clusterId).toBe(clusterId), within);
  return again;
}

async function unmergedOf(page: Page): Promise<readonly UnmergedEntry[]> {
  const { entries } = await page.room.unmerged();
  return entries.toSorted((one, other) => (one.key < other.key ? -1 : 1));
}

describe('what only those have who come back', () => {
  it('is what they deleted, too, if it was there when the rooms parted', async () => {
    const [a, b, c] = (await openPages(stage, 3)) as [Page, Page, Page];
    await settled([a, b, c]);
    for (const key of ['deleted', 'deleted in both', 'made anew', 'last']) await putAndKnown(b, a, key, 'was');
    a.cut();
    for (const key of ['deleted', 'deleted in both', 'made anew']) await b.room.kv.delete(key);
    await b.room.kv.put('made and deleted', 1);
    await b.room.kv.delete('made and deleted');
    for (const page of [b, c]) page.crash();
    a.mend();
    await goOn(a);
    // None of these is of a revision that the others have not come to.
    await a.room.kv.delete('deleted in both');
    await a.room.kv.put('new', 1);
    await a.room.kv.delete('made anew');
    await a.room.kv.put('made anew', 'is');
    // Alone, it knows of nothing that it is agreed, and holds all of it.
    const again = await back(b, a);
    const unmerged = await again.room.unmerged();
    expect(unmerged.entries).toEqual([{ key: 'deleted', value: undefined, there: 'was' }]);
    expect(unmerged.count).toBe(1);
    expect(unmerged.export()).toBe('{"key":"deleted","deleted":true}\n');
  });

  it('is known where an older build went on, as far as both still have something in common', async () => {
    const [a, b, c] = (await openPages(stage, 3)) as [Page, Page, Page];
    await settled([a, b, c]);
    for (const key of ['deleted', 'kept']) await putAndKnown(b, a, key, 'was');
    a.cut();
    await b.room.kv.delete('deleted');
    for (const page of [b, c]) page.crash();
    a.mend();
    await goOn(a);
    await a.room.kv.put('new', 1);
    a.crash();
    const [stores] = a.profile.rooms.values();
    for (const { notes } of stores!) {
      const note = JSON.parse(new TextDecoder().decode(notes.get('room'))) as { lineage: { leftAt?: unknown } };
      expect(note.lineage.leftAt).toEqual([expect.any(Number)]);
      delete note.lineage.leftAt;
      notes.set('room', new TextEncoder().encode(JSON.stringify(note)));
    }
    const on = await stage.enter(a.profile);
    expect(await unmergedOf(await back(b, on))).toEqual([{ key: 'deleted', value: undefined, there: 'was' }]);
  });

  it('is nothing of what they were not told', async () => {
    const [a, b, c] = (await openPages(stage, 3)) as [Page, Page, Page];
    await settled([a, b, c]);
    await putAndKnown(a, c, 'known', 1);
    c.cut();
    await putAndKnown(b, a, 'late', 1);
    for (const page of [b, c]) page.crash();
    await goOn(a);
    expect(await unmergedOf(await back(c, a))).toEqual([]);
    expect(await a.room.kv.get('late')).toBe(1);
  });

  it('is compared with what the room was when it parted from theirs, however often it went on since', async () => {
    const pages = await openPages(stage, 3);
    const [a, b, c] = pages as [Page, Page, Page];
    await settled(pages);
    await putAndKnown(b, a, 'deleted', 'was');
    a.cut();
    await b.room.kv.delete('deleted');
    for (let n = 1; n <= 9; n += 1) await b.room.kv.put('n', n);
    for (const page of [b, c]) page.crash();
    a.mend();
    await goOn(a);
    const d = await stage.enter(new Profile('p4'));
    await settled([a, d]);
    await a.room.kv.put('new', 1);
    d.crash();
    await goOn(a);
    expect(a.room.status.getSnapshot().epoch).toBe(3);
    expect(await unmergedOf(await back(b, a))).toEqual([
      { key: 'deleted', value: undefined, there: 'was' },
      { key: 'n', value: 9, there: undefined },
    ]);
  });

  it('is read as the app writes it', async () => {
    const [encoder, decoder] = [new TextEncoder(), new TextDecoder()];
    const codec = {
      encode: (value: unknown) => encoder.encode(`text ${value as string}`),
      decode: (bytes: Uint8Array): unknown => decoder.decode(bytes).slice('text '.length),
    };
    stage.options = { ...stage.options, codec };
    const [a, b, c] = (await openPages(stage, 3)) as [Page, Page, Page];
    await settled([a, b, c]);
    await putAndKnown(b, a, 'x', 'agreed');
    await putAndKnown(b, a, 'y', 'agreed');
    a.cut();
    await b.room.kv.put('y', 'another');
    for (const page of [b, c]) page.crash();
    a.mend();
    await goOn(a);
    expect(await unmergedOf(await back(b, a))).toEqual([{ key: 'y', value: 'another', there: 'agreed' }]);
  });
});
