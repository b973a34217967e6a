// The listening side in Node: takes the `upgrade` requests of one HTTP server, and gives each accepted socket to its route as a Channel.
// The HTTP server itself, and what the channels are for (`/ws` clients, `/raft` peers), belong to the caller.
import { STATUS_CODES } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { RaftkvError } from '@raftkv/wire';
import { WebSocketServer } from 'ws';
import type { Channel } from '../channel.ts';
import { defaultChannelLimits } from '../channel-limits.ts';
import type { ChannelLimits } from '../channel-limits.ts';
import { webSocketChannel } from '../websocket.ts';
import type { WebSocketLike } from '../websocket-like.ts';
import { closeTimeoutMilliseconds } from './node-websocket.ts';

export interface WebSocketRoute extends Partial<ChannelLimits> {
  /** The whole path, "/ws"; a query is ignored. Anything else is answered with 404. */
  readonly path: string;
  /** The subprotocol; a request that does not offer it is answered with 400. */
  readonly protocol: string;
  /** Open sockets of this route; one more is answered with 503. Default 1,024. */
  readonly maxConnections?: number;
  /** False is answered with 403: an origin, a token. Must not throw. */
  readonly isAllowed?: (request: IncomingMessage) => boolean;
  /** Called in the turn of the handshake; what comes in is held until the channel is started. */
  readonly onChannel: (channel: Channel, request: IncomingMessage) => void;
}

export interface WebSocketAcceptor {
  /** Open sockets of the route with this path. */
  connections(path: string): number;
  /** Accepts nothing more and closes what is open with `closed`. The HTTP server stays the caller's. Idempotent. */
  close(): void;
}

interface RouteState {
  readonly route: WebSocketRoute;
  readonly handshaker: WebSocketServer;
  readonly channels: Set<Channel>;
}

const defaultMaxConnections = 1024;

/**
 * @example
 * ```ts
 * const acceptor = acceptWebSockets(httpServer, [{ path: '/ws', protocol: 'raftkv.v1', onChannel: (channel) => serve(channel) }]);
 * ```
 */
export function acceptWebSockets(server: Server, routes: readonly WebSocketRoute[]): WebSocketAcceptor {
  const states = new Map<string, RouteState>();
  for (const route of routes) {
    states.set(route.path, { route, handshaker: createHandshaker(route), channels: new Set() });
  }
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    // A socket that breaks in the middle of the handshake must not bring the process down.
    socket.on('error', () => socket.destroy());
    const state = states.get(pathOf(request));
    const status = refusalStatus(state, request);
    if (state === undefined || status !== undefined) return refuse(socket, status ?? 404);
    upgrade(state, request, socket, head);
  };
  server.on('upgrade', onUpgrade);
  return {
    connections: (path) => states.get(path)?.channels.size ?? 0,
    close: () => {
      server.off('upgrade', onUpgrade);
      for (const { channels } of states.values()) {
        for (const channel of channels) channel.close(new RaftkvError('closed', 'the server is closing'));
      }
    },
  };
}

function createHandshaker(route: WebSocketRoute): WebSocketServer {
  const options = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: route.maxFrameBytes ?? defaultChannelLimits.maxFrameBytes,
    closeTimeout: closeTimeoutMilliseconds,
    handleProtocols: () => route.protocol,
  };
  return new WebSocketServer(options);
}

/** The HTTP status to refuse with, or undefined for welcome. Everything in the request is hostile. */
function refusalStatus(state: RouteState | undefined, request: IncomingMessage): number | undefined {
  if (state === undefined) return 404;
  const { route, channels } = state;
  if (route.isAllowed?.(request) === false) return 403;
  const offered = request.headers['sec-websocket-protocol'] ?? '';
  if (!offered.split(',').some((name) => name.trim() === route.protocol)) return 400;
  return channels.size >= (route.maxConnections ?? defaultMaxConnections) ? 503 : undefined;
}

function upgrade(state: RouteState, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  // Synchronous in `ws` when no asynchronous verifier is set: nobody slips past the limit in between.
  state.handshaker.handleUpgrade(request, socket, head, (webSocket) => {
    const remote = `${request.socket.remoteAddress ?? 'unknown'}:${request.socket.remotePort ?? 0}`;
    const channel = webSocketChannel(webSocket as WebSocketLike, { ...state.route, remote });
    state.channels.add(channel);
    webSocket.on('close', () => state.channels.delete(channel));
    state.route.onChannel(channel, request);
  });
}

function refuse(socket: Duplex, status: number): void {
  const text = STATUS_CODES[status] ?? '';
  socket.once('finish', () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status} ${text}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
  );
}

function pathOf(request: IncomingMessage): string {
  const url = request.url ?? '';
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}
