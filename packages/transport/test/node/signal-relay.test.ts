// Signalling through a relay over real WebSockets: members of a room find each other and connect over WebRTC; whoever breaks the rules is refused with
// a code.
import { describe, expect, it } from 'vitest';
import { RaftkvError } from '@raftkv/wire';
import { memoryChannelPair } from '../../src/index.ts';
import type { Channel, MemoryChannelPair } from '../../src/index.ts';
import { nodeWebRtc } from '../../src/node/webrtc.ts';
import { recordChannel } from '../../src/recorded-channel.ts';
import { openSignalRelay, openWebRtc, relaySignalling } from '../../src/webrtc/index.ts';
import { relayRoom } from '../../src/webrtc/relay-message.ts';
import type { RelaySignalling, SignalRelayOptions } from '../../src/webrtc/index.ts';
import { FakeClock } from '../fake-clock.ts';
import { closeLater, roomSecret, startRelay } from './loopback-relay.ts';

const RTCPeerConnection = await nodeWebRtc();
function openMember(id: string, signalling: RelaySignalling, onChannel: (channel: Channel) => void = () => {}) {
  const webRtc = openWebRtc({ selfId: id, signalling, onChannel, RTCPeerConnection });
  closeLater(() => webRtc.close());
  return webRtc;
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'nothing',
    (error: unknown) => RaftkvError.from(error).code,
  );

describe('a relay of signals', () => {
  it('tells those who ask who else is in their room, and nobody else anything', async () => {
    const { relay, join, watch } = await startRelay();
    const a = watch('a');
    const signals: unknown[] = [];
    const quiet = join('b');
    quiet.listen((signal) => signals.push(signal));
    join('x', 'another room');
    await expect.poll(() => a.told.at(-1)).toEqual(['b']);
    const c = watch('c');
    await expect.poll(() => c.told.at(-1)).toEqual(['a', 'b']);
    await expect.poll(() => a.told.at(-1)).toEqual(['b', 'c']);
    quiet.close();
    await expect.poll(() => a.told.at(-1)).toEqual(['c']);
    relay.close();
    await expect.poll(() => a.told.at(-1)).toEqual([]);
    expect(signals).toEqual([]);
  });

  it('lets nobody hear a word, or go by a name, who has not the secret of the room', async () => {
    const { relay, join } = await startRelay();
    const a = openMember('a', join('a'));
    const guesser = join('b', 'room', 'what one would guess');
    const heard: unknown[] = [];
    guesser.listen((signal) => heard.push(signal));
    await expect.poll(() => relay.members).toBe(2);
    expect(await codeOf(a.dial('b'))).toBe('connect_failed');
    expect(heard).toHaveLength(0);
    expect(await codeOf(openMember('b', guesser).dial('a'))).toBe('connect_failed');
    const dial = () => Promise.reject(new RaftkvError('connect_failed', ''));
    expect(() => relaySignalling({ room: 'room', secret: 'fifteen letters', id: 'a', dial })).toThrow('16 bytes');
    const names = [
      relayRoom('a', 'b'.repeat(16)),
      relayRoom('ab', 'b'.repeat(15) + 'c'),
      relayRoom('ab', 'b'.repeat(16)),
    ];
    expect(new Set(names).size).toBe(3);
  });

  it('leaves a name to the one that lives, and gives it to another when nobody answers for it', async () => {
    const clock = new FakeClock();
    const relay = openSignalRelay({ clock });
    const come = (key: string) => {
      const { left, right } = memoryChannelPair();
      relay.accept(right);
      const heard = recordChannel(left);
      left.send(bytesOf({ ...helloWords(), key }));
      return { left, heard };
    };
    const wordsOf = (heard: ReturnType<typeof recordChannel>): string[] =>
      heard.received.map((frame) => (JSON.parse(new TextDecoder().decode(frame)) as { type: string }).type);
    const holder = come('first');
    await holder.heard.frames(1);
    const another = come('second');
    await holder.heard.frames(2);
    expect(wordsOf(holder.heard)).toEqual(['welcome', 'ping']);
    expect(await codeOfEnd(come('third').heard)).toBe('busy');
    holder.left.send(bytesOf({ type: 'pong' }));
    expect(await codeOfEnd(another.heard)).toBe('wrong_member');
    expect(wordsOf(another.heard)).toEqual([]);

    // The same one, that came back by another channel, need not wait, and whoever asked for its name is refused.
    const impatient = come('fourth');
    await holder.heard.frames(3);
    const again = come('first');
    expect(await codeOfEnd(holder.heard)).toBe('closed');
    expect(await codeOfEnd(impatient.heard)).toBe('wrong_member');
    await again.heard.frames(1);

    const heir = come('fifth');
    await again.heard.frames(2);
    await clock.advance(2999);
    expect(heir.heard.received).toHaveLength(0);
    await clock.advance(1);
    expect(await codeOfEnd(again.heard)).toBe('closed');
    await heir.heard.frames(1);
    expect([wordsOf(heir.heard), relay.members]).toEqual([['welcome'], 1]);

    // One that waits for a name has it at once when the other one leaves; one that speaks too early does not.
    const next = come('sixth');
    await heir.heard.frames(2);
    heir.left.close();
    await next.heard.frames(1);
    const rude = come('seventh');
    await next.heard.frames(2);
    rude.left.send(hello());
    expect(await codeOfEnd(rude.heard)).toBe('bad_frame');
    expect(relay.members).toBe(1);
    expect(next.heard.ends()).toBe(0);
  });

  it('is answered by members that live, so that another one cannot have their name', async () => {
    const { relay, join } = await startRelay();
    const first = join('a');
    await expect.poll(() => first.isConnected).toBe(true);
    const second = join('a');
    await expect.poll(() => second.lastError?.code).toBe('wrong_member');
    expect([first.isConnected, relay.members]).toEqual([true, 1]);
    first.close();
    await expect.poll(() => second.isConnected).toBe(true);
  });

  it('lets two members of a room connect, and answers for one that is not there', async () => {
    const { relay, join } = await startRelay();
    const accepted: Channel[] = [];
    const a = openMember('a', join('a'));
    openMember('b', join('b'), (channel) => accepted.push(channel));
    openMember('c', join('c', 'another room'));
    await expect.poll(() => relay.members).toBe(3);
    const channel = await a.dial('b');
    await expect.poll(() => accepted.length).toBe(1);
    const atB = recordChannel(accepted[0]!);
    channel.send(Uint8Array.of(1));
    await atB.frames(1);
    expect(await codeOf(a.dial('c'))).toBe('connect_failed');
  });

  it('lets a member that floods another with signals drown its own alone', async () => {
    const relay = openSignalRelay({ limits: { maxSignalLaneBytes: 50_000 } });
    closeLater(() => relay.close());
    const come = (id: string) => {
      const pair = memoryChannelPair();
      relay.accept(pair.right);
      const heard = recordChannel(pair.left);
      pair.left.send(bytesOf({ ...helloWords(), id, key: id }));
      return { pair, heard };
    };
    const [slow, flooder, quiet] = ['slow', 'flooder', 'quiet'].map(come);
    await expect.poll(() => relay.members).toBe(3);
    await slow!.heard.frames(1);
    // It reads nothing for a while.
    slow!.pair.stall('left');
    const note = (from: string, text: string) =>
      bytesOf({ version: 1, session: '', from, to: 'slow', type: 'note', text });
    for (let i = 0; i < 1_500; i += 1) flooder!.pair.left.send(note('flooder', `${i} ${'x'.repeat(1_900)}`));
    await expect.poll(() => flooder!.pair.left.bufferedBytes).toBe(0);
    for (let i = 0; i < 10; i += 1) quiet!.pair.left.send(note('quiet', String(i)));
    await expect.poll(() => quiet!.pair.left.bufferedBytes).toBe(0);
    slow!.pair.resume('left');
    const texts = (from: string): string[] =>
      slow!.heard.received
        .slice(1)
        .map((frame) => JSON.parse(new TextDecoder().decode(frame)) as { from: string; text: string })
        .filter((signal) => signal.from === from)
        .map(({ text }) => text);
    await expect.poll(() => texts('quiet')).toEqual(Array.from({ length: 10 }, (_, i) => String(i)));
    // In their order, and no more than was on its way and in its lane.
    const came = texts('flooder').map((text) => Number(text.split(' ')[0]));
    expect(came).toEqual(came.map((_, i) => i));
    expect(came.length).toBeGreaterThan(100);
    expect(came.length).toBeLessThan(500);
    expect(flooder!.heard.ends()).toBe(0);
  });

  it('passes on a word that needs no channel, to the one that it names', async () => {
    const { relay, join } = await startRelay();
    const [a, b, c] = [join('a'), join('b'), join('c')];
    const heard: unknown[] = [];
    b.listen((signal) => heard.push(signal));
    c.listen(() => heard.push('c heard it too'));
    await expect.poll(() => relay.members).toBe(3);
    const note = { version: 1, session: 's', from: 'a', to: 'b', type: 'note', text: 'x'.repeat(2_000) } as const;
    a.send({ ...note, to: 'nobody' });
    a.send(note);
    await expect.poll(() => heard).toEqual([note]);
    a.send({ ...note, text: 'x'.repeat(2_001) });
    await expect.poll(() => a.lastError?.code).toBe('bad_frame');
  });

  it('is found again after it was away, with what was said meanwhile; connections stand', async () => {
    const { relay, join, port, close } = await startRelay();
    const [toA, toB] = [join('a'), join('b')];
    const a = openMember('a', toA);
    openMember('b', toB);
    await expect.poll(() => relay.members).toBe(2);
    const channel = await a.dial('b');
    relay.close();
    await close();
    await expect.poll(() => toA.isConnected || toB.isConnected).toBe(false);
    expect(toA.lastError?.code).toBe('closed');
    const next = await startRelay(port);
    await expect.poll(() => next.relay.members).toBe(2);
    expect((await a.dial('b')).isOpen && channel.isOpen).toBe(true);
  });

  it('is asked now and then whether it still hears, at once when the network changed, and dialled again when not', async () => {
    const clock = new FakeClock();
    const relay = openSignalRelay({ clock });
    closeLater(() => relay.close());
    const pairs: MemoryChannelPair[] = [];
    const dial = async (): Promise<Channel> => {
      const pair = memoryChannelPair();
      pairs.push(pair);
      relay.accept(pair.right);
      return pair.left;
    };
    const signalling = relaySignalling({ room: 'room', secret: roomSecret, id: 'a', dial, clock, random: () => 0.5 });
    closeLater(() => signalling.close());
    await clock.advance(0);
    await expect.poll(() => signalling.isConnected).toBe(true);
    for (let seconds = 0; seconds < 60; seconds += 1) await clock.advance(1000);
    expect([signalling.isConnected, pairs.length]).toEqual([true, 1]);

    // As after another network was joined: nothing comes through, and nobody says that.
    pairs[0]!.stall('right');
    signalling.networkChanged();
    await clock.advance(2999);
    expect(signalling.isConnected).toBe(true);
    await clock.advance(1);
    await expect.poll(() => signalling.lastError?.code).toBe('timeout');
    await clock.advance(100);
    await expect.poll(() => pairs.length).toBe(2);
    await expect.poll(() => signalling.isConnected).toBe(true);
  });

  it('that does not say welcome in time, or before the network changes, is dialled again', async () => {
    const clock = new FakeClock();
    const pairs: MemoryChannelPair[] = [];
    const dial = async (): Promise<Channel> => {
      const pair = memoryChannelPair();
      pairs.push(pair);
      // As a socket that stood a moment ago, on a network that is gone: what is sent is taken, and nothing comes back.
      pair.right.start({ onFrame: () => undefined, onClose: () => undefined });
      return pair.left;
    };
    const signalling = relaySignalling({ room: 'room', secret: roomSecret, id: 'a', dial, clock, random: () => 0.5 });
    closeLater(() => signalling.close());
    await clock.advance(9_999);
    expect([pairs.length, signalling.lastError]).toEqual([1, undefined]);
    await clock.advance(1);
    await expect.poll(() => signalling.lastError?.code).toBe('timeout');
    await clock.advance(100);
    await expect.poll(() => pairs.length).toBe(2);

    signalling.networkChanged();
    await clock.advance(200);
    await expect.poll(() => pairs.length).toBe(3);
    const relay = openSignalRelay({ clock });
    closeLater(() => relay.close());
    signalling.close();
    await clock.advance(60_000);
    expect(pairs.length).toBe(3);
  });

  it('takes a member that comes back for the same one, and forgets those that leave', async () => {
    const { relay, join } = await startRelay();
    const first = join('a');
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
    ['a hello of a later version', [{ ...helloWords(), version: 3 }], 'unsupported_version', {}],
    ['a hello of an older version', [{ ...helloWords(), version: 1 }], 'unsupported_version', {}],
    ['a hello without a name', [{ ...helloWords(), id: '' }], 'bad_frame', {}],
    ['a hello without a key', [{ ...helloWords(), key: undefined }], 'bad_frame', {}],
    ['a room that is no hash', [{ ...helloWords(), room: 'room' }], 'bad_frame', {}],
    ['a welcome, which is the relay’s to say', [helloWords(), { type: 'welcome' }], 'bad_frame', {}],
    ['a long name', [{ ...helloWords(), id: 'x'.repeat(200) }], 'bad_frame', {}],
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

const codeOfEnd = async (heard: ReturnType<typeof recordChannel>): Promise<string | undefined> =>
  (await heard.closed)?.code;

function helloWords(): object {
  return { type: 'hello', version: 2, room: relayRoom('room', roomSecret), id: 'a', key: 'k' };
}

function hello(): Uint8Array {
  return bytesOf(helloWords());
}

function bytesOf(word: object | string): Uint8Array {
  return new TextEncoder().encode(typeof word === 'string' ? word : JSON.stringify(word));
}
