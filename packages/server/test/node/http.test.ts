// The HTTP side over real sockets: routes, health, limits, foreign origins, closing, and the monitoring ports.
import { connect } from 'node:net';
import { RaftkvError } from '@raftkv/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { createMetrics } from '../../src/metrics.ts';
import { addMemberMetrics } from '../../src/node-metrics.ts';
import { createHealth } from '../../src/node/health.ts';
import { createHttpServer, createMonitoringServer, listen } from '../../src/node/http.ts';
import type { HttpServer, HttpServerOptions } from '../../src/node/http.ts';
import { call, get } from '../gateway/http-client.ts';
import { TestNode } from '../test-node.ts';

const opened: HttpServer[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((http) => http.close()));
});

async function start(
  options: Partial<HttpServerOptions> = {},
): Promise<{ node: TestNode; http: HttpServer; base: string }> {
  const node = new TestNode();
  const metrics = createMetrics();
  addMemberMetrics(metrics, { node });
  const http = createHttpServer({ node, metrics, ...options });
  opened.push(http);
  const port = await listen(http.server, { host: '127.0.0.1', port: 0 });
  return { node, http, base: `http://127.0.0.1:${port}` };
}

const json = (text: string): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>;

/** Sends raw bytes and takes what comes until the server hangs up. */
function raw(base: string, text: string): Promise<string> {
  return new Promise((resolve) => {
    let received = '';
    const socket = connect(Number(new URL(base).port), '127.0.0.1', () => socket.write(text));
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      received += chunk;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(received));
  });
}

describe('routes', () => {
  it('answers with the version of etcd whose gateway it is', async () => {
    const { base } = await start();
    const { status, text } = await get(base, '/version');
    expect(status).toBe(200);
    expect(json(text)).toEqual({ etcdserver: '3.4.23', etcdcluster: '3.4.0' });
  });

  it.each(['/nope', '/v3/nope', '/v3', '//', '/v3/kv/put/', '/%00', '/constructor', '/__proto__'])(
    'knows nothing of %s',
    async (path) => {
      const { base } = await start();
      const { status, text } = await call(base, path, '{}');
      expect(status).toBe(404);
      expect(json(text)).toMatchObject({ error: 'Not Found', code: 5 });
    },
  );

  it.each(['GET', 'PUT', 'DELETE', 'PATCH'])('refuses %s where only POST will do', async (method) => {
    const { base } = await start();
    for (const path of ['/v3/kv/put', '/v3/watch', '/v3/lease/grant']) {
      const { status, headers } = await call(base, path, '', { method });
      expect(status).toBe(405);
      expect(headers.allow).toBe('POST');
    }
    expect((await call(base, '/metrics', '')).status).toBe(405);
  });

  it('answers the gateway with any content type or none, and ignores the query', async () => {
    const { base } = await start();
    for (const headers of [
      {},
      { 'content-type': 'text/plain' },
      { 'content-type': 'application/json; charset=utf-8' },
    ]) {
      expect((await call(base, '/v3/kv/put?x=1', '{"key":"YQ=="}', { headers })).status).toBe(200);
    }
  });

  it('serves a page that stands by itself and shows nothing unescaped', async () => {
    const { base, node } = await start();
    const status = node.status();
    node.status = () => ({
      ...status,
      name: '<script>alert(1)</script>',
      members: [{ ...status.members[0]!, name: '"><img>' }],
    });
    const { text, headers } = await get(base, '/');
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(text).not.toMatch(/<script|<img|src=|https?:\/\/(?!127)/);
    expect(text).toContain('name="viewport"');
    expect(text).toContain('href="/metrics"');
    const titles = text.match(/<title>(.*)<\/title>/)?.[1];
    expect(titles).toBe('raftkv: &#60;script&#62;alert(1)&#60;/script&#62;');
  });

  it('says on that page which voters are tabs, and how many fail together', async () => {
    const { base, node } = await start();
    const status = node.status();
    expect((await get(base, '/')).text).not.toContain('failure domain');
    const member = status.members[0]!;
    const tabs = ['tab1', 'tab2'].map((name) => ({ ...member, id: name, name, kind: 'tab' as const, domain: 'b<1' }));
    node.status = () => ({ ...status, members: [member, ...tabs] });
    const { text } = await get(base, '/');
    expect(text).toContain('2 of 3 voters are tabs, they are never a quorum without the voters of Node');
    expect(text).toContain('the voters are 2 failure domains');
    expect(text).not.toContain('b<1');
  });

  it('lets an application bring its own page and assets, but not take the other routes', async () => {
    const { base } = await start({
      page: (request, response) => {
        if (request.url !== '/' && request.url !== '/app.js' && request.url !== '/metrics') return false;
        response.end('mine');
        return true;
      },
    });
    expect((await get(base, '/')).text).toBe('mine');
    expect((await get(base, '/app.js')).text).toBe('mine');
    expect((await get(base, '/metrics')).text).toContain('raftkv_operations_total');
    expect((await get(base, '/other.js')).status).toBe(404);
  });
});

describe('health', () => {
  it('is alive, ready and healthy with a leader and a quorum', async () => {
    const { base } = await start();
    expect(await get(base, '/livez')).toMatchObject({ status: 200 });
    expect(json((await get(base, '/readyz')).text)).toEqual({ ready: true, reasons: [] });
    const { status, text } = await get(base, '/health');
    expect(status).toBe(200);
    expect(text).toContain('"health":"true"');
    expect(json(text)).toMatchObject({ phase: 'running', role: 'leader', leader: '127.0.0.1:8080', term: 2 });
  });

  it('is alive but not ready without a leader, while founding, and when reads hang', async () => {
    const { base, node } = await start({ health: { probeTimeoutMilliseconds: 30 } });
    const reasons = async (): Promise<unknown> => {
      const { status, text } = await get(base, '/readyz');
      expect(status).toBe(503);
      return json(text)['reasons'];
    };
    node.changeLeader(false);
    expect(await reasons()).toEqual(['no leader is known']);
    node.changeLeader(true);
    node.phase = 'founding';
    expect(await reasons()).toEqual(['the cluster is being founded']);
    node.phase = 'running';
    node.hasQuorum = false;
    expect(await reasons()).toEqual(['a linearizable read took longer than 30 ms']);
    expect((await get(base, '/livez')).status).toBe(200);
    const health = await get(base, '/health');
    expect(health.status).toBe(503);
    expect(health.text).toContain('"health":"false"');
    expect(json(health.text)).toMatchObject({ reason: 'a linearizable read took longer than 30 ms' });
  });

  it('shares one probe among all who ask', async () => {
    const node = new TestNode();
    let probes = 0;
    let release = (): void => {};
    node.linearize = () => {
      probes++;
      return new Promise((resolve) => {
        release = resolve;
      });
    };
    const health = createHealth(node);
    const reports = Promise.all(
      Array.from({ length: 20 }, (_, at) => (at % 2 === 0 ? health.readyz() : health.health())),
    );
    await expect.poll(() => probes).toBe(1);
    release();
    expect((await reports).map(({ httpStatus }) => httpStatus)).toEqual(Array.from({ length: 20 }, () => 200));
    expect(probes).toBe(1);
  });

  it('reports a probe that throws at once, and one that fails', async () => {
    const { base, node } = await start();
    node.linearize = () => {
      throw new RaftkvError('closed', 'stopping');
    };
    expect(json((await get(base, '/readyz')).text)['reasons']).toEqual(['a linearizable read failed: stopping']);
  });

  it('is not alive once the member is stopped', async () => {
    const { base, node } = await start();
    node.phase = 'stopped';
    expect((await get(base, '/livez')).status).toBe(503);
  });
});

describe('limits', () => {
  it('refuses a body that is too large, told or not, and goes on serving', async () => {
    const { base } = await start({ limits: { maxBodyBytes: 1000 } });
    const body = `{"key":"YQ==","value":"${'A'.repeat(1200)}"}`;
    const told = await call(base, '/v3/kv/put', body);
    expect(told.status).toBe(400);
    expect(json(told.text)).toMatchObject({ error: 'etcdserver: request is too large', code: 3 });
    const untold = await call(base, '/v3/kv/put', body, { headers: { 'transfer-encoding': 'chunked' } });
    expect(untold.status).toBe(400);
    expect((await call(base, '/v3/kv/put', '{"key":"YQ=="}')).status).toBe(200);
  });

  it('cuts off a body that does not come', async () => {
    const { base } = await start({ limits: { bodyTimeoutMilliseconds: 30 } });
    const reply = await raw(base, 'POST /v3/kv/put HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n{');
    expect(reply).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('refuses one request more than it works on, with 503', async () => {
    const { base, node } = await start({
      limits: { maxConcurrentRequests: 2 },
      gateway: { requestTimeoutMilliseconds: 300 },
    });
    node.hasQuorum = false;
    const hanging = [1, 2].map(() => call(base, '/v3/kv/put', '{"key":"YQ=="}'));
    await expect
      .poll(async () => (await call(base, '/v3/kv/range', '{"key":"YQ==","serializable":true}')).status)
      .toBe(503);
    expect((await Promise.all(hanging)).map(({ status }) => status)).toEqual([503, 503]);
    expect((await call(base, '/v3/kv/range', '{"key":"YQ==","serializable":true}')).status).toBe(200);
  });

  it('refuses one watch more than it holds', async () => {
    const { base } = await start({ limits: { maxWatchStreams: 0 } });
    expect(await call(base, '/v3/watch', '{"create_request":{}}')).toMatchObject({ status: 503 });
  });

  it.each([
    ['no HTTP', 'hello\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['headers beyond the limit', `GET / HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(20_000)}\r\n\r\n`, /^HTTP\/1\.1 431 /],
    ['a length that is none', 'POST /v3/kv/put HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['no host', 'GET /livez HTTP/1.1\r\n\r\n', /^HTTP\/1\.1 400 /],
    [
      'a bad chunk',
      'POST /v3/kv/put HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      /^(HTTP\/1\.1 400 |$)/,
    ],
  ])('survives %s', async (_, text, expected) => {
    const { base } = await start();
    expect(await raw(base, text)).toMatch(expected);
    expect((await get(base, '/livez')).status).toBe(200);
  });

  it('cuts off headers that do not come', async () => {
    const { base } = await start({ limits: { headersTimeoutMilliseconds: 50 } });
    expect(await raw(base, 'GET / HTTP/1.1\r\nHost')).toMatch(/^HTTP\/1\.1 408 /);
  });
});

describe('web pages from elsewhere', () => {
  const put = (base: string, origin: string, method = 'POST') =>
    call(base, '/v3/kv/put', '{"key":"YQ=="}', { method, headers: { origin } });

  it('may not write, unless their origin is allowed', async () => {
    const { base, node } = await start({ allowedOrigins: ['https://app.example'] });
    for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1:1', `${base}.evil.example`]) {
      expect((await put(base, origin)).status).toBe(403);
    }
    expect(node.revision).toBe(1);
    expect((await put(base, base)).status).toBe(200);
    const allowed = await put(base, 'https://app.example');
    expect(allowed.status).toBe(200);
    expect(allowed.headers['access-control-allow-origin']).toBe('https://app.example');
    expect((await put(base, 'https://app.example', 'OPTIONS')).status).toBe(204);
    expect((await put(base, 'https://evil.example', 'OPTIONS')).status).toBe(403);
  });

  it('may all write where any origin is allowed', async () => {
    const { base } = await start({ allowedOrigins: ['*'] });
    expect((await put(base, 'https://any.example')).status).toBe(200);
  });
});

describe('closing', () => {
  it('finishes the request at work, says that it is not ready, and accepts nothing more', async () => {
    const { base, node, http } = await start();
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const linearize = node.get.bind(node);
    let began = (): void => {};
    const hasBegun = new Promise<void>((resolve) => {
      began = resolve;
    });
    node.get = async (key, options) => {
      began();
      await held;
      return linearize(key, options);
    };
    const range = call(base, '/v3/kv/range', '{"key":"YQ=="}');
    await hasBegun;
    const closed = http.close();
    expect(http.close()).toBe(closed);
    await expect(get(base, '/livez')).rejects.toThrow(/ECONNREFUSED/);
    release();
    expect((await range).status).toBe(200);
    await closed;
  });

  it('does not wait for a request beyond its bound', async () => {
    const { base, node, http } = await start({ limits: { closeTimeoutMilliseconds: 50 } });
    node.hasQuorum = false;
    const hanging = call(base, '/v3/kv/put', '{"key":"YQ=="}').catch((error: unknown) => error);
    await expect
      .poll(() => new Promise<number>((resolve) => http.server.getConnections((_, count) => resolve(count))))
      .toBe(1);
    await http.close();
    expect(await hanging).toBeInstanceOf(Error);
  });

  it('lets go of a client that always has a request at work, with an answer that says so', async () => {
    const { base, node, http } = await start({ limits: { closeTimeoutMilliseconds: 600_000 } });
    const linearize = node.get.bind(node);
    let begun = 0;
    let letPrevious = (): void => {};
    let isUnderWay = (): void => {};
    const underWay = new Promise<void>((resolve) => {
      isUnderWay = resolve;
    });
    node.get = async (key, options) => {
      letPrevious();
      if (++begun === 8) isUnderWay();
      await new Promise<void>((resolve) => {
        letPrevious = resolve;
      });
      return linearize(key, options);
    };
    const request = 'POST /v3/kv/range HTTP/1.1\r\nHost: x\r\nContent-Length: 14\r\n\r\n{"key":"YQ=="}';
    let received = '';
    const socket = connect(Number(new URL(base).port), '127.0.0.1', () => socket.write(request.repeat(2)));
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      received += chunk;
      if (socket.writable) socket.write(request.repeat(chunk.split('HTTP/1.1 ').length - 1));
    });
    socket.on('error', () => {});
    const gone = new Promise((resolve) => socket.once('close', resolve));
    await underWay;
    await http.close();
    await gone;
    const heads = received.split('HTTP/1.1 ').slice(1);
    expect(heads.map((head) => head.slice(0, 3))).toEqual(heads.map(() => '200'));
    expect(heads.findIndex((head) => /\r\nconnection: close\r\n/i.test(head))).toBe(heads.length - 1);
  });

  it('does not wait for a socket that was upgraded', async () => {
    const { base, http } = await start({ limits: { closeTimeoutMilliseconds: 50 } });
    const upgraded = new Promise<{ destroy(): void }>((resolve) => {
      http.server.on('upgrade', (_request, socket) => resolve(socket));
    });
    const gone = raw(base, 'GET /ws HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n');
    const socket = await upgraded;
    await http.close();
    socket.destroy();
    await gone;
  });
});

describe('listen', () => {
  it('says which port is in use', async () => {
    const { base, http } = await start();
    void http;
    const other = createMonitoringServer({ metrics: createMetrics() });
    const port = Number(new URL(base).port);
    await expect(listen(other.server, { host: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'port_in_use',
      message: `127.0.0.1:${port} is in use`,
    });
  });

  it('refuses an address that is not ours', async () => {
    const other = createMonitoringServer({ metrics: createMetrics() });
    await expect(listen(other.server, { host: '203.0.113.7', port: 0 })).rejects.toMatchObject({
      code: 'config_invalid',
    });
  });
});

describe('the monitoring ports', () => {
  it('answer with metrics or health, and with nothing else', async () => {
    const node = new TestNode();
    const servers = [createMonitoringServer({ metrics: createMetrics() }), createMonitoringServer({ node })];
    opened.push(...servers);
    const [metricsBase, healthBase] = await Promise.all(
      servers.map(async ({ server }) => `http://127.0.0.1:${await listen(server, { host: '127.0.0.1', port: 0 })}`),
    );
    expect((await get(metricsBase!, '/metrics')).status).toBe(200);
    expect((await get(healthBase!, '/health')).text).toContain('"health":"true"');
    expect((await get(healthBase!, '/metrics')).status).toBe(404);
    expect((await get(metricsBase!, '/readyz')).status).toBe(404);
    expect((await call(healthBase!, '/v3/kv/put', '{"key":"YQ=="}')).status).toBe(404);
  });
});
