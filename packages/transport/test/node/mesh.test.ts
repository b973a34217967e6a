// The mesh over real WebSockets on loopback: what memory channels cannot show.
import type { PeerId } from '@raftkv/raft';
import { encodePeerControl, encodePeerFrame } from '@raftkv/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { dialWebSocket } from '../../src/index.ts';
import type { Channel, MeshOptions } from '../../src/index.ts';
import { nodeWebSocket } from '../../src/node/index.ts';
import { recordChannel } from '../../src/recorded-channel.ts';
import { append, heartbeat, snapshotChunk } from '../messages.ts';
import { openMember, selfOf } from '../mesh-member.ts';
import type { TestMember } from '../mesh-member.ts';
import { listen } from './loopback.ts';
import type { Loopback } from './loopback.ts';

const protocol = 'raftkv-peer.v1';
const WebSocket = nodeWebSocket();

interface NodeMember extends TestMember {
  readonly loopback: Loopback;
}

const running: NodeMember[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map(stop));
});

async function stop(member: NodeMember): Promise<void> {
  await member.mesh.close();
  await member.loopback.close();
}

function dial(address: string, signal?: AbortSignal): Promise<Channel> {
  return dialWebSocket(`ws://${address}/raft`, { protocol, WebSocket, ...(signal === undefined ? {} : { signal }) });
}

/**
 * Opens the members in order; those before dial each newcomer, which itself dials nobody: so there is never a second channel of a pair, whose
 * replacement could lose a message that a test waits for.
 */
async function open(ids: readonly PeerId[], change: (id: PeerId) => Partial<MeshOptions> = () => ({})) {
  const members: NodeMember[] = [];
  for (const id of ids) {
    const door: { accept: (channel: Channel) => void } = { accept: (channel) => channel.close() };
    const loopback = await listen([{ path: '/raft', protocol, onChannel: (channel) => door.accept(channel) }]);
    const addressOf = (other: NodeMember): string => `127.0.0.1:${other.loopback.port}`;
    const peers = members.map((other) => ({
      id: other.id,
      name: other.id,
      address: addressOf(other),
      dials: false,
    }));
    const member = openMember({ self: selfOf(id), dial, peers, ...change(id) });
    door.accept = (channel) => member.mesh.accept(channel);
    const opened = { ...member, loopback };
    for (const other of members) other.mesh.addPeer({ id, name: id, address: addressOf(opened) });
    members.push(opened);
    running.push(opened);
  }
  return members as [NodeMember, NodeMember, NodeMember];
}

const isJoined = (member: TestMember, others: readonly PeerId[]): Promise<void> =>
  member.until(() => others.every((id) => member.mesh.isConnected(id)));

describe('the mesh over WebSockets', () => {
  it('connects three members, carries their messages, and reconnects after a socket was killed', async () => {
    const [a, b, c] = await open(['a', 'b', 'c']);
    await Promise.all([isJoined(a, ['b', 'c']), isJoined(b, ['a', 'c']), isJoined(c, ['a', 'b'])]);
    a.mesh.send([heartbeat('a', 'b', 1), heartbeat('a', 'c', 2)]);
    c.mesh.send([append('c', 'a', 2000), heartbeat('c', 'b', 3)]);
    await a.until(() => a.received.length === 1);
    await b.until(() => b.received.length === 2);
    await c.until(() => c.received.length === 1);
    expect(a.received).toEqual([append('c', 'a', 2000)]);

    for (const member of [a, b, c]) for (const socket of member.loopback.sockets) socket.destroy();
    await a.until(() => a.states.includes('b down') && a.states.includes('c down'));
    await a.until(() => a.unreachable.includes('b') && a.unreachable.includes('c'));
    await Promise.all([isJoined(a, ['b', 'c']), isJoined(b, ['a', 'c']), isJoined(c, ['a', 'b'])]);
    a.mesh.send([heartbeat('a', 'b', 9)]);
    await b.until(() => b.received.some((message) => message.type === 'heartbeatRequest' && message.readToken === 9));
  });

  it('tells members of another cluster, or without their storage, at both ends', async () => {
    const another = (id: PeerId): Partial<MeshOptions> =>
      id === 'b' ? { self: selfOf('b', 'store-b', 'another') } : {};
    const [a, b] = await open(['a', 'b'], another);
    await a.until(() => a.refused.length > 0);
    await b.until(() => b.refused.length > 0);
    expect([a.refused[0]?.code, b.refused[0]?.code]).toEqual(['wrong_cluster', 'wrong_cluster']);

    const [c, d] = await open(['c', 'd']);
    await isJoined(c, ['d']);
    await stop(d);
    await c.until(() => !c.mesh.isConnected('d'));
    const address = `127.0.0.1:${c.loopback.port}`;
    const forgetful = openMember({ self: selfOf('d', 'a new disk'), dial, peers: [{ id: 'c', name: 'c', address }] });
    await forgetful.until(() => forgetful.refused.length > 0);
    expect(forgetful.refused).toEqual([{ peer: 'c', code: 'member_amnesia', by: 'peer' }]);
    await c.until(() => c.refused.length > 0);
    await forgetful.mesh.close();
  });

  it('keeps a bounded amount for a follower that does not read, and never blocks the others', async () => {
    const [a, b, c] = await open(['a', 'b', 'c'], () => ({ limits: { maxQueuedBytes: 2_000_000 } }));
    await Promise.all([isJoined(a, ['b', 'c']), isJoined(b, ['a']), isJoined(c, ['a'])]);
    for (const socket of b.loopback.sockets) socket.pause();
    let most = 0;
    let toC = 0;
    // Far more than the kernel's buffers on both sides and the queue hold together.
    for (let round = 0; round < 400; round += 1) {
      a.mesh.send([append('a', 'b', 100_000, round), append('a', 'c', 1000, round)]);
      toC += 1;
      await new Promise((resolve) => setImmediate(resolve));
      most = Math.max(most, a.mesh.status().find((peer) => peer.id === 'b')?.queuedBytes ?? 0);
    }
    await c.until(() => c.received.length === toC);
    await a.until(() => a.unreachable.includes('b'));
    const status = a.mesh.status().find((peer) => peer.id === 'b');
    expect(status?.droppedMessages).toBeGreaterThan(100);
    expect(most).toBeGreaterThan(1_000_000);
    expect(most).toBeLessThan(3_000_000);
    // It reads again: what was kept arrives, and new appends pass.
    for (const socket of b.loopback.sockets) socket.resume();
    await b.until(() => b.received.length > 0);
    a.mesh.send([heartbeat('a', 'b', 5)]);
    await b.until(() => b.received.some((message) => message.type === 'heartbeatRequest'));
  });

  it('lets a heartbeat overtake a large message to a follower that reads slowly', async () => {
    const [a, b] = await open(['a', 'b']);
    await Promise.all([isJoined(a, ['b']), isJoined(b, ['a'])]);
    for (const socket of [...a.loopback.sockets, ...b.loopback.sockets]) socket.pause();
    // Fill the kernel's buffers first, so that the mesh has to queue.
    for (let index = 0; index < 12; index += 1) a.mesh.send([append('a', 'b', 1_000_000, index)]);
    await new Promise((resolve) => setImmediate(resolve));
    a.mesh.send([snapshotChunk('a', 'b', 2_000_000)]);
    a.mesh.send([heartbeat('a', 'b', 1)]);
    await new Promise((resolve) => setImmediate(resolve));
    for (const socket of [...a.loopback.sockets, ...b.loopback.sockets]) socket.resume();
    await b.until(() => b.received.some((message) => message.type === 'installSnapshotRequest'));
    const order = b.received.map((message) => message.type);
    expect(order).toHaveLength(14);
    expect(order.indexOf('heartbeatRequest')).toBeLessThan(order.indexOf('installSnapshotRequest'));
    const chunk = b.received.at(-1);
    expect(chunk?.type === 'installSnapshotRequest' && chunk.data.length).toBe(2_000_000);
    expect(chunk?.type === 'installSnapshotRequest' && chunk.data.every((byte) => byte === 3)).toBe(true);
  });

  it('closes a channel on which a member talks nonsense, alone, and takes that member back', async () => {
    const [a, b, c] = await open(['a', 'b', 'c']);
    await Promise.all([isJoined(a, ['b', 'c']), isJoined(b, ['a', 'c'])]);
    // A second a, with the same storage: newer, so it takes the place of the first one's channel, and then goes mad.
    const channel = await dial(`127.0.0.1:${b.loopback.port}`);
    const recorded = recordChannel(channel);
    const { clusterId, storeId } = selfOf('a');
    const hello = { type: 'hello', versions: [1], clusterId, from: 'a', to: 'b', fromName: 'a', storeId } as const;
    channel.send(encodePeerControl(hello));
    await recorded.frames(1);
    channel.send(encodePeerControl({ type: 'confirm' }));
    channel.send(encodePeerFrame([heartbeat('a', 'b', 66)]));
    channel.send(Uint8Array.of(1, 0xff, 0xff, 0xff));
    expect((await recorded.closed)?.code).toBe('bad_frame');
    expect(b.received).toEqual([heartbeat('a', 'b', 66)]);
    await isJoined(a, ['b', 'c']);
    await isJoined(b, ['a', 'c']);
    expect(c.states).toEqual(expect.not.arrayContaining(['a down', 'b down']));
  });
});
