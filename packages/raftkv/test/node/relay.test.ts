// The relay in a running member: off unless asked for, for allowed origins alone, within limits, gone with the member; and seen in the metrics.
import { mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dialWebSocket } from '@raftkv/transport';
import type { Channel } from '@raftkv/transport';
import { nodeWebSocket } from '@raftkv/transport/node';
import { relaySignalling, webRtcChannel } from '@raftkv/transport/webrtc';
import type { RelaySignalling, RelayedLink } from '@raftkv/transport/webrtc';
import { RaftkvError } from '@raftkv/wire';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/node/config.ts';
import { startNode } from '../../src/node/start-node.ts';
import type { RunningNode } from '../../src/node/start-node.ts';

const protocol = 'raftkv-signals.v1';
let directory: string;
const closers: (() => unknown)[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'raftkv-relay-'));
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  rmSync(directory, { recursive: true });
});

async function start(...flags: readonly [string, string][]): Promise<RunningNode> {
  const config = { ...loadConfig(new Map([['--data-dir', directory], ...flags]), undefined), port: 0 };
  const running = await startNode(config, { logger: { log: () => undefined }, onHalt: () => undefined });
  closers.push(() => running.close());
  return running;
}

function dial({ port }: RunningNode, signal?: AbortSignal): Promise<Channel> {
  const url = `ws://127.0.0.1:${port}/signals`;
  return dialWebSocket(url, { protocol, WebSocket: nodeWebSocket(), ...(signal === undefined ? {} : { signal }) });
}

function enter(running: RunningNode, id: string): RelaySignalling {
  const signalling = relaySignalling({
    room: 'room',
    secret: 'of these tests alone',
    id,
    dial: (signal) => dial(running, signal),
  });
  closers.push(() => signalling.close());
  return signalling;
}

async function metric({ port }: RunningNode, name: string): Promise<number | undefined> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1];
  return value === undefined ? undefined : Number(value);
}

/** The status with which the member answers a page of this origin that knocks; 101 = welcome. */
function knock({ port }: RunningNode, origin: string): Promise<number> {
  const headers = {
    origin,
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    'sec-websocket-protocol': protocol,
  };
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, path: '/signals', headers });
    request.on('error', reject);
    request.on('response', ({ statusCode }) => resolve(statusCode ?? 0));
    request.on('upgrade', ({ statusCode }, socket) => {
      socket.destroy();
      resolve(statusCode ?? 0);
    });
  });
}

describe('the relay of a member', () => {
  it('is not there unless it was asked for', async () => {
    const running = await start();
    const code = await dial(running).then(
      () => 'welcome',
      (error: unknown) => RaftkvError.from(error).code,
    );
    expect(code).toBe('connect_failed');
    expect(await metric(running, 'raftkv_relay_members')).toBe(undefined);
  });

  it('joins two members of a room, shows it in the metrics, and goes with the member', async () => {
    const running = await start(['--relay', 'true']);
    const [a, b] = [enter(running, 'a'), enter(running, 'b')];
    await expect.poll(() => metric(running, 'raftkv_relay_members')).toBe(2);
    const taken = new Promise<RelayedLink>((resolve) => b.links.listen(resolve));
    const left = webRtcChannel((await a.links.open('b')).ports);
    const right = webRtcChannel((await taken).ports);
    const heard = new Promise<number>((resolve) =>
      right.start({ onFrame: ({ length }) => resolve(length), onClose: () => undefined }),
    );
    left.start({ onFrame: () => undefined, onClose: () => undefined });
    left.send(new Uint8Array(200_000));
    expect(await heard).toBe(200_000);
    expect(await metric(running, 'raftkv_relay_bytes_total')).toBeGreaterThan(200_000);
    await running.close();
    await expect.poll(() => a.isConnected || left.isOpen).toBe(false);
    expect(a.lastError?.code).toMatch(/^(closed|connect_failed)$/);
  });

  it('is for the pages of allowed origins', async () => {
    const running = await start(['--relay', 'true'], ['--allowed-origins', 'https://app.example']);
    expect(await knock(running, 'https://app.example')).toBe(101);
    expect(await knock(running, `http://127.0.0.1:${running.port}`)).toBe(101);
    expect(await knock(running, 'https://evil.example')).toBe(403);
  });
});
