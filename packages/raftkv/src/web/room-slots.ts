// What a browser profile keeps of a room: a strict database of IndexedDB for each of its tabs that is a member, numbered. A tab takes one that no other has, by
// its Web Lock, so a tab that is opened again is the member that it was, and a duplicated one is another.
import { deleteIndexedDbStorage, openIndexedDbStorage } from '@raftkv/storage/web';
import type { RequestedIdentity, Storage } from '@raftkv/storage';
import { RaftkvError } from '@raftkv/wire';
import { evictable } from '../room/room-keeping.ts';
import type { RoomSlot, RoomSlots } from '../room/room-platform.ts';

/** Tabs of one profile that are members of one room at the same time. With more, `create` rejects with `busy`. */
const maxSlots = 16;
/** A page that was just left may have its lock a moment longer. */
const reloadMilliseconds = 1_000;
/** Another tab that looks through the slots, or goes on from one, is waited for. */
const aloneMilliseconds = 10_000;

export function indexedDbSlots(roomId: string, keeping = () => evictable): RoomSlots {
  const taken = new Set<number>();
  const open = async (number: number, how: HowToOpen = {}): Promise<RoomSlot> => {
    const { create = false, lockWaitMilliseconds = 0 } = how;
    const opened: { slot?: RoomSlot } = {};
    const name = `room.${roomId}.${number}`;
    const storage = await openIndexedDbStorage({
      name,
      create,
      ...(how.identity === undefined ? {} : { identity: how.identity }),
      durability: 'strict',
      lockWaitMilliseconds,
      onFailure: (error) => opened.slot?.onFailure?.(error),
    });
    taken.add(number);
    const close = (): Promise<void> => storage.close().catch(() => undefined);
    const whose = watchIdentity(storage, how.identity);
    const slot: RoomSlot = {
      label: labelOf(number),
      storage,
      onFailure: undefined,
      reopen: async () => {
        await storage.close();
        const identity = whose.known;
        return open(number, { lockWaitMilliseconds: reloadMilliseconds, ...(identity && { identity }) });
      },
      release: async () => {
        await close();
        taken.delete(number);
      },
      remove: async () => {
        slot.onFailure = undefined;
        const identity = await whose.ask();
        await close();
        if (identity !== undefined) await removeStorage(name, identity);
        taken.delete(number);
      },
    };
    opened.slot = slot;
    return slot;
  };
  return {
    keeping,
    alone: (act) => alone(`raftkv slots ${roomId}`, act),
    claim: (what, { isPatient = false } = {}) => claim(`raftkv claim ${roomId} ${what}`, isPatient),
    openFree: async ({ isPatient }) => {
      const numbers = Array.from({ length: maxSlots }, (_, at) => at + 1).filter((number) => !taken.has(number));
      const patience = isPatient ? reloadMilliseconds : 0;
      // All at once: those that others have are waited for together.
      const looks = await Promise.allSettled(
        numbers.map((number) => look(number, () => open(number, { lockWaitMilliseconds: patience }))),
      );
      const found = looks.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
      const free = found.flatMap(({ slot }) => (slot === undefined ? [] : [slot]));
      const failed = looks.find((each) => each.status === 'rejected');
      if (failed !== undefined) {
        await Promise.all(free.map((slot) => slot.release()));
        throw failed.reason;
      }
      return {
        free,
        isSomeTaken: found.some(({ absence }) => absence === 'storage_locked'),
        unreadable: found.flatMap(({ unreadable }) => (unreadable === undefined ? [] : [unreadable])),
      };
    },
    create: async (identity) => {
      for (let number = 1; number <= maxSlots; number += 1) {
        if (taken.has(number)) continue;
        const { absence, slot } = await look(number, () => open(number));
        if (absence === 'storage_missing') return open(number, { create: true, identity });
        // Somebody else's, one that was left, or one that cannot be read: it stays.
        await slot?.release();
      }
      throw new RaftkvError('busy', `this browser keeps ${maxSlots} members of the room already`);
    },
  };
}

interface HowToOpen {
  readonly create?: boolean;
  /** Another one is refused. Default: whosever it is. */
  readonly identity?: RequestedIdentity;
  /** Default 0. */
  readonly lockWaitMilliseconds?: number;
}

/** Whose storage this is, as soon as that was read: what is in its place later need not be the same one. `known` is as far as that goes now. */
function watchIdentity(storage: Storage, created: RequestedIdentity | undefined) {
  const load = storage.load.bind(storage);
  let known = created;
  const watched = async (): ReturnType<Storage['load']> => {
    const stored = await load();
    known = stored.identity;
    return stored;
  };
  storage.load = watched;
  return {
    get known(): RequestedIdentity | undefined {
      return known;
    },
    /** Reads it, if nobody has and the storage is still open. */
    ask: async (): Promise<RequestedIdentity | undefined> => {
      if (known?.storeId === undefined) await watched().catch(() => undefined);
      return known;
    },
  };
}

/** While its lock is held, so that nobody opens it in between. Nothing happens to one that another tab has, or that belongs to another member. */
async function removeStorage(name: string, identity: RequestedIdentity): Promise<void> {
  let storage: Storage;
  try {
    storage = await openIndexedDbStorage({ name, create: false, identity, lockWaitMilliseconds: 0 });
  } catch (error) {
    const { code } = RaftkvError.from(error);
    if (code === 'storage_missing' || code === 'storage_locked' || code === 'storage_identity') return;
    throw error;
  }
  try {
    await deleteIndexedDbStorage(name);
  } finally {
    await storage.close().catch(() => undefined);
  }
}

function labelOf(number: number): string {
  return `storage ${number} of the room in this browser`;
}

/** What is to be found under a number: a slot, nothing or another tab's, or what cannot be read. */
interface Look {
  readonly slot?: RoomSlot;
  readonly absence?: 'storage_missing' | 'storage_locked';
  readonly unreadable?: RaftkvError;
}

/** Other errors are thrown. */
async function look(number: number, open: () => Promise<RoomSlot>): Promise<Look> {
  try {
    return { slot: await open() };
  } catch (thrown) {
    const error = RaftkvError.from(thrown);
    const { code, message } = error;
    if (code === 'storage_missing' || code === 'storage_locked') return { absence: code };
    if (code !== 'storage_corrupt' && code !== 'unsupported_version') throw error;
    return { unreadable: new RaftkvError(code, `${labelOf(number)}: ${message}`, { cause: error }) };
  }
}

/** A Web Lock is one for all tabs of the origin, and ends with the tab that has it. */
async function alone<Result>(name: string, act: () => Promise<Result>): Promise<Result> {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), aloneMilliseconds);
  let isOurs = false;
  try {
    return await navigator.locks.request(name, { signal: patience.signal }, () => {
      isOurs = true;
      clearTimeout(timer);
      return act();
    });
  } catch (error) {
    if (isOurs) throw error;
    throw new RaftkvError('storage_locked', 'another tab of this browser is busy with the room, and does not answer', {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
}

async function claim(name: string, isPatient: boolean): Promise<(() => void) | undefined> {
  // Asked first without patience: one that is free is ours, however slow the machine is.
  const free = await requestClaim(name, { ifAvailable: true });
  if (free !== undefined || !isPatient) return free;
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), reloadMilliseconds);
  try {
    return await requestClaim(name, { signal: patience.signal });
  } catch (error) {
    if (patience.signal.aborted) return undefined;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function requestClaim(name: string, how: LockOptions): Promise<(() => void) | undefined> {
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(name, how, (lock) => {
        if (lock === null) return resolve(undefined);
        return new Promise<void>((release) => resolve(release));
      })
      .catch(reject);
  });
}
