// The default way to a node: a WebSocket. How a node's address becomes a URL is decided here and nowhere else.
import { dialWebSocket } from '@raftkv/transport';
import type { Channel, WebSocketConstructor } from '@raftkv/transport';
import { RaftkvError } from '@raftkv/wire';

/** The subprotocol between clients and nodes. How long it may take is for `connection.ts`, which aborts the signal. */
const dialling = { protocol: 'raftkv.v1', timeoutMilliseconds: Infinity };

/** Dials with the runtime's own WebSocket. Node 20 has none: see `webSocketDial`. */
export function dialEndpoint(endpoint: string, options: { readonly signal: AbortSignal }): Promise<Channel> {
  return dialWebSocket(endpointUrl(endpoint), { ...dialling, signal: options.signal });
}

/**
 * Dials with another WebSocket class.
 *
 * @example
 * ```ts
 * connect({ endpoints, dial: webSocketDial(nodeWebSocket()) })
 * ```
 */
export function webSocketDial(
  WebSocket: WebSocketConstructor,
): (endpoint: string, options: { readonly signal: AbortSignal }) => Promise<Channel> {
  return (endpoint, { signal }) => dialWebSocket(endpointUrl(endpoint), { ...dialling, signal, WebSocket });
}

/** "host:port" → "ws://host:port/ws"; http(s) and ws(s) URLs keep their host, and their path if they have one. */
export function endpointUrl(endpoint: string): string {
  const match = /^(?:(ws|http)(s?):\/\/)?([^/?#]+)(\/[^?#]*)?/i.exec(endpoint);
  if (match === null) return endpoint;
  const [, , secure = '', host = '', path = '/'] = match;
  return `ws${secure.toLowerCase()}://${host}${path === '/' ? '/ws' : path}`;
}

/** Why there is no connection: what says more than that, as it is. */
export function dialError(endpoint: string, error: unknown): RaftkvError {
  const known = RaftkvError.from(error, 'connect_failed');
  const isSpecific = !['timeout', 'cancelled', 'connection_lost', 'internal', 'closed'].includes(known.code);
  if (isSpecific) return known;
  return new RaftkvError('connect_failed', `cannot connect to ${endpoint}: ${known.message}`, { cause: error });
}
