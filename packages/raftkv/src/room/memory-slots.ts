// Slots that keep nothing: a member for as long as its tab is there. What a room asks for with `storage: 'memory'`, and what tests open again by holding on to it.
import { createMemoryStore, openMemoryStorage } from '@raftkv/storage';
import type { MemoryStore } from '@raftkv/storage';
import { inMemory, persistent } from './room-keeping.ts';
import type { RoomSlot, RoomSlots } from './room-platform.ts';

/** What is at these stores now, of all tabs that have them. */
const turns = new WeakMap<Set<MemoryStore>, Promise<unknown>>();
const claims = new WeakMap<Set<MemoryStore>, Set<string>>();

/** `kept`: what outlives the tab. By default nothing does. `keeping`: what is said of that. */
export function memorySlots(kept?: Set<MemoryStore>, keeping = kept === undefined ? inMemory : persistent): RoomSlots {
  const stores = kept ?? new Set<MemoryStore>();
  const given = new Set<MemoryStore>();
  const slotOf = (store: MemoryStore, identity?: Parameters<RoomSlots['create']>[0]): RoomSlot => {
    const open = (): RoomSlot['storage'] =>
      openMemoryStorage({ store, create: identity !== undefined, ...(identity === undefined ? {} : { identity }) });
    const storage = open();
    given.add(store);
    return {
      label: 'a storage in memory',
      storage,
      onFailure: undefined,
      reopen: async () => {
        await storage.close();
        return slotOf(store);
      },
      release: async () => {
        await storage.close();
        given.delete(store);
      },
      remove: async () => {
        await storage.close();
        given.delete(store);
        // It is another tab's by now.
        if (!store.isLocked) stores.delete(store);
      },
    };
  };
  return {
    keeping: () => keeping,
    alone: (act) => {
      const done = (turns.get(stores) ?? Promise.resolve()).then(act);
      turns.set(
        stores,
        done.catch(() => undefined),
      );
      return done;
    },
    openFree: async () => {
      const others = [...stores].filter((store) => !given.has(store));
      const free = others.filter((store) => !store.isLocked);
      return { free: free.map((store) => slotOf(store)), isSomeTaken: free.length < others.length, unreadable: [] };
    },
    create: async (identity) => {
      const store = createMemoryStore();
      stores.add(store);
      return slotOf(store, identity);
    },
    claim: async (what) => {
      const claimed = claims.get(stores) ?? new Set();
      claims.set(stores, claimed);
      if (claimed.has(what)) return undefined;
      claimed.add(what);
      return () => claimed.delete(what);
    },
  };
}
