// The door of a member for other members, and how they reach it: WebSockets under a path and a protocol of their own. Called by `start-node.ts`, which dials,
// and by `websocket-doors.ts`, which answers.
import { dialWebSocket } from '@raftkv/transport';
import type { MeshOptions } from '@raftkv/transport';
import { nodeWebSocket } from '@raftkv/transport/node';

export const peerRoute = { path: '/raft', protocol: 'raftkv-peer.v1' } as const;

export function peerDialler(): MeshOptions['dial'] {
  const WebSocket = nodeWebSocket({ isMasked: false });
  return (address, signal) =>
    dialWebSocket(`ws://${address}${peerRoute.path}`, { protocol: peerRoute.protocol, signal, WebSocket });
}
