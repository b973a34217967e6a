// The page of the suite of transports: three meshes in one tab, over each way in which tabs can be joined; and the suite of channels over a relay, whose
// WebSockets are the browser's own. The relay is the test's, in Node.
import { dialWebSocket } from '@raftkv/transport';
import { describeChannel, describeTransport, meshesUnderTest } from '@raftkv/transport/conformance';
import type { ConformanceRunner, OpenWays, TestMemberId } from '@raftkv/transport/conformance';
import { broadcastChannel } from '@raftkv/transport/web';
import { broadcastSignalling, openWebRtc, relaySignalling, webRtcChannel } from '@raftkv/transport/webrtc';
import type { DataPorts, RelaySignalling, WebRtc } from '@raftkv/transport/webrtc';
import { expectInPage } from './expect.ts';
import { HarmedDataPort } from './harmed-ports.ts';

const ids = ['a', 'b', 'c'] as const;

const overBroadcastChannels: OpenWays = (accept) => ({
  dial: async (_, to) => {
    const name = crypto.randomUUID();
    accept(to, broadcastChannel(new BroadcastChannel(name)));
    return broadcastChannel(new BroadcastChannel(name));
  },
  dispose: () => undefined,
});

const overWebRtc: OpenWays = (accept) => {
  const room = crypto.randomUUID();
  const ports = new Map<TestMemberId, BroadcastChannel>();
  const open = (selfId: TestMemberId): WebRtc => {
    const port = new BroadcastChannel(room);
    ports.set(selfId, port);
    const signalling = broadcastSignalling(port);
    return openWebRtc({ selfId, signalling, onChannel: (channel) => accept(selfId, channel) });
  };
  const members = { a: open('a'), b: open('b'), c: open('c') };
  return {
    dial: (from, to, signal) => members[from].dial(to, { signal }),
    dispose: () => {
      for (const id of ids) {
        members[id].close();
        ports.get(id)?.close();
      }
    },
  };
};

function join(url: string, room: string, id: string): RelaySignalling {
  return relaySignalling({
    room,
    secret: 'of these tests alone',
    id,
    dial: (signal) => dialWebSocket(url, { protocol: 'raftkv-signals.v1', signal }),
  });
}

function overRelay(url: string): OpenWays {
  return (accept) => {
    const room = crypto.randomUUID();
    const enter = (id: TestMemberId): RelaySignalling => {
      const signalling = join(url, room, id);
      signalling.links.listen(({ ports }) => accept(id, webRtcChannel(ports, { path: 'relayed' })));
      return signalling;
    };
    const members = { a: enter('a'), b: enter('b'), c: enter('c') };
    return {
      dial: async (from, to, signal) => {
        const { ports } = await members[from].links.open(to, { signal });
        return webRtcChannel(ports, { path: 'relayed' });
      },
      dispose: () => ids.forEach((id) => members[id].close()),
    };
  };
}

/** One link between two members of a room of their own. */
async function joinThroughRelay(url: string) {
  const room = crypto.randomUUID();
  const [a, b] = [join(url, room, 'a'), join(url, room, 'b')];
  while (!a.isConnected || !b.isConnected) await new Promise((resolve) => setTimeout(resolve, 1));
  const taken = new Promise<DataPorts>((resolve) => b.links.listen(({ ports }) => resolve(ports)));
  // The hello of b may be read after the opening of a.
  const open = (): Promise<DataPorts> => a.links.open('b').then(({ ports }) => ports, open);
  return { left: await open(), right: await taken, close: () => [a, b].forEach((each) => each.close()) };
}

function declare(url: string, runner: ConformanceRunner): void {
  describeTransport('a mesh over BroadcastChannels', () => meshesUnderTest(overBroadcastChannels), runner);
  describeTransport('a mesh over WebRTC', () => meshesUnderTest(overWebRtc), runner);
  describeTransport('a mesh through a relay', () => meshesUnderTest(overRelay(url)), runner);
  describeChannel(
    'a channel through a relay',
    async (limits) => {
      const { left, right, close } = await joinThroughRelay(url);
      const urgent = new HarmedDataPort(right.urgent as unknown as RTCDataChannel);
      const channels = [webRtcChannel(left, limits), webRtcChannel({ urgent, bulk: right.bulk }, limits)] as const;
      return {
        left: channels[0],
        right: channels[1],
        stallRight: () => urgent.gate.stall(),
        resumeRight: () => urgent.gate.resume(),
        cut: close,
        dispose: async () => {
          for (const channel of channels) channel.close();
          close();
        },
      };
    },
    runner,
  );
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
