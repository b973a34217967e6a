// The page of the suite of transports: three meshes in one tab, over each way in which tabs can be joined; and the suite of channels over what needs a server:
// a relay, and the browser's own WebSockets. The server is the test's (`harness/meeting-point.ts`), in Node.
import { dialWebSocket } from '@raftkv/transport';
import type { Channel } from '@raftkv/transport';
import { describeChannel, describeTransport, meshesUnderTest } from '@raftkv/transport/conformance';
import { overMembers, overPairs, overRelay } from '@raftkv/transport/conformance';
import type { ChannelPairFactory, ConformanceRunner } from '@raftkv/transport/conformance';
import { broadcastChannel, openBroadcastDoor } from '@raftkv/transport/web';
import { broadcastSignalling, openWebRtc, relaySignalling, webRtcChannel } from '@raftkv/transport/webrtc';
import type { DataPorts, RelaySignalling } from '@raftkv/transport/webrtc';
import type { PairControl } from '../harness/meeting-point.ts';
import { expectInPage } from './expect.ts';
import { HarmedDataPort } from './harmed-ports.ts';

const overBroadcastChannels = overPairs(() => {
  const name = crypto.randomUUID();
  return [broadcastChannel(new BroadcastChannel(name)), broadcastChannel(new BroadcastChannel(name))];
});

const overDoors = overMembers((selfId, onChannel, room) => openBroadcastDoor({ selfId, room, onChannel }));

const overWebRtc = overMembers((selfId, onChannel, room) => {
  const port = new BroadcastChannel(room);
  const member = openWebRtc({ selfId, signalling: broadcastSignalling(port), onChannel });
  return {
    dial: (to, options) => member.dial(to, options),
    close: () => {
      member.close();
      port.close();
    },
  };
});

const dialRelay = (url: string, signal: AbortSignal): Promise<Channel> =>
  dialWebSocket(`${url}/signals`, { protocol: 'raftkv-signals.v1', signal });

/** Two WebSockets of this page, whose frames the server passes from one to the other; and how to name them to it. */
async function joinSockets(url: string, limits = {}) {
  const name = crypto.randomUUID();
  const dial = (): Promise<Channel> => dialWebSocket(`${url}/pair?${name}`, { protocol: 'test.v1', ...limits });
  const left = await dial();
  return { name, left, right: await dial() };
}

const socketPair =
  (url: string): ChannelPairFactory =>
  async (limits) => {
    const { name, left, right } = await joinSockets(url, limits);
    const control = await dialWebSocket(`${url}/control`, { protocol: 'test.v1' });
    const say = (act: PairControl['act']): unknown =>
      control.send(new TextEncoder().encode(JSON.stringify({ name, act })));
    return {
      left,
      right,
      stallRight: () => say('stall'),
      resumeRight: () => say('resume'),
      cut: () => say('cut'),
      dispose: async () => [left, right, control].forEach((channel) => channel.close()),
    };
  };

/** One link between two members of a room of their own. */
async function joinThroughRelay(url: string) {
  const room = crypto.randomUUID();
  const enter = (id: string): RelaySignalling =>
    relaySignalling({ room, secret: room, id, dial: (signal) => dialRelay(url, signal) });
  const [a, b] = [enter('a'), enter('b')];
  while (!a.isConnected || !b.isConnected) await new Promise((resolve) => setTimeout(resolve, 1));
  const taken = new Promise<DataPorts>((resolve) => b.links.listen(({ ports }) => resolve(ports)));
  const { ports: left } = await a.links.open('b');
  return { left, right: await taken, close: () => [a, b].forEach((each) => each.close()) };
}

/** The channel itself, or its pipe for what is large. */
const relayedPair =
  (url: string, pipe: 'channel' | 'bulk'): ChannelPairFactory =>
  async (limits) => {
    const { left, right, close } = await joinThroughRelay(url);
    const urgent = new HarmedDataPort(right.urgent as unknown as RTCDataChannel);
    const bulk = new HarmedDataPort(right.bulk as unknown as RTCDataChannel);
    const gates = [urgent.gate, bulk.gate];
    const channels = [webRtcChannel(left, limits), webRtcChannel({ urgent, bulk }, limits)] as const;
    const [one, other] = pipe === 'channel' ? channels : [channels[0].bulk, channels[1].bulk];
    return {
      left: one,
      right: other,
      stallRight: () => gates.forEach((gate) => gate.stall()),
      resumeRight: () => gates.forEach((gate) => gate.resume()),
      cut: close,
      dispose: async () => {
        for (const channel of channels) channel.close();
        close();
      },
    };
  };

function declare(url: string, runner: ConformanceRunner): void {
  const overSockets = overPairs(async () => {
    const { left, right } = await joinSockets(url);
    return [left, right];
  });
  const through = overRelay((signal) => dialRelay(url, signal));
  describeTransport('a mesh over BroadcastChannels', () => meshesUnderTest(overBroadcastChannels), runner);
  describeTransport('a mesh over the doors of tabs', () => meshesUnderTest(overDoors), runner);
  describeTransport('a mesh over WebSockets', () => meshesUnderTest(overSockets), runner);
  describeTransport('a mesh over WebRTC', () => meshesUnderTest(overWebRtc), runner);
  describeTransport('a mesh through a relay', () => meshesUnderTest(through), runner);
  describeChannel('a WebSocket', socketPair(url), runner);
  describeChannel('a channel through a relay', relayedPair(url, 'channel'), runner);
  describeChannel('the bulk pipe of a channel through a relay', relayedPair(url, 'bulk'), runner);
}

function bodies(url: string): Map<string, () => Promise<void>> {
  const found = new Map<string, () => Promise<void>>();
  const path: string[] = [];
  declare(url, {
    describe: (title, body) => {
      path.push(title);
      body();
      path.pop();
    },
    it: (title, body) => void found.set([...path, title].join(' > '), body),
    expect: expectInPage,
  });
  return found;
}

const transportLab = {
  run: async (url: string, title: string): Promise<void> => {
    const body = bodies(url).get(title);
    if (body === undefined) throw new Error(`no test is called ${title}`);
    await body();
  },
};

declare global {
  // Seen by the functions that a test evaluates in the page.
  var transportLab: TransportLab;
}
export type TransportLab = typeof transportLab;

globalThis.transportLab = transportLab;
