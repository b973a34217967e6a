// The mesh of a member in Node: WebSockets to the other members, each let in by the registry. Who they are is for the roster to say; a refusal that ends this
// member is told to its owner.
import { Guests } from '@raftkv/server';
import type { PeerRegistry, Roster, SecondFounding } from '@raftkv/server';
import { dialWebSocket, openMesh } from '@raftkv/transport';
import type { Mesh, MeshOptions } from '@raftkv/transport';
import { nodeWebSocket } from '@raftkv/transport/node';
import { RaftkvError } from '@raftkv/wire';
import type { ClusterId } from './cluster-id.ts';
import type { Logger } from './logger.ts';

export const peerRoute = { path: '/raft', protocol: 'raftkv-peer.v1' } as const;

export interface PeerMeshOptions {
  readonly self: MeshOptions['self'];
  readonly clusterId: Pick<ClusterId, 'with'>;
  readonly registry: PeerRegistry;
  readonly roster: Roster;
  readonly second: Pick<SecondFounding, 'suspect'>;
  readonly logger: Logger;
  /** This member cannot go on. */
  readonly onHalt: (error: RaftkvError) => void;
  /** Another one says that this member was removed. */
  readonly onRemoved: (reason: string) => void;
}

/** Without peers: they are added as the roster has them. */
export function openPeerMesh(options: PeerMeshOptions): Mesh {
  const { self, clusterId, registry, roster, second, logger, onHalt, onRemoved } = options;
  const nameOf = (id: string): string => roster.get(id)?.name ?? id;
  const WebSocket = nodeWebSocket({ isMasked: false });
  const mesh = openMesh({
    self,
    peers: [],
    dial: (address, signal) =>
      dialWebSocket(`ws://${address}${peerRoute.path}`, { protocol: peerRoute.protocol, signal, WebSocket }),
    clusterIdFor: (peer) => clusterId.with(peer),
    onForeign: (peer) => second.suspect(peer),
    admit: (peer) => registry.admit(peer),
    strangerError: (id) => {
      second.suspect(id);
      guests.invite(id);
      return registry.strangerError(id);
    },
    onWelcomed: (peer) => {
      logger.log('INFO', 'peer connected', { peer: nameOf(peer) });
      registry.admittedBy(peer).catch((error: unknown) => onHalt(RaftkvError.from(error)));
    },
    onRefused: (peer, { code, message }, by) => {
      const event = by === 'self' ? 'peer refused' : 'refused by peer';
      logger.log('ERROR', event, { peer: nameOf(peer), code, reason: message });
      if (by === 'self') return;
      // The others remember the storage that this member once had: it may not take part with an empty one.
      if (code === 'member_amnesia') onHalt(new RaftkvError(code, message));
      if (code === 'member_removed') onRemoved(message);
    },
  });
  const guests = new Guests({ roster, mesh });
  return mesh;
}
