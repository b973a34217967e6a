// With which of the storages that a profile keeps of a room a tab comes back, when there are several: the newest, and never one that was left for another.
import { KvStateMachine } from '@raftkv/server';
import { createMemoryStore } from '@raftkv/storage';
import type { MemoryStore } from '@raftkv/storage';
import { RaftkvError, encodeCommand } from '@raftkv/wire';
import { beforeEach, describe, expect, it } from 'vitest';
import { memorySlots } from '../../src/room/memory-slots.ts';
import { beginHome } from '../../src/room/room-beginning.ts';
import { goOnHome } from '../../src/room/room-going-on.ts';
import { forkHome, foundHome } from '../../src/room/room-home.ts';
import type { RoomHome } from '../../src/room/room-home.ts';
import { drawWord } from '../../src/room/room-link.ts';
import { readRoomNote, writeRoomNote } from '../../src/room/room-note.ts';
import type { RoomNote } from '../../src/room/room-note.ts';
import type { RoomSlots } from '../../src/room/room-platform.ts';

/** Each tab goes by a word of its own. */
const newSelf = () => ({ word: drawWord(), domain: 'p1' });
const clock = { schedule: () => () => undefined };
let kept: Set<MemoryStore>;
beforeEach(() => {
  kept = new Set();
});
const begin = (slots = memorySlots(kept)) => beginHome({ type: 'join' }, slots, newSelf());
const idOf = ({ home }: RoomHome): string => home.stored.identity.storeId;

/** A member as it is when its tab is closed. */
async function found(goesOn?: RoomNote['goesOn']): Promise<RoomHome> {
  const made = await foundHome(memorySlots(kept), newSelf());
  const data = encodeCommand({ session: undefined, command: { type: 'put', key: 'x', value: new Uint8Array([1]) } });
  await made.slot.storage.append({
    hardState: { term: 1, votedFor: undefined, commitIndex: 0 },
    entries: [{ index: 1, term: 1, kind: 'command', data }],
  });
  if (goesOn !== undefined) await writeRoomNote(made.slot.storage, { ...made.note, goesOn });
  await made.slot.release();
  return made;
}
async function goOn(former: RoomHome, slots: RoomSlots = memorySlots(kept)): Promise<RoomHome> {
  const { home, leftBehind } = await goOnHome({
    slots,
    self: { word: former.note.word, domain: 'p1' },
    clusterId: 'c1',
    former,
    clock,
  });
  expect(kept.size).toBeGreaterThan(1);
  await leftBehind.remove();
  return home;
}

describe('a tab comes back', () => {
  it('with the room that went on, whichever storage was made first', async () => {
    const former = await found();
    const on = await goOn(former);
    await on.slot.release();
    const other = await found();
    // As after a moment at which only one of them was gone.
    expect(kept.size).toBe(2);
    const { home } = await begin();
    expect([home?.note.lineage.epoch, idOf(home!)]).toEqual([2, idOf(on)]);
    // And leaves the other to the next tab.
    const next = await begin();
    expect([next.home?.note.lineage.epoch, idOf(next.home!)]).toEqual([1, idOf(other)]);
    expect((await begin()).home).toBeUndefined();
  });

  it('not with a member that was left for a room that went on', async () => {
    await found({ token: 'another', isDone: true });
    expect((await begin()).home).toBeUndefined();
    expect(kept.size).toBe(0);
  });

  it('with the member that it was, if going on was cut short', async () => {
    const former = await found({ token: 'never made', isDone: false });
    const { home } = await begin();
    expect(idOf(home!)).toBe(idOf(former));
    expect(await readRoomNote(home!.slot.storage)).toEqual(former.note);
  });

  it('with the room that went on, if that was cut short when it was there', async () => {
    await found({ token: 't', isDone: false });
    const lineage = { epoch: 2, before: ['c1'] };
    const state = { stateMachine: new KvStateMachine(), index: 1, term: 1, token: 't', lineage };
    await (await forkHome(memorySlots(kept), newSelf(), state)).slot.release();
    const { home, leftBehind } = await begin();
    expect(home!.note.lineage).toEqual(lineage);
    // It is forgotten when the room is open, and not before.
    expect([kept.size, leftBehind.length]).toEqual([2, 1]);
    await leftBehind[0]!.remove();
    expect(kept.size).toBe(1);
  });

  it.each([true, false])(
    'with the member that was left, if the room that went on cannot be read (noted as done: %s)',
    async (isDone) => {
      const former = await found({ token: 't', isDone });
      const lineage = { epoch: 2, before: ['c1'] };
      const state = { stateMachine: new KvStateMachine(), index: 1, term: 1, token: 't', lineage };
      await (await forkHome(memorySlots(kept), newSelf(), state)).slot.release();
      [...kept][1]!.notes.set('room', new Uint8Array([1]));
      const { home, setAside, leftBehind } = await begin();
      expect(setAside).toMatchObject([{ code: 'storage_corrupt' }]);
      expect([idOf(home!), leftBehind]).toEqual([idOf(former), []]);
      expect(kept.size).toBe(2);
    },
  );

  it('as nobody, while another tab may be the room that went on', async () => {
    await found({ token: 'not to be seen', isDone: false });
    const other = createMemoryStore();
    other.isLocked = true;
    kept.add(other);
    expect((await begin()).home).toBeUndefined();
    expect(kept.size).toBe(2);
    kept.delete(other);
    expect((await begin()).home).toBeDefined();
  });
});

describe('going on', () => {
  const noteOf = (store: MemoryStore | undefined): RoomNote =>
    JSON.parse(new TextDecoder().decode(store!.notes.get('room'))) as RoomNote;

  it('is noted where the member was before the room is there, and the member is gone when it is', async () => {
    const former = await found();
    const [store] = kept;
    const slots = memorySlots(kept);
    const before: RoomNote['goesOn'][] = [];
    const create: RoomSlots['create'] = (identity) => {
      before.push(noteOf(store).goesOn);
      return slots.create(identity);
    };
    const on = await goOn(former, { ...slots, create });
    expect(before).toEqual([{ token: on.note.token, isDone: false }]);
    expect(noteOf(store).goesOn).toEqual({ token: on.note.token, isDone: true });
    expect(kept.has(store!)).toBe(false);
  });

  it('that fails leaves the member as it was, and may be tried again', async () => {
    const former = await found();
    const slots = memorySlots(kept);
    const full = new RaftkvError('storage_full', 'there is no room for another');
    await expect(goOn(former, { ...slots, create: () => Promise.reject(full) })).rejects.toBe(full);
    expect(noteOf([...kept][0]).goesOn).toBeUndefined();
    expect([...kept].map(({ isLocked }) => isLocked)).toEqual([false]);
    expect((await goOn(former)).note.lineage).toEqual({
      epoch: 2,
      before: ['c1'],
      agreedAt: [{ index: 0, term: 0, revision: 1 }],
    });
  });

  it('is for one tab of a profile, of those that are members of one room', async () => {
    const [one, two] = [await found(), await found()];
    const outcomes = await Promise.allSettled([goOn(one), goOn(two)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(outcomes[1]).toMatchObject({ reason: { code: 'busy' } });
  });
});
