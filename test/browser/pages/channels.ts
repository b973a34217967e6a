// The page of the suites of channels: runs the conformance suite in the tab over each kind that a browser has, and measures what passes what.
import { describeChannel } from '@raftkv/transport/conformance';
import type { ChannelPairUnderTest } from '@raftkv/transport/conformance';
import type { ChannelLimits } from '@raftkv/transport';
import { broadcastChannel, messagePortChannel } from '@raftkv/transport/web';
import { webRtcChannel } from '@raftkv/transport/webrtc';
import type { WebRtcChannel } from '@raftkv/transport/webrtc';
import { expectInPage } from './expect.ts';
import { HarmedDataPort, HarmedTabPort, HarmedThreadPort } from './harmed-ports.ts';

/** Unordered ones must keep what a channel promises too. */
type DataChannelKind = 'ordered' | 'unordered';

const inits: Readonly<Record<DataChannelKind, RTCDataChannelInit>> = {
  ordered: {},
  unordered: { ordered: false },
};

type Factory = (limits: Partial<ChannelLimits>) => Promise<ChannelPairUnderTest>;

const tabs: Factory = async (limits) => {
  const name = crypto.randomUUID();
  const ports = [new HarmedTabPort(new BroadcastChannel(name)), new HarmedTabPort(new BroadcastChannel(name))] as const;
  const [left, right] = [broadcastChannel(ports[0], limits), broadcastChannel(ports[1], limits)];
  return {
    left,
    right,
    stallRight: () => ports[1].gate.stall(),
    resumeRight: () => ports[1].gate.resume(),
    cut: () => ports.forEach((port) => port.break()),
    dispose: async () => [left, right].forEach((channel) => channel.close()),
  };
};

const threads: Factory = async (limits) => {
  const { port1, port2 } = new MessageChannel();
  const ports = [new HarmedThreadPort(port1), new HarmedThreadPort(port2)] as const;
  const [left, right] = [messagePortChannel(ports[0], limits), messagePortChannel(ports[1], limits)];
  return {
    left,
    right,
    stallRight: () => ports[1].gate.stall(),
    resumeRight: () => ports[1].gate.resume(),
    cut: () => ports.forEach((port) => port.break()),
    dispose: async () => [left, right].forEach((channel) => channel.close()),
  };
};

interface Joined {
  readonly left: WebRtcChannel;
  readonly right: WebRtcChannel;
  readonly ports: readonly HarmedDataPort[];
  close(): void;
}

/** Two connections in one page: the whole stack of the browser is between them. */
async function joinDataChannels(kind: DataChannelKind, limits: Partial<ChannelLimits>): Promise<Joined> {
  const connections = [new RTCPeerConnection(), new RTCPeerConnection()] as const;
  const [a, b] = connections;
  a.addEventListener('icecandidate', ({ candidate }) => void b.addIceCandidate(candidate ?? undefined));
  b.addEventListener('icecandidate', ({ candidate }) => void a.addIceCandidate(candidate ?? undefined));
  const open = (connection: RTCPeerConnection, id: number): HarmedDataPort =>
    new HarmedDataPort(connection.createDataChannel('test', { ...inits[kind], negotiated: true, id }));
  const ends = connections.map((connection) => ({ urgent: open(connection, 0), bulk: open(connection, 1) }));
  const [left, right] = ends.map((ports) => webRtcChannel(ports, limits)) as [WebRtcChannel, WebRtcChannel];
  const ports = ends.flatMap(({ urgent, bulk }) => [urgent, bulk]);
  const opened = ports.map((port) => new Promise<void>((resolve) => port.addEventListener('open', () => resolve())));
  await a.setLocalDescription();
  await b.setRemoteDescription(a.localDescription!);
  await b.setLocalDescription();
  await a.setRemoteDescription(b.localDescription!);
  await Promise.all(opened);
  return { left, right, ports, close: () => connections.forEach((connection) => connection.close()) };
}

/** The channel itself, or its pipe for what is large. */
function dataChannels(kind: DataChannelKind, pipe: 'channel' | 'bulk' = 'channel'): Factory {
  return async (limits) => {
    const { left, right, ports, close } = await joinDataChannels(kind, limits);
    return {
      left: pipe === 'channel' ? left : left.bulk,
      right: pipe === 'channel' ? right : right.bulk,
      stallRight: () => ports.slice(2).forEach((port) => port.gate.stall()),
      resumeRight: () => ports.slice(2).forEach((port) => port.gate.resume()),
      cut: () => ports.forEach((port) => port.close()),
      dispose: async () => close(),
    };
  };
}

const factories: Readonly<Record<string, Factory>> = {
  BroadcastChannel: tabs,
  MessagePort: threads,
  'WebRTC, ordered': dataChannels('ordered'),
  'WebRTC, unordered': dataChannels('unordered'),
  'WebRTC, the bulk pipe': dataChannels('ordered', 'bulk'),
};

/** The bodies of the suite by their titles, as `describe > it`. */
function bodiesOf(kind: string): Map<string, () => Promise<void>> {
  const bodies = new Map<string, () => Promise<void>>();
  const path: string[] = [];
  describeChannel(kind, (limits) => factories[kind]!(limits), {
    describe: (title, body) => {
      path.push(title);
      body();
      path.pop();
    },
    it: (title, body) => void bodies.set([...path, title].join(' > '), body),
    expect: expectInPage,
  });
  return bodies;
}

/** Sends `bytes` of bulk and then one ping, on the channel itself or behind the bulk on its pipe; answers how much of the bulk was there when the ping came in. */
async function passBulk(bytes: number, pingOn: 'channel' | 'bulk'): Promise<number> {
  const { left, right, close } = await joinDataChannels('ordered', { maxBufferedBytes: 2 * bytes });
  let bulkBytes = 0;
  const nobody = { onFrame: () => undefined, onClose: () => undefined };
  const ping = new Promise<number>((resolve) => {
    const tell = (): void => resolve(bulkBytes);
    right.start({ ...nobody, onFrame: tell });
    right.bulk.start({
      ...nobody,
      onFrame: (frame) => {
        if (frame.length === 1) tell();
        bulkBytes += frame.length;
      },
    });
  });
  left.start(nobody);
  left.bulk.start(nobody);
  for (let sent = 0; sent < bytes; sent += 256 * 1024) left.bulk.send(new Uint8Array(256 * 1024));
  // Not at once: the bulk has all the way for itself by then.
  while (bulkBytes === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  (pingOn === 'channel' ? left : left.bulk).send(Uint8Array.of(1));
  const before = await ping;
  while (bulkBytes < bytes) await new Promise((resolve) => setTimeout(resolve, 1));
  close();
  return before;
}

const channelLab = {
  passBulk,
  runConformance: async (kind: string, title: string): Promise<void> => {
    const body = bodiesOf(kind).get(title);
    if (body === undefined) throw new Error(`no test is called ${title}`);
    await body();
  },
};

declare global {
  // Seen by the functions that a test evaluates in the page.
  var channelLab: ChannelLab;
}
export type ChannelLab = typeof channelLab;

globalThis.channelLab = channelLab;
