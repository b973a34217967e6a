// Dialling: what it resolves with, and every way in which it can fail.
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { dialWebSocket } from '../../src/index.ts';
import type { WebSocketLike } from '../../src/index.ts';
import { nodeWebSocket } from '../../src/node/index.ts';
import { recordChannel } from '../../src/recorded-channel.ts';
import { listen } from './loopback.ts';

const WebSocket = nodeWebSocket();

/** A TCP server that says nothing, or the same thing to everybody. */
async function mute(answer?: string): Promise<{ url: string; close(): void; readonly hungUp: Promise<void> }> {
  let tellHungUp = (): void => {};
  const hungUp = new Promise<void>((resolve) => (tellHungUp = resolve));
  const server = createServer((socket) => {
    socket.on('close', tellHungUp);
    socket.on('error', () => {});
    socket.on('data', () => answer !== undefined && socket.end(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`, close: () => server.close(), hungUp };
}

describe('dialWebSocket', () => {
  it('resolves with an open channel that names its other end, and misses no frame that comes at once', async () => {
    const loopback = await listen([
      {
        path: '/ws',
        protocol: 'ws.v1',
        onChannel: (channel) => {
          channel.start({ onFrame: () => {}, onClose: () => {} });
          channel.send(Uint8Array.of(1, 2, 3));
        },
      },
    ]);
    for (const isMasked of [true, false]) {
      const Constructor = nodeWebSocket({ isMasked });
      const channel = await dialWebSocket(loopback.url('/ws'), { protocol: 'ws.v1', WebSocket: Constructor });
      expect(channel.isOpen).toBe(true);
      expect(channel.remote).toBe(`127.0.0.1:${loopback.port}`);
      await new Promise((resolve) => setImmediate(resolve));
      const recorded = recordChannel(channel);
      await recorded.frames(1);
      expect(recorded.received).toEqual([Uint8Array.of(1, 2, 3)]);
    }
    await loopback.close();
  });

  it('rejects with connect_failed when nobody listens, or somebody else does', async () => {
    const silent = await mute();
    silent.close();
    const rude = await mute('HTTP/1.1 418 No\r\nContent-Length: 0\r\n\r\n');
    const foreign = await mute('220 smtp.example\r\n');
    for (const url of [silent.url, rude.url, foreign.url, 'ws://256.0.0.1/', 'nonsense', 'ftp://127.0.0.1/']) {
      await expect(dialWebSocket(url, { protocol: 'ws.v1', WebSocket })).rejects.toMatchObject({
        name: 'RaftkvError',
        code: 'connect_failed',
      });
    }
    rude.close();
    foreign.close();
  });

  it('rejects with connect_failed when the server speaks another protocol', async () => {
    const loopback = await listen([{ path: '/ws', protocol: 'ws.v2', onChannel: () => {} }]);
    const dialled = dialWebSocket(loopback.url('/ws'), { protocol: 'ws.v1', WebSocket });
    await expect(dialled).rejects.toMatchObject({ code: 'connect_failed' });
    await loopback.close();
  });

  it('refuses a server that picked no protocol, where the runtime lets that pass', async () => {
    const opened: { readonly close: () => void }[] = [];
    class Careless implements WebSocketLike {
      binaryType = 'blob';
      readonly readyState = 1;
      readonly bufferedAmount = 0;
      readonly protocol = '';
      isClosed = false;
      constructor() {
        opened.push(this);
      }
      send(): void {}
      close(): void {
        this.isClosed = true;
      }
      addEventListener(type: string, listener: (event: never) => void): void {
        if (type === 'open') queueMicrotask(() => listener(undefined as never));
      }
    }
    const dialled = dialWebSocket('ws://127.0.0.1:1/', { protocol: 'ws.v1', WebSocket: Careless });
    await expect(dialled).rejects.toMatchObject({ code: 'connect_failed' });
    expect(opened).toMatchObject([{ isClosed: true }]);
  });

  it('rejects with timeout when nothing comes back', async () => {
    const silent = await mute();
    const dialled = dialWebSocket(silent.url, { protocol: 'ws.v1', WebSocket, timeoutMilliseconds: 30 });
    await expect(dialled).rejects.toMatchObject({ code: 'timeout' });
    await silent.hungUp;
    silent.close();
  });

  it('rejects with cancelled when the signal says so, before or while it dials', async () => {
    const silent = await mute();
    const controller = new AbortController();
    const dialled = dialWebSocket(silent.url, { protocol: 'ws.v1', WebSocket, signal: controller.signal });
    controller.abort();
    await expect(dialled).rejects.toMatchObject({ code: 'cancelled' });
    const late = dialWebSocket(silent.url, { protocol: 'ws.v1', WebSocket, signal: controller.signal });
    await expect(late).rejects.toMatchObject({ code: 'cancelled' });
    silent.close();
  });

  it('rejects with unsupported where the runtime has no WebSocket, and says what to do', async () => {
    const original = Object.getOwnPropertyDescriptor(globalThis, 'WebSocket');
    Reflect.deleteProperty(globalThis, 'WebSocket');
    try {
      await expect(dialWebSocket('ws://127.0.0.1:1/', { protocol: 'ws.v1' })).rejects.toMatchObject({
        code: 'unsupported',
        message: expect.stringContaining('nodeWebSocket'),
      });
    } finally {
      if (original !== undefined) Object.defineProperty(globalThis, 'WebSocket', original);
    }
  });
});
