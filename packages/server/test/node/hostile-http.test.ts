// HTTP clients that mean no good, or know no better: bodies in crumbs, answers that nobody reads, upgrades that nobody asked for,
// pages that reach this machine under a name of their own.
import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { startStopwatch } from '../../../../test/stopwatch.ts';
import { createMetrics } from '../../src/metrics.ts';
import { readBody } from '../../src/node/body.ts';
import { createHttpServer, listen } from '../../src/node/http.ts';
import type { HttpServer, HttpServerOptions } from '../../src/node/http.ts';
import { WatchClient, call, get } from '../gateway/http-client.ts';
import { TestNode } from '../test-node.ts';

const opened: HttpServer[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(opened.splice(0).map((http) => http.close()));
});

async function start(options: Partial<HttpServerOptions> = {}) {
  const node = new TestNode();
  const http = createHttpServer({ node, metrics: createMetrics(), ...options });
  opened.push(http);
  const port = await listen(http.server, { host: '127.0.0.1', port: 0 });
  return { node, http, port, base: `http://127.0.0.1:${port}` };
}

function open(port: number): { readonly socket: Socket; readonly received: () => string } {
  const socket = connect(port, '127.0.0.1');
  let received = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    received += text;
  });
  socket.on('error', () => {});
  sockets.push(socket);
  return { socket, received: () => received };
}

async function putLarge(node: TestNode, bytes: number): Promise<void> {
  const command = { type: 'put', key: 'large', value: new Uint8Array(bytes) } as const;
  await node.execute({ session: undefined, command });
}
const rangeOfLarge = `{"key":"${btoa('large')}"}`;

describe('a body', () => {
  it('in chunks of one byte takes no more memory than it is long', async () => {
    const request = Object.assign(new EventEmitter(), { headers: {} });
    const body = readBody(request as unknown as IncomingMessage, {
      maxBodyBytes: 2_000_000,
      bodyTimeoutMilliseconds: 10_000,
    });
    const read = Buffer.alloc(65_536, 'x');
    const before = process.memoryUsage().heapUsed;
    for (let at = 0; at < 1_000_000; at++) request.emit('data', read.subarray(at % 65_536, (at % 65_536) + 1));
    // An object for each chunk took 200 MB.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(50e6);
    request.emit('end');
    expect(await body).toEqual({ type: 'body', text: 'x'.repeat(1_000_000) });
  });

  it('in any pieces is put together as it was', async () => {
    const { port, node } = await start();
    const { socket, received } = open(port);
    const body = JSON.stringify({ key: btoa('k'), value: btoa('v'.repeat(3000)) });
    socket.write('POST /v3/kv/put HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
    for (let at = 0, size = 1; at < body.length; at += size, size = (size * 2) % 701) {
      const piece = body.slice(at, at + size);
      socket.write(`${piece.length.toString(16)}\r\n${piece}\r\n`);
    }
    socket.write('0\r\n\r\n');
    await expect.poll(received).toMatch(/^HTTP\/1\.1 200 /);
    expect(node.getLocal('k').entry?.value.length).toBe(3000);
  });
});

describe('an answer that is not read', () => {
  it('is let go of when nothing moved for the time limit, but a quiet watch is not', async () => {
    const { port, base, node, http } = await start({ limits: { stalledTimeoutMilliseconds: 100 } });
    const connections = () =>
      new Promise((resolve) => http.server.getConnections((_error, count: number) => resolve(count)));
    await putLarge(node, 1_000_000);
    const watch = new WatchClient(base, '{"create_request":{"key":"YQ=="}}');
    await watch.untilLines(1);
    const { socket } = open(port);
    // Some megabytes: more than the system's buffers take.
    const request = `POST /v3/kv/txn HTTP/1.1\r\nHost: x\r\nContent-Length:`;
    const step = `{"request_range":${rangeOfLarge}}`;
    const body = `{"success":[${Array.from({ length: 8 }, () => step).join(',')}]}`;
    socket.pause();
    socket.write(`${request} ${body.length}\r\n\r\n${body}`);
    await expect.poll(connections).toBe(2);
    await expect.poll(connections).toBe(1);
    expect(socket.bytesRead).toBeLessThan(10_000_000);
    await node.execute({ session: undefined, command: { type: 'put', key: 'a', value: new Uint8Array(1) } });
    await watch.untilLines(2);
    watch.close();
  });

  it('counts against a limit, beyond which reads are refused until it is gone', async () => {
    const { port, base, node } = await start({ limits: { maxUnsentBytes: 15_000_000 } });
    for (let at = 0; at < 9; at++) {
      const command = { type: 'put', key: `many${at}`, value: new Uint8Array(1_000_000) } as const;
      await node.execute({ session: undefined, command });
    }
    const body = `{"key":"${btoa('many')}","range_end":"${btoa('many:')}"}`;
    const { socket } = open(port);
    socket.pause();
    socket.write(`POST /v3/kv/range HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    await expect.poll(async () => (await call(base, '/v3/kv/range', body)).status).toBe(503);
    expect((await call(base, '/v3/kv/put', '{"key":"YQ=="}')).status).toBe(200);
    socket.destroy();
    await expect.poll(async () => (await call(base, '/v3/kv/range', body)).status).toBe(200);
  });
});

describe('a request that offers another protocol', () => {
  // As curl's --http2 and Java's HttpClient do with everything they send in the clear.
  it.each(['h2c', 'TLS/1.0'])('%s is answered in HTTP/1.1 where WebSockets are served too', async (upgrade) => {
    const { base, http } = await start();
    const upgrades: unknown[] = [];
    http.server.on('upgrade', (request, socket) => {
      upgrades.push(request.url);
      socket.destroy();
    });
    const headers = { connection: 'Upgrade, HTTP2-Settings', upgrade, 'http2-settings': 'AAMAAABk' };
    expect((await call(base, '/v3/kv/put', '{"key":"YQ=="}', { headers })).status).toBe(200);
    expect((await get(base, '/livez', headers)).status).toBe(200);
    expect(upgrades).toEqual([]);
    await expect(get(base, '/ws', { connection: 'Upgrade', upgrade: 'WebSocket' })).rejects.toThrow('socket hang up');
    expect(upgrades).toEqual(['/ws']);
  });
});

describe('a page under a name that leads here', () => {
  const put = (base: string, host: string, allowed = `http://${host}`) =>
    call(base, '/v3/kv/put', '{"key":"YQ=="}', { headers: { host, origin: allowed } });

  it('is no page of this server, since anyone can give this address a name', async () => {
    const { base } = await start({ allowedOrigins: ['https://db.example'] });
    for (const host of ['evil.example', 'evil.example:8080', '127.0.0.1.evil.example', 'localhost.evil.example:1']) {
      expect((await put(base, host)).status).toBe(403);
    }
    expect((await put(base, 'db.example', 'https://db.example')).status).toBe(200);
  });

  it('that nobody else can give is', async () => {
    const { base } = await start();
    for (const host of ['127.0.0.1:8080', '[::1]:8080', 'localhost:8080', 'node1:8080', 'app.localhost']) {
      expect((await put(base, host)).status).toBe(200);
    }
  });
});

it('a connection that never asked anything does not hold up closing', async () => {
  const { port, http } = await start();
  const { socket } = open(port);
  await new Promise((resolve) => socket.once('connect', resolve));
  await expect
    .poll(() => new Promise((resolve) => http.server.getConnections((_error, count) => resolve(count))))
    .toBe(1);
  const took = startStopwatch();
  await http.close();
  expect(took()).toBeLessThan(2500);
});
