// Watches over HTTP: the nine properties of etcd's own robustness tests, backpressure, cancelling, and clients that go away.
import { connect } from 'node:net';
import type { StoreOptions } from '@raftkv/kv';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMetrics } from '../../src/metrics.ts';
import type { Metrics } from '../../src/metrics.ts';
import { createHttpServer, listen } from '../../src/node/http.ts';
import type { HttpServer, HttpServerOptions } from '../../src/node/http.ts';
import { TestNode } from '../test-node.ts';
import { WatchClient, call } from './http-client.ts';

interface Line {
  readonly result?: {
    readonly header: { readonly revision?: string };
    readonly watch_id?: string;
    readonly created?: boolean;
    readonly canceled?: boolean;
    readonly compact_revision?: string;
    readonly cancel_reason?: string;
    readonly events?: readonly {
      readonly type?: 'DELETE';
      readonly kv: {
        readonly key: string;
        readonly value?: string;
        readonly mod_revision: string;
        readonly create_revision?: string;
      };
      readonly prev_kv?: { readonly value?: string; readonly mod_revision: string };
    }[];
  };
  readonly error?: { readonly grpc_code: number; readonly http_code: number; readonly message: string };
}

const all = { key: 'AA==', range_end: 'AA==' };
const clients: WatchClient[] = [];
let node: TestNode;
let metrics: Metrics;
let http: HttpServer;
let base: string;

async function start(options: Partial<HttpServerOptions> = {}, store: StoreOptions = {}): Promise<void> {
  node = new TestNode(store);
  metrics = createMetrics();
  http = createHttpServer({ node, metrics, ...options });
  base = `http://127.0.0.1:${await listen(http.server, { host: '127.0.0.1', port: 0 })}`;
}

function open(message: unknown, options: { readonly keepsOpen?: boolean } = {}): WatchClient {
  const client = new WatchClient(base, typeof message === 'string' ? message : JSON.stringify(message), options);
  clients.push(client);
  return client;
}

const linesOf = (client: WatchClient): readonly Line[] => client.lines as readonly Line[];
const eventsOf = (client: WatchClient) => linesOf(client).flatMap((line) => line.result?.events ?? []);
const b64 = (text: string): string => Buffer.from(text).toString('base64');

async function put(key: string, value = ''): Promise<void> {
  await node.execute({ session: undefined, command: { type: 'put', key, value: Buffer.from(value) } });
}

const settled = (client: WatchClient, revision: number): Promise<void> =>
  client.until(() => eventsOf(client).some((event) => event.kv.mod_revision === String(revision)));

beforeEach(() => start());
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await http.close();
});

describe('a watch', () => {
  it('sends one line and one chunk for each answer: created, then events as they happen', async () => {
    const client = open({ create_request: all });
    await client.untilLines(1);
    expect(client.status).toBe(200);
    expect(linesOf(client)[0]).toMatchObject({ result: { created: true, header: { revision: '1' } } });
    await put('a', '1');
    await client.untilLines(2);
    await put('a', '2');
    await client.untilLines(3);
    expect(client.chunks).toHaveLength(3);
    for (const chunk of client.chunks) expect(chunk.endsWith('\n')).toBe(true);
    expect(eventsOf(client).map((event) => event.kv.value)).toEqual([b64('1'), b64('2')]);
  });

  it('begins at once with 200 even if nothing was asked yet, and listens from then on', async () => {
    const client = open('', { keepsOpen: true });
    await client.until(() => client.status === 200);
    client.send(JSON.stringify({ create_request: { key: b64('a') } }));
    await client.untilLines(1);
    await put('a');
    await client.untilLines(2);
  });

  it('is ordered, unique, whole and without gaps, from a revision in the past to what comes', async () => {
    for (let count = 0; count < 40; count++) await put(`k${count % 7}`, String(count));
    const client = open({ create_request: { ...all, start_revision: 5, prev_kv: true } });
    await client.untilLines(2);
    for (let count = 40; count < 80; count++) {
      await node.execute({
        session: undefined,
        command: {
          type: 'batch',
          ops: [
            { type: 'put', key: 'x', value: Buffer.from([count]) },
            { type: 'put', key: `k${count % 7}`, value: Buffer.from(String(count)) },
          ],
        },
      });
    }
    await settled(client, node.revision);
    const revisions = eventsOf(client).map((event) => Number(event.kv.mod_revision));
    const expected = Array.from({ length: 37 }, (_, at) => at + 5).concat(
      Array.from({ length: 80 }, (_, at) => 42 + Math.floor(at / 2)),
    );
    expect(revisions).toEqual(expected);
    // Atomic: no revision is split over two lines; and the header never runs ahead of what was sent.
    const perLine = linesOf(client).map((line) => (line.result?.events ?? []).map((event) => event.kv.mod_revision));
    const seen = new Set<string>();
    for (const [at, line] of perLine.entries()) {
      for (const revision of new Set(line)) {
        expect(seen.has(revision)).toBe(false);
        seen.add(revision);
      }
      const header = Number(linesOf(client)[at]!.result!.header.revision);
      if (line.length > 0) expect(header).toBeGreaterThanOrEqual(Number(line.at(-1)));
    }
    // prev_kv is what the key held before.
    const last = new Map<string, string | undefined>();
    for (const event of eventsOf(client)) {
      if (last.has(event.kv.key)) expect(event.prev_kv?.value).toBe(last.get(event.kv.key));
      last.set(event.kv.key, event.kv.value);
    }
  });

  it('resumes on another stream where it left off', async () => {
    const first = open({ create_request: all });
    await first.untilLines(1);
    await put('a', '1');
    await settled(first, 2);
    first.close();
    await put('a', '2');
    await put('a', '3');
    const second = open({ create_request: { ...all, start_revision: 3 } });
    await settled(second, 4);
    expect(eventsOf(second).map((event) => event.kv.mod_revision)).toEqual(['3', '4']);
  });

  it('waits for a revision in the future and leaves out what lies before it', async () => {
    const client = open({ create_request: { ...all, start_revision: 4 } });
    await client.untilLines(1);
    for (let count = 0; count < 4; count++) await put('a', String(count));
    await settled(client, 5);
    expect(eventsOf(client).map((event) => event.kv.mod_revision)).toEqual(['4', '5']);
  });

  it('below the compacted revision is created and then canceled with it', async () => {
    for (let count = 0; count < 5; count++) await put('a', String(count));
    await node.execute({ session: undefined, command: { type: 'compact', revision: 5 } });
    const client = open({ create_request: { ...all, start_revision: 2 } });
    await client.untilLines(2);
    expect(linesOf(client)[1]).toMatchObject({ result: { canceled: true, compact_revision: '5' } });
    expect(node.openWatchers).toBe(0);
  });

  it('of a range that holds nothing is canceled at once', async () => {
    const client = open({ create_request: { key: b64('a'), range_end: b64('a') } });
    await client.untilLines(1);
    expect(linesOf(client)[0]).toMatchObject({
      result: { canceled: true, cancel_reason: 'mvcc: watcher range is empty' },
    });
    expect(node.openWatchers).toBe(0);
  });

  it('with filters leaves out puts or deletes', async () => {
    await put('a');
    await node.execute({ session: undefined, command: { type: 'delete', key: 'a' } });
    await put('b');
    const deletes = open({ create_request: { ...all, start_revision: 1, filters: ['NOPUT'] } });
    const puts = open({ create_request: { ...all, start_revision: 1, filters: [1] } });
    await Promise.all([deletes.untilLines(2), puts.untilLines(2)]);
    expect(eventsOf(deletes)).toEqual([{ type: 'DELETE', kv: { key: b64('a'), mod_revision: '3' } }]);
    expect(eventsOf(puts).map((event) => event.kv.mod_revision)).toEqual(['2', '4']);
  });

  it('says how far it is, and never ahead of what it sent', async () => {
    await http.close();
    await start({ gateway: { watch: { progressIntervalMilliseconds: 20 } } });
    await put('other');
    const client = open({ create_request: { key: b64('a'), progress_notify: true } });
    await client.untilLines(3);
    for (const line of linesOf(client).slice(1)) {
      expect(line).toMatchObject({ result: { header: { revision: '2' } } });
      expect(line.result?.events).toBeUndefined();
    }
    // Progress about other keys counts as well.
    await put('other');
    await client.until(() => linesOf(client).some((line) => line.result?.header.revision === '3'));
    await put('a', 'x');
    await settled(client, 4);
    const order = linesOf(client).map(
      (line) => [Number(line.result?.header.revision), line.result?.events?.length ?? 0] as const,
    );
    const atEvent = order.findIndex(([, events]) => events > 0);
    for (const [revision] of order.slice(0, atEvent)) expect(revision).toBeLessThan(4);
  });

  it('answers a progress request only after everything before it was sent', async () => {
    for (let count = 0; count < 20; count++) await put('a', 'v'.repeat(30_000));
    const client = open(`${JSON.stringify({ create_request: { ...all, start_revision: 1 } })}{"progress_request":{}}`);
    await client.until(() => linesOf(client).some((line) => line.result?.watch_id === '-1'));
    expect(eventsOf(client)).toHaveLength(20);
    expect(linesOf(client).at(-1)).toMatchObject({ result: { watch_id: '-1', header: { revision: '21' } } });
  });
});

describe('several watches on one stream', () => {
  it('have ids of their own, and end one by one', async () => {
    const client = open(
      [{ key: b64('a') }, { key: b64('b') }, { key: b64('c'), watch_id: 9 }]
        .map((one) => JSON.stringify({ create_request: one }))
        .join(''),
      { keepsOpen: true },
    );
    await client.untilLines(3);
    expect(linesOf(client).map((line) => line.result?.watch_id)).toEqual([undefined, '1', '9']);
    expect(node.openWatchers).toBe(3);
    client.send('{"cancel_request":{"watch_id":"1"}}');
    await client.untilLines(4);
    expect(linesOf(client)[3]).toMatchObject({ result: { watch_id: '1', canceled: true } });
    expect(node.openWatchers).toBe(2);
    await put('b');
    await put('c');
    await client.untilLines(5);
    expect(linesOf(client)[4]).toMatchObject({ result: { watch_id: '9', events: [{ kv: { key: b64('c') } }] } });
  });

  it('have a limit', async () => {
    await http.close();
    await start({ gateway: { watch: { maxWatchesPerStream: 2 } } });
    const client = open(JSON.stringify({ create_request: all }).repeat(3));
    await client.untilLines(3);
    expect(linesOf(client)[2]).toMatchObject({ result: { watch_id: '-1', canceled: true } });
    expect(node.openWatchers).toBe(2);
  });
});

describe('a slow reader', () => {
  it('is pulled for only as it reads, and loses nothing', async () => {
    await put('a', 'first');
    const client = open({ create_request: { ...all, start_revision: 2 } });
    await client.untilLines(2);
    client.pause();
    const value = 'v'.repeat(60_000);
    for (let count = 0; count < 300; count++) await put('a', value);
    const written = (): number => [...serverSockets].reduce((sum, socket) => sum + socket.writableLength, 0);
    await new Promise((resolve) => setImmediate(resolve));
    // 18 MB of changes wait in the store, not in the server: a line or two are under way.
    expect(written()).toBeLessThan(1_000_000);
    const takesBefore = node.takes;
    for (let count = 0; count < 10; count++) await put('b');
    await new Promise((resolve) => setImmediate(resolve));
    expect(node.takes).toBe(takesBefore);
    client.resume();
    await settled(client, node.revision);
    expect(eventsOf(client)).toHaveLength(311);
  });

  it('that falls out of the window is told so', async () => {
    await http.close();
    await start({}, { retainedRevisions: 20 });
    serverSockets.clear();
    trackSockets();
    const client = open({ create_request: all });
    await client.untilLines(1);
    client.pause();
    for (let count = 0; count < 300; count++) await put('a', 'v'.repeat(60_000));
    client.resume();
    await client.until(() => linesOf(client).some((line) => line.result?.canceled === true));
    const cancelled = linesOf(client).at(-1)!.result!;
    expect(Number(cancelled.compact_revision)).toBe(node.compactedRevision);
    expect(node.openWatchers).toBe(0);
  });

  const serverSockets = new Set<{ readonly writableLength: number }>();
  const trackSockets = (): void => {
    http.server.on('connection', (socket) => serverSockets.add(socket));
  };
  beforeEach(() => {
    serverSockets.clear();
    trackSockets();
  });
});

describe('a client that goes away', () => {
  it('leaves no watch behind', async () => {
    const client = open({ create_request: all });
    await client.untilLines(1);
    expect(node.openWatchers).toBe(1);
    client.close();
    await until(() => node.openWatchers === 0);
    await put('a');
    expect(openConnections('httpWatch')).toBe(0);
  });

  it('ten times in the middle of its request does no harm', async () => {
    const { port } = new URL(base);
    const heads = [
      'POST /v3/watch HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n',
      'POST /v3/watch HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"create_request"',
      'POST /v3/watch HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{"',
      'POST /v3/kv/put HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"key":"YQ=="',
    ];
    for (let count = 0; count < 10; count++) {
      for (const head of heads) {
        await new Promise<void>((resolve) => {
          const socket = connect(Number(port), '127.0.0.1', () => socket.write(head, () => socket.destroy()));
          socket.once('close', () => resolve());
        });
      }
    }
    const { status } = await call(base, '/v3/kv/put', '{"key":"YQ=="}');
    expect(status).toBe(200);
    await until(() => openConnections('httpWatch') === 0);
    expect(node.openWatchers).toBe(0);
  });
});

describe('a malformed message', () => {
  it.each([
    '{"create_request":{"key":"Y"}}',
    '[]',
    '{"create_request":5}',
    '{"create_request"',
    '{"create_request":{"filters":["NO"]}}',
  ])('%s as the first is answered with a status', async (body) => {
    const { status, text } = await call(base, '/v3/watch', body);
    expect(status).toBe(400);
    expect(JSON.parse(text)).toMatchObject({ code: 3 });
  });

  it('as a later one ends the stream with a last line', async () => {
    const client = open({ create_request: all }, { keepsOpen: true });
    await client.untilLines(1);
    client.send('{"create_request":{"key":"Y"}}');
    await client.untilEnd();
    expect(linesOf(client).at(-1)).toEqual({
      error: { grpc_code: 3, http_code: 400, message: 'illegal base64 data at input byte 0' },
    });
    expect(node.openWatchers).toBe(0);
  });

  it('without end is cut off at the limit', async () => {
    const client = open({ create_request: all }, { keepsOpen: true });
    await client.untilLines(1);
    client.send(`{"create_request":{"key":"${'Y'.repeat(70_000)}`);
    await client.untilEnd();
    expect(linesOf(client).at(-1)).toMatchObject({ error: { message: 'etcdserver: request is too large' } });
  });
});

it('closing the server ends each watch with a last line and a proper end', async () => {
  const client = open({ create_request: all });
  await client.untilLines(1);
  await http.close();
  await client.untilEnd();
  expect(linesOf(client).at(-1)).toEqual({
    error: { grpc_code: 14, http_code: 503, message: 'etcdserver: server stopped' },
  });
  expect(node.openWatchers).toBe(0);
});

function openConnections(kind: string): number | undefined {
  const family = metrics.families().find((one) => one.name === 'raftkv_connections');
  return family?.samples.find((sample) => sample.labels?.['kind'] === kind)?.value;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
