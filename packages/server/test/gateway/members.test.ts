// The gateway's calls about members, in etcd's shapes. Who may be a member, and what the leader makes of it, is not its business.
import { RaftkvError } from '@raftkv/wire';
import type { AdminRequest, AdminResult, ClusterMember, ErrorCode } from '@raftkv/wire';
import { beforeEach, describe, expect, it } from 'vitest';
import { Gateway } from '../../src/gateway/gateway.ts';
import type { GatewayOptions } from '../../src/gateway/gateway.ts';
import { TestNode } from '../test-node.ts';

const voter: ClusterMember = {
  id: '00000000000000ff',
  name: 'node1',
  address: '127.0.0.1:8080',
  role: 'voter',
  plan: 'stay',
  isReachable: true,
  matchIndex: undefined,
};
const place: ClusterMember = { ...voter, id: '0000000000000014', name: 'at.h_4', address: 'h:4', role: 'learner' };
const voterJson = {
  ID: '255',
  name: 'node1',
  peerURLs: ['http://127.0.0.1:8080'],
  clientURLs: ['http://127.0.0.1:8080'],
};
const placeJson = { ID: '20', peerURLs: ['http://h:4'], isLearner: true };

let node: TestNode;
let asked: AdminRequest[];

beforeEach(() => {
  node = new TestNode();
  asked = [];
  node.onAdmin = async (request) => {
    asked.push(request);
    return result(request.type === 'add' ? place.id : voter.id);
  };
});

function result(memberId: string): AdminResult {
  const members = [voter, place];
  return {
    members: { clusterId: node.clusterId, index: 20, isChanging: false, leaderId: voter.id, members },
    memberId,
    configuration: undefined,
  };
}

async function ask(path: string, message: unknown, options: GatewayOptions = {}, isPage = false) {
  const reply = await new Gateway(node, options).handle(`/v3/${path}`, JSON.stringify(message), isPage);
  return { status: reply.httpStatus, answer: JSON.parse(reply.body) as Record<string, unknown> };
}

describe('etcd’s calls about members', () => {
  it('add one: a learner, whose place has no name until it joins', async () => {
    const { status, answer } = await ask('cluster/member/add', { peerURLs: ['http://h:4'], isLearner: true });
    expect(status).toBe(200);
    expect(answer).toMatchObject({ member: placeJson, members: [voterJson, placeJson] });
    expect(answer['header']).toBeDefined();
    expect(answer['member']).not.toHaveProperty('name');
    await ask('cluster/member/add', { peerURLs: ['https://[::1]:5/'] });
    expect(asked).toEqual([
      { type: 'add', name: 'at.h_4', address: 'h:4', storeId: undefined, plan: 'stay' },
      { type: 'add', name: 'at.___1__5', address: '[::1]:5', storeId: undefined, plan: 'promote' },
    ]);
  });

  it('remove, promote and update by the decimal id, and answer with all members', async () => {
    for (const [call, message] of [
      ['remove', { ID: '255' }],
      ['promote', { ID: 255 }],
      ['update', { ID: '18446744073709551361', peerURLs: ['http://h:9'] }],
    ] as const) {
      const { status, answer } = await ask(`cluster/member/${call}`, message);
      expect([status, answer['members']]).toEqual([200, [voterJson, placeJson]]);
    }
    expect(asked).toEqual([
      { type: 'remove', member: '00000000000000ff' },
      { type: 'promote', member: '00000000000000ff' },
      { type: 'update', member: 'ffffffffffffff01', name: undefined, address: 'h:9' },
    ]);
  });

  it('hand leadership over', async () => {
    const { status, answer } = await ask('maintenance/transfer-leadership', { targetID: '20' });
    expect([status, Object.keys(answer)]).toEqual([200, ['header']]);
    expect(asked).toEqual([{ type: 'transfer', to: place.id }]);
  });

  it.each<[ErrorCode, string, number, number, string]>([
    ['not_found', 'cluster/member/remove', 404, 5, 'etcdserver: member not found'],
    ['not_found', 'maintenance/transfer-leadership', 412, 9, 'etcdserver: bad leader transferee'],
    ['invalid_argument', 'cluster/member/promote', 412, 9, 'etcdserver: can only promote a learner member'],
    ['invalid_argument', 'cluster/member/add', 412, 9, 'etcdserver: Peer URLs already exists'],
    [
      'not_caught_up',
      'cluster/member/promote',
      412,
      9,
      'etcdserver: can only promote a learner member which is in sync with leader',
    ],
    ['unsafe_change', 'cluster/member/remove', 503, 14, 'etcdserver: unhealthy cluster'],
    ['no_leader', 'cluster/member/remove', 503, 14, 'etcdserver: request timed out'],
    ['busy', 'cluster/member/remove', 429, 8, 'etcdserver: too many requests'],
  ])('tell of %s at %s in etcd’s words', async (code, path, status, grpcCode, message) => {
    node.onAdmin = () => Promise.reject(new RaftkvError(code, 'in our words'));
    const reply = await ask(path, { ID: '1', targetID: '1', peerURLs: ['http://h:1'] });
    expect(reply).toEqual({ status, answer: { error: message, message, code: grpcCode } });
  });

  it('refuse addresses that are none, and ids that are none', async () => {
    for (const message of [
      {},
      { peerURLs: [] },
      { peerURLs: ['h:4'] },
      { peerURLs: ['http://h'] },
      { peerURLs: [7] },
    ]) {
      const { status, answer } = await ask('cluster/member/add', message);
      expect([status, answer['message']]).toEqual([400, 'etcdserver: given member URLs are invalid']);
    }
    for (const ID of ['-1', '1.5', 'node1', '18446744073709551616', true]) {
      expect((await ask('cluster/member/remove', { ID })).status).toBe(400);
    }
    expect(asked).toEqual([]);
  });

  it('are asked of the leader where this member does not lead', async () => {
    node.onAdmin = () => Promise.reject(new RaftkvError('no_leader', 'elsewhere', { leader: 'h:9' }));
    const elsewhere: [string, AdminRequest][] = [];
    const askLeader = async (address: string, request: AdminRequest): Promise<AdminResult> => {
      elsewhere.push([address, request]);
      return result(voter.id);
    };
    expect((await ask('cluster/member/remove', { ID: '255' }, { askLeader })).status).toBe(200);
    expect(elsewhere).toEqual([['h:9', { type: 'remove', member: voter.id }]]);
  });

  it('are not for web pages, but for the list', async () => {
    for (const call of ['cluster/member/remove', 'cluster/member/add', 'maintenance/transfer-leadership']) {
      const { status, answer } = await ask(call, { ID: '255', peerURLs: ['http://h:4'] }, {}, true);
      expect([status, answer['code']]).toEqual([403, 7]);
    }
    expect((await ask('cluster/member/list', {}, {}, true)).status).toBe(200);
    expect(asked).toEqual([]);
  });
});
