// How a tab left its room: with nothing left of it, or with what stands. Pure; told by `leave` and in the status.
export interface RoomDeparture {
  /**
   * `gone`: this tab is no member, and keeps nothing. `last`: nobody else votes, so the room is what is kept here. `owed`: the others did not let its member go, as when too few
   * of them are there: it is a member as before, and may leave for good when it is opened again.
   */
  readonly state: 'gone' | 'last' | 'owed';
  /** All of that for people. */
  readonly words: string;
}

/** `isMember`: what a member keeps is kept still. */
export function describeDeparture(
  {
    quorum: { voters },
    self: { role, isEphemeral },
  }: {
    readonly quorum: { readonly voters: number };
    readonly self: { readonly role: string; readonly isEphemeral: boolean };
  },
  isMember: boolean,
): RoomDeparture {
  const isVoter = role === 'voter';
  if (!isMember) return { state: 'gone', words: 'This tab left the room, and keeps nothing of it.' };
  if (isVoter && voters === 1) {
    const kept = isEphemeral ? 'nothing of it is kept: it ends with this tab' : 'it is kept in this browser';
    return { state: 'last', words: `Nobody else votes in the room, and ${kept}.` };
  }
  const what = isVoter ? `one of ${voters} voters` : 'a member';
  const then = isEphemeral
    ? 'It keeps nothing, and does not come back: the others replace it when enough of them are there.'
    : 'What it has is kept in this browser: open the room here again to be that member, and leave when the room works.';
  return { state: 'owed', words: `The others did not let this member go: it is ${what} as before. ${then}` };
}
