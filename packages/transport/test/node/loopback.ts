// Real WebSockets on loopback for tests: an HTTP server on port 0 with one route, and the sockets beneath, to be harmed.
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { dialWebSocket } from '../../src/index.ts';
import type { Channel, ChannelLimits } from '../../src/index.ts';
import { acceptWebSockets, nodeWebSocket } from '../../src/node/index.ts';
import type { WebSocketAcceptor, WebSocketRoute } from '../../src/node/index.ts';

export interface Loopback {
  readonly server: Server;
  readonly acceptor: WebSocketAcceptor;
  readonly port: number;
  /** The server's ends of the TCP connections, oldest first. */
  readonly sockets: Set<Socket>;
  url(path: string): string;
  close(): Promise<void>;
}

export async function listen(routes: readonly WebSocketRoute[], wantedPort = 0): Promise<Loopback> {
  const server = createServer((_, response) => response.writeHead(404).end());
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  const acceptor = acceptWebSockets(server, routes);
  await new Promise<void>((resolve) => server.listen(wantedPort, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    server,
    acceptor,
    port,
    sockets,
    url: (path) => `ws://127.0.0.1:${port}${path}`,
    close: () =>
      new Promise((resolve) => {
        acceptor.close();
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** A dialled channel (left), the accepted one (right), and what lies beneath. */
export async function webSocketPair(limits: Partial<ChannelLimits>): Promise<{
  readonly left: Channel;
  readonly right: Channel;
  readonly loopback: Loopback;
  readonly serverSocket: Socket;
}> {
  let tellAccepted: (channel: Channel) => void = () => {};
  const accepted = new Promise<Channel>((resolve) => (tellAccepted = resolve));
  const loopback = await listen([{ ...limits, path: '/test', protocol: 'test.v1', onChannel: tellAccepted }]);
  const left = await dialWebSocket(loopback.url('/test'), {
    ...limits,
    protocol: 'test.v1',
    WebSocket: nodeWebSocket(limits.maxFrameBytes === undefined ? {} : { maxFrameBytes: limits.maxFrameBytes }),
  });
  const right = await accepted;
  const serverSocket = [...loopback.sockets][0];
  if (serverSocket === undefined) throw new Error('no socket');
  return { left, right, loopback, serverSocket };
}
