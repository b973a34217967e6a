// Who is a member, who was one, and who may become one: told from the configurations alone.
import type { Configuration, Member } from '@raftkv/raft';
import { describe, expect, it } from 'vitest';
import { PeerRegistry } from '../src/founding.ts';
import { Roster } from '../src/roster.ts';

const founders = ['node1', 'node2', 'node3'].map((name, i) => ({
  id: `f${i + 1}00aa00bb00cc0d`,
  name,
  address: `h:${i}`,
}));
const [first, second, third] = founders.map(({ id }) => id) as [string, string, string];
const fourth: Member = { id: '0000000000000014', name: 'node4', address: 'h:4', storeId: 'S4' };
const founded = configuration(founders.map(({ id }) => id));
const grown = configuration([first, second, third], [fourth.id], [...records('S1', 'S2', 'S3'), fourth]);
/** The second founder is gone; the fourth member votes. */
const changed = configuration(
  [first, third, fourth.id],
  [],
  [...records('S1', 'S2', 'S3').filter(({ id }) => id !== second), fourth],
);

function configuration(voters: string[], learners: string[] = [], members?: Member[]): Configuration {
  return { voters, votersOutgoing: [], learners, ...(members === undefined ? {} : { members }) };
}

function records(...storeIds: string[]): Member[] {
  return founders.map((founder, i) => ({ ...founder, storeId: storeIds[i] }));
}

describe('a roster', () => {
  it('knows founders by what they were founded with until the log has a record of them', () => {
    const roster = new Roster(founders, { active: founded, committed: founded, committedIndex: 0 });
    expect(roster.get(second)).toEqual({ ...founders[1], storeId: undefined });
    const moved = records('S1', 'S2', 'S3').map((record) => ({ ...record, address: `moved:${record.name}` }));
    roster.update({ active: { ...founded, members: moved }, committed: founded, committedIndex: 0 });
    expect(roster.get(second)).toEqual({ ...founders[1], address: 'moved:node2', storeId: 'S2' });
  });

  it('finds members by id and by name, those on their way out too', () => {
    const roster = new Roster(founders, { active: changed, committed: grown, committedIndex: 20 });
    expect(roster.find('node4')).toEqual(fourth);
    expect(roster.find(second)?.name).toBe('node2');
    expect(roster.find('node5')).toBe(undefined);
    roster.update({ active: changed, committed: changed, committedIndex: 30 });
    expect(roster.find(second)).toBe(undefined);
  });

  it('tells who was removed, for certain, without a list', () => {
    const roster = new Roster(founders, { active: founded, committed: founded, committedIndex: 0 });
    // As founded: whoever is not there may be about to come, or has nothing to do with us.
    expect([fourth.id, 'ffffffffffffffff', 'z'].map((id) => roster.wasRemoved(id))).toEqual([false, false, false]);
    roster.update({ active: changed, committed: grown, committedIndex: 20 });
    expect([first, second, fourth.id].map((id) => roster.wasRemoved(id))).toEqual([false, false, false]);
    roster.update({ active: changed, committed: changed, committedIndex: 30 });
    expect([first, second, fourth.id].map((id) => roster.wasRemoved(id))).toEqual([false, true, false]);
    // Added at 25 and gone by 30; and at 31, of which this member has not heard.
    expect(['0000000000000019', '000000000000001f'].map((id) => roster.wasRemoved(id))).toEqual([true, false]);
    expect(['0000000000000019', '000000000000001f'].map((id) => roster.mayBeNews(id))).toEqual([false, true]);
  });

  it('of a member that joined knows a founder that was removed by the shape of its id', () => {
    const roster = new Roster([], { active: changed, committed: changed, committedIndex: 30 });
    expect([second, '0000000000000019', '000000000000001f'].map((id) => roster.wasRemoved(id))).toEqual([
      true,
      true,
      false,
    ]);
  });
});

describe('a registry with a roster', () => {
  const storage = { getNote: async () => undefined, setNote: async () => undefined } as never;

  it('tells removed members, amnesiacs, newcomers and strangers apart', async () => {
    const roster = new Roster(founders, { active: changed, committed: changed, committedIndex: 30 });
    const registry = await PeerRegistry.open({
      storage,
      self: { memberId: 'self', storeId: 'S0' },
      others: [],
      roster,
    });
    const outcome = (memberId: string, storeId: string): Promise<unknown> =>
      registry.admit({ memberId, storeId }).then(
        () => 'admitted',
        (error: { code: string }) => error.code,
      );
    expect(await outcome(fourth.id, 'S4')).toBe('admitted');
    expect(await outcome(fourth.id, 'wiped')).toBe('member_amnesia');
    expect(await outcome(first, 'wiped')).toBe('member_amnesia');
    expect(await outcome(second, 'S2')).toBe('member_removed');
    expect(await outcome('0000000000000019', 'any')).toBe('member_removed');
    // Of whom the log has yet to tell is let in as a guest, as often as it comes; nothing of it is noted.
    expect(await outcome('000000000000001f', 'any')).toBe('admitted');
    expect(await outcome('000000000000001f', 'other')).toBe('admitted');
    expect(await outcome('nonsense', 'any')).toBe('wrong_member');
  });

  it('sends nobody away for good over a record that may be taken back, and its id given to another', async () => {
    const roster = new Roster(founders, { active: grown, committed: founded, committedIndex: 0 });
    const registry = await PeerRegistry.open({
      storage,
      self: { memberId: 'self', storeId: 'S0' },
      others: [],
      roster,
    });
    const other = registry.admit({ memberId: fourth.id, storeId: 'of the one that was agreed on' });
    await expect(other).rejects.toMatchObject({ code: 'busy' });
  });
});
