// What travels between a member and the relay of signals: a hello, its welcome, then signals, each a frame of JSON. Both sides read it as hostile.
import { RaftkvError, sha256 } from '@raftkv/wire';
import { parseSignal } from './signal.ts';
import type { Signal } from './signal.ts';

export interface RelayHello {
  /** What `relayRoom` makes of the name and the secret: who can say it knows the secret. */
  readonly room: string;
  readonly id: string;
  /** Made by the member, once for as long as it lives: who shows it again is the same one. */
  readonly key: string;
  /** Wants to be told who is in the room. A relay of an earlier build does not tell. Default false. */
  readonly watches?: boolean;
}

/** Who is in the room, the member that is told left out. */
export interface PresenceNotice {
  readonly type: 'presence';
  readonly ids: readonly string[];
}

/** What the relay and a member say to each other beside that: welcome, and whether the member lives. */
export type RelayWord = 'welcome' | 'ping' | 'pong';

/** A description of the largest size, escaped. */
const maxMessageBytes = 64 * 1024;
const maxNameCharacters = 128;
const minSecretBytes = 16;
/** More than any relay lets into a room. */
const maxPresent = 1024;
const version = 2;

/**
 * What a room is called at a relay: 64 hexadecimal digits, from which nobody gets the secret back. Throws `invalid_argument` for a secret that could be guessed.
 */
export function relayRoom(room: string, secret: string | Uint8Array): string {
  const bytes = typeof secret === 'string' ? new TextEncoder().encode(secret) : secret;
  if (bytes.length < minSecretBytes) {
    throw new RaftkvError('invalid_argument', `the secret of a room has ${minSecretBytes} bytes or more`);
  }
  // Hashed apart first, so that no other room and secret run together to the same bytes.
  const parts = [new TextEncoder().encode('raftkv relay room'), sha256(new TextEncoder().encode(room)), bytes];
  return Array.from(sha256(...parts), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function encodeHello({ room, id, key, watches = false }: RelayHello): Uint8Array {
  return encode({ type: 'hello', version, room, id, key, ...(watches ? { watches } : {}) });
}

/** Throws `bad_frame`, `unsupported_version`. */
export function decodeHello(frame: Uint8Array): RelayHello {
  const hello = (decode(frame) ?? {}) as Readonly<Record<string, unknown>>;
  const { type, room, id, key } = hello;
  if (type !== 'hello') throw new RaftkvError('bad_frame', 'a hello was due');
  if (hello['version'] !== version) throw new RaftkvError('unsupported_version', 'a hello of another version');
  // A name that is no hash of a secret could be guessed by anybody.
  if (isName(room) && /^[0-9a-f]{64}$/.test(room) && isName(id) && isName(key)) {
    return { room, id, key, watches: hello['watches'] === true };
  }
  throw new RaftkvError('bad_frame', 'a hello without a room, an id or a key');
}

export function encodeWord(word: RelayWord): Uint8Array {
  return encode({ type: word });
}

export function encodeSignal(signal: Signal): Uint8Array {
  return encode(signal);
}

export function encodePresence(ids: readonly string[]): Uint8Array {
  return encode({ type: 'presence', ids });
}

/** What a member hears from the relay. Throws `bad_frame`, `unsupported_version`. */
export function decodeFromRelay(frame: Uint8Array): Signal | RelayWord | PresenceNotice {
  const value = decode(frame);
  const { type, ids } = (value ?? {}) as { readonly type?: unknown; readonly ids?: unknown };
  if (type !== 'presence') return toSignal(value);
  if (Array.isArray(ids) && ids.length <= maxPresent && ids.every(isName)) return { type, ids };
  throw new RaftkvError('bad_frame', 'a word about who is present that makes no sense');
}

/** What the relay hears. Throws `bad_frame`, `unsupported_version`. */
export function decodeSignal(frame: Uint8Array): Signal | RelayWord {
  return toSignal(decode(frame));
}

function toSignal(value: unknown): Signal | RelayWord {
  const { type } = (value ?? {}) as { readonly type?: unknown };
  return type === 'welcome' || type === 'ping' || type === 'pong' ? type : parseSignal(value);
}

function encode(value: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function decode(frame: Uint8Array): unknown {
  if (frame.length > maxMessageBytes) throw new RaftkvError('frame_too_large', `${frame.length} bytes of a signal`);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(frame));
  } catch (error) {
    throw new RaftkvError('bad_frame', 'what came in is no JSON', { cause: error });
  }
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= maxNameCharacters;
}
