// Requests about members over the client protocol, and the notices of who is one: only for who speaks version 2, changes not for everybody.
import { RaftkvError, decodeAdminResult, encodeAdminRequest } from '@raftkv/wire';
import type { AdminRequest, AdminResult } from '@raftkv/wire';
import { describe, expect, it } from 'vitest';
import { SoleNode, talk } from './client-talk.ts';

const result: AdminResult = {
  members: { clusterId: 'c0', index: 3, isChanging: false, leaderId: undefined, members: [] },
  memberId: undefined,
  configuration: undefined,
};

function stage(options = {}, versions = [2, 1]) {
  const node = new SoleNode();
  const asked: AdminRequest[] = [];
  node.onAdmin = async (request) => {
    asked.push(request);
    return result;
  };
  const { peer } = talk(node, options, {}, false);
  peer.send({ type: 'hello', versions });
  return { node, peer, asked };
}

describe('a client', () => {
  it('speaks the highest version that both know', async () => {
    for (const [versions, chosen] of [
      [[1], 1],
      [[2, 1], 2],
      [[1, 7], 1],
    ] as const) {
      const { peer } = stage({}, [...versions]);
      await peer.settle();
      expect(peer.of('welcome')[0]?.version).toBe(chosen);
    }
  });

  it('asks about members', async () => {
    const { peer, asked } = stage();
    peer.send({ type: 'admin', id: 1, request: encodeAdminRequest({ type: 'remove', member: 'node2' }) });
    await peer.settle();
    expect(asked).toEqual([{ type: 'remove', member: 'node2' }]);
    const [answer] = peer.of('adminResult');
    expect([answer?.id, decodeAdminResult(answer!.result)]).toEqual([1, result]);
  });

  it('hears of the leader with a refusal, and of nonsense that it is some', async () => {
    const { node, peer } = stage();
    node.onAdmin = () => Promise.reject(new RaftkvError('no_leader', 'elsewhere', { leader: 'h:2' }));
    peer.send({ type: 'admin', id: 1, request: encodeAdminRequest({ type: 'transfer', to: undefined }) });
    peer.send({ type: 'admin', id: 2, request: Uint8Array.from([1, 0x91, 0x60]) });
    await peer.settle();
    expect(peer.of('error').toSorted((a, b) => a.id - b.id)).toMatchObject([
      { id: 1, code: 'no_leader', leader: 'h:2', definite: true },
      { id: 2, code: 'bad_frame' },
    ]);
    expect(peer.ended).toBe(undefined);
  });

  it('that is a page lists, and changes nothing', async () => {
    const { peer, asked } = stage({ mayAdminister: false });
    peer.send({ type: 'admin', id: 1, request: encodeAdminRequest({ type: 'list' }) });
    peer.send({ type: 'admin', id: 2, request: encodeAdminRequest({ type: 'remove', member: 'node2' }) });
    await peer.settle();
    expect(asked).toEqual([{ type: 'list' }]);
    expect(peer.of('error')).toMatchObject([{ id: 2, code: 'unsupported' }]);
  });

  it('of version 2 is told when members change, until it is gone; one of version 1 is not', async () => {
    const newer = stage();
    const older = stage({}, [1]);
    await newer.peer.settle();
    await older.peer.settle();
    for (const { node } of [newer, older]) for (const listener of node.memberListeners) listener();
    await newer.peer.settle();
    expect([newer.peer.of('members').length, older.peer.of('members').length]).toEqual([1, 0]);
    expect(older.node.memberListeners.size).toBe(0);
    newer.peer.raw(Uint8Array.from([0xff]));
    await newer.peer.settle();
    expect(newer.node.memberListeners.size).toBe(0);
  });
});
