// What a request about members asks of the core, and what it is refused for before the core is asked.
import type { Configuration, Member, MemberChange } from '@raftkv/raft';
import type { AdminRequest } from '@raftkv/wire';
import { describe, expect, it } from 'vitest';
import { completeRecords, planChanges, plannedPromotion } from '../src/member-changes.ts';
import { Roster } from '../src/roster.ts';

const voters = ['1', '2', '3'].map((digit) => ({
  id: `f${digit}00aa00bb00cc0d`,
  name: `node${digit}`,
  address: `h:${digit}`,
}));
const records: Member[] = voters.map((voter, i) => ({ ...voter, storeId: `S${i + 1}` }));
const [one, two] = voters.map(({ id }) => id) as [string, string];
const learner: Member = { id: '000000000000000a', name: 'node4', address: 'h:4', storeId: 'S4', plan: 'promote' };
const place: Member = { id: '000000000000000b', name: 'node5', address: 'h:5', storeId: undefined, plan: '' };
const configuration: Configuration = {
  voters: voters.map(({ id }) => id),
  votersOutgoing: [],
  learners: [learner.id, place.id],
  members: [learner, place, ...records],
};
const roster = new Roster([], { active: configuration, committed: configuration, committedIndex: 20 });

type Change = Exclude<AdminRequest, { type: 'list' | 'transfer' }>;

function plan(request: Change, active: readonly string[] = voters.map(({ id }) => id)) {
  return planChanges(request, { roster, isActive: (id) => active.includes(id) }).steps;
}
const add = (request: Partial<Extract<Change, { type: 'add' }>>): Change => ({
  type: 'add',
  name: 'node9',
  address: 'h:9',
  storeId: 'S9',
  plan: undefined,
  ...request,
});
const addition = (member: Partial<Member>) => ({
  type: 'add',
  as: 'learner',
  member: { name: 'node9', address: 'h:9', storeId: 'S9', plan: 'promote', ...member },
});

describe('an addition', () => {
  it('is a learner that is to be promoted, unless told otherwise', () => {
    expect(plan(add({}))).toEqual([[addition({})]]);
    expect(plan(add({ plan: 'stay' }))).toEqual([[addition({ plan: '' })]]);
    expect(plan(add({ plan: { replaces: 'node2' } }))).toEqual([[addition({ plan: `replace ${two}` })]]);
  });

  it('repeated after its answer was lost is done already', () => {
    expect(plan(add({ name: 'node4', address: 'h:4', storeId: 'S4' }))).toEqual([]);
  });

  it('takes the place that was kept under its name or at its address, with what was planned for it', () => {
    const removal = { type: 'remove', id: place.id };
    expect(plan(add({ name: 'node5' }))).toEqual([[removal, addition({ name: 'node5', plan: '' })]]);
    expect(plan(add({ address: 'h:5' }))).toEqual([[removal, addition({ address: 'h:5', plan: '' })]]);
    expect(plan(add({ name: 'node5', plan: 'promote' }))).toEqual([[removal, addition({ name: 'node5' })]]);
  });

  it('takes the place of one of its name that was added and never came, or lost its storage while it learned', () => {
    expect(plan(add({ name: 'node4' }))).toEqual([[{ type: 'remove', id: learner.id }, addition({ name: 'node4' })]]);
  });

  it('is refused under the name of a member that answers, or of a voter', () => {
    expect(() => plan(add({ name: 'node4' }), [learner.id])).toThrow(
      /node4 is the name of a member that answers .*choose another/,
    );
    expect(() => plan(add({ name: 'node2' }), [])).toThrow(/does not answer .*remove it first/);
    expect(() => plan(add({ name: 'node2', plan: { replaces: 'node2' } }))).toThrow(/answers/);
  });

  it('in place of the dead voter of its name is its removal, then the addition', () => {
    expect(plan(add({ name: 'node2', plan: { replaces: 'node2' } }), [one])).toEqual([
      [{ type: 'remove', id: two }],
      [addition({ name: 'node2' })],
    ]);
  });

  it('in its own place is a plain one when that is free', () => {
    expect(plan(add({ plan: { replaces: 'node9' } }))).toEqual([[addition({})]]);
    expect(() => plan(add({ plan: { replaces: 'node8' } }))).toThrow(/no member "node8"/);
  });

  it('is refused with a name or an address that is none', () => {
    // Among them a name that could be taken for an id, which may be that of another.
    for (const name of ['', 'a b', 'a:b', 'ä', 'x'.repeat(129), '0000000000000007'])
      expect(() => plan(add({ name }))).toThrow(/no name/);
    for (const address of ['', 'h', 'h:0', 'h:65536', ':1', 'h:1:2', 'h h:1', 'http://h:1']) {
      expect(() => plan(add({ address }))).toThrow(/no HOST:PORT/);
    }
    expect(plan(add({ address: '[::1]:8080' }))).toHaveLength(1);
  });
});

describe('other requests', () => {
  it('find members by id and name, and say who there are', () => {
    expect(plan({ type: 'remove', member: 'node2' })).toEqual([[{ type: 'remove', id: two }]]);
    expect(plan({ type: 'remove', member: two })).toEqual([[{ type: 'remove', id: two }]]);
    expect(() => plan({ type: 'remove', member: 'node8' })).toThrow(
      /no member "node8"; there are node4, node5, node1, node2, node3/,
    );
  });

  it('are refused at the address or under the name of another, who is named', () => {
    expect(() => plan(add({ address: 'h:2' }))).toThrow(/h:2 is the address of node2/);
    const change = { type: 'update', member: 'node1', name: undefined, address: undefined } as const;
    expect(() => plan({ ...change, address: 'h:2' })).toThrow(/h:2 is the address of node2/);
    expect(() => plan({ ...change, name: 'node2' })).toThrow(/node2 is the name of another member/);
    expect(plan({ ...change, name: 'node1', address: 'h:1' })).toHaveLength(1);
  });

  it('for the removal of one that was removed are done already', () => {
    expect(plan({ type: 'remove', member: '0000000000000007' })).toEqual([]);
  });

  it('promote learners alone', () => {
    expect(plan({ type: 'promote', member: 'node4' })).toEqual([[{ type: 'promote', id: learner.id, storeId: 'S4' }]]);
    expect(() => plan({ type: 'promote', member: 'node1' })).toThrow(/votes already/);
  });

  it('plan a replacement, which is carried out in one step', () => {
    const planned = { type: 'update', id: learner.id, plan: `replace ${two}` };
    expect(plan({ type: 'replace', member: 'node2', by: 'node4' })).toEqual([[planned]]);
    expect(() => plan({ type: 'replace', member: 'node2', by: 'node1' })).toThrow(/votes already: remove node2/);
    expect(() => plan({ type: 'replace', member: 'node4', by: 'node4' })).toThrow(/its own place/);
    const member = { ...learner, plan: planned.plan };
    const promotion = { type: 'promote', id: learner.id, storeId: 'S4' };
    expect(plannedPromotion(member, 'S4', roster)).toEqual([promotion, { type: 'remove', id: two }]);
    // Who is to be replaced may be gone by then.
    expect(plannedPromotion({ ...learner, plan: 'replace 0000000000000007' }, 'S4', roster)).toEqual([promotion]);
  });

  it('change a name or an address', () => {
    expect(plan({ type: 'update', member: 'node1', name: undefined, address: 'h:7' })).toEqual([
      [{ type: 'update', id: one, address: 'h:7' }],
    ]);
    expect(() => plan({ type: 'update', member: 'node1', name: undefined, address: undefined })).toThrow(/neither/);
  });
});

describe('the founders', () => {
  it('get their records, with their storages, with the first change', () => {
    const founded: Configuration = { voters: voters.map(({ id }) => id), votersOutgoing: [], learners: [] };
    const before = new Roster(voters, { active: founded, committed: founded, committedIndex: 0 });
    const storeIdOf = (id: string) => records.find((record) => record.id === id)?.storeId;
    const removal = { type: 'remove', id: two } as const;
    const updates = records.filter(({ id }) => id !== two).map((record) => ({ type: 'update', ...record }));
    expect(completeRecords([removal], founded, before, storeIdOf)).toEqual([...updates, removal]);
    expect(completeRecords([removal], configuration, roster, storeIdOf)).toEqual([removal]);
    // One that moves has no record either, and so nothing that only an address would change.
    const move = { type: 'update', id: two, address: 'h:7' } as const;
    expect(completeRecords([move], founded, before, storeIdOf)).toEqual([
      ...updates,
      { type: 'update', id: two, name: 'node2', address: 'h:7', storeId: 'S2' },
    ]);
    expect(completeRecords([move], configuration, roster, storeIdOf)).toEqual([move]);
  });

  it('keep what the first change says of a founder, and have the rest of its record', () => {
    const founded: Configuration = { voters: configuration.voters, votersOutgoing: [], learners: [] };
    const before = new Roster(voters, { active: founded, committed: founded, committedIndex: 0 });
    const storeIdOf = (id: string) => records.find((record) => record.id === id)?.storeId;
    const update: MemberChange = { type: 'update', id: one, address: 'h:9' };
    const completed = completeRecords([update], founded, before, storeIdOf);
    expect(completed).toContainEqual({ ...update, name: 'node1', storeId: 'S1' });
    expect(completed).toHaveLength(3);
    expect(completeRecords([update], configuration, roster, storeIdOf)).toEqual([update]);
  });
});
