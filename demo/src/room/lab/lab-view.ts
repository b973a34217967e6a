// The laboratory as the picture of a room shows it: each process a member, a clone under a label of its own, links where the partition leaves them.
import { makeTell } from '../source/tell.ts';
import type { LinkSight, MemberSight, RoomView } from '../source/room-view.ts';
import type { LabMember } from './lab-member.ts';

export function viewLab(members: readonly LabMember[], canReach: (a: LabMember, b: LabMember) => boolean): RoomView {
  const sights = members.map(sightOf).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const leading = sights
    .filter(({ isThere, tell }) => isThere && tell?.role === 'leader')
    .toSorted((a, b) => b.tell!.term - a.tell!.term);
  const there = sights.filter(({ isThere }) => isThere).length;
  const tells = sights.flatMap(({ tell }) => (tell === undefined ? [] : [tell]));
  return {
    phase: 'running',
    problem: undefined,
    link: undefined,
    self: undefined,
    members: sights,
    links: linksOf(members, canReach),
    leader: leading[0]?.name,
    role: 'none',
    term: Math.max(0, ...tells.map(({ term }) => term)),
    commitIndex: Math.max(0, ...tells.map(({ commitIndex }) => commitIndex)),
    isVoter: false,
    votersThere: there,
    voters: 3,
    quorum: there > 1 ? 'works' : 'lost',
    missing: [],
    knowsMore: undefined,
    isMember: false,
    epoch: 1,
    isSuperseded: false,
    others: 0,
    warnings: [],
    keeping: undefined,
    departure: undefined,
    waitingWrites: 0,
  };
}

function sightOf(member: LabMember): MemberSight {
  const sight = member.watch.look();
  const isThere = !member.isDead && member.halted === undefined;
  return {
    name: member.label,
    isSelf: false,
    isVoter: true,
    isMember: true,
    isThere,
    isHidden: false,
    tell:
      sight === undefined
        ? undefined
        : makeTell({
            word: member.label,
            domain: '',
            sight,
            wordOf: (id) => member.member?.roster.get(id)?.name ?? id,
            linkTo: () => undefined,
            sent: [],
            isVisible: true,
            isFrozen: false,
          }),
  };
}

function linksOf(members: readonly LabMember[], canReach: (a: LabMember, b: LabMember) => boolean): LinkSight[] {
  const alive = members.filter(({ isDead, halted }) => !isDead && halted === undefined);
  return alive
    .flatMap((a, at) => alive.slice(at + 1).map((b) => [a, b] as const))
    .filter(([a, b]) => a.options.name !== b.options.name)
    .map(([a, b]) => {
      const isOpen = canReach(a, b);
      return { a: a.label, b: b.label, kind: isOpen ? ('memory' as const) : undefined, isCut: !isOpen };
    });
}
