// Bytes as text, for what travels as JSON between tabs, which are small things, and for values that people save.
import { RaftkvError } from '@raftkv/wire';

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Throws `bad_frame`. */
export function fromHex(text: string): Uint8Array {
  if (!/^(?:[0-9a-f]{2})*$/.test(text)) throw new RaftkvError('bad_frame', 'these are no bytes');
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

const sextets = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** With padding. */
export function toBase64(bytes: Uint8Array): string {
  const text: string[] = [];
  for (let at = 0; at < bytes.length; at += 3) {
    const [one = 0, two = 0, three = 0] = bytes.subarray(at, at + 3);
    const group = (one << 16) | (two << 8) | three;
    const units = [18, 12, 6, 0].map((shift) => sextets[(group >> shift) & 63]!).join('');
    text.push(units.slice(0, bytes.length - at + 1).padEnd(4, '='));
  }
  return text.join('');
}
