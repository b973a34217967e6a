// The suite of the Transport contract in Node, over each way in which members can be joined here. In a browser: `test/browser/transports.test.ts`.
import { describe, expect, it } from 'vitest';
import { describeTransport, meshesUnderTest } from '../../src/conformance.ts';
import type { OpenWays, TestMemberId } from '../../src/conformance.ts';
import { dialWebSocket, memoryChannelPair, memoryNetwork } from '../../src/index.ts';
import { nodeWebSocket } from '../../src/node/index.ts';
import { nodeWebRtc } from '../../src/node/webrtc.ts';
import { broadcastChannel } from '../../src/web/index.ts';
import { openSignalRelay, openWebRtc, relaySignalling } from '../../src/webrtc/index.ts';
import type { WebRtc } from '../../src/webrtc/index.ts';
import { webRtcChannel } from '../../src/webrtc/index.ts';
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

const overMemory: OpenWays = (accept) => ({
  dial: async (_, to) => {
    const { left, right } = memoryChannelPair();
    accept(to, right);
    return left;
  },
  dispose: () => undefined,
});

const overWebSockets: OpenWays = async (accept) => {
  const routes = ids.map((id) => ({
    path: `/${id}`,
    protocol: 'test.v1',
    onChannel: (channel: Parameters<typeof accept>[1]) => accept(id, channel),
  }));
  const loopback = await listen(routes);
  return {
    dial: (_, to, signal) => dialWebSocket(loopback.url(`/${to}`), { protocol: 'test.v1', WebSocket, signal }),
    dispose: () => loopback.close(),
  };
};

const overBroadcastChannels: OpenWays = (accept) => ({
  dial: async (_, to) => {
    const name = crypto.randomUUID();
    accept(to, broadcastChannel(new BroadcastChannel(name)));
    return broadcastChannel(new BroadcastChannel(name));
  },
  dispose: () => undefined,
});

const overWebRtc: OpenWays = (accept) => {
  const hub = new SignalHub();
  const open = (selfId: TestMemberId): WebRtc =>
    openWebRtc({
      selfId,
      signalling: hub.signalling,
      RTCPeerConnection,
      onChannel: (channel) => accept(selfId, channel),
    });
  const members = { a: open('a'), b: open('b'), c: open('c') };
  return {
    dial: (from, to, signal) => members[from].dial(to, { signal }),
    dispose: () => ids.forEach((id) => members[id].close()),
  };
};

const overRelay: OpenWays = async (accept) => {
  const relay = openSignalRelay();
  const protocol = 'raftkv-signals.v1';
  const loopback = await listen([{ path: '/signals', protocol, onChannel: (channel) => relay.accept(channel) }]);
  const join = (id: TestMemberId) => {
    const dial = (signal: AbortSignal) => dialWebSocket(loopback.url('/signals'), { protocol, WebSocket, signal });
    const signalling = relaySignalling({ room: 'room', secret: 'of these tests alone', id, dial });
    signalling.links.listen(({ ports }) => accept(id, webRtcChannel(ports, { path: 'relayed' })));
    return signalling;
  };
  const members = { a: join('a'), b: join('b'), c: join('c') };
  return {
    dial: async (from, to, signal) => {
      const { ports } = await members[from].links.open(to, { signal });
      return webRtcChannel(ports, { path: 'relayed' });
    },
    dispose: async () => {
      for (const id of ids) members[id].close();
      await loopback.close();
    },
  };
};

describeTransport('a mesh over memory', () => meshesUnderTest(overMemory), runner);
describeTransport('a mesh over WebSockets', () => meshesUnderTest(overWebSockets), runner);
describeTransport('a mesh over BroadcastChannels', () => meshesUnderTest(overBroadcastChannels), runner);
describeTransport('a mesh over WebRTC', () => meshesUnderTest(overWebRtc), runner);
describeTransport('a mesh through a relay', () => meshesUnderTest(overRelay), runner);
