// The listening side against all kinds of handshakes, over raw TCP where a client library would be too polite.
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { dialWebSocket } from '../../src/index.ts';
import type { Channel } from '../../src/index.ts';
import { nodeWebSocket } from '../../src/node/index.ts';
import type { WebSocketRoute } from '../../src/node/index.ts';
import { recordChannel } from '../../src/recorded-channel.ts';
import { listen } from './loopback.ts';
import type { Loopback } from './loopback.ts';

const WebSocket = nodeWebSocket();

function echoRoute(path: string, change: Partial<WebSocketRoute> = {}): WebSocketRoute {
  const onChannel = (channel: Channel): void =>
    channel.start({ onFrame: (frame) => channel.send(frame), onClose: () => {} });
  return { path, protocol: `${path.slice(1)}.v1`, onChannel, ...change };
}

/** Writes raw bytes and resolves with everything that comes back until the server hangs up. */
function talk(loopback: Loopback, text: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(loopback.port, '127.0.0.1', () => socket.write(text));
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
  });
}

function handshake(path: string, headers: Readonly<Record<string, string>> = {}): string {
  const all: Record<string, string> = {
    Host: 'localhost',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Protocol': 'ws.v1',
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return `GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
}

const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0);

async function echoes(channel: Channel): Promise<number | undefined> {
  const recorded = recordChannel(channel);
  channel.send(Uint8Array.of(42));
  await recorded.frames(1);
  return recorded.received[0]?.[0];
}

describe('the WebSocket listener', () => {
  it('gives each path its own route, whatever the query', async () => {
    const loopback = await listen([echoRoute('/ws'), echoRoute('/raft')]);
    const client = await dialWebSocket(`${loopback.url('/ws')}?from=test`, { protocol: 'ws.v1', WebSocket });
    const peer = await dialWebSocket(loopback.url('/raft'), { protocol: 'raft.v1', WebSocket });
    expect([await echoes(client), await echoes(peer)]).toEqual([42, 42]);
    expect([loopback.acceptor.connections('/ws'), loopback.acceptor.connections('/raft')]).toEqual([1, 1]);
    await loopback.close();
  });

  it('answers unknown paths with 404, foreign protocols with 400, and the unwanted with 403', async () => {
    const isAllowed: WebSocketRoute['isAllowed'] = (request) => request.headers.origin === undefined;
    const loopback = await listen([echoRoute('/ws', { isAllowed })]);
    for (const [request, status] of [
      [handshake('/'), 404],
      [handshake('/wsx'), 404],
      [handshake('/ws/'), 404],
      [handshake('/%00'), 404],
      [handshake('//evil/ws'), 404],
      [handshake('/ws', { 'Sec-WebSocket-Protocol': 'other.v1' }), 400],
      [handshake('/ws', { 'Sec-WebSocket-Protocol': '' }), 400],
      [handshake('/ws', { Origin: 'https://evil.example' }), 403],
      [handshake('/ws', { 'Sec-WebSocket-Key': 'short' }), 400],
      [handshake('/ws', { 'Sec-WebSocket-Version': '7' }), 400],
      [handshake('/ws', { Upgrade: 'h2c' }), 400],
    ] as const) {
      expect(statusOf(await talk(loopback, request))).toBe(status);
    }
    expect(loopback.acceptor.connections('/ws')).toBe(0);
    await loopback.close();
  });

  it('picks its protocol out of several', async () => {
    const loopback = await listen([echoRoute('/ws')]);
    const socket = connect(loopback.port, '127.0.0.1');
    socket.write(handshake('/ws', { 'Sec-WebSocket-Protocol': 'other.v9, ws.v1' }));
    const answer = await new Promise<string>((resolve) => socket.once('data', (chunk) => resolve(chunk.toString())));
    expect(answer).toMatch(/^HTTP\/1\.1 101/);
    expect(answer).toMatch(/Sec-WebSocket-Protocol: ws\.v1\r\n/);
    socket.destroy();
    await loopback.close();
  });

  it('answers 503 beyond the limit of connections, and takes the next when one has gone', async () => {
    const accepted: Channel[] = [];
    const route = echoRoute('/ws', { maxConnections: 2, onChannel: (channel) => accepted.push(channel) });
    const loopback = await listen([route]);
    const dial = (): Promise<Channel> => dialWebSocket(loopback.url('/ws'), { protocol: 'ws.v1', WebSocket });
    const first = await dial();
    await dial();
    await expect(dial()).rejects.toMatchObject({ code: 'connect_failed', message: expect.stringContaining('503') });
    const gone = recordChannel(accepted[0]!);
    first.start({ onFrame: () => {}, onClose: () => {} });
    first.close();
    await gone.closed;
    // The socket itself goes a moment after the goodbye.
    while (loopback.acceptor.connections('/ws') > 1) await new Promise((resolve) => setImmediate(resolve));
    expect((await dial()).isOpen).toBe(true);
    await loopback.close();
  });

  it('lives through sockets that break in the middle of the handshake, and through garbage', async () => {
    const loopback = await listen([echoRoute('/ws')]);
    for (const text of [
      handshake('/ws').slice(0, 60),
      handshake('/ws'),
      handshake('/nowhere'),
      `${handshake('/ws')}\xff\xff\xff\xff`,
      'garbage\r\n\r\n',
      '\x16\x03\x01\x00\x00',
    ]) {
      const socket = connect(loopback.port, '127.0.0.1');
      socket.on('error', () => {});
      await new Promise<void>((resolve) => socket.write(text, 'latin1', () => resolve()));
      socket.resetAndDestroy();
    }
    const channel = await dialWebSocket(loopback.url('/ws'), { protocol: 'ws.v1', WebSocket });
    expect(await echoes(channel)).toBe(42);
    await loopback.close();
  });

  it('takes a frame that came in the same packet as the handshake', async () => {
    let tell: (channel: Channel) => void = () => {};
    const accepted = new Promise<Channel>((resolve) => (tell = resolve));
    const loopback = await listen([echoRoute('/ws', { onChannel: (channel) => tell(channel) })]);
    const socket = connect(loopback.port, '127.0.0.1');
    socket.on('error', () => {});
    // A masked binary frame of one byte, 7, with a mask of zeros.
    socket.write(`${handshake('/ws')}\x82\x81\x00\x00\x00\x00\x07`, 'latin1');
    const recorded = recordChannel(await accepted);
    await recorded.frames(1);
    expect(recorded.received[0]).toEqual(Uint8Array.of(7));
    socket.destroy();
    await loopback.close();
  });

  it('tells its clients when it closes, and accepts no more', async () => {
    const loopback = await listen([echoRoute('/ws')]);
    const channel = await dialWebSocket(loopback.url('/ws'), { protocol: 'ws.v1', WebSocket });
    const recorded = recordChannel(channel);
    loopback.acceptor.close();
    expect((await recorded.closed)?.code).toBe('closed');
    await loopback.close();
  });
});
