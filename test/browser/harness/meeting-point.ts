// Where the channels under test of a page meet, in Node: a relay of signals, and pairs of WebSockets whose frames this passes from one to the other. So the
// page has both ends, each a browser's own socket against the server's. It may hold up what goes to the second one, or tear both.
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Channel } from '@raftkv/transport';
import { acceptWebSockets } from '@raftkv/transport/node';
import { openSignalRelay } from '@raftkv/transport/webrtc';

export interface MeetingPoint {
  /** "ws://host:port": `/signals` is the relay's, `/pair?NAME` joins the two that come, `/control` takes words about pairs. */
  readonly url: string;
  close(): Promise<void>;
}

/** What a page says at `/control`, as JSON. */
export interface PairControl {
  readonly name: string;
  readonly act: 'stall' | 'resume' | 'cut';
}

interface Pair {
  readonly channels: Channel[];
  readonly requests: IncomingMessage[];
  /** For the second one, while it is held up. */
  held: Uint8Array[] | undefined;
}

export async function openMeetingPoint(): Promise<MeetingPoint> {
  const server = createServer();
  const relay = openSignalRelay();
  const pairs = new Map<string, Pair>();
  const acceptor = acceptWebSockets(server, [
    { path: '/signals', protocol: 'raftkv-signals.v1', onChannel: (channel) => relay.accept(channel) },
    { path: '/pair', protocol: 'test.v1', onChannel: (channel, request) => enter(pairs, channel, request) },
    {
      path: '/control',
      protocol: 'test.v1',
      onChannel: (channel) =>
        channel.start({
          onFrame: (frame) => obey(pairs, JSON.parse(new TextDecoder().decode(frame)) as PairControl),
          onClose: () => undefined,
        }),
    },
  ]);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      relay.close();
      acceptor.close();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

/** What comes before the second one is there, the first one's channel holds. */
function enter(pairs: Map<string, Pair>, channel: Channel, request: IncomingMessage): void {
  const name = request.url ?? '';
  const pair = pairs.get(name) ?? { channels: [], requests: [], held: undefined };
  pairs.set(name, pair);
  pair.channels.push(channel);
  pair.requests.push(request);
  const [left, right] = pair.channels;
  if (left === undefined || right === undefined) return;
  left.start({
    onFrame: (frame) => (pair.held === undefined ? right.send(frame) : pair.held.push(frame)),
    onClose: (error) => right.close(error),
  });
  right.start({
    onFrame: (frame) => left.send(frame),
    onClose: (error) => {
      pairs.delete(name);
      left.close(error);
    },
  });
}

function obey(pairs: Map<string, Pair>, { name, act }: PairControl): void {
  const pair = pairs.get(`/pair?${name}`);
  if (pair === undefined) return;
  if (act === 'stall') pair.held ??= [];
  if (act === 'cut') for (const { socket } of pair.requests) socket.destroy();
  if (act !== 'resume') return;
  const held = pair.held ?? [];
  pair.held = undefined;
  for (const frame of held) pair.channels[1]?.send(frame);
}
