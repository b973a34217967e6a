// Slots that keep nothing: a member for as long as its tab is there. What a room asks for with `storage: 'memory'`, and what tests open again by holding on to it.
import { createMemoryStore, openMemoryStorage } from '@raftkv/storage';
import type { MemoryStore } from '@raftkv/storage';
import type { RoomSlot, RoomSlots } from './room-platform.ts';

/** `kept`: what outlives the tab. By default nothing does. */
export function memorySlots(kept?: Set<MemoryStore>): RoomSlots {
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
      remove: async () => {
        await storage.close();
        stores.delete(store);
      },
    };
  };
  return {
    isLasting: kept !== undefined,
    reopen: async () => {
      const free = [...stores].find((store) => !store.isLocked && !given.has(store));
      return free === undefined ? undefined : slotOf(free);
    },
    create: async (identity) => {
      const store = createMemoryStore();
      stores.add(store);
      return slotOf(store, identity);
    },
  };
}
