// Members between which no direct way leads, over a real relay (WebSockets) and real WebRTC in Node: they meet through the relay, say so, and leave it when
// the direct way works.
import { describe, expect, it } from 'vitest';
import { openMesh } from '../../src/index.ts';
import type { Mesh, MeshLimits } from '../../src/index.ts';
import { nodeWebRtc } from '../../src/node/webrtc.ts';
import { openWebRtc } from '../../src/webrtc/index.ts';
import type { PeerConnectionConstructor, Signal, SignalRelay, Signalling, WebRtc } from '../../src/webrtc/index.ts';
import { heartbeat, snapshotChunk } from '../messages.ts';
import { closeLater, startRelay } from './loopback-relay.ts';
import type { LoopbackRelay } from './loopback-relay.ts';

const RTCPeerConnection = await nodeWebRtc();

/** No address of anybody comes through while it is closed. */
class Wall {
  isOpen = false;

  before(signalling: Signalling): Signalling {
    return {
      send: (signal) => {
        if (this.isOpen) signalling.send(signal);
        else if (signal.type !== 'candidate') signalling.send(withoutAddresses(signal));
      },
      listen: (onSignal) => signalling.listen(onSignal),
    };
  }
}

function withoutAddresses(signal: Signal): Signal {
  if (signal.type !== 'offer' && signal.type !== 'answer') return signal;
  return { ...signal, sdp: signal.sdp.replaceAll(/a=candidate:.*\r\n/g, '') };
}

interface Member {
  readonly mesh: Mesh;
  readonly webRtc: WebRtc;
  readonly received: string[];
  path(): string | undefined;
}

class Room {
  readonly wall = new Wall();
  readonly #loopback: LoopbackRelay;

  constructor(loopback: LoopbackRelay) {
    this.#loopback = loopback;
  }

  get relay(): SignalRelay {
    return this.#loopback.relay;
  }

  open(id: string, other: string, Connection: PeerConnectionConstructor, limits: Partial<MeshLimits> = {}): Member {
    const signalling = this.#loopback.join(id);
    const received: string[] = [];
    const webRtc = openWebRtc({
      selfId: id,
      signalling: this.wall.before(signalling),
      relayed: signalling.links,
      RTCPeerConnection: Connection,
      limits: { relayAfterMilliseconds: 100 },
      onChannel: (channel) => mesh.accept(channel),
    });
    const mesh = openMesh({
      self: { memberId: id, memberName: id, clusterId: 'c', storeId: `store-${id}` },
      peers: [{ id: other, name: other, address: other, dials: id < other }],
      dial: (peerId, signal) => webRtc.dial(peerId, { signal }),
      dialDirect: (peerId, signal) => webRtc.dialDirect(peerId, { signal }),
      admit: async () => undefined,
      limits,
    });
    mesh.start({ onMessage: ({ type }) => received.push(type), onUnreachable: () => undefined });
    closeLater(async () => {
      await mesh.close();
      webRtc.close();
    });
    return { mesh, webRtc, received, path: () => mesh.status()[0]?.path };
  }
}

async function openRoom(): Promise<Room> {
  return new Room(await startRelay());
}

describe('members that find no direct way', () => {
  it('meet through the relay with all that they have to say, and leave it when a direct way is there', async () => {
    const room = await openRoom();
    const seldom = { minDirectBackoffMilliseconds: 60_000 };
    const [a, b] = [room.open('a', 'b', RTCPeerConnection, seldom), room.open('b', 'a', RTCPeerConnection, seldom)];
    await expect.poll(() => [a.path(), b.path()]).toEqual(['relayed', 'relayed']);
    a.mesh.send([snapshotChunk('a', 'b', 1 << 20), heartbeat('a', 'b')]);
    await expect.poll(() => b.received).toEqual(['heartbeatRequest', 'installSnapshotRequest']);
    expect(room.relay.relayedBytes).toBeGreaterThan(1 << 20);

    room.wall.isOpen = true;
    a.mesh.networkChanged();
    await expect.poll(() => [a.path(), b.path()]).toEqual(['direct', 'direct']);
    await expect.poll(() => [a.webRtc.sessions, b.webRtc.sessions]).toEqual([1, 1]);
    const carried = room.relay.relayedBytes;
    b.mesh.send([snapshotChunk('b', 'a', 1 << 20)]);
    await expect.poll(() => a.received).toContain('installSnapshotRequest');
    // The last words of the relayed channel may still come, no more.
    expect(room.relay.relayedBytes).toBeLessThan(carried + 1000);
  });

  it('meet through the relay although one of them has no WebRTC at all', async () => {
    const room = await openRoom();
    class None {
      constructor() {
        throw new DOMException('a policy forbids it', 'NotAllowedError');
      }
    }
    const a = room.open('a', 'b', RTCPeerConnection);
    const b = room.open('b', 'a', None as unknown as PeerConnectionConstructor);
    await expect.poll(() => [a.path(), b.path()]).toEqual(['relayed', 'relayed']);
    b.mesh.send([heartbeat('b', 'a')]);
    await expect.poll(() => a.received).toEqual(['heartbeatRequest']);
  });

  it('say nothing more to one that left', async () => {
    const room = await openRoom();
    const [a, b] = [room.open('a', 'b', RTCPeerConnection), room.open('b', 'a', RTCPeerConnection)];
    await expect.poll(() => [a.path(), b.path()]).toEqual(['relayed', 'relayed']);
    for (const [member, other] of [
      [a, 'b'],
      [b, 'a'],
    ] as const) {
      member.mesh.removePeer(other);
      member.webRtc.drop(other);
    }
    await expect.poll(() => [a.webRtc.sessions, b.webRtc.sessions]).toEqual([0, 0]);
    const carried = room.relay.relayedBytes;
    a.mesh.send([heartbeat('a', 'b')]);
    a.mesh.networkChanged();
    await new Promise((resolve) => setImmediate(resolve));
    expect(room.relay.relayedBytes).toBe(carried);
  });
});
