// What travels between a member and the relay of signals: one hello, then signals, each a frame of JSON. Both sides read it as hostile.
import { RaftkvError } from '@raftkv/wire';
import { parseSignal } from './signal.ts';
import type { Signal } from './signal.ts';

export interface RelayHello {
  readonly room: string;
  readonly id: string;
}

/** A description of the largest size, escaped. */
const maxMessageBytes = 64 * 1024;
const maxNameCharacters = 128;

export function encodeHello({ room, id }: RelayHello): Uint8Array {
  return encode({ type: 'hello', version: 1, room, id });
}

/** Throws `bad_frame`, `unsupported_version`. */
export function decodeHello(frame: Uint8Array): RelayHello {
  const { type, version, room, id } = (decode(frame) ?? {}) as Readonly<Record<string, unknown>>;
  if (type !== 'hello') throw new RaftkvError('bad_frame', 'a hello was due');
  if (version !== 1) throw new RaftkvError('unsupported_version', 'a hello of another version');
  if (isName(room) && isName(id)) return { room, id };
  throw new RaftkvError('bad_frame', 'a hello without a room or an id');
}

export function encodeSignal(signal: Signal): Uint8Array {
  return encode(signal);
}

/** Throws `bad_frame`, `unsupported_version`. */
export function decodeSignal(frame: Uint8Array): Signal {
  return parseSignal(decode(frame));
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
