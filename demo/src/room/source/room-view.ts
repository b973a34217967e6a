// A room as the page shows it, made of the room's own status and of what its members tell. Pure; used by `tab-room.ts`, drawn by `view/`.
import type { Role } from '@raftkv/raft';
import type { OutboxStatus } from 'raftkv';
import type { RoomDeparture, RoomQuorum, RoomStatus, RoomTabStatus } from 'raftkv/room';
import type { LinkKind } from './roads.ts';
import { nameOf } from './tab-names.ts';
import type { Tell } from './tell.ts';

export interface MemberSight {
  readonly name: string;
  readonly isSelf: boolean;
  readonly isVoter: boolean;
  /** It has a place among the members; else it reads along. */
  readonly isMember: boolean;
  /** Its tab is there. Else all that follows is as of then. */
  readonly isThere: boolean;
  readonly isHidden: boolean;
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

/** `alone`: nobody is there who would know the room. `left`: this tab left in order. */
export type Phase = 'opening' | 'alone' | 'joining' | 'running' | 'left' | 'failed';

export interface RoomView {
  readonly phase: Phase;
  /** Why it failed, or what was wrong last. */
  readonly problem: string | undefined;
  /** For others to come in by; undefined before there is one. */
  readonly link: string | undefined;
  /** Name of this tab; undefined before it is in the room. */
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
  readonly quorum: RoomQuorum['state'];
  /** Names of voters that are not there. */
  readonly missing: readonly string[];
  /** With no majority: another tab that is there, from which to go on, since its log may hold more than that of this one. */
  readonly knowsMore: string | undefined;
  /** It has a log of the room, and may go on from it. */
  readonly isMember: boolean;
  /** One more each time that the room went on without its majority. */
  readonly epoch: number;
  /** The room went on without this tab. */
  readonly isSuperseded: boolean;
  /** Other rooms of the same link that are there, each with a history of its own. */
  readonly others: number;
  /** What is to be known beside that, in words. */
  readonly warnings: readonly string[];
  /** What becomes of what this tab has of the room, in words; undefined before there is a room. */
  readonly keeping: string | undefined;
  /** What stands since this tab left. */
  readonly departure: RoomDeparture | undefined;
  /** Own writes that are kept in this browser until there is a majority. */
  readonly waitingWrites: number;
}

export interface ViewSource extends Pick<RoomView, 'phase' | 'problem' | 'link'> {
  /** Undefined before there is a room. */
  readonly status: RoomStatus | undefined;
  /** Of the writes of this tab; undefined before there is a room. */
  readonly kept: Pick<OutboxStatus, 'waiting'> | undefined;
  /** The newest of each tab, by its word; this tab's own among them. */
  readonly tells: ReadonlyMap<string, { readonly tell: Tell; readonly at: number }>;
  /** Names. */
  readonly cut: ReadonlySet<string>;
  readonly now: number;
}

/** A hidden tab gets its timers once a second. */
export const silenceMilliseconds = 3_500;

export function viewRoom({ phase, problem, link, status, kept, tells, cut, now }: ViewSource): RoomView {
  const tabs = status?.tabs ?? [];
  const members = tabs
    .map((tab) => memberOf(tab, tells.get(tab.word)?.tell))
    .toSorted((a, b) => compare(a.name, b.name));
  const own = status === undefined ? undefined : tells.get(status.self.word)?.tell;
  const known = tabs.flatMap(({ word }) => tells.get(word)?.tell ?? []);
  const voting = members.filter(({ isVoter }) => isVoter);
  const self = status === undefined ? undefined : nameOf(status.self.word);
  return {
    phase: status === undefined ? phase : phaseOf(phase, status),
    problem,
    link,
    self,
    members,
    links: linksOf(members, cut, self),
    leader: leaderOf(tabs, tells, now),
    role: own?.role ?? 'none',
    term: Math.max(0, ...known.map(({ term }) => term)),
    commitIndex: Math.max(0, ...known.map(({ commitIndex }) => commitIndex)),
    isVoter: status?.self.role === 'voter',
    votersThere: voting.filter(({ isThere }) => isThere).length,
    voters: voting.length,
    quorum: status?.quorum.state ?? 'seeking',
    missing: voting.filter(({ isThere }) => !isThere).map(({ name }) => name),
    knowsMore: status === undefined ? undefined : whoKnowsMore(status),
    isMember: status !== undefined && status.self.role !== 'observer',
    epoch: status?.epoch ?? 1,
    isSuperseded: status?.supersededBy !== undefined,
    others: status?.others.length ?? 0,
    warnings: status?.warnings ?? [],
    keeping: status?.storage.words,
    departure: status?.departure,
    waitingWrites: kept?.waiting ?? 0,
  };
}

function whoKnowsMore({ quorum: { knowsMost }, self }: RoomStatus): string | undefined {
  return knowsMost === undefined || knowsMost === self.word ? undefined : nameOf(knowsMost);
}

function phaseOf(phase: Phase, { self, quorum, tabs, phase: of }: RoomStatus): Phase {
  if (phase !== 'running') return phase;
  if (of === 'left') return 'left';
  if (quorum.state !== 'seeking') return 'running';
  return tabs.some(({ isSelf }) => !isSelf) || self.role !== 'observer' ? 'joining' : 'alone';
}

function memberOf({ word, isSelf, role, isHere, isVisible }: RoomTabStatus, tell: Tell | undefined): MemberSight {
  return {
    name: nameOf(word),
    isSelf,
    isVoter: role === 'voter',
    isMember: role !== 'observer',
    isThere: isHere && tell?.isFrozen !== true,
    isHidden: !isVisible,
    tell,
  };
}

/** Of two that believe it, the one of the later term. One whose link this tab has cut is heard of all the same. */
function leaderOf(tabs: readonly RoomTabStatus[], tells: ViewSource['tells'], now: number): string | undefined {
  const termOf = ({ word }: RoomTabStatus): number => tells.get(word)?.tell.term ?? 0;
  const isHeard = ({ word }: RoomTabStatus): boolean => {
    const told = tells.get(word);
    return told?.tell.role === 'leader' && now - told.at < silenceMilliseconds;
  };
  const [leading] = tabs
    .filter((tab) => (tab.isLeader && tab.isHere) || isHeard(tab))
    .toSorted((a, b) => termOf(b) - termOf(a));
  return leading === undefined ? undefined : nameOf(leading.word);
}

function linksOf(members: readonly MemberSight[], cut: ReadonlySet<string>, self: string | undefined): LinkSight[] {
  return members.flatMap((a, at) =>
    members.slice(at + 1).map((b): LinkSight => {
      const isCut = (a.name === self && cut.has(b.name)) || (b.name === self && cut.has(a.name));
      const says = (one: MemberSight, other: MemberSight): LinkKind | undefined =>
        one.isThere ? one.tell?.links.find(({ to }) => nameOf(to) === other.name)?.kind : undefined;
      return { a: a.name, b: b.name, kind: isCut ? undefined : (says(a, b) ?? says(b, a)), isCut };
    }),
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : 1;
}
