// CRC-32C (Castagnoli, reflected polynomial 0x82f63b78), eight bytes a step. Guards records on disk and in snapshots;
// frames on the network are guarded by their transport.

const tables = makeTables();

function makeTables(): Uint32Array {
  const made = new Uint32Array(8 * 256);
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    made[byte] = crc;
  }
  for (let slice = 1; slice < 8; slice += 1) {
    for (let byte = 0; byte < 256; byte += 1) {
      const before = made[(slice - 1) * 256 + byte]!;
      made[slice * 256 + byte] = (before >>> 8) ^ made[before & 0xff]!;
    }
  }
  return made;
}

/**
 * The checksum of `bytes`, an unsigned 32-bit integer. To checksum a stream in parts, pass the result so far as `seed`.
 *
 * @example crc32c(b, crc32c(a)) === crc32c(concat(a, b))
 */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  const t = tables;
  const length = bytes.length;
  let crc = ~seed;
  let i = 0;
  for (const last = length - 8; i <= last; i += 8) {
    const low = crc ^ (bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24));
    crc =
      t[0x700 | (low & 0xff)]! ^
      t[0x600 | ((low >>> 8) & 0xff)]! ^
      t[0x500 | ((low >>> 16) & 0xff)]! ^
      t[0x400 | (low >>> 24)]! ^
      t[0x300 | bytes[i + 4]!]! ^
      t[0x200 | bytes[i + 5]!]! ^
      t[0x100 | bytes[i + 6]!]! ^
      t[bytes[i + 7]!]!;
  }
  for (; i < length; i += 1) crc = (crc >>> 8) ^ t[(crc ^ bytes[i]!) & 0xff]!;
  return ~crc >>> 0;
}
