// The notes in a member's storage of how it came to be one, and that it is none any more. JSON with a version; a configuration in it as the bytes that
// `wire` makes of it. Read and written by `home.ts` and `open-member.ts`.
import type { Storage } from '@raftkv/storage';
import { RaftkvError, decodeConfiguration, encodeConfiguration } from '@raftkv/wire';
import { decodeBytes, encodeBytes } from './gateway/base64.ts';
import type { Founder } from './roster.ts';

/** Who is a member, as the log says it. */
export type HeldConfiguration = ReturnType<typeof decodeConfiguration>;

export type HomeNote =
  | {
      readonly type: 'founded';
      readonly token: string;
      readonly founders: readonly Founder[];
      /** Whether the cluster's id is made of names alone, as it was before ids were drawn. */
      readonly isNamed: boolean;
    }
  | { readonly type: 'joined'; readonly configuration: HeldConfiguration; readonly configurationIndex: number };

const homeName = 'home';
const removalName = 'removed';
/** 2: the note of a founder whose cluster's id is drawn. What software of before would take for that id is another one, so it must not go on with it. */
const version = 1;
const drawnVersion = 2;

export async function writeHomeNote(storage: Storage, note: HomeNote): Promise<void> {
  if (note.type === 'founded') {
    const { isNamed, ...rest } = note;
    return write(storage, homeName, rest, isNamed ? version : drawnVersion);
  }
  const configuration = encodeBytes(encodeConfiguration(note.configuration));
  await write(storage, homeName, { ...note, configuration });
}

/** Undefined if there is none. Throws `storage_corrupt` or `unsupported_version`. */
export async function readHomeNote(storage: Storage): Promise<HomeNote | undefined> {
  const note = await read(storage, homeName, drawnVersion);
  if (note === undefined) return undefined;
  const { type, token, founders, configuration, configurationIndex } = note;
  if (type === 'founded' && typeof token === 'string' && Array.isArray(founders) && founders.every(isFounder)) {
    return { type, token, founders, isNamed: note.version === version };
  }
  if (type === 'joined' && typeof configuration === 'string' && Number.isSafeInteger(configurationIndex)) {
    return { type, configuration: decode(configuration), configurationIndex: configurationIndex as number };
  }
  throw corrupt(homeName);
}

/** `reason`: what to say when somebody starts it again. */
export async function writeRemovalNote(storage: Storage, reason: string): Promise<void> {
  await write(storage, removalName, { reason });
}

export async function readRemovalNote(storage: Storage): Promise<string | undefined> {
  const note = await read(storage, removalName);
  if (note === undefined) return undefined;
  if (typeof note.reason === 'string') return note.reason;
  throw corrupt(removalName);
}

async function write(storage: Storage, name: string, note: object, as = version): Promise<void> {
  await storage.setNote(name, new TextEncoder().encode(JSON.stringify({ version: as, ...note })));
}

async function read(storage: Storage, name: string, newest = version): Promise<Record<string, unknown> | undefined> {
  const bytes = await storage.getNote(name);
  if (bytes === undefined) return undefined;
  let note: unknown;
  try {
    note = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new RaftkvError('storage_corrupt', `the note "${name}" is not JSON`, { cause: error });
  }
  if (typeof note !== 'object' || note === null) throw corrupt(name);
  const found = (note as { version?: unknown }).version;
  if (found === version || found === newest) return { ...note };
  throw new RaftkvError('unsupported_version', `the note "${name}" is of version ${String(found)}`);
}

function decode(configuration: string): HeldConfiguration {
  let bytes: Uint8Array;
  try {
    bytes = decodeBytes(configuration);
  } catch {
    throw corrupt(homeName);
  }
  return decodeConfiguration(bytes);
}

function isFounder(value: unknown): value is Founder {
  if (typeof value !== 'object' || value === null) return false;
  const { id, name, address } = value as Record<string, unknown>;
  return typeof id === 'string' && typeof name === 'string' && typeof address === 'string';
}

function corrupt(name: string): RaftkvError {
  return new RaftkvError('storage_corrupt', `the note "${name}" has an unknown form`);
}
