// A description as a text that people copy: from a chat, a mail, a link. Compressed, with a checksum for what is cut off or mistyped, and read as
// what it is: anybody's text. Used by `invitation.ts`.
import { RaftkvError, crc32c, deflateCompression } from '@raftkv/wire';
import { maxSdpCharacters } from './signal.ts';

export interface CodeContent {
  readonly type: 'offer' | 'answer';
  /** Of the invitation; its answer repeats it. */
  readonly session: string;
  readonly sdp: string;
}

/** Of a code, white space included: many times what a description needs. */
const maxCodeCharacters = 32 * 1024;

/** Then: the kind, a checksum (32 bits) of what follows, and the compressed text. */
const version = 1;
const kinds = ['offer', 'answer'] as const;
const headerBytes = 6;
const sessionCharacters = 36;

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Letters, digits, `-` and `_`: fit for a link. */
export function encodeCode({ type, session, sdp }: CodeContent): string {
  const packed = deflateCompression.deflate(new TextEncoder().encode(session + sdp));
  const bytes = new Uint8Array(headerBytes + packed.length);
  bytes[0] = version;
  bytes[1] = kinds.indexOf(type);
  new DataView(bytes.buffer).setUint32(2, crc32c(packed));
  bytes.set(packed, headerBytes);
  return toText(bytes);
}

/** White space is overlooked. Throws `bad_frame` for what is no code or a damaged one, `unsupported_version` for one of a later build. */
export function decodeCode(code: string, type: CodeContent['type']): CodeContent {
  if (code.length > maxCodeCharacters) throw notACode('it is too long');
  const bytes = toBytes(code.replaceAll(/\s/g, ''));
  if (bytes === undefined || bytes.length <= headerBytes) throw notACode('it is no code');
  if (bytes[0] !== version) throw new RaftkvError('unsupported_version', `the code is of version ${bytes[0]}`);
  const packed = bytes.subarray(headerBytes);
  if (new DataView(bytes.buffer).getUint32(2) !== crc32c(packed)) throw notACode('a part is missing or mistyped');
  const kind = kinds[bytes[1] ?? kinds.length];
  if (kind !== type) throw notACode(`it is ${kind === undefined ? 'of an unknown kind' : `an ${kind}`}`);
  const text = new TextDecoder().decode(inflate(packed));
  const [session, sdp] = [text.slice(0, sessionCharacters), text.slice(sessionCharacters)];
  if (!/^[0-9a-f-]{36}$/.test(session) || sdp === '') throw notACode('there is nothing in it');
  return { type, session, sdp };
}

function inflate(packed: Uint8Array): Uint8Array {
  try {
    return deflateCompression.inflate(packed, sessionCharacters + maxSdpCharacters);
  } catch (error) {
    throw new RaftkvError('bad_frame', 'the code cannot be used: it does not unpack', { cause: error });
  }
}

function notACode(why: string): RaftkvError {
  return new RaftkvError('bad_frame', `the code cannot be used: ${why}`);
}

function toText(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const left = bytes.length - at;
    const bits = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    for (let place = 0; place < Math.min(left, 3) + 1; place += 1) text += alphabet[(bits >> (18 - 6 * place)) & 63];
  }
  return text;
}

function toBytes(text: string): Uint8Array | undefined {
  if (text.length % 4 === 1) return undefined;
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let bits = 0;
  let at = 0;
  for (let index = 0; index < text.length; index += 1) {
    const value = alphabet.indexOf(text.charAt(index));
    if (value === -1) return undefined;
    bits = ((bits << 6) | value) & 0xffffff;
    const held = 6 * ((index % 4) + 1);
    if (held >= 12) bytes[at++] = (bits >> (held === 12 ? 4 : held === 18 ? 2 : 0)) & 0xff;
  }
  return bytes;
}
