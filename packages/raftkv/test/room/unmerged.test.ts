// What those have who come back to a room that went on without them, and it has not: values, and deletions too; and not what was only never told to them.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { readRow } from '../../src/node/cli/rows.ts';
import { openPages, quorum, settled, within } from './room-acts.ts';
import type { UnmergedEntry } from '../../src/room/unmerged.ts';
import { Profile, Stage } from './room-stage.ts';
import type { Page } from './room-stage.ts';

let stage = new Stage();
afterEach(async () => {
  await stage.close();
  stage = new Stage();
});

const encoder = new TextEncoder();
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

/** The leader of three is cut off with a write that is in its log alone, of the revision after that which all three know; the others know nothing of it. */
async function cutOffWith(key: string): Promise<{ a: Page; b: Page; c: Page; revision: number }> {
  const pages = await openPages(stage, 3);
  await settled(pages);
  const a = pages.find(({ room }) => room.status.getSnapshot().self.isLeader)!;
  const [b, c] = pages.filter((page) => page !== a) as [Page, Page];
  for (const page of [b, c]) await putAndKnown(a, page, 'known', 1);
  const revision = await revisionOf(a, 'known');
  a.cut();
  a.room.kv.put(key, 1).catch(() => undefined);
  const [stores] = a.profile.rooms.values();
  const isKept = (): boolean =>
    [...stores!].some(({ entries }) => entries.some(({ data }) => new TextDecoder().decode(data).includes(key)));
  await vi.waitFor(() => expect(isKept()).toBe(true), within);
  await vi.waitFor(() => expect([b, c].some(({ room }) => room.status.getSnapshot().self.isLeader)).toBe(true), within);
  return { a, b, c, revision };
}

async function revisionOf(page: Page, key: string): Promise<number> {
  return (await page.room.kv.getEntry(key))!.revision;
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

  it('is told apart by the bytes of its keys, also where they are no text', async () => {
    const [a, b, c] = (await openPages(stage, 3)) as [Page, Page, Page];
    await settled([a, b, c]);
    const [one, another, third] = [Uint8Array.of(0xfe), Uint8Array.of(0xff), Uint8Array.of(0xff, 0xfe)];
    await a.room.kv.put(one, 'both');
    await putAndKnown(b, a, 'last', 'was');
    a.cut();
    await b.room.kv.put(another, 'both');
    await b.room.kv.put(third, 'mine');
    for (const page of [b, c]) page.crash();
    a.mend();
    await goOn(a);
    await a.room.kv.put(another, 'both');
    const unmerged = await (await back(b, a)).room.unmerged();
    expect(unmerged.entries).toEqual([{ key: '\ufffd\ufffd', value: 'mine', there: undefined }]);
    expect(unmerged.export()).toBe('{"keyBase64":"//4=","value":"\\"mine\\""}\n');
    const row = readRow(Buffer.from(unmerged.export()), 'file');
    expect(row).toEqual({ key: '\xff\xfe', value: encoder.encode('"mine"') });
  });

  it('is of no deletion where an older build went on, which noted nothing of what was agreed', async () => {
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
      const note = JSON.parse(new TextDecoder().decode(notes.get('room'))) as { lineage: { agreedAt?: unknown } };
      expect(note.lineage.agreedAt).toHaveLength(1);
      delete note.lineage.agreedAt;
      notes.set('room', new TextEncoder().encode(JSON.stringify(note)));
    }
    const on = await stage.enter(a.profile);
    expect(await unmergedOf(await back(b, on))).toEqual([]);
  });

  it('is nothing that was agreed there, though it has writes of the same revisions that nobody agreed to', async () => {
    const { a, b, c, revision } = await cutOffWith('mine');
    await b.room.kv.put('late', 1);
    expect(await revisionOf(b, 'late')).toBe(revision + 1);
    for (const page of [a, c]) page.crash();
    await goOn(b);
    const again = await back(a, b);
    expect(await unmergedOf(again)).toEqual([{ key: 'mine', value: 1, there: undefined }]);
    expect((await again.room.unmerged()).export()).toBe('{"key":"mine","value":"1"}\n');
  });

  it('is no deletion of what became part of the room only when it went on, though they have agreed to writes of the same revisions', async () => {
    const { a, b, c, revision } = await cutOffWith('mine');
    await b.room.kv.put('theirs', 1);
    expect(await revisionOf(b, 'theirs')).toBe(revision + 1);
    for (const page of [b, c]) page.crash();
    a.mend();
    await goOn(a);
    expect(await a.room.kv.get('mine')).toBe(1);
    expect(await unmergedOf(await back(b, a))).toEqual([{ key: 'theirs', value: 1, there: undefined }]);
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

  it('is exported so that an import makes the same bytes of it, whatever is stored', async () => {
    const stored: Record<string, Uint8Array> = {
      text: encoder.encode('"on"'),
      bare: encoder.encode('on'),
      object: encoder.encode('{"a": [1, "\u2028"]}'),
      digit: encoder.encode('"1"'),
      number: encoder.encode('1'),
      empty: new Uint8Array(),
      marked: encoder.encode('\uFEFFx'),
      binary: new Uint8Array([0xff, 0, 0xc3, 10, 13]),
      cut: encoder.encode('é').subarray(0, 1),
    };
    const asBytes = { encode: (value: unknown) => value as Uint8Array, decode: (bytes: Uint8Array) => bytes.slice() };
    stage.options = { ...stage.options, codec: asBytes };
    const [a, b, c] = (await openPages(stage, 3)) as [Page, Page, Page];
    await settled([a, b, c]);
    await putAndKnown(b, a, 'same', new Uint8Array([0xff]));
    a.cut();
    for (const [key, value] of Object.entries(stored)) await b.room.kv.put(key, value);
    for (const page of [b, c]) page.crash();
    a.mend();
    await goOn(a);
    const lines = (await (await back(b, a)).room.unmerged()).export();
    const rows = lines
      .trimEnd()
      .split('\n')
      .map((line) => readRow(encoder.encode(line), 'export'));
    expect(Object.fromEntries(rows.map((row) => [row!.key, [...row!.value!]]))).toEqual(
      Object.fromEntries(Object.entries(stored).map(([key, value]) => [key, [...value]])),
    );
  });

  it('is told apart by what is stored, whatever a codec makes of it', async () => {
    const codec = {
      encode: (value: unknown) => encoder.encode([...(value as Set<string>)].join(',')),
      decode: (bytes: Uint8Array): unknown => new Set(new TextDecoder().decode(bytes).split(',')),
    };
    stage.options = { ...stage.options, codec };
    const [a, b, c] = (await openPages(stage, 3)) as [Page, Page, Page];
    await settled([a, b, c]);
    await putAndKnown(b, a, 'x', new Set(['agreed']));
    await putAndKnown(b, a, 'y', new Set(['agreed']));
    a.cut();
    await b.room.kv.put('y', new Set(['another']));
    for (const page of [b, c]) page.crash();
    a.mend();
    await goOn(a);
    const again = await back(b, a);
    expect(await unmergedOf(again)).toEqual([{ key: 'y', value: new Set(['another']), there: new Set(['agreed']) }]);
    expect((await again.room.unmerged()).export()).toBe('{"key":"y","value":"another"}\n');
  });

  it('is read as the app writes it', async () => {
    const decoder = new TextDecoder();
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
