// How a tab comes to be a member of a room: it founds one, is let in, comes back with what its profile kept, or goes on alone from a room whose majority is lost.
// Each makes or finds one storage, with the notes that belong to it, and answers the home that `openMember` takes.
import { openHome, tabAddress, writeRemovalNote } from '@raftkv/server';
import type { Admission, FoundingMember, Home, HomeOptions, HomePlace, KvStateMachine } from '@raftkv/server';
import type { RequestedIdentity, Storage } from '@raftkv/storage';
import { firstLineage, writeRoomNote } from './room-note.ts';
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

/** A room of one. */
export function foundHome(slots: RoomSlots, self: TabSelf): Promise<RoomHome> {
  return slots.alone(() => found(slots, self, { lineage: firstLineage, token: drawWord() }, async () => undefined));
}

/** A room of one that goes on from this state, as of `index` in the room before. What else is done to the slots is the caller's to keep out. */
export function forkHome(
  slots: RoomSlots,
  self: TabSelf,
  state: {
    readonly lineage: RoomLineage;
    readonly stateMachine: KvStateMachine;
    readonly index: number;
    readonly term: number;
    readonly token: string;
  },
): Promise<RoomHome> {
  const { stateMachine, index, term, lineage, token } = state;
  return found(slots, self, { lineage, token }, async (storage, memberId) => {
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
  return slots.alone(() => make.open({ name: note.memberName, token: '', founders: [], join }));
}

/** The home in this storage, which was just opened. */
export async function openNotedHome(slot: RoomSlot, note: RoomNote, domain: string): Promise<RoomHome> {
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
  return openNotedHome(await slot.reopen(), note, domain);
}

/**
 * Forgets what is kept there, as one step to all tabs of this profile: another one that looks through it has it open for a moment. The storage says so first: whatever
 * comes of the rest, nobody takes it for a member's any more. Rejects with `storage_*`, and then it is closed.
 */
export function forgetSlot(slots: RoomSlots, slot: RoomSlot): Promise<void> {
  return slots.alone(async () => {
    const opened = await slot.reopen();
    try {
      await writeRemovalNote(opened.storage, 'this tab joined the room anew');
      await opened.remove();
    } catch (error) {
      await opened.release();
      throw error;
    }
  });
}

async function found(
  slots: RoomSlots,
  self: TabSelf,
  { lineage, token }: Pick<RoomNote, 'lineage' | 'token'>,
  fill: (storage: Storage, memberId: string) => Promise<void>,
): Promise<RoomHome> {
  const founder = founderOf(self);
  const note = { word: self.word, memberName: founder.name, token, lineage };
  const make = new SlotMaker(slots, note, fill);
  return make.open({ name: founder.name, token: note.token, founders: [founder], join: undefined });
}

function founderOf({ word, domain }: TabSelf): FoundingMember {
  return { name: nameOf(word), address: tabAddress(word), kind: 'tab', domain };
}

/** Of the member in a tab: names are for people, and begin with a letter. */
export function nameOf(word: string): string {
  return `tab-${word}`;
}

/** Makes the storage with all that it begins with, and opens it again, so that whatever is loaded holds that. What fails halfway leaves none. */
class SlotMaker {
  readonly #slots: RoomSlots;
  readonly #note: RoomNote;
  readonly #fill: (storage: Storage, memberId: string) => Promise<void>;
  #slot: RoomSlot | undefined;

  constructor(slots: RoomSlots, note: RoomNote, fill: (storage: Storage, memberId: string) => Promise<void>) {
    this.#slots = slots;
    this.#note = note;
    this.#fill = fill;
  }

  async open(options: Omit<HomeOptions, 'place'>): Promise<RoomHome> {
    const place: HomePlace = {
      label: 'the storage of a tab',
      reopen: async () => undefined,
      create: (identity) => this.#make(identity),
    };
    try {
      const home = await openHome({ ...options, place });
      return { home, slot: this.#slot!, note: this.#note };
    } catch (error) {
      await this.#slot?.remove().catch(() => undefined);
      throw error;
    }
  }

  async #make(identity: RequestedIdentity): Promise<Storage> {
    this.#slot = await this.#slots.create(identity);
    await this.#fill(this.#slot.storage, identity.memberId);
    await writeRoomNote(this.#slot.storage, this.#note);
    this.#slot = await this.#slot.reopen();
    return this.#slot.storage;
  }
}
