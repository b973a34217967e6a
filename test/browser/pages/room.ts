// The page of the suites about rooms: one room in reach of what a test evaluates in the tab.
import { keptWrites } from 'raftkv/outbox';
import { createRoom, joinRoom } from 'raftkv/room';
import type { Room, RoomStatus, WebRoomOptions } from 'raftkv/room';
import { durabilities, watchDurabilities } from './durabilities.ts';

watchDurabilities();

export type LabRoomOptions = Pick<
  WebRoomOptions,
  'signalling' | 'storage' | 'policy' | 'electionTimeoutMilliseconds'
> & { readonly isKeepingWrites?: boolean };

function settle({ isKeepingWrites = false, ...options }: LabRoomOptions): WebRoomOptions {
  return isKeepingWrites ? { ...options, outbox: keptWrites() } : options;
}

/** How long a busy machine may let one wait for an answer. */
const patient = { timeoutMilliseconds: 60_000 };

interface SeenWrite {
  readonly key: unknown;
  readonly status: string;
  readonly kept: boolean | undefined;
  readonly code: string | undefined;
}

export const roomLab = {
  room: undefined as Room | undefined,
  durabilities,
  /** Answers the link. */
  create: async (options: LabRoomOptions): Promise<string> => {
    const room = await createRoom({ ...settle(options), name: 'lab' });
    roomLab.room = room;
    return room.link;
  },
  join: async (link: string, options: LabRoomOptions): Promise<void> => {
    roomLab.room = await joinRoom(link, settle(options));
  },
  status: (): RoomStatus => roomLab.room!.status.getSnapshot(),
  put: (key: string, value: unknown): Promise<unknown> => roomLab.room!.kv.put(key, value, patient),
  get: (key: string, level: 'local' | 'linearizable' = 'linearizable'): Promise<unknown> =>
    roomLab.room!.kv.get(key, { level, ...patient }),
  /** Resolves when it is on the disk. */
  mutate: (key: string, value: unknown): Promise<void> => {
    const { state } = roomLab.room!.kv.mutate([{ type: 'put', key, value }]);
    return new Promise((resolve) => {
      const look = (): void => (state.getSnapshot().kept === true ? resolve() : undefined);
      state.subscribe(look);
      look();
    });
  },
  writes: (): SeenWrite[] =>
    roomLab.room!.kv.writes.getSnapshot().map(({ keys, state }) => {
      const { status, kept, error } = state.getSnapshot();
      return { key: keys[0], status, kept, code: error?.code };
    }),
  version: async (key: string): Promise<number | undefined> => (await roomLab.room!.kv.getEntry(key))?.version,
  goOn: async (): Promise<void> => {
    roomLab.room = await roomLab.room!.goOnFromHere({ confirm: true });
  },
  joinAnew: async (): Promise<void> => {
    roomLab.room = await roomLab.room!.joinAnew({ confirm: true });
  },
  unmerged: async (): Promise<number> => (await roomLab.room!.unmerged()).count,
};

export type RoomLab = typeof roomLab;
declare global {
  var roomLab: RoomLab;
}
globalThis.roomLab = roomLab;
