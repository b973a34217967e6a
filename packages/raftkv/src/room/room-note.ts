// What a member's storage notes of the room: by which word it is found, and which epoch of the room it belongs to. JSON with a version, beside the member's home
// note; written when the storage is made, read when it is found again.
import type { Storage } from '@raftkv/storage';
import { RaftkvError } from '@raftkv/wire';

export interface RoomNote {
  readonly word: string;
  /** Of the member; founders are derived from it. */
  readonly memberName: string;
  /** That the cluster was founded with; empty for who joined. */
  readonly token: string;
  readonly lineage: RoomLineage;
  /** This profile goes on without this member: as the founder with that token, which is there for certain once it `isDone`. */
  readonly goesOn?: { readonly token: string; readonly isDone: boolean };
}

/** A room goes on under another cluster when its majority is lost: each time that is one epoch more. */
export interface RoomLineage {
  /** From 1 on. */
  readonly epoch: number;
  /** Ids of the clusters that this one goes on from, the last one first; they are let in no more. */
  readonly before: readonly string[];
  /** Of each of those, in their order, the last entry that was known to be agreed when it was left; of fewer where an older build went on. */
  readonly agreedAt?: readonly AgreedEntry[];
}

/** Of the log of a cluster: whoever has agreed to it, or has it, has the same as this one up to here. */
export interface AgreedEntry {
  readonly index: number;
  readonly term: number;
  /** Of the store with it. */
  readonly revision: number;
}

export const firstLineage: RoomLineage = { epoch: 1, before: [] };
const noteName = 'room';
/** 2: with `goesOn`, which an older build must not pass over. */
const versions = { plain: 1, goingOn: 2 } as const;
/** Of what is remembered, and believed: a room that went on so often has other troubles. */
const maxBefore = 64;

export async function writeRoomNote(storage: Storage, note: RoomNote): Promise<void> {
  const version = note.goesOn === undefined ? versions.plain : versions.goingOn;
  await storage.setNote(noteName, new TextEncoder().encode(JSON.stringify({ version, ...note })));
}

/** Undefined if there is none: the making of this storage was cut short. Throws `storage_corrupt` or `unsupported_version`. */
export async function readRoomNote(storage: Storage): Promise<RoomNote | undefined> {
  const bytes = await storage.getNote(noteName);
  if (bytes === undefined) return undefined;
  let note: unknown;
  try {
    note = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new RaftkvError('storage_corrupt', 'the note of the room is not JSON', { cause: error });
  }
  const { version, word, memberName, token, lineage, goesOn } = (note ?? {}) as Record<string, unknown>;
  if (version !== versions.plain && version !== versions.goingOn)
    throw new RaftkvError('unsupported_version', `the note of the room is of version ${String(version)}`);
  if (isText(word) && isText(memberName) && isText(token) && isLineage(lineage)) {
    if (version === versions.plain) return { word, memberName, token, lineage };
    if (isGoingOn(goesOn)) return { word, memberName, token, lineage, goesOn };
  }
  throw new RaftkvError('storage_corrupt', 'the note of the room has an unknown form');
}

export function isLineage(value: unknown): value is RoomLineage {
  if (typeof value !== 'object' || value === null) return false;
  const { epoch, before, agreedAt = [] } = value as Record<string, unknown>;
  return (
    Number.isSafeInteger(epoch) &&
    Number(epoch) >= 1 &&
    Array.isArray(before) &&
    before.length <= maxBefore &&
    before.every(isText) &&
    Array.isArray(agreedAt) &&
    agreedAt.length <= before.length &&
    agreedAt.every(isAgreedEntry)
  );
}

/** Of the cluster that goes on from `clusterId`, which was of `lineage`, with nothing agreed after `agreed`. */
export function nextLineage(
  clusterId: string,
  { epoch, before, agreedAt = [] }: RoomLineage,
  agreed: AgreedEntry,
): RoomLineage {
  const last = <Item>(items: readonly Item[]): Item[] => items.slice(0, maxBefore);
  return { epoch: epoch + 1, before: last([clusterId, ...before]), agreedAt: last([agreed, ...agreedAt]) };
}

/** What was agreed for certain when the room of that lineage left this cluster. Undefined: nobody noted it. */
export function agreedWhenLeft(
  { before, agreedAt = [] }: RoomLineage,
  clusterId: string | undefined,
): AgreedEntry | undefined {
  return agreedAt[before.findIndex((each) => each === clusterId)];
}

function isAgreedEntry(value: unknown): boolean {
  const { index, term, revision } = (value ?? {}) as Record<string, unknown>;
  return [index, term, revision].every((each) => Number.isSafeInteger(each) && Number(each) >= 0);
}

function isGoingOn(value: unknown): value is NonNullable<RoomNote['goesOn']> {
  const { token, isDone } = (value ?? {}) as Record<string, unknown>;
  return isText(token) && typeof isDone === 'boolean';
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 512;
}
