// The page of the suites about rooms: one room in reach of what a test evaluates in the tab.
import { createRoom, joinRoom } from 'raftkv/room';
import type { Room, RoomStatus, WebRoomOptions } from 'raftkv/room';

export type LabRoomOptions = Pick<WebRoomOptions, 'signalling' | 'storage' | 'policy' | 'electionTimeoutMilliseconds'>;

export const roomLab = {
  room: undefined as Room | undefined,
  /** Answers the link. */
  create: async (options: LabRoomOptions): Promise<string> => {
    const room = await createRoom({ ...options, name: 'lab' });
    roomLab.room = room;
    return room.link;
  },
  join: async (link: string, options: LabRoomOptions): Promise<void> => {
    roomLab.room = await joinRoom(link, options);
  },
  status: (): RoomStatus => roomLab.room!.status.getSnapshot(),
  put: (key: string, value: unknown): Promise<unknown> => roomLab.room!.kv.put(key, value),
  get: (key: string, level: 'local' | 'linearizable' = 'linearizable'): Promise<unknown> =>
    roomLab.room!.kv.get(key, { level }),
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
