// A web page out of a folder, as a member serves it at `/`: the built files, read once and held in memory, under a content policy that lets
// nothing in from elsewhere. Under `raftkv dev` it also hands the page the key to the control of the cluster (`/dev.json`), to nobody but
// a page of this machine. What is done with that key is in `cli/dev-control.ts`.
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, relative, sep } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { PageHook } from '@raftkv/server/node';
import { RaftkvError } from '@raftkv/wire';

export interface PageOptions {
  /** Holds `index.html`. Hidden files are left out. */
  readonly directory: string;
  /** Origins besides its own that the page may talk to, such as `ws://127.0.0.1:8081`. */
  readonly connectTo: readonly string[];
  /** What `/dev.json` says; undefined: that there is no control. */
  readonly dev: unknown;
}

interface PageFile {
  readonly body: Buffer;
  readonly gzipped: Buffer | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly tag: string;
}

/** More than that is no page but a mistake: it is all held in memory. */
const maxPageBytes = 32 * 1024 * 1024;
const devPath = '/dev.json';

/** Throws `config_invalid` if there is no page in the folder. */
export function createPage(options: PageOptions): PageHook {
  const files = readPage(options.directory);
  const policy = contentPolicy(options.connectTo);
  const dev = JSON.stringify(options.dev ?? { control: null });
  return (request, response) => {
    const path = (request.url ?? '/').replace(/[?#].*$/, '');
    if (path === devPath) {
      sendDev(request, response, dev);
      return true;
    }
    const file = files.get(path === '/' ? '/index.html' : path);
    if (file === undefined) return false;
    sendFile(request, response, file, policy);
    return true;
  };
}

function sendFile(request: IncomingMessage, response: ServerResponse, file: PageFile, policy: string): void {
  for (const [name, value] of Object.entries(file.headers)) response.setHeader(name, value);
  response.setHeader('content-security-policy', policy);
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('referrer-policy', 'no-referrer');
  response.setHeader('vary', 'accept-encoding');
  response.setHeader('etag', file.tag);
  if (request.headers['if-none-match'] === file.tag) {
    response.writeHead(304).end();
    return;
  }
  const takesGzip = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
  const body = takesGzip && file.gzipped !== undefined ? file.gzipped : file.body;
  if (body === file.gzipped) response.setHeader('content-encoding', 'gzip');
  response.writeHead(200, { 'content-length': body.length });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** The key opens every member's door, so it leaves only for a page that this member gave out, in a browser on this machine. */
function sendDev(request: IncomingMessage, response: ServerResponse, body: string): void {
  const site = request.headers['sec-fetch-site'];
  const isOurs = site === undefined || site === 'same-origin' || site === 'none';
  const isLocal = isLoopbackAddress(request.socket.remoteAddress) && isLoopbackHost(request.headers.host);
  response.setHeader('content-type', 'application/json');
  response.setHeader('cache-control', 'no-store');
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('cross-origin-resource-policy', 'same-origin');
  response.writeHead(isOurs && isLocal ? 200 : 403).end(isOurs && isLocal ? body : '{"control":null}');
}

function contentPolicy(connectTo: readonly string[]): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    `connect-src ${["'self'", ...connectTo].join(' ')}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

function readPage(directory: string): Map<string, PageFile> {
  const files = new Map<string, PageFile>();
  let bytes = 0;
  for (const path of filesUnder(directory)) {
    bytes += statSync(path).size;
    if (bytes > maxPageBytes) throw new RaftkvError('config_invalid', `${directory}: holds more than a page`);
    files.set(`/${relative(directory, path).split(sep).join('/')}`, readPageFile(path));
  }
  if (files.has('/index.html')) return files;
  throw new RaftkvError('config_invalid', `${directory}: holds no index.html`);
}

function filesUnder(directory: string): string[] {
  let entries;
  try {
    entries = readdirSync(directory, { withFileTypes: true, recursive: true });
  } catch (error) {
    throw new RaftkvError('config_invalid', `${directory}: cannot be read`, { cause: error });
  }
  return entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    .map((entry) => join(entry.parentPath, entry.name));
}

function readPageFile(path: string): PageFile {
  const body = readFileSync(path);
  const contentType = contentTypes[extname(path)] ?? 'application/octet-stream';
  // The build names what it makes by its content, but for the page itself.
  const isHashed = /-[\w-]{8,}\.\w+$/.test(path);
  const packed = body.length > 1024 && !contentType.startsWith('image/png') ? gzipSync(body, { level: 9 }) : undefined;
  return {
    body,
    gzipped: packed !== undefined && packed.length < body.length ? packed : undefined,
    headers: {
      'content-type': contentType,
      'cache-control': isHashed ? 'public, max-age=31536000, immutable' : 'no-cache',
    },
    tag: `"${createHash('sha256').update(body).digest('hex').slice(0, 32)}"`,
  };
}

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.json': 'application/json',
  '.txt': 'text/plain; charset=utf-8',
};

export function isLoopbackAddress(address: string | undefined): boolean {
  return address !== undefined && (address === '::1' || /^(?:::ffff:)?127\./.test(address));
}

/** A name that a stranger's DNS cannot answer for: a page under any other name would be somebody else's, led here. */
export function isLoopbackHost(host: string | undefined): boolean {
  return host !== undefined && /^(?:127(?:\.\d{1,3}){3}|localhost|\[::1\])(?::\d+)?$/.test(host);
}

/** Compares without telling by its duration how much of a guess was right. */
export function isSameSecret(given: string, secret: string): boolean {
  const [a, b] = [given, secret].map((text) => createHash('sha256').update(text).digest());
  return timingSafeEqual(a!, b!);
}
