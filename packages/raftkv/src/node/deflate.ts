// Raw DEFLATE by node:zlib, for what is compressed while somebody waits: several times as fast as plain JavaScript.
import { deflateRawSync } from 'node:zlib';

export function deflate(bytes: Uint8Array): Uint8Array {
  return deflateRawSync(bytes, { level: 1 });
}
