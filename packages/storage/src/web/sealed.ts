// A record of a small database as a value of IndexedDB: its bytes with a checksum of them and of its key, so that no damage and no mix-up goes unseen. What
// the bytes mean is said in `copy-records.ts` and `outbox-records.ts`.
import { corrupt } from '../file-format.ts';

/** Where a record is. */
export type SealedKey = string | readonly (string | number)[];
/** What is kept there: a checksum of the key and of the bytes, and the bytes. */
export type Sealed = readonly [sum: number, bytes: Uint8Array];

export function seal(key: SealedKey, bytes: Uint8Array): Sealed {
  return [sumOf(key, bytes), bytes];
}

/** The bytes, and where they are from. */
export function unsealed(key: SealedKey, value: unknown, place: string): [bytes: Uint8Array, path: string] {
  const path = `${place}/${key.toString()}`;
  const [sum, bytes] = Array.isArray(value) ? (value as unknown[]) : [];
  if (!(bytes instanceof Uint8Array)) throw corrupt(path, 0, 'there is no such record');
  if (sum !== sumOf(key, bytes)) throw corrupt(path, 0, 'its checksum is off');
  return [bytes, path];
}

/** FNV-1a of 32 bits: a few lines, for a database that has checksums of its own in most browsers. */
function sumOf(key: SealedKey, bytes: Uint8Array): number {
  let sum = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(key.toString())) sum = mixed(sum, byte);
  for (const byte of bytes) sum = mixed(sum, byte);
  return sum >>> 0;
}

function mixed(sum: number, byte: number): number {
  return Math.imul(sum ^ byte, 0x01000193);
}
