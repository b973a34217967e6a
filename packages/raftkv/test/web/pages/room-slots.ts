// The page of the suite about what a profile keeps of a room: its storages, as one tab has them, in reach of what a test evaluates in the tab.
import { RaftkvError } from '@raftkv/wire';
import type { RoomSlot, RoomSlots } from '../../../src/room/room-platform.ts';
import { indexedDbSlots } from '../../../src/web/room-slots.ts';

const slots: RoomSlots = indexedDbSlots('lab');
let held: RoomSlot | undefined;

const slotsLab = {
  /** As the member of this name. Answers what it is called. */
  create: async (memberName: string): Promise<string> => {
    held = await slots.create({ clusterId: 'c1', memberId: memberName, memberName });
    await held.storage.load();
    return held.label;
  },
  /** The first one that is free. Answers whose it is; undefined: there is none. */
  openFree: async (): Promise<string | undefined> => {
    [held] = (await slots.openFree({ isPatient: false })).free;
    return (await held?.storage.load())?.identity.memberName;
  },
  close: (): Promise<void> => held!.storage.close(),
  release: (): Promise<void> => held!.release(),
  /** Answers the code with which that is refused. */
  reopen: (): Promise<string> => codeOf(async () => (held = await held!.reopen())),
  remove: (): Promise<string> => codeOf(() => held!.remove()),
  write: (): Promise<string> => codeOf(() => held!.storage.setNote('n', new Uint8Array([1]))),
};

async function codeOf(act: () => Promise<unknown>): Promise<string> {
  return act().then(
    () => 'fine',
    (error: unknown) => RaftkvError.from(error).code,
  );
}

export type SlotsLab = typeof slotsLab;
declare global {
  var slotsLab: SlotsLab;
}
globalThis.slotsLab = slotsLab;
