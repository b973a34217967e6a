// What the leader of a room makes of what it sees: for how long members have been away or have stood still, who said its last word, and who is not asked again yet.
import { expect, it } from 'vitest';
import { RoomOverview } from '../../src/room/room-overview.ts';
import type { RoomSight, TabInSight } from '../../src/room/room-overview.ts';

const tab = (word: string, more: Partial<TabInSight> = {}): TabInSight => ({
  word,
  domain: `profile of ${word}`,
  isVisible: true,
  forMilliseconds: 0,
  upMilliseconds: 0,
  isMobile: false,
  isEphemeral: false,
  isLeaving: false,
  storeId: `store of ${word}`,
  clusterId: 'c1',
  memberId: undefined,
  ...more,
});
const voter = { id: 'm1', word: 'a', role: 'voter', domain: undefined } as const;
const learner = { id: 'm2', word: 'b', role: 'learner', domain: undefined } as const;

function sight(now: number, more: Partial<RoomSight> = {}): RoomSight {
  return {
    now,
    selfId: 'm1',
    clusterId: 'c1',
    members: [voter, learner],
    tabs: [tab('a', { memberId: 'm1' }), tab('b')],
    commitIndex: 100,
    progressOf: () => undefined,
    storeIdOf: (id) => (id === 'm2' ? 'store of b' : 'store of a'),
    hasLeft: () => false,
    ...more,
  };
}
const progress = (matchIndex: number, more: { isRecentlyActive?: boolean; state?: 'probe' | 'snapshot' } = {}) => ({
  progressOf: () => ({ matchIndex, state: 'probe' as const, isRecentlyActive: true, ...more }),
});

it('a member is away while nobody with its word and its storage is there', () => {
  const overview = new RoomOverview();
  const goneAt = (now: number, tabs: TabInSight[]) => overview.look(sight(now, { tabs })).learners[0]!.goneMilliseconds;
  expect(goneAt(10, [tab('b')])).toBe(0);
  expect(goneAt(20, [tab('b', { storeId: 'another' })])).toBe(0);
  expect(goneAt(30, [])).toBe(10);
  expect(goneAt(40, [tab('b')])).toBe(0);
  expect(goneAt(50, [])).toBe(0);
});

it('a learner stands still while it neither takes anything in nor has it all', () => {
  const overview = new RoomOverview();
  const idleAt = (now: number, more: Partial<RoomSight>) =>
    overview.look(sight(now, more)).learners[0]!.idleMilliseconds;
  expect(idleAt(0, {})).toBe(0);
  expect(idleAt(10, {})).toBe(10);
  expect(idleAt(20, progress(5))).toBe(0);
  expect(idleAt(30, progress(5))).toBe(10);
  expect(idleAt(40, progress(6, { isRecentlyActive: false }))).toBe(20);
  expect(idleAt(50, progress(6))).toBe(0);
  expect(idleAt(60, progress(6, { state: 'snapshot' }))).toBe(0);
  expect(idleAt(70, progress(100))).toBe(0);
  expect(idleAt(80, progress(100))).toBe(0);
});

it('a tab that was let in for nothing is asked again later, and later still the next time, until it votes', () => {
  const overview = new RoomOverview();
  const members = [voter];
  const isAskedAt = (now: number): boolean =>
    overview.look(sight(now, { members })).others.some(({ word }) => word === 'b');
  expect(isAskedAt(0)).toBe(true);
  overview.bar('b', 0);
  expect([isAskedAt(29_999), isAskedAt(30_000)]).toEqual([false, true]);
  overview.bar('b', 30_000);
  expect([isAskedAt(89_999), isAskedAt(90_000)]).toEqual([false, true]);
  let now = 90_000;
  for (let time = 0; time < 10; time += 1) overview.bar('b', now);
  expect([isAskedAt(now + 599_999), isAskedAt(now + 600_000)]).toEqual([false, true]);
  now += 600_000;
  overview.look(sight(now, { members: [voter, { ...learner, role: 'voter' }] }));
  overview.bar('b', now);
  expect(isAskedAt(now + 30_000)).toBe(true);
});

it('those of another room, members, and tabs that are members by another storage are not asked', () => {
  const overview = new RoomOverview();
  const tabs = [tab('a'), tab('c'), tab('d', { clusterId: undefined }), tab('e', { clusterId: 'c2' })];
  const { others } = overview.look(sight(0, { tabs: [...tabs, tab('f', { memberId: 'm9' })] }));
  expect(others.map(({ word }) => word)).toEqual(['c', 'd']);
});
