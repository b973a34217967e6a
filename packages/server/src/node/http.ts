// The HTTP server on a member's one port, and the small ones on its monitoring ports: limits, life and death. What they answer
// is in `routes.ts`; WebSockets attach themselves to the server's 'upgrade' event and belong to whoever did that.
import { IncomingMessage, createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { RaftkvError } from '@raftkv/wire';
import { Gateway } from '../gateway/gateway.ts';
import type { GatewayOptions } from '../gateway/gateway.ts';
import type { Metrics } from '../metrics.ts';
import type { KvNode } from '../node-api.ts';
import { createGatewayHttp } from './gateway-http.ts';
import { createHealth } from './health.ts';
import type { HealthOptions } from './health.ts';
import { defaultHttpLimits } from './http-limits.ts';
import type { HttpLimits } from './http-limits.ts';
import { createDispatcher, gatewayRoutes, healthRoutes, metricsRoutes, statusPageRoutes } from './routes.ts';
import type { DispatchOptions, PageHook, RouteTable } from './routes.ts';

export interface HttpServerOptions {
  readonly node: KvNode;
  readonly metrics: Metrics;
  /** An application's own page in place of the status page, and its assets. */
  readonly page?: PageHook;
  readonly limits?: Partial<HttpLimits>;
  readonly gateway?: GatewayOptions;
  readonly health?: HealthOptions;
  /** Origins of web pages from elsewhere that may use the gateway, as "https://app.example"; `*` = any. Default: none. */
  readonly allowedOrigins?: readonly string[];
}

/** A server that somebody owns. */
export interface HttpServer {
  /** For `listen` and for WebSockets to attach to. */
  readonly server: Server;
  /**
   * Accepts nothing more, ends watches with a last line, answers the requests at work (for at most `closeTimeoutMilliseconds`) and
   * says with each answer that the connection ends, then cuts what is left. Upgraded sockets are the WebSocket side's. Idempotent.
   */
  close(): Promise<void>;
}

/**
 * Everything on a member's one port but WebSocket.
 *
 * @example
 * ```ts
 * const http = createHttpServer({ node, metrics })
 * acceptWebSockets(http.server, routes)
 * await listen(http.server, { host: '127.0.0.1', port: 8080 })
 * ```
 */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { node, metrics, page, allowedOrigins = [] } = options;
  const limits = { ...defaultHttpLimits, ...options.limits };
  const gateway = new Gateway(node, options.gateway);
  const gatewayHttp = createGatewayHttp(gateway, metrics, limits);
  let isClosing = false;
  const health = createHealth(node, {
    ...options.health,
    reasons: () => [...(isClosing ? ['the server is closing'] : []), ...(options.health?.reasons?.() ?? [])],
  });
  const tables: readonly RouteTable[] = [
    gatewayRoutes(gateway, gatewayHttp),
    healthRoutes(health),
    metricsRoutes(metrics),
    statusPageRoutes(node),
  ];
  const server = limitedServer({ tables, page, allowedOrigins }, limits);
  server.on('connection', (socket: Socket) => {
    metrics.addConnections('http', 1);
    socket.once('close', () => metrics.addConnections('http', -1));
  });
  return closable(server, limits, () => {
    isClosing = true;
    gatewayHttp.endWatches();
  });
}

export interface MonitoringServerOptions {
  /** With them: `/metrics`. */
  readonly metrics?: Metrics;
  /** With it: `/livez`, `/readyz` and `/health`. */
  readonly node?: KvNode;
  readonly health?: HealthOptions;
  readonly limits?: Partial<HttpLimits>;
}

/** A server for `metrics_port` or `health_check_port`: the same answers as on the one port, and nothing else. */
export function createMonitoringServer(options: MonitoringServerOptions): HttpServer {
  const limits = { ...defaultHttpLimits, ...options.limits };
  const tables: RouteTable[] = [];
  if (options.metrics !== undefined) tables.push(metricsRoutes(options.metrics));
  if (options.node !== undefined) tables.push(healthRoutes(createHealth(options.node, options.health)));
  return closable(limitedServer({ tables, allowedOrigins: [] }, limits), limits, () => {});
}

/** Listens, and resolves with the port (asked for 0, the system's choice). Throws RaftkvError `port_in_use` or `config_invalid`. */
export function listen(server: Server, address: { readonly host: string; readonly port: number }): Promise<number> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      const where = `${address.host}:${address.port}`;
      const code = error.code === 'EADDRINUSE' ? 'port_in_use' : 'config_invalid';
      const message = code === 'port_in_use' ? `${where} is in use` : `cannot listen on ${where}: ${error.message}`;
      reject(new RaftkvError(code, message, { cause: error }));
    };
    server.once('error', onError);
    server.listen(address.port, address.host, () => {
      server.off('error', onError);
      const bound = server.address();
      resolve(typeof bound === 'object' && bound !== null ? bound.port : address.port);
    });
  });
}

function limitedServer(options: DispatchOptions, limits: HttpLimits): Server {
  const server = createServer(
    {
      headersTimeout: limits.headersTimeoutMilliseconds,
      // A watch's request may stay open for good; all other bodies have a limit of their own.
      requestTimeout: 0,
      keepAliveTimeout: limits.keepAliveTimeoutMilliseconds,
      connectionsCheckingInterval: Math.min(5000, limits.headersTimeoutMilliseconds),
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
      noDelay: true,
      IncomingMessage: Request,
    },
    createDispatcher(options),
  );
  server.maxConnections = limits.maxConnections;
  server.timeout = limits.stalledTimeoutMilliseconds;
  server.on('clientError', answerClientError);
  return server;
}

/**
 * Node takes any `Upgrade` header for the WebSocket side's as soon as that listens. But curl and Java offer HTTP/2 that way with what they
 * send, and, as the offer may be ignored, expect an answer.
 */
class Request extends IncomingMessage {
  /** Set first by the constructor above this one, so it is no private field. */
  declare hasUpgrade: unknown;

  set upgrade(hasUpgrade: unknown) {
    this.hasUpgrade = hasUpgrade;
  }
  /** Asked for when the headers are there. */
  get upgrade(): boolean {
    return this.hasUpgrade === true && (this.method === 'CONNECT' || /^websocket$/i.test(this.headers.upgrade ?? ''));
  }
}

/** Bytes that are no HTTP request: a short answer if the socket can still take one, never a throw. */
function answerClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || socket.destroyed) {
    socket.destroy();
    return;
  }
  const line = clientErrorLines[error.code ?? ''] ?? '400 Bad Request';
  socket.end(`HTTP/1.1 ${line}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
}

const clientErrorLines: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

function closable(server: Server, limits: HttpLimits, begin: () => void): HttpServer {
  let closed: Promise<void> | undefined;
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const unanswered = new Set<ServerResponse>();
  server.prependListener('request', (_request: IncomingMessage, response: ServerResponse) => {
    if (closed !== undefined) response.shouldKeepAlive = false;
    unanswered.add(response);
    response.once('close', () => unanswered.delete(response));
  });
  return {
    server,
    close: () => (closed ??= closeServer({ server, sockets, unanswered, limits, begin })),
  };
}

/** How often connections that have become idle are let go of. */
const idleCheckMilliseconds = 50;

interface Closing {
  readonly server: Server;
  readonly sockets: ReadonlySet<Socket>;
  readonly unanswered: ReadonlySet<ServerResponse>;
  readonly limits: HttpLimits;
  readonly begin: () => void;
}

function closeServer({ server, sockets, unanswered, limits, begin }: Closing): Promise<void> {
  return new Promise((resolve) => {
    // What is asked for by now is answered, and the answer is the last of its connection: a client that goes on asking would never be found idle.
    const last = new Map([...unanswered].map((response) => [response.req.socket, response]));
    for (const response of last.values()) response.shouldKeepAlive = false;
    const idleCheck = setInterval(() => {
      server.closeIdleConnections();
      // Opened ahead of need, as browsers and proxies do; Node does not call them idle.
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
    }, idleCheckMilliseconds);
    const finish = (): void => {
      clearInterval(idleCheck);
      clearTimeout(deadline);
      resolve();
    };
    const deadline = setTimeout(() => {
      server.closeAllConnections();
      // Upgraded sockets would keep the server from ever being closed; their owner closes them.
      finish();
    }, limits.closeTimeoutMilliseconds);
    server.close(finish);
    begin();
    server.closeIdleConnections();
  });
}
