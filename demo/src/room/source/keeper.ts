// Who votes in a room: whoever leads promotes those that stay, up to five, and removes those that are gone, as long as a majority agrees; guests go as soon as
// they are not needed. Decides only, from a view; `tab-room.ts` carries it out. Pure.
import type { RoomView } from './room-view.ts';

export type KeeperWish =
  | { readonly type: 'remove'; readonly member: string }
  | { readonly type: 'promote'; readonly member: string }
  /** A member that is missing, with its storage in this browser: without it there is no majority. */
  | { readonly type: 'adopt'; readonly member: string };

export const mostVoters = 5;
/** Longer than a reload. */
const goneMilliseconds = 8_000;
const adoptMilliseconds = 4_500;

/** `silentFor`: since a member told something; Infinity: it never did. At most one wish at a time. */
export function keep(view: RoomView, silentFor: (name: string) => number): KeeperWish | undefined {
  if (view.phase !== 'running' || view.self === undefined) return undefined;
  if (!view.hasQuorum) {
    // The first by name of those that are there, so that not all of them try.
    const first = view.members.find(({ isThere, tell }) => isThere && tell?.isGuest === false);
    const missing = view.adoptable.find((name) => silentFor(name) > adoptMilliseconds);
    const isVoterMissing = view.members.some(({ name, isVoter }) => isVoter && name === missing);
    return first?.isSelf === true && missing !== undefined && isVoterMissing
      ? { type: 'adopt', member: missing }
      : undefined;
  }
  if (view.role !== 'leader') return undefined;
  const guest = view.members.find(({ isVoter, tell, isSelf }) => isVoter && tell?.isGuest === true && !isSelf);
  if (guest !== undefined) return { type: 'remove', member: guest.name };
  const gone = view.members.find(
    ({ name, isThere, isSelf, tell }) =>
      !isSelf && !isThere && tell?.isFrozen !== true && silentFor(name) > goneMilliseconds,
  );
  if (gone !== undefined && (!gone.isVoter || view.voters > 2)) return { type: 'remove', member: gone.name };
  const next = view.members.find(({ isVoter, isThere, tell }) => !isVoter && isThere && tell?.isVisible === true);
  if (next !== undefined && view.voters < mostVoters) return { type: 'promote', member: next.name };
  return undefined;
}
