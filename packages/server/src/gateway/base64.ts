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
const asciiDecoder = new TextDecoder();

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
  return asciiDecoder.decode(units);
}

/** A key to base64. */
export function encodeKey(key: Key): string {
  const bytes = new Uint8Array(key.length);
  for (let index = 0; index < key.length; index++) bytes[index] = key.charCodeAt(index);
  return encodeBytes(bytes);
}

/** Base64 to bytes. Throws the refusal `illegal base64 data at input byte N`. */
export function decodeBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(text.length / 4) * 3);
  let filled = 0;
  let at = 0;
  // Whole groups without padding or line ends, which is all of the text but its last four units.
  while (at + 4 < text.length) {
    const a = sextetAt(text, at);
    const b = sextetAt(text, at + 1);
    const c = sextetAt(text, at + 2);
    const d = sextetAt(text, at + 3);
    if ((a | b | c | d) > 63) break;
    bytes[filled] = (a << 2) | (b >> 4);
    bytes[filled + 1] = ((b & 15) << 4) | (c >> 2);
    bytes[filled + 2] = ((c & 3) << 6) | d;
    filled += 3;
    at += 4;
  }
  return decodeCarefully(text, at, bytes, filled);
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

/** The rest of `text` from a group's start on: line ends are skipped, padding ends it, anything else is refused with its place. */
function decodeCarefully(text: string, start: number, bytes: Uint8Array, startFilled: number): Uint8Array {
  let at = start;
  let filled = startFilled;
  const group = [0, 0, 0, 0];
  for (;;) {
    let held = 0;
    let ended = false;
    while (held < 4 && !ended) {
      if (at === text.length) {
        if (held === 0) return bytes.subarray(0, filled);
        throw illegal(at - held);
      }
      const sextet = sextetAt(text, at);
      if (sextet < 64) group[held++] = sextet;
      else if (text.charCodeAt(at) === padding) {
        at = skipPadding(text, at, held);
        ended = true;
        break;
      } else if (!isLineEnd(text, at)) throw illegal(at);
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
function skipPadding(text: string, at: number, held: number): number {
  if (held < 2) throw illegal(at);
  let next = at + 1;
  if (held === 2) {
    while (isLineEnd(text, next)) next++;
    if (next === text.length) throw illegal(text.length);
    if (text.charCodeAt(next) !== padding) throw illegal(next - 1);
    next++;
  }
  while (isLineEnd(text, next)) next++;
  if (next < text.length) throw illegal(next);
  return next;
}

function sextetAt(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  return unit < 256 ? sextetOfUnit[unit]! : notAlphabet;
}

function isLineEnd(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit === 10 || unit === 13;
}

function illegal(at: number): Error {
  return invalid(`illegal base64 data at input byte ${at}`);
}
