// A page out of a folder: what is served and how, and to whom the key of a local cluster is given.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPage } from '../../src/node/page.ts';

const script = `console.log(${'1'.repeat(4000)})`;
const session = { control: 'http://127.0.0.1:9', token: 'secret', endpoints: ['127.0.0.1:8080'] };
let directory: string;
let server: Server;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'raftkv-page-'));
  mkdirSync(join(directory, 'assets'));
  writeFileSync(join(directory, 'index.html'), '<!doctype html><title>page</title>');
  writeFileSync(join(directory, 'assets/index-abc12345.js'), script);
  writeFileSync(join(directory, '.hidden'), 'hidden');
  const page = createPage({ directory, connectTo: ['ws://127.0.0.1:8081'], dev: session });
  server = createServer((asked, response) => {
    if (!page(asked, response)) response.writeHead(404).end('none');
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
});
afterAll(() => {
  server.close();
  rmSync(directory, { recursive: true, force: true });
});

function get(path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET') {
  const { port } = server.address() as AddressInfo;
  return new Promise<{ status: number; headers: Record<string, unknown>; body: Buffer }>((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    });
    asked.on('error', reject);
    asked.end();
  });
}

describe('a page out of a folder', () => {
  it('is given at / under a policy that lets nothing in from elsewhere', async () => {
    const { status, headers, body } = await get('/?x=1');
    expect([status, headers['content-type'], headers['cache-control']]).toEqual([
      200,
      'text/html; charset=utf-8',
      'no-cache',
    ]);
    expect(body.toString()).toContain('<title>page</title>');
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("connect-src 'self' ws://127.0.0.1:8081;");
    expect(policy).not.toContain('unsafe');
  });

  it('is packed for who takes that, kept for good where its name says its content, and not sent twice', async () => {
    const packed = await get('/assets/index-abc12345.js', { 'accept-encoding': 'br, gzip' });
    expect(packed.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(packed.body).toString()).toBe(script);
    expect(packed.headers['cache-control']).toContain('immutable');
    expect(packed.headers['content-length']).toBe(String(packed.body.length));
    const plain = await get('/assets/index-abc12345.js');
    expect(plain.body.toString()).toBe(script);
    const again = await get('/assets/index-abc12345.js', { 'if-none-match': String(plain.headers['etag']) });
    expect([again.status, again.body.length]).toEqual([304, 0]);
    const head = await get('/assets/index-abc12345.js', {}, 'HEAD');
    expect([head.status, head.body.length]).toEqual([200, 0]);
  });

  it.each(['/none', '/.hidden', '/../package.json', '/assets/../index.html', '/%2e%2e/x', '/assets', '//index.html'])(
    'leaves %s to others',
    async (path) => {
      expect((await get(path)).status).toBe(404);
    },
  );

  it('is refused at the start when the folder holds none', () => {
    expect(() => createPage({ directory: join(directory, 'assets'), connectTo: [], dev: undefined })).toThrow(
      'holds no index.html',
    );
    expect(() => createPage({ directory: join(directory, 'none'), connectTo: [], dev: undefined })).toThrow(
      'cannot be read',
    );
  });
});

describe('the key of a local cluster', () => {
  it('is given to the page itself, and kept by nobody on the way', async () => {
    const own = await get('/dev.json', { 'sec-fetch-site': 'same-origin' });
    expect(JSON.parse(own.body.toString())).toEqual(session);
    expect(own.headers['cache-control']).toBe('no-store');
    expect(own.headers['cross-origin-resource-policy']).toBe('same-origin');
    expect((await get('/dev.json', { host: 'localhost:8080' })).status).toBe(200);
  });

  it.each([
    ['a page from elsewhere', { 'sec-fetch-site': 'cross-site' }],
    ['a page of another port', { 'sec-fetch-site': 'same-site' }],
    ['a name that leads here', { host: 'evil.example' }],
    ['an address of the network', { host: '192.168.0.7:8080' }],
  ])('is not given to %s', async (_, headers) => {
    const answer = await get('/dev.json', headers);
    expect(answer.status).toBe(403);
    expect(answer.body.toString()).not.toContain('secret');
  });

  it('says that there is none where there is none', async () => {
    const page = createPage({ directory, connectTo: [], dev: undefined });
    const plain = createServer((asked, response) => void page(asked, response));
    await new Promise<void>((resolve) => {
      plain.listen(0, '127.0.0.1', resolve);
    });
    const { port } = plain.address() as AddressInfo;
    const answer = await fetch(`http://127.0.0.1:${port}/dev.json`);
    expect(await answer.json()).toEqual({ control: null });
    plain.close();
  });
});
