// The table of `raftkv member list` and its JSON.
import type { ClusterMember, ClusterMembers } from '@raftkv/client';
import { describe, expect, it } from 'vitest';
import { describeMembers, membersJson } from '../../../src/node/cli/member-text.ts';

function member(id: string, more: Partial<ClusterMember> = {}): ClusterMember {
  const name = `node${id}`;
  return {
    id,
    name,
    address: `h:${id}`,
    role: 'voter',
    plan: 'stay',
    isReachable: true,
    matchIndex: undefined,
    ...more,
  };
}

const members: ClusterMembers = {
  clusterId: 'c1',
  index: 7,
  isChanging: true,
  leaderId: '1',
  members: [
    member('1', { matchIndex: 12 }),
    member('2', { role: 'leaving', isReachable: false }),
    member('3', { role: 'learner', plan: 'promote' }),
    member('4', { role: 'learner' }),
    member('5', { role: 'learner', plan: { replaces: '2' } }),
    member('6', { role: 'learner', plan: { replaces: 'gone' } }),
  ],
};

describe('the members', () => {
  it('are a row each, with what is planned for them', () => {
    const [title, head, ...rows] = describeMembers(members).trimEnd().split('\n');
    expect(title).toBe('cluster c1, 6 members, a change is under way');
    expect(head).toMatch(/^id +name +address +role +reachable +log$/);
    expect(rows.map((row) => row.split(/ {2,}/).slice(3))).toEqual([
      ['voter, leader', 'yes', '12'],
      ['leaving', 'no'],
      ['learner, to vote when it has caught up', 'yes'],
      ['learner', 'yes'],
      ['learner, to replace node2', 'yes'],
      ['learner, to replace gone', 'yes'],
    ]);
  });

  it('that are tabs say so, and what fails together', () => {
    const some = [member('1'), member('2', { kind: 'tab', domain: 'p1' }), member('3', { kind: 'tab', domain: 'p1' })];
    const [, head, node, tab, , word] = describeMembers({ ...members, members: [...some, member('4')] }).split('\n');
    expect(head).toMatch(/ runs in$/);
    expect(node).toMatch(/ Node$/);
    expect(tab).toMatch(/ a tab of browser profile p1$/);
    expect(describeMembers({ ...members, members: [...some, member('4')] })).toContain(
      '2 of 4 voters are tabs, they are never a quorum without the voters of Node; the voters are 3 failure domains',
    );
    expect(describeMembers({ ...members, members: some.slice(1) })).toContain(
      '2 of 2 voters are tabs, they decide alone; the voters are 1 failure domain: all can fail together',
    );
    expect(word).toMatch(/^4 /);
    const learners = some.map((each) => ({ ...each, role: 'learner' as const }));
    expect(describeMembers({ ...members, members: learners })).not.toContain('voters are');
  });

  it('are one document for programs, without holes', () => {
    const document = JSON.parse(JSON.stringify(membersJson(members))) as { members: Record<string, unknown>[] };
    expect(document).toMatchObject({ clusterId: 'c1', index: 7, isChanging: true, leaderId: '1' });
    for (const each of document.members) {
      expect(Object.keys(each)).toEqual([
        'id',
        'name',
        'address',
        'role',
        'plan',
        'isLeader',
        'isReachable',
        'matchIndex',
        'kind',
        'domain',
      ]);
    }
    expect(document.members[0]).toMatchObject({ isLeader: true, matchIndex: 12 });
    expect(document.members[4]).toMatchObject({ plan: { replaces: '2' }, isLeader: false, matchIndex: null });
  });
});
