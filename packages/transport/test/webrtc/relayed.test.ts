// The way through a relay, in one process: as a channel it keeps what every channel promises; nobody's queue grows without bound, nobody is sent to who left,
// and bytes of an enemy end the enemy's channel alone. With real connections, see `test/node/relayed-mesh.test.ts`.
import { afterEach, describe, expect, it } from 'vitest';
import { RaftkvError } from '@raftkv/wire';
import { describeChannel } from '../../src/conformance.ts';
import { recordChannel } from '../../src/recorded-channel.ts';
import { openWebRtc, webRtcChannel } from '../../src/webrtc/index.ts';
import type { RelayedLink, WebRtcOptions } from '../../src/webrtc/index.ts';
import {
  decodeReason,
  decodeRelayFrame,
  encodeCount,
  encodeReason,
  encodeRelayFrame,
  nothing,
} from '../../src/webrtc/relay-frame.ts';
import type { RelayFrame, RelayFrameKind } from '../../src/webrtc/relay-frame.ts';
import { Room, closers, link } from './relay-room.ts';
import { FakeClock } from '../fake-clock.ts';

afterEach(() => {
  for (const close of closers.splice(0).reverse()) close();
});

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'nothing',
    (error: unknown) => RaftkvError.from(error).code,
  );

function frame(kind: RelayFrameKind, peer: string, payload: Uint8Array = nothing, number = 1): Uint8Array {
  return encodeRelayFrame({ kind, peer, link: number, payload });
}

for (const pipe of ['channel', 'bulk pipe'] as const) {
  describeChannel(
    `the ${pipe} of a link through a relay`,
    async (limits) => {
      const room = new Room({ limits: { relayedBytesPerSecond: 2 ** 30, totalRelayedBytesPerSecond: 2 ** 30 } });
      const [a, b] = await room.both();
      const channels = (await link(a, b)).map(({ ports }) => webRtcChannel(ports, limits));
      const [left, right] = channels.map((channel) => (pipe === 'channel' ? channel : channel.bulk));
      return {
        left: left!,
        right: right!,
        stallRight: () => b.pairs.at(-1)!.stall('left'),
        resumeRight: () => b.pairs.at(-1)!.resume('left'),
        cut: () => [a, b].forEach(({ pairs }) => pairs.at(-1)!.cut()),
        dispose: async () => {
          for (const channel of channels) channel.close();
          a.signalling.close();
          b.signalling.close();
        },
      };
    },
    { describe, it, expect },
  );
}

describe('links through a relay', () => {
  it('let go of each other in order, and then nothing more is said', async () => {
    const room = new Room();
    const [a, b] = await room.both();
    let released = 0;
    const onReleased = (): void => void (released += 1);
    const [left, right] = (await link(a, b)).map(({ ports }) => webRtcChannel(ports, { onReleased }));
    const [atLeft, atRight] = [recordChannel(left!), recordChannel(right!)];
    left!.send(Uint8Array.of(1));
    left!.close();
    expect(await atRight.closed).toBe(undefined);
    expect(await atLeft.closed).toBe(undefined);
    expect(atRight.received).toHaveLength(1);
    await expect.poll(() => released).toBe(2);
    await new Promise((resolve) => setImmediate(resolve));
    const carried = room.relay.relayedBytes;
    left!.send(Uint8Array.of(1));
    await new Promise((resolve) => setImmediate(resolve));
    expect(room.relay.relayedBytes).toBe(carried);
  });

  it('end with connection_lost at once when the other side left, came back as somebody new, or the relay went', async () => {
    const room = new Room({ limits: { proofMilliseconds: 10 } });
    const [a, b] = await room.both();
    const first = recordChannel(webRtcChannel((await link(a, b))[0].ports));
    b.signalling.close();
    expect((await first.closed)?.code).toBe('connection_lost');

    const again = room.join('b');
    await expect.poll(() => room.relay.members).toBe(2);
    const second = recordChannel(webRtcChannel((await link(a, again))[0].ports));
    again.pairs.at(-1)!.stall('left');
    room.enemy('b');
    expect((await second.closed)?.code).toBe('connection_lost');

    const c = room.join('c');
    await expect.poll(() => c.signalling.isConnected && room.relay.members === 3).toBe(true);
    const third = a.signalling.links.open('c');
    const taken = new Promise<RelayedLink>((resolve) => c.signalling.links.listen(resolve));
    const ends = [await third, await taken].map(({ ports }) => recordChannel(webRtcChannel(ports)));
    a.pairs.at(-1)!.cut();
    for (const end of ends) expect((await end.closed)?.code).toBe('connection_lost');
  });

  it('are refused with a code: nobody there, nobody that takes them, a stranger, too many, no relay, no time', async () => {
    const room = new Room();
    const [a, b] = await room.both();
    const { links } = a.signalling;
    expect(await codeOf(links.open('nobody'))).toBe('connect_failed');
    expect(await codeOf(links.open('a'))).toBe('connect_failed');
    expect(await codeOf(links.open('b'))).toBe('unsupported');
    const options: Partial<WebRtcOptions> = { isWelcome: (id) => id !== 'a', relayed: b.signalling.links };
    const webRtc = openWebRtc({ selfId: 'b', signalling: b.signalling, onChannel: () => undefined, ...options });
    expect(await codeOf(links.open('b'))).toBe('wrong_member');
    webRtc.close();
    openWebRtc({
      selfId: 'b',
      signalling: b.signalling,
      onChannel: () => undefined,
      relayed: b.signalling.links,
      limits: { maxSessions: 0 },
    });
    expect(await codeOf(links.open('b'))).toBe('busy');
    expect(await codeOf(links.open('b', { signal: AbortSignal.abort() }))).toBe('cancelled');
    room.enemy('mute');
    expect(await codeOf(links.open('mute', { milliseconds: 5 }))).toBe('timeout');
    const abort = new AbortController();
    const opening = codeOf(links.open('mute', { signal: abort.signal }));
    abort.abort();
    expect(await opening).toBe('cancelled');
    room.relay.close();
    await expect.poll(() => a.signalling.isConnected).toBe(false);
    expect(await codeOf(links.open('b'))).toBe('connect_failed');
  });

  it('say what they are for, and are refused for what nobody knows or an older build does not agree to', async () => {
    const room = new Room();
    const [a, b] = await room.both();
    const taken: string[] = [];
    b.signalling.links.listen(({ purpose }) => taken.push(purpose));
    expect((await a.signalling.links.open('b', { purpose: 'client' })).purpose).toBe('client');
    expect((await a.signalling.links.open('b')).purpose).toBe('peer');
    expect(taken).toEqual(['client', 'peer']);

    const stranger = room.enemy('stranger');
    await expect.poll(() => room.relay.members).toBe(3);
    stranger.channel.send(frame('open', 'b', new TextEncoder().encode('gossip')));
    await stranger.heard.frames(1);
    const { kind, payload } = decodeRelayFrame(stranger.heard.received[0]!);
    expect([kind, decodeReason(payload, 'b')?.code]).toEqual(['end', 'unsupported']);

    const opening = codeOf(a.signalling.links.open('stranger', { purpose: 'client' }));
    await stranger.heard.frames(2);
    const asked = decodeRelayFrame(stranger.heard.received[1]!);
    stranger.channel.send(frame('opened', 'a', nothing, asked.link));
    expect(await opening).toBe('unsupported');
  });

  it('of one member are so many at a time, and those of another are taken all the same', async () => {
    const room = new Room();
    const [a, b] = await room.both();
    const c = room.join('c');
    await expect.poll(() => c.signalling.isConnected).toBe(true);
    const { signalling } = b;
    openWebRtc({
      selfId: 'b',
      signalling,
      onChannel: (channel) => recordChannel(channel),
      relayed: signalling.links,
      limits: { maxSessionsOfOne: 2 },
    });
    const [first] = [await a.signalling.links.open('b'), await a.signalling.links.open('b')];
    expect(await codeOf(a.signalling.links.open('b'))).toBe('busy');
    expect(await codeOf(c.signalling.links.open('b'))).toBe('nothing');
    first!.ports.urgent.close();
    first!.ports.bulk.close();
    await expect.poll(() => codeOf(a.signalling.links.open('b'))).toBe('nothing');
  });

  it('are not carried by a relay that may carry nothing', async () => {
    const room = new Room({ limits: { relayedBytesPerSecond: 0 } });
    const [a] = await room.both();
    expect(await codeOf(a.signalling.links.open('b'))).toBe('connect_failed');
  });

  it('keep little under way to one that does not read, however much is sent', async () => {
    const room = new Room();
    const [a, b] = await room.both();
    const [left] = (await link(a, b)).map(({ ports }) => webRtcChannel(ports));
    recordChannel(left!);
    b.pairs.at(-1)!.stall('left');
    const before = room.relay.relayedBytes;
    left!.bulk.send(new Uint8Array(4 << 20));
    left!.send(new Uint8Array(1 << 20));
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    const carried = room.relay.relayedBytes - before;
    expect(carried).toBeGreaterThan(200 * 1024);
    expect(carried).toBeLessThanOrEqual(320 * 1024);
    expect(a.signalling.isConnected).toBe(true);
  });
});

describe('a relay that carries', () => {
  it.each<[string, () => Uint8Array[], string]>([
    ['a frame of another version', () => [Uint8Array.of(0xa0, 0, 1, 0, 0, 0, 0, 98)], 'unsupported_version'],
    ['half a frame', () => [Uint8Array.of(0x90, 0, 1)], 'bad_frame'],
    ['a frame of an unknown kind', () => [Uint8Array.of(0x9f, 0, 1, 0, 0, 0, 0, 98)], 'bad_frame'],
    ['a frame for nobody', () => [Uint8Array.of(0x92, 0, 0, 0, 0, 0, 0)], 'bad_frame'],
    ['a name longer than the frame', () => [Uint8Array.of(0x92, 0xff, 0xff, 0, 0, 0, 0, 98)], 'bad_frame'],
    ['a giant name', () => [frame('open', 'x'.repeat(600))], 'bad_frame'],
    ['a name that is no text', () => [Uint8Array.of(0x92, 0, 1, 0, 0, 0, 0, 0xff)], 'bad_frame'],
    ['a giant piece', () => [frame('bulk', 'b', new Uint8Array(16 * 1024 + 1))], 'frame_too_large'],
    ['the word of the relay', () => [frame('absent', 'b')], 'bad_frame'],
    [
      'more under way than a window',
      () => Array.from({ length: 200 }, () => frame('bulk', 'b', new Uint8Array(16 * 1024))),
      'busy',
    ],
    ['many tiny pieces', () => Array.from({ length: 20_000 }, () => frame('urgent', 'b')), 'busy'],
    ['many openings', () => Array.from({ length: 2001 }, () => frame('open', 'nobody')), 'busy'],
  ])('closes with a code for %s, and the others go on', async (_, words, code) => {
    const room = new Room({ limits: { relayedBytesPerSecond: 200_000 } });
    const [a, b] = await room.both();
    const [left, right] = (await link(a, b)).map(({ ports }) => webRtcChannel(ports));
    const atRight = recordChannel(right!);
    const enemy = room.enemy('enemy');
    for (const word of words()) enemy.channel.send(word);
    expect((await enemy.heard.closed)?.code).toBe(code);
    left!.send(Uint8Array.of(1));
    await atRight.frames(1);
    expect(room.relay.members).toBe(2);
  });

  it('lets nobody send faster than its share; what is urgent passes what is large, and one member another', async () => {
    const clock = new FakeClock();
    const limits = { relayedBytesPerSecond: 100_000, totalRelayedBytesPerSecond: 1_000_000 };
    const room = new Room({ clock, limits });
    const [a, b, c] = ['a', 'b', 'c'].map((id) => room.enemy(id));
    await expect.poll(() => room.relay.members).toBe(3);
    const arrived = (): string[] =>
      b!.heard.received
        .map((bytes) => decodeRelayFrame(bytes))
        .map(({ kind, peer }: RelayFrame) => `${kind} of ${peer}`);
    for (let count = 0; count < 20; count += 1) a!.channel.send(frame('bulk', 'b', new Uint8Array(10_000)));
    await clock.advance(0);
    // What a rest of half a second allows, and one more.
    expect(arrived()).toHaveLength(5);
    a!.channel.send(frame('urgent', 'b', Uint8Array.of(1)));
    c!.channel.send(frame('bulk', 'b', Uint8Array.of(1)));
    await clock.advance(0);
    expect(arrived().at(-1)).toBe('bulk of c');
    await clock.advance(10);
    expect(arrived()[6]).toBe('urgent of a');
    await clock.advance(1000);
    expect(arrived().length).toBeLessThanOrEqual(18);
    await clock.advance(1000);
    expect(arrived()).toHaveLength(22);
  });

  it('takes a count of more than was sent, or half a count, for the end of that link', async () => {
    for (const payload of [encodeCount(1), Uint8Array.of(1)]) {
      const room = new Room();
      const a = room.join('a');
      await expect.poll(() => room.relay.members).toBe(1);
      const enemy = room.enemy('b');
      await expect.poll(() => room.relay.members).toBe(2);
      const opening = a.signalling.links.open('b');
      await enemy.heard.frames(1);
      const { link: number } = decodeRelayFrame(enemy.heard.received[0]!);
      enemy.channel.send(frame('opened', 'a', nothing, number));
      const heard = recordChannel(webRtcChannel((await opening).ports));
      enemy.channel.send(frame('takenBulk', 'a', payload, number));
      expect((await heard.closed)?.code).toBe('connection_lost');
      await enemy.heard.frames(2);
      const last = decodeRelayFrame(enemy.heard.received[1]!);
      expect([last.kind, last.payload.subarray(0, 2)]).toEqual([
        'end',
        encodeReason(new RaftkvError('bad_frame', '')).subarray(0, 2),
      ]);
      expect(a.signalling.isConnected).toBe(true);
    }
  });
});
