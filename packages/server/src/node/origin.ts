// Which web pages may talk to this member. Any page in a browser can send a POST to a port of the machine it runs on, so a request
// that names a foreign origin is refused unless that origin was allowed; what is no browser names none. Nor does the same name for page and
// server make the page ours: anyone can let a name of theirs lead to this address (DNS rebinding).
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Whether the request comes from no browser, from a page that this server gave out, or from an allowed origin (`*`: any). */
export function isAllowedOrigin(request: IncomingMessage, allowedOrigins: readonly string[]): boolean {
  const { origin, host } = request.headers;
  if (origin === undefined || allowedOrigins.includes('*') || allowedOrigins.includes(origin)) return true;
  return host !== undefined && (origin === `http://${host}` || origin === `https://${host}`) && isOwnName(host);
}

/** An address itself, or a name that no stranger can register: without a dot, or below `localhost`. */
function isOwnName(host: string): boolean {
  const name = host.replace(/:\d*$/, '');
  return name.startsWith('[') || /^\d+(?:\.\d+){3}$/.test(name) || !name.includes('.') || name.endsWith('.localhost');
}

/** Tells the browser that the page may read the answer. To be called before the headers leave, for an allowed origin only. */
export function allowOrigin(request: IncomingMessage, response: ServerResponse): void {
  const { origin } = request.headers;
  if (origin === undefined) return;
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('vary', 'origin');
}

/** Answers a browser's question before a request that is not simple. */
export function answerPreflight(response: ServerResponse): void {
  response.setHeader('access-control-allow-methods', 'GET, POST');
  response.setHeader('access-control-allow-headers', 'content-type, authorization');
  response.setHeader('access-control-max-age', '600');
  response.writeHead(204).end();
}
