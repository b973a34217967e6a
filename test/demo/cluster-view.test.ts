// The cluster as the page shows it: made of what members say and of how their processes are, and what is said when it changes.
import type { EndpointStatus, NodeStatus } from 'raftkv';
import { describe, expect, it } from 'vitest';
import {
  describeHealth,
  describeMember,
  describeRole,
  describeTab,
  describeWay,
  describeWays,
} from '../../demo/src/cluster/member-words.ts';
import type { DevState, ProcessState } from '../../demo/src/dev-api.ts';
import { unknownCluster, viewCluster } from '../../demo/src/model/cluster-view.ts';
import { eventsBetween } from '../../demo/src/model/events.ts';

const names = ['node1', 'node2', 'node3'];
const addressOf = (name: string): string => `127.0.0.1:808${names.indexOf(name)}`;

function says(name: string, more: Partial<NodeStatus> = {}): EndpointStatus {
  const status: NodeStatus = {
    clusterId: 'c',
    memberId: name,
    name,
    version: '0.1.0',
    phase: 'running',
    role: 'follower',
    term: 2,
    leaderId: undefined,
    leader: undefined,
    commitIndex: 10,
    appliedIndex: 10,
    lastIndex: 10,
    firstIndex: 1,
    snapshotIndex: 0,
    revision: 8,
    compactedRevision: 1,
    keys: 3,
    dataBytes: 100,
    syncWrites: true,
    uptimeSeconds: 1,
    members: names.map((each) => ({
      id: each,
      name: each,
      address: addressOf(each),
      isLearner: false,
      isReachable: true,
      matchIndex: undefined,
    })),
    ...more,
  };
  return { endpoint: addressOf(name), status, error: undefined };
}

function processes(...states: readonly ProcessState[]): DevState {
  return {
    members: states.map((process, at) => ({
      name: names[at]!,
      address: addressOf(names[at]!),
      process,
      pid: 100 + at,
      starts: 1,
    })),
    dataset: { phase: 'done', done: 1, total: 1 },
  };
}

const whole = viewCluster([says('node1', { role: 'leader' }), says('node2'), says('node3')], undefined, []);

describe('members in tabs', () => {
  const member = { isLearner: false, isReachable: true, matchIndex: undefined };
  const link = (kind: string, path: 'direct' | 'relayed') => ({ kind, path, roundTripMilliseconds: undefined });
  const node1 = { ...member, id: 'node1', name: 'node1', address: addressOf('node1') };
  const tab = { ...member, kind: 'tab', domain: 'abc' } as const;
  const members: NodeStatus['members'] = [
    { ...node1, link: link('websocket', 'direct') },
    { ...tab, id: 'ada', name: 'ada', address: 'tab:ada', link: link('webrtc', 'direct') },
    { ...tab, id: 'bob', name: 'bob', address: 'tab:bob', link: link('websocket', 'relayed') },
  ];
  const view = viewCluster([says('node1', { members })], undefined, []);
  const find = (name: string) => view.members.find((each) => each.name === name)!;

  it('are told from those of Node, with the browser that they fail with', () => {
    expect(['node1', 'ada', 'bob'].map((name) => describeTab(find(name)))).toEqual([
      undefined,
      'a tab of browser profile abc',
      'a tab of browser profile abc',
    ]);
    expect(describeTab({ tab: { domain: undefined } })).toBe('a tab');
    expect(view.warnings).toEqual([
      '2 of 3 voters are tabs, they are never a quorum without the voters of Node; the voters are 2 failure domains',
    ]);
    expect([whole.warnings, describeTab(whole.members[0]!)]).toEqual([[], undefined]);
  });

  it('are reached by ways that are named, where these are not those of Node', () => {
    expect(describeWays(find('node1'))).toBe('reaches ada over WebRTC, bob through a relay');
    expect([describeWays(find('ada')), describeWays(whole.members[0]!)]).toEqual([undefined, undefined]);
    expect(describeWay({ kind: 'broadcast', isRelayed: false })).toBe('over a BroadcastChannel');
    expect(describeWay({ kind: 'of a later build', isRelayed: false })).toBe('over another way');
  });
});

describe('a learner', () => {
  const learning = (name: string): EndpointStatus => {
    const answer = says(name);
    const joining = {
      id: 'node4',
      name: 'node4',
      address: 'h:4',
      isLearner: true,
      isReachable: true,
      matchIndex: undefined,
    };
    return {
      ...answer,
      status: { ...answer.status!, appliedIndex: 11, members: [...answer.status!.members, joining] },
    };
  };

  it('is shown as one, and does not count towards the majority', () => {
    const view = viewCluster([learning('node1'), says('node2')], undefined, []);
    expect(view.members.map(({ name, isLearner }) => [name, isLearner])).toEqual([
      ['node1', false],
      ['node2', false],
      ['node3', false],
      ['node4', true],
    ]);
    expect(view).toMatchObject({ up: 3, voters: 3, hasQuorum: true });
    expect(describeMember(view.members[3]!, false)).toBe('learner');
  });
});

describe('the view of the cluster', () => {
  it('names the leader, the highest indexes and who is behind', () => {
    const view = viewCluster(
      [says('node1', { role: 'leader', commitIndex: 12, appliedIndex: 12 }), says('node2'), says('node3')],
      undefined,
      [],
    );
    expect(view).toMatchObject({ leader: 'node1', term: 2, commitIndex: 12, up: 3, voters: 3, hasQuorum: true });
    expect(view.members.map(({ lag }) => lag)).toEqual([0, 2, 2]);
  });

  it('takes one member’s word for those that it alone may ask', () => {
    const leader = { leaderId: 'node3', leader: addressOf('node3') };
    const view = viewCluster([says('node1', leader)], undefined, []);
    expect(view.members.map(({ name, health }) => `${name} ${health}`)).toEqual([
      'node1 up',
      'node2 heard',
      'node3 heard',
    ]);
    expect(view).toMatchObject({ up: 3, hasQuorum: true, leader: 'node3' });
    expect(describeHealth('heard', true)).toBe('leader');
    // A process that runs and is silent is another matter.
    expect(
      viewCluster([says('node1', leader)], processes('running', 'running', 'running'), []).members[1]!.health,
    ).toBe('silent');
  });

  it('counts members that do not answer, though only others name them', () => {
    const alone = says('node2').status!.members.map((member) => ({ ...member, isReachable: member.name === 'node2' }));
    const view = viewCluster([says('node2', { members: alone })], undefined, []);
    expect(view.members.map(({ name, health }) => `${name} ${health}`)).toEqual([
      'node1 silent',
      'node2 up',
      'node3 silent',
    ]);
    expect(view).toMatchObject({ up: 1, voters: 3, hasQuorum: false, leader: undefined });
  });

  it('believes the one with the highest term when two call themselves leader', () => {
    const old = says('node1', { role: 'leader', term: 2 });
    const view = viewCluster([old, says('node2', { role: 'leader', term: 3 })], undefined, []);
    expect(view.leader).toBe('node2');
    expect(describeRole(old.status!, false)).toBe('deposed');
  });

  it('says of a local cluster how the processes are, which tells more than silence', () => {
    const view = viewCluster([says('node1')], processes('running', 'paused', 'killed'), []);
    expect(view.members.map(({ health }) => health)).toEqual(['up', 'paused', 'killed']);
    expect(view.members[2]).toMatchObject({ status: undefined, lag: undefined, pid: 102 });
  });

  it('knows nothing before anybody was asked, and still shows whom it asked in vain', () => {
    expect(viewCluster([], undefined, [])).toEqual(unknownCluster);
    const view = viewCluster([{ endpoint: 'h:1', status: undefined, error: new Error('gone') }], undefined, []);
    expect(view).toMatchObject({ isKnown: true, up: 0, members: [{ name: 'h:1', health: 'silent' }] });
  });

  it('sorts by name as people count', () => {
    const answer = says('node1', {
      members: ['node10', 'node9'].map((name) => ({
        id: name,
        name,
        address: name,
        isLearner: false,
        isReachable: true,
        matchIndex: undefined,
      })),
    });
    expect(viewCluster([answer], undefined, []).members.map(({ name }) => name)).toEqual(['node9', 'node10']);
  });
});

describe('the list of events', () => {
  const texts = (before: typeof whole, after: typeof whole): string[] =>
    eventsBetween(before, after).map(({ text }) => text);

  it('is quiet while nothing changes, and about what was there from the beginning', () => {
    expect(texts(whole, whole)).toEqual([]);
    expect(texts(unknownCluster, whole)).toEqual([]);
  });

  it('tells of a leader that is killed, and of the one that follows', () => {
    const gone = viewCluster([says('node2'), says('node3')], processes('killed', 'running', 'running'), []);
    const next = viewCluster(
      [says('node2', { role: 'leader', term: 3 }), says('node3', { term: 3 })],
      processes('killed', 'running', 'running'),
      [],
    );
    expect(texts(whole, gone)).toEqual(['node1 was killed', 'No leader is known: node1 led until now']);
    expect(texts(gone, next)).toEqual(['node2 leads in term 3']);
  });

  it('tells when the majority is lost and when it is back', () => {
    const lost = viewCluster([says('node1', { role: 'leader' })], processes('running', 'stopped', 'stopped'), []);
    expect(texts(whole, lost)).toContain('No majority: 1 of 3 answer, writes wait');
    expect(texts(lost, whole)).toContain('A majority again: 3 of 3 answer');
  });

  it('tells of a leader that was elected again', () => {
    const again = viewCluster(
      [says('node1', { role: 'leader', term: 5 }), says('node2'), says('node3')],
      undefined,
      [],
    );
    expect(texts(whole, again)).toEqual(['node1 leads in term 5']);
  });
});
