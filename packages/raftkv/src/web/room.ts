// The door of rooms in a browser, `raftkv/room`: clusters of tabs alone. Puts a room's parts on what a browser has, and tells it of the life of its page. In an entry
// of its own, since a page with a copy alone does not load the engine.
import { RaftkvError } from '@raftkv/wire';
import type { IceServer } from '@raftkv/transport/webrtc';
import { createRoomOn, joinRoomOn } from '../room/open-room.ts';
import type { Room } from '../room/open-room.ts';
import { memorySlots } from '../room/memory-slots.ts';
import type { RoomOptions } from '../room/room-options.ts';
import type { RoomPlatform } from '../room/room-platform.ts';
import { presentTabPage, watchNetwork } from './member/page-life.ts';
import { Vigil, pageClock } from './member/vigil.ts';
import { askToKeep, findPrivateWindow } from './lasting.ts';
import { profileDomain } from './room-domain.ts';
import { isMeeting } from './room-codes.ts';
import type { RoomCodes } from './room-codes.ts';
import { openBroadcastNetwork, openRelayNetwork } from './room-network.ts';
import { indexedDbSlots } from './room-slots.ts';

export { decodeRoomLink } from '../room/room-link.ts';
export { meetByCodes } from './room-codes.ts';
export type { RoomCodes, RoomCodesOptions } from './room-codes.ts';
export { RaftkvError } from '@raftkv/wire';
export type { Confirmation, Room } from '../room/open-room.ts';
export type { RoomDeparture } from '../room/room-departure.ts';
export type { RoomKeeping, RoomStorageStatus } from '../room/room-keeping.ts';
export type { RoomKey } from '../room/room-link.ts';
export type { RoomInside } from '../room/room-inside.ts';
export type { RoomNetwork, RoomNetworkOptions } from '../room/room-platform.ts';
export type { RoomOptions } from '../room/room-options.ts';
export type { RoomPolicyOptions } from '../room/room-policy.ts';
export type { RoomQuorum, RoomStatus, RoomTabStatus } from '../room/room-status.ts';
export type { Unmerged, UnmergedEntry } from '../room/unmerged.ts';

export interface WebRoomOptions<Value = unknown> extends RoomOptions<Value> {
  /**
   * How tabs find each other. An address, such as `wss://example.org/signals`, or up to 8: through those relays, and over WebRTC, from anywhere. Of several all are used, so that
   * tabs with one in common find each other while that is there. `tabs`: tabs of this origin in this browser, without any server. What `meetByCodes` answers: those, and
   * other browsers by invitations that people carry, without any server.
   */
  readonly signalling: string | readonly string[] | RoomCodes;
  /** STUN and TURN servers, with relays; `meetByCodes` takes its own. Default none: enough within one local network. */
  readonly iceServers?: readonly IceServer[];
  /**
   * `strict`: in IndexedDB, each agreed entry forced to the medium; where the browser lets a page keep nothing, as in a private window, it is as with `memory`, and
   * `status.storage` says so. `memory`: nowhere, and each start is a new member. Default `strict`.
   */
  readonly storage?: 'strict' | 'memory';
}

/**
 * A room of this tab, for others to join by `room.link`.
 *
 * @throws RaftkvError `invalid_argument`, `unsupported` (an insecure page), `storage_*`
 * @example
 * ```ts
 * const room = await createRoom({ name: 'Tea', signalling: 'wss://example.org/signals' });
 * await room.kv.put('kettle', 'on');
 * show(room.link);
 * ```
 */
export async function createRoom<Value = unknown>(
  options: WebRoomOptions<Value> & { readonly name: string },
): Promise<Room<Value>> {
  return createRoomOn<Value>(platformFor(options), { ...options, base: location.href });
}

/**
 * The room that this link leads to. As the member that this profile was before, if no other tab is that; else as an observer that is asked to vote when it has
 * been there for a while and voters are wanted.
 *
 * @throws RaftkvError `invalid_argument` (this is no link), `unsupported`, `storage_*`
 */
export async function joinRoom<Value = unknown>(link: string, options: WebRoomOptions<Value>): Promise<Room<Value>> {
  return joinRoomOn<Value>(platformFor(options), link, { ...options, base: location.href });
}

function watchLeaving(listener: (how: 'frozen' | 'away' | 'gone') => void): () => void {
  const onPageHide = ({ persisted }: PageTransitionEvent): void => listener(persisted ? 'away' : 'gone');
  const onFreeze = (): void => listener('frozen');
  addEventListener('pagehide', onPageHide);
  document.addEventListener('freeze', onFreeze);
  return () => {
    removeEventListener('pagehide', onPageHide);
    document.removeEventListener('freeze', onFreeze);
  };
}

const maxRelays = 8;

/** Undefined: tabs of this browser alone. */
function relaysOf(signalling: WebRoomOptions['signalling']): readonly string[] | undefined {
  if (signalling === 'tabs') return undefined;
  // What else it may be, a page without types may say.
  const relays = [...new Set([signalling as string | readonly string[]].flat())];
  if (relays.length > 0 && relays.length <= maxRelays && relays.every((relay) => /^wss?:\/\/.+$/.test(relay)))
    return relays;
  const what = relays.join(', ') || 'nothing';
  throw new RaftkvError(
    'invalid_argument',
    `signalling is ${what}; there are tabs, addresses of 1 to ${maxRelays} relays, and what meetByCodes answers`,
  );
}

/** Out of the browser's cache of pages that were left. */
function watchReturning(listener: () => void): () => void {
  const onPageShow = ({ persisted }: PageTransitionEvent): void => {
    if (persisted) listener();
  };
  addEventListener('pageshow', onPageShow);
  return () => removeEventListener('pageshow', onPageShow);
}

function platformFor({
  signalling,
  iceServers,
  storage = 'strict',
}: Pick<WebRoomOptions, 'signalling' | 'iceServers' | 'storage'>): RoomPlatform {
  const meeting = isMeeting(signalling) ? signalling : undefined;
  const relays = meeting === undefined ? relaysOf(signalling) : undefined;
  if (storage !== 'strict' && storage !== 'memory') {
    throw new RaftkvError('invalid_argument', `storage is ${String(storage)}; there are strict, memory`);
  }
  const page = presentTabPage();
  if (page.locks === undefined)
    throw new RaftkvError('unsupported', 'rooms need a secure page: https, or this machine');
  return {
    openNetwork: (options) => {
      if (meeting !== undefined) return meeting.openNetwork(options);
      return relays === undefined ? openBroadcastNetwork(options) : openRelayNetwork({ relays, iceServers }, options);
    },
    openSlots: async (roomId) => {
      if (storage === 'memory') return memorySlots();
      const found = await findPrivateWindow();
      if (found === undefined) return indexedDbSlots(roomId, askToKeep());
      const error = new RaftkvError('unsupported', 'this is a private window', { cause: found.cause });
      return memorySlots(undefined, { kind: 'memory', why: 'private window', error });
    },
    clock: pageClock(),
    openVigil: ({ patienceMilliseconds, onGap }) =>
      new Vigil({ patienceMilliseconds, onGap, isHidden: () => document.visibilityState === 'hidden' }),
    domain: profileDomain(),
    isMobile: page.isMobile,
    isVisible: () => document.visibilityState === 'visible',
    onVisibility: (listener) => {
      document.addEventListener('visibilitychange', listener);
      return () => document.removeEventListener('visibilitychange', listener);
    },
    onLeaving: watchLeaving,
    onReturning: watchReturning,
    onNetwork: (listener) => watchNetwork(page, listener),
    version: '0.1.0',
    seed: () => crypto.getRandomValues(new Uint32Array(1))[0]!,
  };
}
