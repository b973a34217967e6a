// The link of a room: a name to show and a secret, in the fragment of an address, which browsers keep to themselves. From both comes the id under which tabs of
// the room find each other: whoever runs the signalling learns that, and neither name nor secret.
import { RaftkvError, sha256 } from '@raftkv/wire';

export interface RoomKey {
  /** For people: 1 to 80 characters. */
  readonly name: string;
  /** 22 letters, digits, "-" or "_": 128 bits. */
  readonly secret: string;
}

const prefix = 'raftkv-room=';
const version = '1';
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const secretCharacters = 22;
const maxNameCharacters = 80;
const maxLinkCharacters = 4_096;

/** A key for a new room. Throws `invalid_argument` for a name that is none. */
export function drawRoomKey(name: string): RoomKey {
  return { name: checkedName(name), secret: drawWord(secretCharacters) };
}

/** Letters, digits, "-" and "_", six bits each. */
export function drawWord(characters = secretCharacters): string {
  return [...crypto.getRandomValues(new Uint8Array(characters))].map((byte) => alphabet[byte & 63]).join('');
}

/**
 * `base`: the address of the page that opens rooms; its own fragment gives way.
 *
 * @example
 * encodeRoomLink({ name: 'Tea', secret }, 'https://example.org/app/') // https://example.org/app/#raftkv-room=1.Tea.SECRET
 */
export function encodeRoomLink({ name, secret }: RoomKey, base = ''): string {
  const [page] = base.split('#', 1);
  return `${page}#${prefix}${version}.${encodeURIComponent(name)}.${secret}`;
}

/** A whole address, its fragment, or what follows the "#". Throws `invalid_argument` for what is no link of a room, `unsupported_version` for one of a later build. */
export function decodeRoomLink(link: string): RoomKey {
  if (typeof link !== 'string' || link.length > maxLinkCharacters) throw noLink('it is too long');
  const at = link.indexOf(prefix);
  if (at === -1) throw noLink('it names no room');
  const [found, name = '', secret = '', ...more] = link.slice(at + prefix.length).split(/[.&]/);
  if (found !== version) throw new RaftkvError('unsupported_version', `a link of version ${found}`);
  if (more.length > 0 && link.slice(at).includes(`${secret}.`)) throw noLink('there is too much in it');
  if (!new RegExp(`^[A-Za-z0-9_-]{${secretCharacters}}$`).test(secret)) throw noLink('a part of it is missing');
  let decoded: string;
  try {
    decoded = decodeURIComponent(name);
  } catch {
    throw noLink('its name does not decode');
  }
  return { name: checkedName(decoded), secret };
}

/** 32 hexadecimal digits, of name and secret: the same in every tab that has the link, and of no use for finding out either. */
export function roomIdOf({ name, secret }: RoomKey): string {
  const bytes = sha256(new TextEncoder().encode(`raftkv room ${version}\n${secret}\n${name}`));
  return Array.from(bytes.subarray(0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function checkedName(name: string): string {
  // Dots part the fields, and encodeURIComponent leaves them as they are.
  const isName = typeof name === 'string' && /^[^.&\s][^.&]*$/.test(name) && name.length <= maxNameCharacters;
  // Half of a pair of code units cannot be written down.
  if (isName && !/\p{Surrogate}/u.test(name)) return name;
  throw new RaftkvError(
    'invalid_argument',
    `the name of a room has 1 to ${maxNameCharacters} characters, no "." or "&" among them`,
  );
}

function noLink(why: string): RaftkvError {
  return new RaftkvError('invalid_argument', `this is no link to a room: ${why}`);
}
