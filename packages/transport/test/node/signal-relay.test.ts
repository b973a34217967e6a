// Signalling through a relay over real WebSockets: members of a room find each other and connect over WebRTC; whoever breaks the rules is refused with
// a code.
import { afterEach, describe, expect, it } from 'vitest';
import { RaftkvError } from '@raftkv/wire';
import { dialWebSocket, memoryChannelPair } from '../../src/index.ts';
import type { Channel } from '../../src/index.ts';
import { nodeWebSocket } from '../../src/node/index.ts';
import { nodeWebRtc } from '../../src/node/webrtc.ts';
import { recordChannel } from '../../src/recorded-channel.ts';
import { openSignalRelay, openWebRtc, relaySignalling } from '../../src/webrtc/index.ts';
import type { RelaySignalling, SignalRelayOptions } from '../../src/webrtc/index.ts';
import { listen } from './loopback.ts';

const protocol = 'raftkv-signals.v1';
const WebSocket = nodeWebSocket();
const RTCPeerConnection = await nodeWebRtc();
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function startRelay(port = 0) {
  const relay = openSignalRelay();
  const loopback = await listen([{ path: '/signals', protocol, onChannel: (channel) => relay.accept(channel) }], port);
  closers.push(() => loopback.close());
  return { relay, loopback };
}

function join(port: number, id: string, room = 'room'): RelaySignalling {
  const url = `ws://127.0.0.1:${port}/signals`;
  const signalling = relaySignalling({
    room,
    id,
    dial: (signal) => dialWebSocket(url, { protocol, WebSocket, signal }),
  });
  closers.push(() => signalling.close());
  return signalling;
}

function openMember(id: string, signalling: RelaySignalling, onChannel: (channel: Channel) => void = () => {}) {
  const webRtc = openWebRtc({ selfId: id, signalling, onChannel, RTCPeerConnection });
  closers.push(() => webRtc.close());
  return webRtc;
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'nothing',
    (error: unknown) => RaftkvError.from(error).code,
  );

describe('a relay of signals', () => {
  it('lets two members of a room connect, and answers for one that is not there', async () => {
    const { relay, loopback } = await startRelay();
    const accepted: Channel[] = [];
    const a = openMember('a', join(loopback.port, 'a'));
    openMember('b', join(loopback.port, 'b'), (channel) => accepted.push(channel));
    openMember('c', join(loopback.port, 'c', 'another room'));
    await expect.poll(() => relay.members).toBe(3);
    const channel = await a.dial('b');
    await expect.poll(() => accepted.length).toBe(1);
    const atB = recordChannel(accepted[0]!);
    channel.send(Uint8Array.of(1));
    await atB.frames(1);
    expect(await codeOf(a.dial('c'))).toBe('connect_failed');
  });

  it('is found again after it was away, with what was said meanwhile; connections stand', async () => {
    const { relay, loopback } = await startRelay();
    const [toA, toB] = [join(loopback.port, 'a'), join(loopback.port, 'b')];
    const a = openMember('a', toA);
    openMember('b', toB);
    await expect.poll(() => relay.members).toBe(2);
    const channel = await a.dial('b');
    relay.close();
    await loopback.close();
    await expect.poll(() => toA.isConnected || toB.isConnected).toBe(false);
    expect(toA.lastError?.code).toBe('closed');
    const next = await startRelay(loopback.port);
    await expect.poll(() => next.relay.members).toBe(2);
    expect((await a.dial('b')).isOpen && channel.isOpen).toBe(true);
  });

  it('takes a member that comes back for the same one, and forgets those that leave', async () => {
    const { relay, loopback } = await startRelay();
    const first = join(loopback.port, 'a');
    await expect.poll(() => first.isConnected && relay.members === 1).toBe(true);
    first.close();
    await expect.poll(() => relay.members).toBe(0);
    const pair = [memoryChannelPair(), memoryChannelPair()] as const;
    for (const { right } of pair) relay.accept(right);
    const [older, newer] = pair.map(({ left }) => recordChannel(left));
    for (const { left } of pair) left.send(hello());
    expect((await older!.closed)?.code).toBe('closed');
    expect(relay.members).toBe(1);
    expect(newer!.ends()).toBe(0);
    relay.close();
    expect((await newer!.closed)?.code).toBe('closed');
    expect(relay.members).toBe(0);
  });

  const bye = { version: 1, session: 's', from: 'a', to: 'b', type: 'bye', code: 'closed', message: '' };
  it.each<[string, readonly (object | string)[], string, SignalRelayOptions]>([
    ['no JSON', ['{'], 'bad_frame', {}],
    ['a signal before the hello', [bye], 'bad_frame', {}],
    ['a hello of a later version', [{ type: 'hello', version: 2, room: 'r', id: 'a' }], 'unsupported_version', {}],
    ['a hello without a name', [{ type: 'hello', version: 1, room: 'r', id: '' }], 'bad_frame', {}],
    ['a long name', [{ type: 'hello', version: 1, room: 'x'.repeat(200), id: 'a' }], 'bad_frame', {}],
    ['words in the name of another', [helloWords(), { ...bye, from: 'b' }], 'bad_frame', {}],
    ['a signal that makes no sense', [helloWords(), { ...bye, type: 'shout' }], 'bad_frame', {}],
    ['a giant', [helloWords(), 'x'.repeat(70_000)], 'frame_too_large', {}],
    ['too many signals', [helloWords(), bye, bye, bye], 'busy', { limits: { maxSignalsInTenSeconds: 2 } }],
    ['silence', [], 'timeout', { limits: { helloMilliseconds: 10 } }],
    ['a full room', [helloWords()], 'busy', { limits: { maxRoomMembers: 0 } }],
    ['a full relay', [], 'busy', { limits: { maxMembers: 0 } }],
    [
      'a member that is not admitted',
      [helloWords()],
      'wrong_member',
      {
        admit: () => {
          throw new RaftkvError('wrong_member', 'not here');
        },
      },
    ],
  ])('closes with a code for %s', async (_, words, code, options) => {
    const relay = openSignalRelay(options);
    const { left, right } = memoryChannelPair();
    relay.accept(right);
    const atLeft = recordChannel(left);
    for (const word of words) left.send(bytesOf(word));
    expect((await atLeft.closed)?.code).toBe(code);
    expect(relay.members).toBe(0);
  });
});

function helloWords(): object {
  return { type: 'hello', version: 1, room: 'room', id: 'a' };
}

function hello(): Uint8Array {
  return bytesOf(helloWords());
}

function bytesOf(word: object | string): Uint8Array {
  return new TextEncoder().encode(typeof word === 'string' ? word : JSON.stringify(word));
}
