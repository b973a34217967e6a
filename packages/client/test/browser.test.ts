// The client in a tab: bundled for browsers as an app would, it holds nothing of Node, and it works with nothing of Node within reach. A real
// browser comes with the tab side; here the bundle runs with a browser's names only, over a real WebSocket that offers what a browser's does.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serveClient } from '@raftkv/server';
import { acceptWebSockets, nodeWebSocket } from '@raftkv/transport/node';
import { build } from 'vite';
import type { Rolldown } from 'vite';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { connect } from '../src/index.ts';
import { FakeCluster } from './fake-cluster.ts';

type Client = { readonly connect: typeof connect };

/** The names of Node that a bundle could lean on without importing anything. */
const nodeNames = ['process', 'Buffer', 'global', 'require', 'module', 'exports', 'setImmediate', '__dirname'];

async function bundle(entry: string): Promise<Rolldown.OutputChunk> {
  const [result] = (await build({
    configFile: false,
    logLevel: 'silent',
    resolve: { conditions: ['source', 'browser'] },
    build: {
      write: false,
      minify: false,
      lib: { entry: new URL(entry, import.meta.url).pathname, formats: ['iife'], name: 'raftkv' },
    },
  })) as Rolldown.RolldownOutput[];
  return result!.output[0];
}

describe.each([
  ['the client', '../src/index.ts'],
  ['the door', '../../raftkv/src/index.ts'],
])('%s, bundled for a browser', (_, entry) => {
  let chunk: Rolldown.OutputChunk;
  beforeAll(async () => {
    chunk = await bundle(entry);
  });

  it('imports nothing, and holds no module of Node or for Node', () => {
    expect(chunk.imports).toEqual([]);
    expect(chunk.dynamicImports).toEqual([]);
    expect(Object.keys(chunk.modules).length).toBeGreaterThan(20);
    expect(modulesOfNode(chunk)).toEqual([]);
  });

  it('writes, reads and watches with a browser’s WebSocket and none of Node’s names', async () => {
    const cluster = new FakeCluster();
    const endpoint = await serve(cluster);
    const browser = { ...tabNames(), WebSocket: TabWebSocket };
    const names = ['globalThis', 'WebSocket', ...nodeNames];
    const values = names.map((name) =>
      name === 'globalThis' ? browser : name === 'WebSocket' ? TabWebSocket : undefined,
    );
    const client = new Function(...names, `${chunk.code}; return raftkv;`)(...values) as Client;
    const kv = client.connect({ endpoints: [endpoint], compression: false });
    onTestFinished(() => kv.close());
    const watch = kv.watch({ prefix: 'tab/' });
    await watch.ready();
    // More than the socket's buffer takes at once.
    const texts = Array.from({ length: 64 }, (__, i) => `${i}`.repeat(20_000));
    await Promise.all(texts.map((each, i) => kv.put(`tab/${i}`, each)));
    expect(await kv.get('tab/63')).toBe(texts[63]);
    expect(await kv.count({ prefix: 'tab/' })).toBe(64);
    expect((await watch.next()).value?.events).toHaveLength(1);
  });
});

it('these checks notice what is for Node alone', async () => {
  expect(modulesOfNode(await bundle('../../transport/src/node/node-websocket.ts'))).not.toEqual([]);
});

/** What vite puts in the place of a module of Node is called __vite-browser-external. */
function modulesOfNode(chunk: Rolldown.OutputChunk): string[] {
  return Object.keys(chunk.modules).filter((id) => /node:|browser-external|\/src\/node\/|node_modules\/ws\//.test(id));
}

/** What a tab has besides its WebSocket. */
function tabNames(): object {
  return { TextEncoder, TextDecoder, performance, crypto, AbortController, queueMicrotask, setTimeout, clearTimeout };
}

async function serve(cluster: FakeCluster): Promise<string> {
  const server = createServer();
  const node = cluster.nodes[0]!;
  const acceptor = acceptWebSockets(server, [
    { path: '/ws', protocol: 'raftkv.v1', onChannel: (channel) => serveClient(channel, node, {}) },
  ]);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    acceptor.close();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A WebSocket with a browser's members and no more: messages are ArrayBuffers, and nobody tells when the buffer empties. */
class TabWebSocket {
  readonly #socket;
  binaryType = 'blob';

  constructor(url: string, protocols?: string | string[]) {
    this.#socket = new (nodeWebSocket())(url, protocols);
    this.#socket.binaryType = 'arraybuffer';
  }

  get readyState(): number {
    return this.#socket.readyState;
  }
  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }
  get protocol(): string {
    return this.#socket.protocol;
  }
  send(data: Uint8Array): void {
    this.#socket.send(data);
  }
  close(code?: number, reason?: string): void {
    this.#socket.close(code, reason);
  }
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void {
    this.#socket.addEventListener(type, listener);
  }
}
