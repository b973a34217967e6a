// The table of `raftkv status`: columns that fit what is in them, and what is wrong in words.
import { RaftkvError } from '@raftkv/wire';
import type { EndpointStatus, NodeStatus } from '@raftkv/client';
import { describe, expect, it } from 'vitest';
import { describeStatus } from '../../../src/node/cli/status-text.ts';

function member(id: string, address: string, isLearner = false): NodeStatus['members'][number] {
  return { id, name: `name of ${id}`, address, isLearner, isReachable: true, matchIndex: undefined };
}

const status: NodeStatus = {
  name: 'node1',
  phase: 'running',
  role: 'leader',
  term: 3,
  leader: '10.0.0.1:8080',
  commitIndex: 12,
  appliedIndex: 12,
  revision: 7,
  keys: 4,
  dataBytes: 12_345,
  syncWrites: true,
  clusterId: 'c1',
  memberId: 'm1',
  members: [member('m1', '10.0.0.1:8080')],
} as unknown as NodeStatus;

const up: EndpointStatus = { endpoint: '10.0.0.1:8080', status, error: undefined };
const down: EndpointStatus = {
  endpoint: 'h:1',
  status: undefined,
  error: new RaftkvError('connect_failed', `cannot connect: ${'x'.repeat(100)}`),
};

describe('the status of a cluster', () => {
  it('says how members are reached where that is told', () => {
    const far = (id: string, link: NodeStatus['members'][number]['link']) => ({ ...member(id, id), link });
    const members = [
      far('b', { kind: 'webrtc', path: 'direct', roundTripMilliseconds: 1.25 }),
      far('c', { kind: 'websocket', path: 'relayed', roundTripMilliseconds: undefined }),
      far('d', { kind: 'of a later build', path: 'direct', roundTripMilliseconds: undefined }),
      far('e', undefined),
    ];
    expect(describeStatus([{ ...up, status: { ...status, members } }])).toContain(
      'node1 reaches name of b over WebRTC in 1.3 ms, name of c through a relay, name of d over another way\n',
    );
  });

  it('is one row for each member, and the reason of one that does not answer widens no column', () => {
    const [title, head, first, second, ...rest] = describeStatus([up, down]).split('\n');
    expect(title).toBe('cluster c1, 1 of 2 members answer');
    expect(head!.length).toBeLessThan(100);
    expect(first).toMatch(/^10\.0\.0\.1:8080 {2}node1 {2}leader {2}3 .* 12\.3 KB$/);
    expect(second).toBe(`h:1            cannot connect: ${'x'.repeat(100)}`);
    expect(rest).toEqual(['']);
    expect(head!.indexOf('role')).toBe(first!.indexOf('leader'));
  });

  it('warns of a member that does not sync', () => {
    expect(describeStatus([{ ...up, status: { ...status, syncWrites: false } }])).toContain('node1 does not sync');
  });

  it('calls a learner so, and names the members that were not asked', () => {
    const members = [member('m1', '10.0.0.1:8080', true), member('m2', 'h:1'), member('m3', 'h:3', true)];
    const text = describeStatus([{ ...up, status: { ...status, role: 'follower', members } }, down]);
    expect(text).toMatch(/node1 {2}learner /);
    expect(text.split('\n').at(-2)).toBe('not asked: name of m3 at h:3 (learner)');
  });

  it('tells how many voters are tabs, and of those that were not asked', () => {
    const tab = { ...member('m4', 'tab:w4'), kind: 'tab', domain: 'p1' } as const;
    const members = [member('m1', '10.0.0.1:8080'), tab];
    const text = describeStatus([{ ...up, status: { ...status, members } }]);
    expect(text).toContain('not asked: name of m4 at tab:w4 (tab)\n');
    expect(text).toContain('1 of 2 voters are tabs, they are never a quorum without the voters of Node');
  });

  it('says so when no member answers', () => {
    expect(describeStatus([down])).toMatch(/^no member answers\n/);
  });
});
