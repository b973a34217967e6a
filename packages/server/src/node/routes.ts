// Who answers what: the table of paths of the one port and of the two monitoring ports. Each entry says its methods, so that
// a wrong one gets 405 and a wrong path 404, both as JSON.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { RaftkvError } from '@raftkv/wire';
import { versionBody } from '../gateway/cluster.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { Metrics } from '../metrics.ts';
import type { KvNode } from '../node-api.ts';
import { formatPrometheus, prometheusContentType } from '../prometheus.ts';
import type { GatewayHttp } from './gateway-http.ts';
import type { Health, HealthReport } from './health.ts';
import { allowOrigin, answerPreflight, isAllowedOrigin } from './origin.ts';
import { send, sendError, sendJson } from './reply.ts';
import { renderStatusPage, statusPageHeaders } from './status-page.ts';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

export interface Route {
  readonly methods: readonly string[];
  readonly handle: Handler;
}
/** The route of a path (without its query), if there is one. */
export type RouteTable = (path: string) => Route | undefined;

/** Serves an application's own page and assets: true if it took the request. Asked for every GET that has no other route. */
export type PageHook = (request: IncomingMessage, response: ServerResponse) => boolean;

const readMethods = ['GET', 'HEAD'];

/** `/livez`, `/readyz` and `/health`. */
export function healthRoutes(health: Health): RouteTable {
  const answer =
    (ask: () => HealthReport | Promise<HealthReport>): Handler =>
    async (_request, response) => {
      const { httpStatus, body } = await ask();
      response.setHeader('cache-control', 'no-store');
      sendJson(response, httpStatus, body);
    };
  return tableOf({
    '/livez': { methods: readMethods, handle: answer(() => health.livez()) },
    '/readyz': { methods: readMethods, handle: answer(() => health.readyz()) },
    '/health': { methods: readMethods, handle: answer(() => health.health()) },
  });
}

/** `/metrics`. */
export function metricsRoutes(metrics: Metrics): RouteTable {
  const handle: Handler = (_request, response) =>
    send(response, 200, prometheusContentType, formatPrometheus(metrics.families()));
  return tableOf({ '/metrics': { methods: readMethods, handle } });
}

/** `/version` and everything of the gateway below `/v3/`. */
export function gatewayRoutes(gateway: Gateway, http: GatewayHttp): RouteTable {
  const version: Route = {
    methods: readMethods,
    handle: (_request, response) => sendJson(response, 200, versionBody),
  };
  const watch: Route = { methods: ['POST'], handle: (request, response) => http.watch(request, response) };
  return (path) => {
    if (path === '/version') return version;
    if (path === '/v3/watch') return watch;
    if (!gateway.has(path)) return undefined;
    return { methods: ['POST'], handle: (request, response) => http.call(path, request, response) };
  };
}

/** `/`: what the node says of itself. */
export function statusPageRoutes(node: KvNode): RouteTable {
  const handle: Handler = (_request, response) => {
    response.writeHead(200, statusPageHeaders).end(renderStatusPage(node.status()));
  };
  return tableOf({ '/': { methods: readMethods, handle } });
}

export interface DispatchOptions {
  readonly tables: readonly RouteTable[];
  readonly page?: PageHook | undefined;
  readonly allowedOrigins: readonly string[];
}

/** The listener of an HTTP server: finds the route, checks origin and method, and turns whatever fails into a reply. */
export function createDispatcher(
  options: DispatchOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    // A client that goes away in the middle is not our fault.
    request.on('error', () => {});
    response.on('error', () => {});
    dispatch(options, request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else sendError(response, 500, 13, `raftkv: ${RaftkvError.from(error).message}`);
    });
  };
}

async function dispatch(options: DispatchOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = pathOf(request.url);
  const method = request.method ?? '';
  if (!isAllowedOrigin(request, options.allowedOrigins)) {
    return sendError(response, 403, 7, 'raftkv: this origin is not allowed');
  }
  allowOrigin(request, response);
  const route = findRoute(options.tables, path);
  const isRead = readMethods.includes(method);
  if (options.page !== undefined && isRead && (route === undefined || path === '/') && options.page(request, response))
    return;
  if (route === undefined) return sendError(response, 404, 5, 'Not Found');
  if (method === 'OPTIONS') return answerPreflight(response);
  if (!route.methods.includes(method)) {
    response.setHeader('allow', route.methods.join(', '));
    return sendError(response, 405, 12, 'Method Not Allowed');
  }
  await route.handle(request, response);
}

function tableOf(routes: Readonly<Record<string, Route>>): RouteTable {
  const map = new Map(Object.entries(routes));
  return (path) => map.get(path);
}

function findRoute(tables: readonly RouteTable[], path: string): Route | undefined {
  for (const table of tables) {
    const route = table(path);
    if (route !== undefined) return route;
  }
  return undefined;
}

/** The query is ignored. */
function pathOf(url: string | undefined): string {
  const text = url ?? '/';
  const query = text.indexOf('?');
  return query < 0 ? text : text.slice(0, query);
}
