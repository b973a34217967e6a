// Standard base64 both ways, with etcd's (Go's) idea of what is legal and its sentence for what is not. Keys are byte
// strings (one UTF-16 unit a byte), values are bytes. Written out because no codec is common to every runtime.
import type { Key } from '@raftkv/kv';
import { invalid } from './refusal.ts';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const padding = 61;
const notAlphabet = 255;

const unitOfSextet = new Uint8Array(64);
const sextetOfUnit = new Uint8Array(256).fill(notAlphabet);
for (let sextet = 0; sextet < 64; sextet++) {
  const unit = alphabet.charCodeAt(sextet);
  unitOfSextet[sextet] = unit;
  sextetOfUnit[unit] = sextet;
}
const utf8Decoder = new TextDecoder();
const utf8Encoder = new TextEncoder();

/** Bytes to base64 with padding. */
export function encodeBytes(bytes: Uint8Array): string {
  const length = bytes.length;
  const units = new Uint8Array(Math.ceil(length / 3) * 4);
  let at = 0;
  for (let from = 0; from < length; from += 3) {
    const left = length - from;
    const group = (bytes[from]! << 16) | ((left > 1 ? bytes[from + 1]! : 0) << 8) | (left > 2 ? bytes[from + 2]! : 0);
    units[at] = unitOfSextet[group >> 18]!;
    units[at + 1] = unitOfSextet[(group >> 12) & 63]!;
    units[at + 2] = left > 1 ? unitOfSextet[(group >> 6) & 63]! : padding;
    units[at + 3] = left > 2 ? unitOfSextet[group & 63]! : padding;
    at += 4;
  }
  return utf8Decoder.decode(units);
}

/** A key to base64. */
export function encodeKey(key: Key): string {
  const bytes = new Uint8Array(key.length);
  for (let index = 0; index < key.length; index++) bytes[index] = key.charCodeAt(index);
  return encodeBytes(bytes);
}

/** Base64 to bytes. Throws the refusal `illegal base64 data at input byte N`, counted in UTF-8. */
export function decodeBytes(text: string): Uint8Array {
  const source = utf8Encoder.encode(text);
  const bytes = new Uint8Array(Math.ceil(source.length / 4) * 3);
  // Whole groups without padding or line ends, which is all of the text but its last four units.
  const end = source.length - 4;
  let filled = 0;
  let at = 0;
  for (; at < end; at += 4) {
    const a = sextetOfUnit[source[at]!]!;
    const b = sextetOfUnit[source[at + 1]!]!;
    const c = sextetOfUnit[source[at + 2]!]!;
    const d = sextetOfUnit[source[at + 3]!]!;
    if ((a | b | c | d) > 63) break;
    bytes[filled] = (a << 2) | (b >> 4);
    bytes[filled + 1] = (b << 4) | (c >> 2);
    bytes[filled + 2] = (c << 6) | d;
    filled += 3;
  }
  return decodeCarefully(source, at, bytes, filled);
}

/** Base64 to a key. */
export function decodeKey(text: string): Key {
  const bytes = decodeBytes(text);
  let key = '';
  // In pieces: an argument list has a limit.
  for (let from = 0; from < bytes.length; from += 4096) {
    key += String.fromCharCode(...bytes.subarray(from, from + 4096));
  }
  return key;
}

/** The rest of the text from a group's start on: line ends are skipped, padding ends it, anything else is refused with its place. */
function decodeCarefully(source: Uint8Array, start: number, bytes: Uint8Array, startFilled: number): Uint8Array {
  let at = start;
  let filled = startFilled;
  const group = [0, 0, 0, 0];
  for (;;) {
    let held = 0;
    let ended = false;
    while (held < 4 && !ended) {
      if (at === source.length) {
        if (held === 0) return bytes.subarray(0, filled);
        throw illegal(at - held);
      }
      const sextet = sextetOfUnit[source[at]!]!;
      if (sextet < 64) group[held++] = sextet;
      else if (source[at] === padding) {
        at = skipPadding(source, at, held);
        ended = true;
        break;
      } else if (!isLineEnd(source, at)) throw illegal(at);
      at++;
    }
    const [a, b, c, d] = group as [number, number, number, number];
    bytes[filled] = (a << 2) | (b >> 4);
    if (held > 2) bytes[filled + 1] = ((b & 15) << 4) | (c >> 2);
    if (held > 3) bytes[filled + 2] = ((c & 3) << 6) | d;
    filled += held - 1;
    if (ended) return bytes.subarray(0, filled);
  }
}

/** Checks the end of a text whose first `=` stands at `at`; answers where the text ends. */
function skipPadding(source: Uint8Array, at: number, held: number): number {
  if (held < 2) throw illegal(at);
  let next = at + 1;
  if (held === 2) {
    while (isLineEnd(source, next)) next++;
    if (next === source.length) throw illegal(source.length);
    if (source[next] !== padding) throw illegal(next - 1);
    next++;
  }
  while (isLineEnd(source, next)) next++;
  if (next < source.length) throw illegal(next);
  return next;
}

function isLineEnd(source: Uint8Array, at: number): boolean {
  const unit = source[at];
  return unit === 10 || unit === 13;
}

function illegal(at: number): Error {
  return invalid(`illegal base64 data at input byte ${at}`);
}
