// CRC-32 (the IEEE polynomial, as in zip and Ethernet) over the bytes of a snapshot: it finds damage, not malice, and every
// flipped bit for certain. `kv` may import no one, so it has its own; four bytes a step make it cost less than the encoding.

const tables = makeTables();

function makeTables(): readonly [Int32Array, Int32Array, Int32Array, Int32Array] {
  const first = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = (value & 1) === 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    first[byte] = value;
  }
  const second = following(first, first);
  const third = following(second, first);
  return [first, second, third, following(third, first)];
}

/** The table for a byte that lies one further back. */
function following(table: Int32Array, first: Int32Array): Int32Array {
  return table.map((value) => (value >>> 8) ^ (first[value & 255] ?? 0));
}

/** The checksum of what `checksum` covers followed by `bytes[from, to)`. The checksum of nothing is 0. */
export function extendChecksum(checksum: number, bytes: Uint8Array, from: number, to: number): number {
  const [first, second, third, fourth] = tables;
  let crc = ~checksum;
  let at = from;
  for (; at + 4 <= to; at += 4) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc = fourth[crc & 255]! ^ third[(crc >>> 8) & 255]! ^ second[(crc >>> 16) & 255]! ^ first[crc >>> 24]!;
  }
  for (; at < to; at++) crc = (crc >>> 8) ^ first[(crc ^ bytes[at]!) & 255]!;
  return ~crc >>> 0;
}
