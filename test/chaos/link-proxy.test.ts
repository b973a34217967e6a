// The proxy between members does to bytes what it says, and nothing else: it may not change or reorder them within a connection, for then a
// failure of chaos would be its own.
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { freePorts } from '../e2e/harness/ports.ts';
import { seededRandom } from '../linearizability/simulate.ts';
import { LinkProxy, prompt } from './network/link-proxy.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

interface Stage {
  readonly proxy: LinkProxy;
  readonly client: net.Socket;
  readonly server: net.Socket;
  /** What the server has received. */
  readonly received: () => string;
  readonly connect: () => Promise<net.Socket>;
  readonly serverSockets: readonly { readonly socket: net.Socket; text: string }[];
}

async function stage(): Promise<Stage> {
  const [listenPort, targetPort] = (await freePorts(2)) as [number, number];
  const serverSockets: { socket: net.Socket; text: string }[] = [];
  const target = net.createServer((socket) => {
    const one = { socket, text: '' };
    serverSockets.push(one);
    socket.on('data', (bytes) => (one.text += bytes.toString()));
    socket.on('error', () => undefined);
    closers.push(() => socket.destroy());
  });
  await new Promise<void>((resolve) => target.listen(targetPort, '127.0.0.1', resolve));
  closers.push(() => target.close());
  const proxy = await LinkProxy.open({
    listen: { host: '127.0.0.1', port: listenPort },
    target: { host: '127.0.0.1', port: targetPort },
    random: seededRandom(1),
  });
  closers.push(() => proxy.close());
  const connect = async (): Promise<net.Socket> => {
    const before = serverSockets.length;
    const socket = net.connect(listenPort, '127.0.0.1');
    socket.on('error', () => undefined);
    closers.push(() => socket.destroy());
    await expect.poll(() => serverSockets.length).toBe(before + 1);
    return socket;
  };
  const client = await connect();
  const server = serverSockets[0]!.socket;
  return { proxy, client, server, received: () => serverSockets[0]!.text, connect, serverSockets };
}

describe('the proxy between members', () => {
  it('passes bytes both ways, and ends', async () => {
    const { client, server, received } = await stage();
    let answer = '';
    client.on('data', (bytes) => (answer += bytes.toString()));
    client.write('hello');
    await expect.poll(received).toBe('hello');
    server.end('bye');
    await expect.poll(() => answer).toBe('bye');
    await expect.poll(() => client.readableEnded).toBe(true);
  });

  it('delays one direction and not the other, and keeps the order under jitter', async () => {
    const { proxy, client, server, received } = await stage();
    proxy.behave('forth', { ...prompt, delayMilliseconds: 150, jitterMilliseconds: 60 });
    let answeredAt = 0;
    client.on('data', () => (answeredAt = performance.now()));
    const from = performance.now();
    let sent = '';
    for (let piece = 0; piece < 50; piece++) {
      client.write(`${piece} `);
      sent += `${piece} `;
      await new Promise((resolve) => setImmediate(resolve));
    }
    server.write('at once');
    await expect.poll(() => answeredAt, { interval: 1 }).toBeGreaterThan(0);
    await expect.poll(received, { interval: 1 }).toBe(sent);
    expect(performance.now() - from).toBeGreaterThanOrEqual(149);
    expect(answeredAt - from).toBeLessThan(performance.now() - from);
  });

  it('holds bytes and delivers them afterwards, though their sender has long begun another connection', async () => {
    const { proxy, client, received, connect, serverSockets } = await stage();
    proxy.behave('forth', { ...prompt, isHeld: true });
    client.end('late');
    await new Promise((resolve) => client.once('finish', resolve));
    const later = await connect();
    proxy.behave('forth', { ...prompt, delayMilliseconds: 50 });
    later.write('later');
    expect(received()).toBe('');
    await expect.poll(received).toBe('late');
    await expect.poll(() => serverSockets[1]!.text).toBe('later');
  });

  it('loses what is under way when it cuts, and takes new connections', async () => {
    const { proxy, client, received, connect, serverSockets } = await stage();
    const closed = new Promise((resolve) => client.once('close', resolve));
    proxy.behave('forth', { ...prompt, isHeld: true });
    client.write('lost');
    await new Promise((resolve) => setTimeout(resolve, 50));
    proxy.cut();
    proxy.behave('forth', prompt);
    await closed;
    const again = await connect();
    again.write('there');
    await expect.poll(() => serverSockets[1]!.text).toBe('there');
    expect(received()).toBe('');
  });
});
