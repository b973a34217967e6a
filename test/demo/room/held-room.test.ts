// The room that the page's tab is in while one gives way to another, over rooms that are played: what is refused leaves it where it was.
import type { Room, RoomStatus } from 'raftkv/room';
import { RaftkvError } from 'raftkv';
import { describe, expect, it } from 'vitest';
import { Observable } from '../../../demo/src/model/observable.ts';
import { HeldRoom } from '../../../demo/src/room/source/held-room.ts';
import { nameOf, withNames } from '../../../demo/src/room/source/tab-names.ts';

const other = 'zxq5_ABCDEFabcdef01234';

function playRoom(phase: RoomStatus['phase'] = 'open'): { room: Room; end: () => void } {
  const status = new Observable({ phase, tabs: [{ word: other }] } as unknown as RoomStatus);
  return {
    room: { status } as unknown as Room,
    end: () => status.set({ ...status.getSnapshot(), phase: 'left' }),
  };
}

function hold(): { held: HeldRoom; told: string[] } {
  const told: string[] = [];
  const held = new HeldRoom({
    onHeld: () => told.push('held'),
    onLost: (problem) => told.push(`lost: ${problem}`),
  });
  return { held, told };
}

describe('a room that is held', () => {
  it('stays, unharmed, when a way on is refused; and whoever asked hears why, with tabs by their names', async () => {
    const { held, told } = hold();
    const { room } = playRoom();
    await held.become(async () => room);
    const refusal = new RaftkvError('busy', `the tab ${other} may know more than this one`);
    const refused = held.become(() => Promise.reject(refusal));
    await expect(refused).rejects.toMatchObject({
      code: 'busy',
      message: `the tab ${nameOf(other)} may know more than this one`,
    });
    expect(held.room).toBe(room);
    expect(held.isBusy).toBe(false);
    expect(told).toEqual(['held']);
  });

  it('is lost where it has ended and none came in its place', async () => {
    const { held, told } = hold();
    const { room, end } = playRoom();
    await held.become(async () => room);
    const failed = held.become(async () => {
      end();
      throw new RaftkvError('storage_full', 'the disk is full');
    });
    await expect(failed).rejects.toMatchObject({ code: 'storage_full' });
    expect(told).toEqual(['held', 'lost: the disk is full']);
    const next = playRoom().room;
    await held.become(async () => next);
    expect(held.room).toBe(next);
    expect(told.at(-1)).toBe('held');
  });

  it('was never there where the first one does not open', async () => {
    const { held, told } = hold();
    await expect(held.become(() => Promise.reject(new Error('no storage')))).rejects.toMatchObject({
      code: 'internal',
    });
    expect(told).toEqual(['lost: no storage']);
  });

  it('gives way to one at a time', async () => {
    const { held, told } = hold();
    const { room } = playRoom();
    let open: (made: Room) => void = () => undefined;
    const first = held.become(() => new Promise<Room>((resolve) => (open = resolve)));
    expect(held.isBusy).toBe(true);
    await expect(held.become(async () => playRoom().room)).rejects.toMatchObject({ code: 'busy' });
    expect(told).toEqual([]);
    open(room);
    await first;
    expect(held.room).toBe(room);
  });
});

describe('a sentence of the room', () => {
  it('has tabs by the names that the page shows', () => {
    expect(withNames(`the tab ${other} and ${other}`, [other, 'unused'])).toBe(
      `the tab ${nameOf(other)} and ${nameOf(other)}`,
    );
  });
});
