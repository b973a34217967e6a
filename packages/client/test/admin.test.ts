// What a client asks about members and the leader: at the leader, once, and told as it is when the answer is lost.
import { RaftkvError } from '@raftkv/wire';
import type { AdminRequest, AdminResult } from '@raftkv/wire';
import { describe, expect, it } from 'vitest';
import { FakeCluster, client } from './fake-cluster.ts';

const members: AdminResult['members'] = {
  clusterId: 'c0ffee00c0ffee00',
  index: 7,
  isChanging: false,
  leaderId: '0000000000000002',
  members: [
    {
      id: '0000000000000002',
      name: 'node2',
      address: 'node2:8080',
      role: 'voter',
      plan: 'stay',
      isReachable: true,
      matchIndex: 9,
    },
  ],
};

/** Three nodes, the second of which leads and answers; what each was asked. */
function stage(): { readonly cluster: FakeCluster; readonly asked: AdminRequest[][] } {
  const cluster = new FakeCluster(3);
  cluster.elect(1);
  const asked: AdminRequest[][] = cluster.nodes.map(() => []);
  for (const [i, node] of cluster.nodes.entries()) {
    node.onAdmin = async (request) => {
      asked[i]!.push(request);
      if (request.type !== 'list' && cluster.leader !== i) {
        throw new RaftkvError('no_leader', 'not here', { leader: node.leader! });
      }
      return { members, memberId: '0000000000000002', configuration: undefined };
    };
  }
  return { cluster, asked };
}

describe('members', () => {
  it('are listed by any node', async () => {
    const { cluster, asked } = stage();
    const kv = client(cluster);
    expect(await kv.members.list()).toEqual(members);
    expect(asked.flat()).toEqual([{ type: 'list' }]);
  });

  it('are changed at the leader, which is looked for as for a write', async () => {
    const { cluster, asked } = stage();
    const kv = client(cluster, { endpoints: ['node1:8080'] });
    expect(await kv.members.add({ name: 'node4', address: 'h:4', plan: { replaces: 'node2' } })).toEqual(
      members.members[0],
    );
    expect(await kv.members.remove('node2')).toEqual(members);
    await kv.members.promote('node2');
    await kv.members.replace('node2', 'node4');
    await kv.members.update('node2', { address: 'h:2' });
    expect((await kv.transferLeader('node2')).name).toBe('node2');
    await kv.transferLeader();
    expect(asked[1]).toEqual([
      { type: 'add', name: 'node4', address: 'h:4', storeId: undefined, plan: { replaces: 'node2' } },
      { type: 'remove', member: 'node2' },
      { type: 'promote', member: 'node2' },
      { type: 'replace', member: 'node2', by: 'node4' },
      { type: 'update', member: 'node2', name: undefined, address: 'h:2' },
      { type: 'transfer', to: 'node2' },
      { type: 'transfer', to: undefined },
    ]);
  });

  it('of a change that was refused are told why, and that it did not happen', async () => {
    const { cluster } = stage();
    cluster.nodes[1]!.onAdmin = async () => {
      throw new RaftkvError('unsafe_change', 'no quorum would be left');
    };
    const kv = client(cluster);
    await expect(kv.members.remove('node1')).rejects.toMatchObject({ code: 'unsafe_change', definite: true });
  });

  it('are asked once for a change whose answer is lost: it may have happened', async () => {
    const { cluster, asked } = stage();
    const node = cluster.nodes[1]!;
    const answer = node.onAdmin;
    node.onAdmin = async (request) => {
      await answer(request);
      node.kill();
      cluster.elect(2);
      return new Promise(() => undefined);
    };
    const kv = client(cluster);
    await expect(kv.members.remove('node1')).rejects.toMatchObject({ code: 'connection_lost', definite: false });
    // Not by the next leader either.
    expect(asked.slice(1).flat()).toEqual([{ type: 'remove', member: 'node1' }]);
  });
});
