// How a tab comes to be a member of a room: it founds one, is let in, comes back with what its profile kept, or goes on alone from a room whose majority is lost.
// Each makes or finds one storage, with the notes that belong to it, and answers the home that `openMember` takes.
import { openHome, tabAddress } from '@raftkv/server';
import type { Admission, FoundingMember, Home, KvStateMachine } from '@raftkv/server';
import type { RequestedIdentity, Storage } from '@raftkv/storage';
import { firstLineage, readRoomNote, writeRoomNote } from './room-note.ts';
import type { RoomLineage, RoomNote } from './room-note.ts';
import { drawWord } from './room-link.ts';
import type { RoomSlot, RoomSlots } from './room-platform.ts';

export interface RoomHome {
  readonly home: Home;
  readonly slot: RoomSlot;
  readonly note: RoomNote;
}

/** Who a tab is before it is a member: by what it is found, and with what it fails. */
export interface TabSelf {
  readonly word: string;
  readonly domain: string;
}

/** `isFresh`: what the profile kept is left alone. */
export type HowToBegin =
  | { readonly type: 'found' }
  | { readonly type: 'join'; readonly isFresh?: boolean }
  | { readonly type: 'home'; readonly home: RoomHome; readonly slots: RoomSlots };

/** Undefined: this tab is no member to begin with. */
export async function beginHome(begin: HowToBegin, slots: RoomSlots, self: TabSelf): Promise<RoomHome | undefined> {
  if (begin.type === 'home') return begin.home;
  if (begin.type === 'found') return foundHome(slots, self);
  return begin.isFresh === true ? undefined : reopenHome(slots, self.domain);
}

/** A room of one. */
function foundHome(slots: RoomSlots, self: TabSelf): Promise<RoomHome> {
  return found(slots, self, firstLineage, async () => undefined);
}

/** A room of one that goes on from this state, as of `index` in the room before. */
export function forkHome(
  slots: RoomSlots,
  self: TabSelf,
  state: {
    readonly lineage: RoomLineage;
    readonly stateMachine: KvStateMachine;
    readonly index: number;
    readonly term: number;
  },
): Promise<RoomHome> {
  const { stateMachine, index, term, lineage } = state;
  return found(slots, self, lineage, async (storage, memberId) => {
    const { domain } = self;
    const record = {
      id: memberId,
      name: nameOf(self.word),
      address: tabAddress(self.word),
      storeId: undefined,
      kind: 'tab' as const,
      domain,
    };
    const configuration = { voters: [memberId], votersOutgoing: [], learners: [], learnersNext: [], members: [record] };
    const writer = await storage.createSnapshot({ lastIncludedIndex: index, lastIncludedTerm: term, configuration });
    const snapshot = stateMachine.snapshot();
    try {
      const chunks = snapshot.chunks();
      for (let next = chunks.next(); next.done !== true; next = chunks.next()) await writer.write(next.value);
    } finally {
      snapshot.release();
    }
    await writer.commit({ resetLog: true });
    await storage.append({ hardState: { term, votedFor: undefined, commitIndex: index }, entries: [] });
  });
}

/** As the leader let it in. */
export async function joinHome(
  slots: RoomSlots,
  self: TabSelf,
  admission: Admission,
  lineage: RoomLineage,
): Promise<RoomHome> {
  const note = { word: self.word, memberName: admission.identity.memberName, token: '', lineage };
  const make = new SlotMaker(slots, note, async () => undefined);
  const join = async (): Promise<Admission> => admission;
  const home = await openHome({ place: make.place, name: note.memberName, token: '', founders: [], join });
  return { home, slot: make.slot!, note };
}

/** With what the profile kept; undefined if there is nothing. Storages whose making was cut short, and those of members that were removed, are forgotten. */
async function reopenHome(slots: RoomSlots, domain: string): Promise<RoomHome | undefined> {
  for (;;) {
    const slot = await slots.reopen();
    if (slot === undefined) return undefined;
    const note = await readRoomNote(slot.storage);
    if (note !== undefined) {
      try {
        return await openSlot(slot, note, domain);
      } catch (error) {
        const { code } = error as { readonly code?: string };
        if (code !== 'member_removed' && code !== 'storage_identity') throw error;
      }
    }
    await slot.remove();
  }
}

/** The home in this storage, which was just opened. */
async function openSlot(slot: RoomSlot, note: RoomNote, domain: string): Promise<RoomHome> {
  const { token, memberName, word } = note;
  const founders = token === '' ? [] : [founderOf({ word, domain })];
  const place = {
    label: slot.label,
    reopen: async () => slot.storage,
    create: () => Promise.reject(new Error('it is there')),
  };
  const home = await openHome({ place, name: memberName, token, founders, join: undefined });
  return { home, slot, note };
}

/** The same member once more, with what is durable: what it knew beside that is forgotten. Its storage must be closed. */
export async function reviveHome({ slot, note }: RoomHome, domain: string): Promise<RoomHome> {
  return openSlot(await slot.reopen(), note, domain);
}

async function found(
  slots: RoomSlots,
  self: TabSelf,
  lineage: RoomLineage,
  fill: (storage: Storage, memberId: string) => Promise<void>,
): Promise<RoomHome> {
  const founder = founderOf(self);
  const note = { word: self.word, memberName: founder.name, token: drawWord(), lineage };
  const make = new SlotMaker(slots, note, fill);
  const home = await openHome({
    place: make.place,
    name: founder.name,
    token: note.token,
    founders: [founder],
    join: undefined,
  });
  return { home, slot: make.slot!, note };
}

function founderOf({ word, domain }: TabSelf): FoundingMember {
  return { name: nameOf(word), address: tabAddress(word), kind: 'tab', domain };
}

/** Of the member in a tab: names are for people, and begin with a letter. */
export function nameOf(word: string): string {
  return `tab-${word}`;
}

/** Makes the storage with all that it begins with, and opens it again, so that whatever is loaded holds that. */
class SlotMaker {
  slot: RoomSlot | undefined;
  readonly place;

  constructor(slots: RoomSlots, note: RoomNote, fill: (storage: Storage, memberId: string) => Promise<void>) {
    this.place = {
      label: 'the storage of a tab',
      reopen: async (): Promise<Storage | undefined> => undefined,
      create: async (identity: RequestedIdentity): Promise<Storage> => {
        const made = await slots.create(identity);
        try {
          await fill(made.storage, identity.memberId);
          await writeRoomNote(made.storage, note);
          this.slot = await made.reopen();
        } catch (error) {
          await made.remove().catch(() => undefined);
          throw error;
        }
        return this.slot.storage;
      },
    };
  }
}
