// Which start of its storage a member is: a count that goes up, durably, at each start before a word is said to anybody, and a draw of each start. Two copies of one
// storage count alike and draw differently, so whoever has met one of them tells the other. What others remember of it is in `met-boots.ts`; opened by `founding.ts`.
import type { Storage } from '@raftkv/storage';
import { RaftkvError } from '@raftkv/wire';
import type { Incarnation } from '@raftkv/wire';

/** One start of a storage. */
export interface Boot {
  readonly bootCount: number;
  readonly draw: string;
}

const noteName = 'incarnation';
const noteVersion = 1;
/** Told and kept, newest first: a storage that was started so often without being met can still show that it is the one that was met then. */
const maxDraws = 16;

interface IncarnationNote extends Incarnation {
  readonly version: number;
  /** Why it may not be started any more. */
  readonly superseded?: string;
}

/**
 * Of the start that begins now: one small write. Throws `member_superseded` if the others have refused this storage before, `storage_corrupt` or
 * `unsupported_version` if the note does not decode.
 */
export async function beginIncarnation(
  storage: Storage,
  draw: (count: number) => Uint8Array = drawBytes,
): Promise<Incarnation> {
  const note = await read(storage);
  if (note?.superseded !== undefined) throw new RaftkvError('member_superseded', note.superseded);
  const digits = Array.from(draw(8), (byte) => byte.toString(16).padStart(2, '0')).join('');
  const draws = [digits, ...(note?.draws ?? [])].slice(0, maxDraws);
  const incarnation = { bootCount: (note?.bootCount ?? 0) + 1, draws };
  await write(storage, { version: noteVersion, ...incarnation });
  return incarnation;
}

/** From now on this storage does not start: started again and again, a copy would come to the count of the one that it was copied from. */
export async function noteSuperseded(storage: Storage, incarnation: Incarnation, reason: string): Promise<void> {
  await write(storage, { version: noteVersion, ...incarnation, superseded: reason });
}

/**
 * Whether `next` may be the storage that was started as `known`, later or at that time. Not if it counts less, nor if it drew something else then: it is another copy.
 * What it drew longer ago than it tells counts as the same.
 */
export function isSuccessor(known: Boot, next: Incarnation): boolean {
  const ago = next.bootCount - known.bootCount;
  if (ago < 0) return false;
  const drawn = next.draws[ago];
  return drawn === undefined ? ago > 0 : drawn === known.draw;
}

async function read(storage: Storage): Promise<IncarnationNote | undefined> {
  const bytes = await storage.getNote(noteName);
  if (bytes === undefined) return undefined;
  let note: Partial<IncarnationNote>;
  try {
    note = JSON.parse(new TextDecoder().decode(bytes)) as Partial<IncarnationNote>;
  } catch (error) {
    throw new RaftkvError('storage_corrupt', `the note "${noteName}" is not JSON`, { cause: error });
  }
  const { version, bootCount, draws, superseded } = note;
  if (version !== noteVersion) {
    throw new RaftkvError('unsupported_version', `the note "${noteName}" is of version ${String(version)}`);
  }
  if (!isCount(bootCount) || !Array.isArray(draws) || !draws.every(isDraw)) {
    throw new RaftkvError('storage_corrupt', `the note "${noteName}" has an unknown form`);
  }
  return { version, bootCount, draws, ...(superseded === undefined ? {} : { superseded: String(superseded) }) };
}

async function write(storage: Storage, note: IncarnationNote): Promise<void> {
  await storage.setNote(noteName, new TextEncoder().encode(JSON.stringify(note)));
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

export function isDraw(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{16}$/.test(value);
}

function drawBytes(count: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(count));
}
