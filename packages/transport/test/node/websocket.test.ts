// WebSocket channels over real sockets: the contract, and what is special to WebSockets.
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { webSocketChannel } from '../../src/index.ts';
import type { Channel, WebSocketLike } from '../../src/index.ts';
import { describeChannel } from '../../src/conformance.ts';
import { recordChannel } from '../../src/recorded-channel.ts';
import { listen, webSocketPair } from './loopback.ts';

describeChannel(
  'a WebSocket channel over loopback, accepted end stalled',
  async (limits) => {
    const { left, right, loopback, serverSocket } = await webSocketPair(limits);
    return {
      left,
      right,
      stallRight: () => serverSocket.pause(),
      resumeRight: () => serverSocket.resume(),
      cut: () => serverSocket.destroy(),
      dispose: () => loopback.close(),
    };
  },
  { describe, it, expect },
);

async function rawClient(
  maxFrameBytes: number,
): Promise<{ client: WebSocket; channel: Channel; close(): Promise<void> }> {
  let tell: (channel: Channel) => void = () => {};
  const accepted = new Promise<Channel>((resolve) => (tell = resolve));
  const loopback = await listen([{ path: '/test', protocol: 'test.v1', maxFrameBytes, onChannel: (c) => tell(c) }]);
  const client = new WebSocket(loopback.url('/test'), 'test.v1');
  client.on('error', () => {});
  await new Promise((resolve) => client.once('open', resolve));
  return { client, channel: await accepted, close: () => loopback.close() };
}

const closeOf = (client: WebSocket): Promise<number> => new Promise((resolve) => client.once('close', resolve));

describe('a WebSocket channel', () => {
  it('refuses a text frame with bad_frame', async () => {
    const { client, channel, close } = await rawClient(100);
    const recorded = recordChannel(channel);
    client.send('hello');
    expect((await recorded.closed)?.code).toBe('bad_frame');
    expect(await closeOf(client)).toBe(4001);
    expect(recorded.received.length).toBe(0);
    await close();
  });

  it('closes with frame_too_large on an incoming frame above the limit, before it is read', async () => {
    const { client, channel, close } = await rawClient(100);
    const recorded = recordChannel(channel);
    client.send(new Uint8Array(101));
    expect((await recorded.closed)?.code).toBe('frame_too_large');
    expect(await closeOf(client)).toBe(1009);
    await close();
  });

  it('ends with bad_frame when the bytes are no WebSocket frame', async () => {
    const { left, right, loopback, serverSocket } = await webSocketPair({});
    const [atLeft, atRight] = [recordChannel(left), recordChannel(right)];
    // Written by the server beneath its own WebSocket: reserved bits set.
    serverSocket.write(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff));
    expect((await atLeft.closed)?.code).toBe('bad_frame');
    expect((await atRight.closed)?.code).toBe('bad_frame');
    await loopback.close();
  });

  it('takes standard close codes: going away is in order, try again later is busy', async () => {
    for (const [sent, expected] of [
      [1000, undefined],
      [1001, undefined],
      [1013, 'busy'],
      [4006, 'member_amnesia'],
      [4999, 'connection_lost'],
    ] as const) {
      const { client, channel, close } = await rawClient(100);
      const recorded = recordChannel(channel);
      client.close(sent, 'why');
      expect((await recorded.closed)?.code).toBe(expected);
      await close();
    }
  });

  it('closes with busy when more comes before the start than may be held', async () => {
    const { left, right, loopback } = await webSocketPair({ maxFrameBytes: 1000, maxBufferedBytes: 5000 });
    const atLeft = recordChannel(left);
    const wire = new Uint8Array(1000);
    for (let count = 0; count < 6; count += 1) {
      left.send(wire);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await atLeft.closed;
    const atRight = recordChannel(right);
    expect((await atRight.closed)?.code).toBe('busy');
    expect(atRight.received.length).toBe(0);
    await loopback.close();
  });
});

describe('a WebSocket channel over a socket that never tells when it has sent', () => {
  it('finds the drain by asking until the low-water mark is reached', async () => {
    const socket = new FakeSocket();
    const channel = webSocketChannel(socket, { highWaterBytes: 10, lowWaterBytes: 2 });
    const left: number[] = [];
    const drained = new Promise<void>((resolve) =>
      channel.start({
        onFrame: () => {},
        onClose: () => {},
        onDrain: () => {
          left.push(channel.bufferedBytes);
          resolve();
        },
      }),
    );
    socket.bufferedAmount = 20;
    expect(channel.send(Uint8Array.of(1))).toBe(false);
    socket.sentPerLook = 3;
    await drained;
    socket.sentPerLook = 0;
    expect(left).toHaveLength(1);
    expect(left[0]).toBeLessThanOrEqual(2);
    expect(channel.send(Uint8Array.of(1))).toBe(true);
  });

  it('asks for ArrayBuffers instead of Blobs, and takes them without a copy', async () => {
    const socket = new FakeSocket();
    const recorded = recordChannel(webSocketChannel(socket));
    expect(socket.binaryType).toBe('arraybuffer');
    const buffer = new ArrayBuffer(3);
    socket.emitMessage(buffer);
    await recorded.frames(1);
    expect(recorded.received[0]?.buffer).toBe(buffer);
  });

  it('hands nothing to a socket that the other side has begun to close: a browser would complain of it', () => {
    const socket = new FakeSocket();
    const channel = webSocketChannel(socket);
    channel.start({ onFrame: () => {}, onClose: () => {} });
    expect(channel.send(Uint8Array.of(1))).toBe(true);
    socket.readyState = 2;
    expect(channel.send(Uint8Array.of(1))).toBe(false);
    expect(socket.sent).toBe(1);
  });

  it('refuses by itself what a browser let through: too large a frame', async () => {
    const socket = new FakeSocket();
    const recorded = recordChannel(webSocketChannel(socket, { maxFrameBytes: 4 }));
    socket.emitMessage(new ArrayBuffer(5));
    expect((await recorded.closed)?.code).toBe('frame_too_large');
    expect(socket.closedWith).toBe(4002);
  });
});

/** As little as a browser's WebSocket: no `terminate`, no callback. */
class FakeSocket implements WebSocketLike {
  binaryType = 'blob';
  readyState = 1;
  readonly protocol = '';
  sent = 0;
  /** As if so many bytes left between any two looks. */
  sentPerLook = 0;
  #bufferedAmount = 0;
  closedWith: number | undefined;
  readonly #listeners = new Map<string, (event: never) => void>();

  get bufferedAmount(): number {
    this.#bufferedAmount = Math.max(0, this.#bufferedAmount - this.sentPerLook);
    return this.#bufferedAmount;
  }
  set bufferedAmount(bytes: number) {
    this.#bufferedAmount = bytes;
  }
  send(): void {
    this.sent += 1;
  }
  close(code?: number): void {
    this.closedWith = code;
  }
  addEventListener(type: string, listener: (event: never) => void): void {
    this.#listeners.set(type, listener);
  }
  emitMessage(data: unknown): void {
    this.#listeners.get('message')?.({ data } as never);
  }
}
