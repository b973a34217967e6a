// The suite of the Transport contract in Node, over each way in which members can be joined here. In a browser: `test/browser/transports.test.ts`.
import { describe, expect, it } from 'vitest';
import { describeTransport, meshesUnderTest, overMembers, overPairs, overRelay } from '../../src/conformance.ts';
import type { OpenWays } from '../../src/conformance.ts';
import { dialWebSocket, memoryChannelPair, memoryNetwork } from '../../src/index.ts';
import type { Channel } from '../../src/index.ts';
import { nodeWebSocket } from '../../src/node/index.ts';
import { nodeWebRtc } from '../../src/node/webrtc.ts';
import { broadcastChannel, openBroadcastDoor } from '../../src/web/index.ts';
import { openSignalRelay, openWebRtc } from '../../src/webrtc/index.ts';
import { SignalHub } from '../webrtc/signal-hub.ts';
import { listen } from './loopback.ts';

const ids = ['a', 'b', 'c'] as const;
const WebSocket = nodeWebSocket();
const RTCPeerConnection = await nodeWebRtc();
const runner = { describe, it, expect };

describeTransport(
  'an in-process network',
  async () => {
    const network = memoryNetwork();
    const [a, b, c] = ids.map((id) => network.transport(id));
    return {
      transports: { a: a!, b: b!, c: c! },
      cut: (one, other) => network.setConnected(one, other, false),
      mend: (one, other) => network.setConnected(one, other, true),
      dispose: async () => void (await Promise.all([a, b, c].map((transport) => transport!.close()))),
    };
  },
  runner,
);

const overMemory = overPairs(() => {
  const { left, right } = memoryChannelPair();
  return [left, right];
});

const overWebSockets: OpenWays = async (accept) => {
  const routes = ids.map((id) => ({
    path: `/${id}`,
    protocol: 'test.v1',
    onChannel: (channel: Channel) => accept(id, channel),
  }));
  const loopback = await listen(routes);
  return {
    dial: (_, to, signal) => dialWebSocket(loopback.url(`/${to}`), { protocol: 'test.v1', WebSocket, signal }),
    dispose: () => loopback.close(),
  };
};

const overBroadcastChannels = overPairs(() => {
  const name = crypto.randomUUID();
  return [broadcastChannel(new BroadcastChannel(name)), broadcastChannel(new BroadcastChannel(name))];
});

const overDoors = overMembers((selfId, onChannel, room) => openBroadcastDoor({ selfId, room, onChannel, locks: null }));

const hub = new SignalHub();
const overWebRtc = overMembers((id, onChannel, room) => {
  const member = openWebRtc({
    selfId: `${room} ${id}`,
    signalling: hub.signalling,
    RTCPeerConnection,
    onChannel: (channel) => onChannel(channel),
  });
  return { dial: (to, options) => member.dial(`${room} ${to}`, options), close: () => member.close() };
});

const overLoopbackRelay: OpenWays = async (accept) => {
  const relay = openSignalRelay();
  const protocol = 'raftkv-signals.v1';
  const loopback = await listen([{ path: '/signals', protocol, onChannel: (channel) => relay.accept(channel) }]);
  const ways = await overRelay((signal) => dialWebSocket(loopback.url('/signals'), { protocol, WebSocket, signal }))(
    accept,
  );
  return {
    ...ways,
    dispose: async () => {
      await ways.dispose();
      await loopback.close();
    },
  };
};

describeTransport('a mesh over memory', () => meshesUnderTest(overMemory), runner);
describeTransport('a mesh over WebSockets', () => meshesUnderTest(overWebSockets), runner);
describeTransport('a mesh over BroadcastChannels', () => meshesUnderTest(overBroadcastChannels), runner);
describeTransport('a mesh over the doors of tabs', () => meshesUnderTest(overDoors), runner);
describeTransport('a mesh over WebRTC', () => meshesUnderTest(overWebRtc), runner);
describeTransport('a mesh through a relay', () => meshesUnderTest(overLoopbackRelay), runner);
