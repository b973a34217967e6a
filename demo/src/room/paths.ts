// Addresses within the room's part of the page: `#/room`, `#/room/<id>[/<member>]`, `#/room/<id>/invited/<code>`, `#/room/break-it` and `#/room/replay`. Pure.

export type RoomPath =
  | { readonly type: 'landing' }
  | { readonly type: 'break-it' }
  | { readonly type: 'replay' }
  | {
      readonly type: 'room';
      readonly room: string;
      readonly hints: readonly string[];
      readonly invitation: string | undefined;
    };

/** Undefined: the address is not of this part. */
export function parseRoomPath(hash: string): RoomPath | undefined {
  const [room, id, ...rest] = hash.replace(/^#\/?/, '').split('/');
  if (room !== 'room') return undefined;
  if (id === 'break-it' || id === 'replay') return { type: id };
  if (id === undefined || !/^[a-z0-9]{16,40}$/.test(id)) return { type: 'landing' };
  const isInvited = rest[0] === 'invited';
  return {
    type: 'room',
    room: id,
    hints: isInvited ? [] : rest.filter((name) => /^[a-z0-9-]{1,40}$/.test(name)),
    invitation: isInvited ? rest[1] : undefined,
  };
}

/** `via`: a member to ask, for who is not in this browser. */
export function linkTo(room: string, via: string | undefined, invitation?: string): string {
  const rest = invitation === undefined ? (via === undefined ? '' : `/${via}`) : `/invited/${invitation}`;
  return `${location.origin}${location.pathname}#/room/${room}${rest}`;
}

/** 20 characters that are not easily taken for one another: nobody guesses them, and who has them may come in. */
export function drawRoomId(): string {
  const letters = 'abcdefghjkmnpqrstuvwxyz23456789';
  return [...crypto.getRandomValues(new Uint8Array(20))].map((byte) => letters[byte % letters.length]).join('');
}
