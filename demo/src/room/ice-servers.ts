// The STUN and TURN servers by which browsers find a way to each other beyond one local network: written by people, one a line, and kept for this browser; or
// said in the address, `?ice=stun:stun.example.org`, for this page alone. What uses them is in `source/`; without any, nothing outside is asked.
import type { IceServer } from '@raftkv/transport/webrtc';

/** What there is, and where it is from. */
export interface IceSetting {
  readonly text: string;
  readonly isFromAddress: boolean;
}

const storageKey = 'raftkv.ice';
/** More slow a browser down. */
const maxServers = 4;
const maxLength = 1_000;
const address = /^(stuns?|turns?):(?:\[[\da-f:.]+\]|[a-z\d._-]+)(?::(\d{1,5}))?(?:\?transport=(?:udp|tcp))?$/i;

/** One server a line or between semicolons: an address, and for TURN a user and a password after it. Throws a sentence for people. */
export function parseIceServers(text: string): readonly IceServer[] {
  if (text.length > maxLength) throw new Error(`That is longer than ${maxLength} characters.`);
  const lines = text.split(/[\n;]/).flatMap((line) => (line.trim() === '' ? [] : [line.trim().split(/\s+/)]));
  if (lines.length > maxServers) throw new Error(`At most ${maxServers} servers: more slow a browser down.`);
  return lines.map(parseServer);
}

function parseServer([urls, ...credentials]: readonly string[]): IceServer {
  const [, kind, port] = address.exec(urls!) ?? [];
  if (kind === undefined || Number(port ?? 1) < 1 || Number(port ?? 1) > 65_535) {
    throw new Error(`${urls} is no address of a server, such as stun:stun.example.org or turn:turn.example.org:3478.`);
  }
  const [username, credential, ...more] = credentials;
  const isTurn = kind.toLowerCase().startsWith('turn');
  if (isTurn && (credential === undefined || more.length > 0)) {
    throw new Error(`${urls} needs a user and a password after it, with spaces between.`);
  }
  // A browser throws where it meets one, and then nobody is reached at all.
  if (!isTurn && urls!.includes('?')) throw new Error(`${urls} may say a transport only with TURN.`);
  if (!isTurn && username !== undefined) throw new Error(`${urls} takes nothing after it: only TURN has users.`);
  return isTurn ? { urls: urls!, username: username!, credential: credential! } : { urls: urls! };
}

export function readIceSetting(search: string = location.search): IceSetting {
  const said = new URLSearchParams(search).get('ice');
  if (said !== null) return { text: said, isFromAddress: true };
  try {
    return { text: localStorage.getItem(storageKey) ?? '', isFromAddress: false };
  } catch {
    return { text: '', isFromAddress: false };
  }
}

/** For all pages of this browser from then on. Throws what `parseIceServers` throws, and then nothing is kept. */
export function keepIceServers(text: string): void {
  parseIceServers(text);
  localStorage.setItem(storageKey, text.trim());
}

/** For `openWebRtc` and invitations: nothing where none are set, or what is set makes no sense, as the share panel says. */
export function iceOptions(): { readonly iceServers?: readonly IceServer[] } {
  try {
    const iceServers = parseIceServers(readIceSetting().text);
    return iceServers.length === 0 ? {} : { iceServers };
  } catch {
    return {};
  }
}
