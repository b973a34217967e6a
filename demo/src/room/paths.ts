// Addresses within the room's part of the page: `#/room`, `#/room/new`, `#/room/<fragment of the room's link>`, the same with `/invited/<code>`, `#/room/break-it` and
// `#/room/replay`. Pure.
import { decodeRoomLink } from 'raftkv/room';

export type RoomPath =
  | { readonly type: 'landing' }
  | { readonly type: 'new' }
  | { readonly type: 'break-it' }
  | { readonly type: 'replay' }
  | { readonly type: 'room'; readonly link: string; readonly invitation: string | undefined };

/** Undefined: the address is not of this part. */
export function parseRoomPath(hash: string): RoomPath | undefined {
  const [room, link, mark, invitation] = hash.replace(/^#\/?/, '').split('/');
  if (room !== 'room') return undefined;
  if (link === 'break-it' || link === 'replay' || link === 'new') return { type: link };
  if (link === undefined || !isRoomLink(link)) return { type: 'landing' };
  return { type: 'room', link, invitation: mark === 'invited' ? invitation : undefined };
}

/** Of this page, to the room that this link of `raftkv/room` leads to. */
export function pageLink(link: string, invitation?: string): string {
  const fragment = link.slice(link.indexOf('#') + 1);
  return `${location.origin}${location.pathname}#/room/${fragment}${invitation === undefined ? '' : `/invited/${invitation}`}`;
}

function isRoomLink(link: string): boolean {
  try {
    decodeRoomLink(link);
    return true;
  } catch {
    return false;
  }
}
