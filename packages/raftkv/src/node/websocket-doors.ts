// The WebSocket routes of a member's port: peers, clients and, where it is switched on, the relay that tabs find each other through. Who may knock is decided
// here; what is said then is the mesh's, the server's and the relay's business. Called by `start-node.ts`.
import type { Server } from 'node:http';
import { serveClient } from '@raftkv/server';
import type { LocalKvNode, Metrics } from '@raftkv/server';
import { isAllowedOrigin } from '@raftkv/server/node';
import type { Mesh } from '@raftkv/transport';
import { acceptWebSockets } from '@raftkv/transport/node';
import { openSignalRelay } from '@raftkv/transport/webrtc';
import type { SignalRelay } from '@raftkv/transport/webrtc';
import { peerRoute } from './peer-route.ts';

const clientRoute = { path: '/ws', protocol: 'raftkv.v1' } as const;
const relayRoute = { path: '/signals', protocol: 'raftkv-signals.v1' } as const;

/** A member's first business is its cluster: rooms get a share that it can spare. What a room or a member may do beyond these, the relay's defaults say. */
const relayLimits = {
  maxMembers: 256,
  relayedBytesPerSecond: 1024 * 1024,
  totalRelayedBytesPerSecond: 8 * 1024 * 1024,
} as const;
/** The largest signal; what waits for one member, and for one that does not read, stays far below a channel's usual limits. */
const relayChannel = { maxFrameBytes: 64 * 1024, maxBufferedBytes: 2 * 1024 * 1024 } as const;

export interface WebSocketDoorsOptions {
  readonly server: Server;
  readonly mesh: Mesh;
  readonly node: LocalKvNode;
  readonly metrics: Metrics;
  readonly allowedOrigins: readonly string[];
  readonly relay: boolean;
  /** Pages of the allowed origins may be members. */
  readonly tabMembers: boolean;
}

export interface WebSocketDoors {
  /** Undefined where it is off. */
  readonly relay: SignalRelay | undefined;
  close(): void;
}

export function openWebSocketDoors(options: WebSocketDoorsOptions): WebSocketDoors {
  const { server, mesh, node, metrics, allowedOrigins, tabMembers } = options;
  const relay = options.relay ? openSignalRelay({ limits: relayLimits }) : undefined;
  const acceptor = acceptWebSockets(server, [
    {
      ...peerRoute,
      maxConnections: 64,
      // Where no member is a web page, one that knocks here was lured to the machine's own ports.
      isAllowed: (request) =>
        request.headers.origin === undefined || (tabMembers && isAllowedOrigin(request, allowedOrigins)),
      onChannel: (channel) => mesh.accept(channel),
    },
    {
      ...clientRoute,
      isAllowed: (request) => isAllowedOrigin(request, allowedOrigins),
      // No page decides who is a member, but one that may be one.
      onChannel: (channel, { headers }) =>
        serveClient(channel, node, { metrics, mayAdminister: headers.origin === undefined || tabMembers }),
    },
    ...(relay === undefined
      ? []
      : [
          {
            ...relayRoute,
            ...relayChannel,
            maxConnections: relayLimits.maxMembers,
            isAllowed: (request: Parameters<typeof isAllowedOrigin>[0]) => isAllowedOrigin(request, allowedOrigins),
            onChannel: (channel: Parameters<SignalRelay['accept']>[0]) => relay.accept(channel),
          },
        ]),
  ]);
  return {
    relay,
    close: () => {
      relay?.close();
      acceptor.close();
    },
  };
}
