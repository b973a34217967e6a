// The identity file: whose storage this is. It is written last when a store is created, so its presence means that the log was
// there, and written beside and renamed. Opening rules that compare it with what the owner asked for live here too.
import { RaftkvError } from '@raftkv/wire';
import { readWhole, replaceWhole } from './disk.ts';
import { corrupt, decodeSmallFile, encodeSmallFile } from './file-format.ts';
import { drawBytes } from './draw-bytes.ts';
import type { DrawBytes } from './draw-bytes.ts';
import type { Disk } from './disk.ts';
import type { StorageIdentity } from './storage.ts';

export const identityFileName = 'identity';

/** Each of the four words has at most 128 characters; the file at most this many bytes. */
const maxIdentityFileBytes = 8 * 1024;
const maxWordCharacters = 128;
const words = ['clusterId', 'memberId', 'memberName', 'storeId'] as const;

/** The identity that an owner asks for. The store id is the store's own, unless one was drawn before: by a member that had to tell it before it had a store. */
export type RequestedIdentity = Omit<StorageIdentity, 'storeId'> & Partial<Pick<StorageIdentity, 'storeId'>>;

/** @throws RaftkvError `invalid_argument` if a word is empty or too long. */
export function makeIdentity(requested: RequestedIdentity, draw: DrawBytes = drawBytes): StorageIdentity {
  const { clusterId, memberId, memberName, storeId = drawStoreId(draw) } = requested;
  const identity = { clusterId, memberId, memberName, storeId };
  for (const word of words) {
    if (!isWord(identity[word])) {
      throw new RaftkvError('invalid_argument', `${word} must have 1 to ${maxWordCharacters} characters`);
    }
  }
  return identity;
}

/** 128 random bits. Not `randomUUID`: a page that is not served from a secure context has none. */
export function drawStoreId(draw: DrawBytes = drawBytes): string {
  return Array.from(draw(16), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** @throws RaftkvError `storage_identity` naming both sides if the store belongs to someone else. */
export function checkIdentity(found: StorageIdentity, requested: RequestedIdentity | undefined, label: string): void {
  if (requested === undefined) return;
  const { clusterId, memberId, memberName, storeId = found.storeId } = requested;
  const isSame = found.clusterId === clusterId && found.memberId === memberId && found.memberName === memberName;
  if (isSame && found.storeId === storeId) return;
  throw new RaftkvError(
    'storage_identity',
    `${label} belongs to ${describe(found)}, but was opened as ${describe(requested)}`,
  );
}

export async function writeIdentity(disk: Disk, identity: StorageIdentity): Promise<void> {
  const body = new TextEncoder().encode(`${JSON.stringify(identity)}\n`);
  await replaceWhole(disk, identityFileName, encodeSmallFile('idt', body));
}

export async function readIdentity(disk: Disk): Promise<StorageIdentity> {
  const path = `${disk.label}/${identityFileName}`;
  const body = decodeSmallFile('idt', await readWhole(disk, identityFileName, maxIdentityFileBytes), path);
  return parseIdentity(body, path);
}

/** The identity from its JSON; `path` is for the error. */
function parseIdentity(body: Uint8Array, path: string): StorageIdentity {
  const { clusterId, memberId, memberName, storeId } = parse(body, path);
  if (isWord(clusterId) && isWord(memberId) && isWord(memberName) && isWord(storeId)) {
    return { clusterId, memberId, memberName, storeId };
  }
  throw corrupt(path, 16, 'a word of the identity is missing');
}

function parse(body: Uint8Array, path: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
    if (typeof value === 'object' && value !== null) return { ...value };
  } catch {
    // Falls through: bytes with a right checksum that are not JSON were not written by this program.
  }
  throw corrupt(path, 16, 'the identity is not JSON');
}

function isWord(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= maxWordCharacters;
}

function describe(identity: RequestedIdentity): string {
  return `member "${identity.memberName}" (${identity.memberId}) of cluster ${identity.clusterId}`;
}
