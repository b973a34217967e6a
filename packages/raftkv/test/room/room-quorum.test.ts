// What a room says of its majority while who votes is being changed: then there are two, and both are needed (§4.3).
import { expect, it } from 'vitest';
import type { ReportedMember } from '../../src/room/room-message.ts';
import { refusalToGoOn } from '../../src/room/room-going-on.ts';
import { describeRoom } from '../../src/room/room-status.ts';
import type { RoomFacts, RoomStatus } from '../../src/room/room-status.ts';

const lineage = { epoch: 1, before: [] };
const logEnd = { term: 1, index: 6 };

function member(word: string, role: ReportedMember['role'], votedBefore: boolean): ReportedMember {
  return { id: `m-${word}`, word, role, domain: word, votedBefore };
}

/** As `self` says it, with these tabs beside it. */
function roomOf(members: readonly ReportedMember[], self: string, peers: readonly string[]): RoomStatus {
  const tab = { isVisible: true, isEphemeral: false, isLeader: false, logEnd };
  const facts: Partial<Record<keyof RoomFacts, unknown>> = {
    name: 'test',
    phase: 'open',
    clusterId: 'c1',
    lineage,
    self: { ...tab, word: self, domain: self, memberId: `m-${self}` },
    peers: peers.map((word) => ({ word, path: 'direct', report: { ...tab, domain: word, memberId: `m-${word}` } })),
    members,
    clusters: [],
    setAside: [],
    keeping: { kind: 'persistent' },
  };
  return describeRoom(facts as unknown as RoomFacts);
}

const joining = [member('ada', 'voter', true), member('bob', 'voter', true), member('eve', 'voter', false)];

it('is lost when of two voters one dies while a third comes in, and says so, and may go on', () => {
  const status = roomOf(joining, 'bob', ['eve']);
  expect(status.quorum).toMatchObject({ state: 'lost', voters: 2, votersHere: 1, needed: 2, isChanging: true });
  expect(status.quorum.words).toContain('Open the tab ada again, or go on from what is here');
  expect(refusalToGoOn(status, { isMember: true, isLessEnough: false })).toBeUndefined();
});

it('is not lost when the one that comes in dies, nor when nobody does', () => {
  expect(roomOf(joining, 'ada', ['bob']).quorum).toMatchObject({ state: 'electing', voters: 3, votersHere: 2 });
  expect(roomOf(joining, 'ada', ['bob', 'eve']).quorum).toMatchObject({ state: 'electing', voters: 2, votersHere: 2 });
});

it('counts those who are about to go while they are still needed', () => {
  const leaving = [member('ada', 'voter', true), member('bob', 'leaving', true), member('eve', 'voter', false)];
  expect(roomOf(leaving, 'ada', ['eve']).quorum).toMatchObject({ state: 'lost', voters: 2, votersHere: 1 });
});

it('counts those who vote alone once that is through', () => {
  const settled = joining.map((each) => ({ ...each, votedBefore: false }));
  const { quorum } = roomOf(settled, 'bob', ['eve']);
  expect(quorum).toMatchObject({ state: 'electing', voters: 3, votersHere: 2, needed: 2, isChanging: false });
});
