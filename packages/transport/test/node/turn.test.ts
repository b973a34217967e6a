// By way of a TURN server alone: a real one on loopback, which wants credentials, between two ends of real WebRTC in Node.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { RaftkvError } from '@raftkv/wire';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { Channel } from '../../src/index.ts';
import { nodeWebRtc } from '../../src/node/webrtc.ts';
import { recordChannel } from '../../src/recorded-channel.ts';
import { openWebRtc } from '../../src/webrtc/index.ts';
import type { Signal, WebRtc } from '../../src/webrtc/index.ts';
import { SignalHub } from '../webrtc/signal-hub.ts';

/** In a process of its own: it goes on answering when it is stopped, and falls over its closed sockets. */
const script = `
  const Turn = require('node-turn');
  new Turn({ ...JSON.parse(process.argv[1]), debugLevel: 'OFF' }).start();
  console.log('ready');
`;
const RTCPeerConnection = await nodeWebRtc();
const port = 20_000 + (process.pid % 10_000);
const opened: WebRtc[] = [];
let server: ChildProcess;

beforeAll(async () => {
  const options = {
    listeningIps: ['127.0.0.1'],
    relayIps: ['127.0.0.1'],
    listeningPort: port,
    minPort: 40_000,
    maxPort: 45_000,
    authMech: 'long-term',
    realm: 'test',
    credentials: { member: 'right' },
  };
  server = spawn(process.execPath, ['-e', script, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => server.stdout!.once('data', resolve));
});
afterAll(() => void server.kill());
afterEach(() => {
  for (const webRtc of opened.splice(0)) webRtc.close();
});

function open(selfId: string, hub: SignalHub, credential: string, onChannel: (channel: Channel) => void): WebRtc {
  const webRtc = openWebRtc({
    selfId,
    signalling: hub.signalling,
    RTCPeerConnection,
    iceServers: [{ urls: `turn:127.0.0.1:${port}?transport=udp`, username: 'member', credential }],
    iceTransportPolicy: 'relay',
    limits: { connectMilliseconds: 5000 },
    onChannel,
  });
  opened.push(webRtc);
  return webRtc;
}

/** What the candidates were that were told. */
function kindsOf(heard: readonly Signal[]): string[] {
  const kinds = heard.map((signal) =>
    signal.type === 'candidate' ? / typ (\w+)/.exec(signal.candidate)?.[1] : 'none',
  );
  return [...new Set(kinds)].filter((kind) => kind !== undefined && kind !== 'none').map(String);
}

it('members whose only way is a TURN server meet there, with all that they have to say', async () => {
  const hub = new SignalHub();
  const accepted: Channel[] = [];
  const a = open('a', hub, 'right', () => undefined);
  open('b', hub, 'right', (channel) => accepted.push(channel));
  const left = await a.dial('b');
  await expect.poll(() => accepted.length).toBe(1);
  const [atChannel, atBulk] = [recordChannel(accepted[0]!), recordChannel(accepted[0]!.bulk!)];
  left.send(Uint8Array.of(1));
  left.bulk!.send(new Uint8Array(200_000));
  await Promise.all([atChannel.frames(1), atBulk.frames(1)]);
  // No address of their own was told to anybody.
  expect(kindsOf(hub.heard)).toEqual(['relay']);
});

it('wrong credentials lead nowhere, and the dialling one is told', async () => {
  const hub = new SignalHub();
  const a = open('a', hub, 'wrong', () => undefined);
  open('b', hub, 'wrong', () => undefined);
  const code = await a.dial('b').then(
    () => 'nothing',
    (error: unknown) => RaftkvError.from(error).code,
  );
  expect(['timeout', 'connect_failed']).toContain(code);
  expect(kindsOf(hub.heard)).toEqual([]);
});
