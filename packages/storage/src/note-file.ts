// Notes: small durable values beside the log, a file each, written beside and renamed. The name is part of what the
// checksum covers, so that one note is never taken for another.
import { RaftkvError } from '@raftkv/wire';
import { readWhole, replaceWhole } from './disk.ts';
import { corrupt, decodeSmallFile, encodeSmallFile } from './file-format.ts';
import type { Disk } from './disk.ts';

const maxNoteBytes = 64 * 1024;

const prefix = 'note-';
const namePattern = /^[a-z0-9][a-z0-9_.-]{0,63}$/;

/** Lower case only, since some file systems do not tell cases apart. @throws RaftkvError `invalid_argument` */
export function checkNote(name: string, value: Uint8Array | undefined): void {
  if (!namePattern.test(name) || name.endsWith('.tmp')) {
    throw new RaftkvError('invalid_argument', `"${name}" cannot name a note (a-z, 0-9, "_", "." and "-", at most 64)`);
  }
  if (value !== undefined && value.length > maxNoteBytes) {
    throw new RaftkvError('invalid_argument', `note "${name}" has ${value.length} bytes; the limit is ${maxNoteBytes}`);
  }
}

export async function writeNote(disk: Disk, name: string, value: Uint8Array): Promise<void> {
  const label = new TextEncoder().encode(name);
  const body = new Uint8Array(1 + label.length + value.length);
  body[0] = label.length;
  body.set(label, 1);
  body.set(value, 1 + label.length);
  await replaceWhole(disk, prefix + name, encodeSmallFile('not', body));
}

export async function readNote(disk: Disk, name: string): Promise<Uint8Array | undefined> {
  const names = await disk.list();
  if (!names.includes(prefix + name)) return undefined;
  const path = `${disk.label}/${prefix}${name}`;
  const body = decodeSmallFile('not', await readWhole(disk, prefix + name, maxNoteBytes + 256), path);
  const end = 1 + (body[0] ?? 0);
  if (new TextDecoder().decode(body.subarray(1, end)) !== name) throw corrupt(path, 16, 'it is another note');
  return body.slice(end);
}
