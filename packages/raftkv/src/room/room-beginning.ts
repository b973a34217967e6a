// With what a tab begins: as the founder of a room, with a home that it is given, or with the newest of the storages that its profile keeps of the room and that no other
// tab has; and by which word, which is no other tab's either. Of the storages, what cannot be read is left as it is and told of, and what is nobody's any more is forgotten.
// Called by `room.ts`.
import { RaftkvError } from '@raftkv/wire';
import { memorySlots } from './memory-slots.ts';
import { foundHome, openNotedHome } from './room-home.ts';
import type { RoomHome, TabSelf } from './room-home.ts';
import { isKeptNowhere } from './room-keeping.ts';
import { readRoomNote, writeRoomNote } from './room-note.ts';
import type { RoomLineage, RoomNote } from './room-note.ts';
import type { FoundSlots, RoomSlot, RoomSlots } from './room-platform.ts';
import { RoomWords } from './room-words.ts';

/** `isFresh`: what the profile kept is left alone. */
export type HowToBegin<Former = unknown> =
  | { readonly type: 'found' }
  | { readonly type: 'join'; readonly isFresh?: boolean }
  /** As the member that went by this word, in the room of this lineage, if no other tab of the profile is that by now; no other one. */
  | {
      readonly type: 'return';
      readonly former: Former;
      readonly slots: RoomSlots;
      readonly word: string;
      readonly lineage: RoomLineage;
    }
  /** Its word is claimed. */
  | {
      readonly type: 'home';
      readonly home: RoomHome;
      readonly slots: RoomSlots;
      readonly words: RoomWords;
      readonly leftBehind: readonly RoomSlot[];
    };

export interface Beginning {
  /** Undefined: this tab is no member to begin with. */
  readonly home: RoomHome | undefined;
  readonly word: string;
  /** Where its storages are: those that were given, or ones that keep nothing where those fail altogether. */
  readonly slots: RoomSlots;
  /** Holds that word. */
  readonly words: RoomWords;
  /** What is wrong with storages that were passed over. */
  readonly setAside: readonly RaftkvError[];
  /** Storages of members that this profile left for the one in `home`: to be forgotten once that takes part, and not before; to be released if it does not. */
  readonly leftBehind: readonly RoomSlot[];
}

/** No tab came of it: a home that was founded is forgotten, since nobody has a link to that room, and any other is free for who looks next, as is the word. */
export async function giveBack({ home, words }: Beginning, { type }: HowToBegin): Promise<void> {
  try {
    await (type === 'found' ? home?.slot.remove() : home?.slot.release());
  } catch {
    // Why no tab came of it is what is told.
  }
  words.keep(undefined);
}

interface NotedSlot {
  readonly slot: RoomSlot;
  readonly note: RoomNote;
}

interface HowToSearch {
  /** Another storage was set aside before. Default false. */
  readonly isSomeSetAside?: boolean;
}

/** Rejects with `storage_*` where a storage cannot be had, which is another thing than one that is damaged, and than a browser in which none can be. */
export async function beginHome(
  begin: HowToBegin,
  slots: RoomSlots,
  self: TabSelf,
  how: HowToSearch = {},
): Promise<Beginning> {
  if (begin.type === 'home') return { ...begin, word: begin.home.note.word, setAside: [] };
  try {
    return await beginIn(begin, slots, self, how);
  } catch (error) {
    if (slots.keeping().kind === 'memory' || !isKeptNowhere(error)) throw error;
    const keeping = { kind: 'memory', why: 'storage fails', error: RaftkvError.from(error) } as const;
    return beginIn(begin, memorySlots(undefined, keeping), self, how);
  }
}

async function beginIn(
  begin: Exclude<HowToBegin, { readonly type: 'home' }>,
  slots: RoomSlots,
  self: TabSelf,
  { isSomeSetAside = false }: HowToSearch,
): Promise<Beginning> {
  const words = new RoomWords(slots);
  try {
    const isWanted = (note: RoomNote): boolean =>
      begin.type !== 'return' || (note.word === begin.word && note.lineage.epoch === begin.lineage.epoch);
    const found = await find(begin, { slots, words, self, isSomeSetAside, isWanted });
    const { word } = found.home?.note ?? self;
    // Just drawn, if it is no storage's.
    await words.take(word);
    words.keep(word);
    return { ...found, slots, word, words };
  } catch (error) {
    words.keep(undefined);
    throw error;
  }
}

interface Search {
  readonly slots: RoomSlots;
  readonly words: RoomWords;
  readonly self: TabSelf;
  readonly isSomeSetAside: boolean;
  readonly isWanted: (note: RoomNote) => boolean;
}

type Found = Pick<Beginning, 'home' | 'setAside' | 'leftBehind'>;

const nothing: Found = { home: undefined, setAside: [], leftBehind: [] };

async function find(begin: Exclude<HowToBegin, { readonly type: 'home' }>, search: Search): Promise<Found> {
  const { slots, self } = search;
  if (begin.type === 'found') return { ...nothing, home: await foundHome(slots, self) };
  if (begin.type === 'join' && begin.isFresh === true) return nothing;
  return slots.alone(async () => {
    const found = await chooseTwice(search);
    // Those of storages that were not chosen are free again before anybody else looks.
    search.words.keep(found.home?.note.word);
    return found;
  });
}

async function chooseTwice(search: Search): Promise<Found> {
  const first = await choose(search, { isPatient: false });
  // The one before this page was loaded may be on its way out: it is waited for only if no other can be had.
  if (first.home !== undefined || !first.isSomeTaken) return first;
  const second = await choose(search, { isPatient: true });
  return { ...second, setAside: [...first.setAside, ...second.setAside] };
}

async function choose(
  { slots, words, self: { domain }, isSomeSetAside, isWanted }: Search,
  how: { readonly isPatient: boolean },
): Promise<Found & Pick<FoundSlots, 'isSomeTaken'>> {
  const found = await slots.openFree(how);
  const setAside = [...found.unreadable];
  const putAside = async (slot: RoomSlot, error: RaftkvError): Promise<void> => {
    await slot.storage.close().catch(() => undefined);
    setAside.push(setAsideFor(slot, error));
  };
  try {
    const noted = await readNotes(found.free, putAside);
    const free: NotedSlot[] = [];
    for (const each of noted) {
      if (await words.take(each.note.word, how)) free.push(each);
      else await each.slot.release();
    }
    const isSomeTaken = found.isSomeTaken || free.length < noted.length;
    const homes: RoomHome[] = [];
    for (const each of free.filter(({ note }) => note.goesOn === undefined)) {
      homes.push(...(await openOrForget(each, domain, putAside)));
    }
    const left = free.filter(({ note }) => note.goesOn !== undefined);
    const isSomeMissed = isSomeSetAside || setAside.length > 0;
    for (const each of await sortLeft(left, homes, { isSomeTaken, isSomeMissed })) {
      homes.push(...(await openOrForget(each, domain, putAside)));
    }
    const [home] = homes.filter(({ note }) => isWanted(note)).toSorted(compare);
    for (const other of homes) if (other !== home) await other.slot.release();
    return { home, setAside, isSomeTaken, leftBehind: await leftFor(home, left) };
  } catch (error) {
    for (const slot of found.free) await slot.release();
    throw error;
  }
}

/**
 * The better one first. A room that went on is of a later epoch than what it went on from; and of two members of one room, the one that was removed since, and was not
 * there to hear of it, has a log that did not go on.
 */
function compare(a: RoomHome, b: RoomHome): number {
  const [endA, endB] = [endOf(a), endOf(b)];
  return b.note.lineage.epoch - a.note.lineage.epoch || endB.term - endA.term || endB.index - endA.index;
}

/** Where its log ends. */
function endOf({ home: { stored } }: RoomHome): { readonly term: number; readonly index: number } {
  const last = stored.entries.at(-1);
  if (last !== undefined) return last;
  const { snapshot, compactedIndex, compactedTerm } = stored;
  return snapshot === undefined
    ? { term: compactedTerm, index: compactedIndex }
    : { term: snapshot.lastIncludedTerm, index: snapshot.lastIncludedIndex };
}

type PutAside = (slot: RoomSlot, error: RaftkvError) => Promise<void>;

/** Storages whose making was cut short hold nothing that anybody was promised. */
async function readNotes(free: readonly RoomSlot[], putAside: PutAside): Promise<NotedSlot[]> {
  const noted: NotedSlot[] = [];
  for (const slot of free) {
    try {
      const note = await readRoomNote(slot.storage);
      if (note === undefined) await slot.remove();
      else noted.push({ slot, note });
    } catch (error) {
      if (!isUnusable(error)) throw error;
      await putAside(slot, error);
    }
  }
  return noted;
}

/**
 * Of members from which this profile went on alone: those that are members as before. One where that was cut short before the room that goes on was there is; and so is one
 * where something cannot be read, which may be that room: then nothing else may be left of it. Where that room may be another tab's by now, the member is left alone; and
 * where it was there and is gone, as by leaving it, the member is gone with it.
 */
async function sortLeft(
  left: readonly NotedSlot[],
  homes: readonly RoomHome[],
  { isSomeTaken, isSomeMissed }: { readonly isSomeTaken: boolean; readonly isSomeMissed: boolean },
): Promise<NotedSlot[]> {
  const members: NotedSlot[] = [];
  for (const { slot, note } of left) {
    const { goesOn, ...before } = note;
    if (homes.some((home) => home.note.token === goesOn!.token)) continue;
    if (isSomeTaken) await slot.release();
    else if (isSomeMissed) members.push({ slot, note });
    else if (goesOn!.isDone) await slot.remove();
    else {
      await writeRoomNote(slot.storage, before);
      members.push({ slot, note: before });
    }
  }
  return members;
}

/** Those that were left for this home. Those that were left for another one, which is there too, wait until that is opened. */
async function leftFor(home: RoomHome | undefined, left: readonly NotedSlot[]): Promise<RoomSlot[]> {
  const own: RoomSlot[] = [];
  for (const { slot, note } of left) {
    if (slot === home?.slot) continue;
    if (note.goesOn?.token === home?.note.token) own.push(slot);
    else await slot.release();
  }
  return own;
}

/** Those of members that were removed are forgotten. */
async function openOrForget({ slot, note }: NotedSlot, domain: string, putAside: PutAside): Promise<RoomHome[]> {
  try {
    return [await openNotedHome(slot, note, domain)];
  } catch (error) {
    const { code } = RaftkvError.from(error);
    if (code === 'member_removed' || code === 'storage_identity') await slot.remove();
    else if (isUnusable(error)) await putAside(slot, error);
    else throw error;
    return [];
  }
}

/** Damaged, of a later build, or refused by the others as a copy, though what they met may be one as well: it stays as it is, and this tab does without. */
export function isUnusable(error: unknown): error is RaftkvError {
  const codes = ['storage_corrupt', 'unsupported_version', 'member_superseded'];
  return error instanceof RaftkvError && codes.includes(error.code);
}

/** What is told of it. */
export function setAsideFor({ label }: RoomSlot, error: RaftkvError): RaftkvError {
  return new RaftkvError(error.code, `${label}: ${error.message}`, { cause: error });
}
