// A room as the page shows it, made of what its members tell and of what this tab's own member sees. Pure; used by `tab-room.ts`, drawn by `view/`.
import type { Role } from '@raftkv/raft';
import type { LinkKind } from './roads.ts';
import type { Tell } from './tell.ts';

export interface MemberSight {
  readonly name: string;
  readonly isSelf: boolean;
  readonly isVoter: boolean;
  /** It told something lately. Else all that follows is as of then. */
  readonly isThere: boolean;
  readonly tell: Tell | undefined;
}

export interface LinkSight {
  readonly a: string;
  readonly b: string;
  /** Undefined: none stands. */
  readonly kind: LinkKind | undefined;
  /** Cut by this tab. */
  readonly isCut: boolean;
}

export type Phase = 'opening' | 'joining' | 'running' | 'alone' | 'failed';

export interface RoomView {
  readonly phase: Phase;
  /** Why it failed, or what was wrong last. */
  readonly problem: string | undefined;
  readonly room: string;
  /** Name of this tab's member; undefined before it has a seat. */
  readonly self: string | undefined;
  readonly members: readonly MemberSight[];
  readonly links: readonly LinkSight[];
  readonly leader: string | undefined;
  readonly role: Role | 'none';
  readonly term: number;
  readonly commitIndex: number;
  readonly isVoter: boolean;
  readonly votersThere: number;
  readonly voters: number;
  readonly hasQuorum: boolean;
  /** All voters are tabs of this browser. */
  readonly isOneBrowser: boolean;
  /** Members that this tab runs beside its own, so that the others have a majority. */
  readonly guests: readonly string[];
  /** Members that are missing and have their storage in this browser. */
  readonly adoptable: readonly string[];
}

export interface ViewSource extends Pick<RoomView, 'phase' | 'problem' | 'room' | 'self' | 'guests'> {
  /** The newest of each member, by name; this tab's own among them. */
  readonly tells: ReadonlyMap<string, { readonly tell: Tell; readonly at: number }>;
  readonly cut: ReadonlySet<string>;
  /** Who has a channel to this tab's member, told or not. */
  readonly connected: ReadonlySet<string>;
  /** Names that have a seat in this browser. */
  readonly local: readonly string[];
  readonly now: number;
}

/** A hidden tab gets its timers once a second. */
export const silenceMilliseconds = 3_500;

export function viewRoom(source: ViewSource): RoomView {
  const { phase, problem, room, self, guests, tells, cut, connected, local, now } = source;
  const own = self === undefined ? undefined : tells.get(self)?.tell;
  const isThere = (name: string): boolean => {
    const told = tells.get(name);
    if (told === undefined || now - told.at >= silenceMilliseconds) return connected.has(name);
    return !told.tell.isFrozen;
  };
  // Who knows most of the log knows best who is a member.
  const known = [...tells.values()]
    .map(({ tell }) => tell)
    .toSorted((a, b) => b.term - a.term || b.commitIndex - a.commitIndex);
  const voters = own === undefined ? (known[0]?.voters ?? []) : newest(own, known).voters;
  const learners = own === undefined ? (known[0]?.learners ?? []) : newest(own, known).learners;
  const names = [...new Set([...voters, ...learners, ...(self === undefined ? [] : [self])])].toSorted();
  const members = names.map((name): MemberSight => ({
    name,
    isSelf: name === self,
    isVoter: voters.includes(name),
    isThere: isThere(name),
    tell: tells.get(name)?.tell,
  }));
  const votersThere = voters.filter(isThere).length;
  const leading = members
    .filter(({ isThere: there, tell }) => there && tell?.role === 'leader')
    .toSorted((a, b) => b.tell!.term - a.tell!.term)[0];
  return {
    phase,
    problem,
    room,
    self,
    members,
    links: linksOf(members, cut, self),
    leader: leading?.name ?? (own?.leader !== undefined && own.leader !== self ? own.leader : undefined),
    role: own?.role ?? 'none',
    term: Math.max(0, ...known.map(({ term }) => term)),
    commitIndex: Math.max(0, ...known.map(({ commitIndex }) => commitIndex)),
    isVoter: self !== undefined && voters.includes(self),
    votersThere,
    voters: voters.length,
    hasQuorum: voters.length > 0 && votersThere > voters.length / 2,
    isOneBrowser: voters.length > 1 && new Set(voters.map((name) => tells.get(name)?.tell.domain ?? name)).size === 1,
    guests,
    adoptable: members
      .filter(({ name, isThere: there, isSelf }) => !there && !isSelf && local.includes(name) && !guests.includes(name))
      .map(({ name }) => name),
  };
}

/** This tab's own word, unless another one knows of a later configuration. */
function newest(own: Tell, known: readonly Tell[]): Tell {
  const best = known[0] ?? own;
  return best.commitIndex > own.lastIndex ? best : own;
}

function linksOf(members: readonly MemberSight[], cut: ReadonlySet<string>, self: string | undefined): LinkSight[] {
  return members.flatMap((a, at) =>
    members.slice(at + 1).map((b): LinkSight => {
      const isCut = (a.name === self && cut.has(b.name)) || (b.name === self && cut.has(a.name));
      const says = (one: MemberSight, other: MemberSight): LinkKind | undefined =>
        one.isThere ? one.tell?.links.find(({ to }) => to === other.name)?.kind : undefined;
      return { a: a.name, b: b.name, kind: isCut ? undefined : (says(a, b) ?? says(b, a)), isCut };
    }),
  );
}
