// What a browser profile keeps of a room: a strict database of IndexedDB for each of its tabs that is a member, numbered. A tab takes one that no other has, by
// its Web Lock, so a tab that is opened again is the member that it was, and a duplicated one is another.
import { deleteIndexedDbStorage, openIndexedDbStorage } from '@raftkv/storage/web';
import type { RequestedIdentity, Storage } from '@raftkv/storage';
import { RaftkvError } from '@raftkv/wire';
import type { RoomSlot, RoomSlots } from '../room/room-platform.ts';

/** Tabs of one profile that are members of one room at the same time. With more, `create` rejects with `busy`. */
const maxSlots = 16;
/** A page that was just left may have its lock a moment longer. */
const reloadMilliseconds = 1_000;

export function indexedDbSlots(roomId: string): RoomSlots {
  const taken = new Set<number>();
  const open = async (number: number, identity?: RequestedIdentity, lockWaitMilliseconds = 0): Promise<RoomSlot> => {
    const opened: { slot?: RoomSlot } = {};
    const name = `room.${roomId}.${number}`;
    const storage = await openIndexedDbStorage({
      name,
      create: identity !== undefined,
      ...(identity === undefined ? {} : { identity }),
      durability: 'strict',
      lockWaitMilliseconds,
      onFailure: (error) => opened.slot?.onFailure?.(error),
    });
    taken.add(number);
    const slot: RoomSlot = {
      label: `storage ${number} of the room in this browser`,
      storage,
      onFailure: undefined,
      reopen: async () => {
        await storage.close();
        return open(number);
      },
      remove: async () => {
        await storage.close().catch(() => undefined);
        await deleteIndexedDbStorage(name);
        taken.delete(number);
      },
    };
    opened.slot = slot;
    return slot;
  };
  return {
    isLasting: true,
    reopen: async () => {
      // The one before this page was loaded may be on its way out: it is waited for only if no other is free.
      for (const patience of [0, reloadMilliseconds]) {
        const locked: number[] = [];
        for (let number = 1; number <= maxSlots; number += 1) {
          if (taken.has(number)) continue;
          const found = await unless(open(number, undefined, patience));
          if (typeof found !== 'string') return found;
          if (found === 'storage_locked') locked.push(number);
        }
        if (locked.length === 0) return undefined;
      }
      return undefined;
    },
    create: async (identity) => {
      for (let number = 1; number <= maxSlots; number += 1) {
        if (taken.has(number) || (await isThere(number, open))) continue;
        return open(number, identity);
      }
      throw new RaftkvError('busy', `this browser has ${maxSlots} tabs in the room already`);
    },
  };
}

type Open = (number: number) => Promise<RoomSlot>;

/** Somebody else's, or one that was left. */
async function isThere(number: number, open: Open): Promise<boolean> {
  const found = await unless(open(number));
  if (typeof found === 'string') return found !== 'storage_missing';
  await (found.storage satisfies Storage).close();
  return true;
}

/** The slot, or why there is none to be had. Other errors are thrown. */
async function unless(opening: Promise<RoomSlot>): Promise<RoomSlot | 'storage_missing' | 'storage_locked'> {
  try {
    return await opening;
  } catch (error) {
    const { code } = RaftkvError.from(error);
    if (code === 'storage_missing' || code === 'storage_locked') return code;
    throw error;
  }
}
