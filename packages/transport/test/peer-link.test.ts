// What one established channel does with messages, with a peer that does not read, and with hostile bytes.
import { encodePeerControl, encodePeerFrame } from '@raftkv/wire';
import type { Message } from '@raftkv/raft';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameInbox } from '../src/frame-inbox.ts';
import { defaultMeshLimits, memoryChannelPair } from '../src/index.ts';
import type { MemoryChannelOptions, MeshLimits } from '../src/index.ts';
import { PeerLink } from '../src/peer-link.ts';
import { isPart } from '../src/parts.ts';
import { recordChannel } from '../src/recorded-channel.ts';
import { settled } from './fake-clock.ts';
import { append, heartbeat, snapshotChunk, vote } from './messages.ts';

let now = 0;

function openLink(channels: MemoryChannelOptions = {}, limits: Partial<MeshLimits> = {}) {
  const pair = memoryChannelPair(channels);
  const received: Message[] = [];
  const ends: (string | undefined)[] = [];
  const link = new PeerLink({
    inbox: new FrameInbox(pair.left, 1000),
    selfId: 'a',
    peerId: 'b',
    storeId: 'store-b',
    diallerId: 'a',
    clock: { now: () => now },
    limits: { ...defaultMeshLimits, ...limits },
  });
  link.start({
    onFacts: () => {},
    onMessages: (messages) => received.push(...messages),
    onEnd: (error) => ends.push(error?.code),
  });
  return { pair, link, received, ends };
}

/** The other end of the same kind, so that what is cut here is joined there. */
function openBoth(channels: MemoryChannelOptions, limits: Partial<MeshLimits>) {
  const left = openLink(channels, limits);
  const received: Message[] = [];
  const order: string[] = [];
  const link = new PeerLink({
    inbox: new FrameInbox(left.pair.right, 1000),
    selfId: 'b',
    peerId: 'a',
    storeId: 'store-a',
    diallerId: 'a',
    clock: { now: () => now },
    limits: { ...defaultMeshLimits, ...limits },
  });
  link.start({
    onFacts: () => {},
    onMessages: (messages) => {
      received.push(...messages);
      order.push(...messages.map((message) => message.type));
    },
    onEnd: () => {},
  });
  return { ...left, other: link, receivedThere: received, order };
}

describe('a link to a peer', () => {
  it('puts the messages of a turn in one frame', async () => {
    const { pair, link } = openLink();
    const recorded = recordChannel(pair.right);
    const messages = [heartbeat('a', 'b'), append('a', 'b', 1000), vote('a', 'b')];
    expect(link.send(messages)).toBe(0);
    await settled();
    expect(recorded.received).toEqual([encodePeerFrame(messages)]);
  });

  it('splits a turn with much data into frames of about the size of a part, and one large message into parts', async () => {
    const { pair, link } = openLink({}, { maxPartBytes: 10_000 });
    const recorded = recordChannel(pair.right);
    link.send(Array.from({ length: 20 }, (_, index) => append('a', 'b', 1500, index)));
    link.send([append('a', 'b', 25_000, 20)]);
    await settled();
    expect(recorded.received.map(isPart)).toEqual([false, false, false, false, true, true, true]);
    expect(Math.max(...recorded.received.map((frame) => frame.length))).toBeLessThanOrEqual(10_000);
  });

  it('delivers a heartbeat before the snapshot chunk that was sent first', async () => {
    const { pair, link, order, receivedThere } = openBoth(
      { highWaterBytes: 2000, lowWaterBytes: 0 },
      { maxPartBytes: 1000 },
    );
    pair.stall('right');
    link.send([snapshotChunk('a', 'b', 50_000)]);
    link.send([heartbeat('a', 'b', 8)]);
    pair.resume('right');
    await settled();
    expect(order).toEqual(['heartbeatRequest', 'installSnapshotRequest']);
    expect(receivedThere[1]).toEqual(snapshotChunk('a', 'b', 50_000));
  });

  it('sends heartbeats first when a turn holds both and does not fit one frame', async () => {
    const { link, order } = openBoth({}, { maxPartBytes: 1000 });
    link.send([snapshotChunk('a', 'b', 50_000), heartbeat('a', 'b', 8)]);
    await settled();
    expect(order).toEqual(['heartbeatRequest', 'installSnapshotRequest']);
  });

  it('keeps appends in order, the empty one too', async () => {
    const { pair, link, receivedThere } = openBoth({ highWaterBytes: 2000, lowWaterBytes: 0 }, { maxPartBytes: 1000 });
    pair.stall('right');
    const sent = [append('a', 'b', 5000, 0), append('a', 'b', 200, 1), append('a', 'b', 0, 2), append('a', 'b', 10, 3)];
    for (const message of sent) link.send([message]);
    pair.resume('right');
    await settled();
    expect(receivedThere).toEqual(sent);
  });

  it('keeps no more for a peer that does not read than its limit, and still takes votes and heartbeats', async () => {
    const limits = { maxQueuedBytes: 1_000_000, maxPartBytes: 64_000 };
    const { pair, link } = openLink({ highWaterBytes: 100_000 }, limits);
    pair.stall('right');
    let dropped = 0;
    let most = 0;
    for (let index = 0; index < 5000; index += 1) {
      dropped += link.send([append('a', 'b', 10_000, index), heartbeat('a', 'b', index)]);
      most = Math.max(most, link.queuedBytes);
    }
    expect(dropped).toBeGreaterThan(4850);
    expect(dropped).toBeLessThan(5000);
    // Heartbeats come on top: five thousand small frames.
    expect(most).toBeLessThan(1_000_000 + 400_000);
    expect(link.send([vote('a', 'b')])).toBe(0);
    expect(link.isOpen).toBe(true);
  });

  it('drops a message that is larger than any frame may be', () => {
    const { link } = openLink({}, { maxFrameBytes: 10_000 });
    expect(link.send([append('a', 'b', 20_000)])).toBe(1);
  });

  it('answers a ping', async () => {
    const { pair } = openLink();
    const recorded = recordChannel(pair.right);
    pair.right.send(encodePeerControl({ type: 'ping', nonce: 77 }));
    await recorded.frames(1);
    expect(recorded.received).toEqual([encodePeerControl({ type: 'pong', nonce: 77 })]);
  });

  it('measures how long an answer takes, also of a peer that is heard all the time', async () => {
    const { pair, link } = openLink();
    const recorded = recordChannel(pair.right);
    const answer = async (nonce: number, milliseconds: number): Promise<void> => {
      await recorded.frames(nonce);
      now += milliseconds;
      pair.right.send(encodePeerControl({ type: 'pong', nonce }));
      await settled();
    };
    link.heartbeat();
    expect(link.roundTripMilliseconds).toBe(undefined);
    await answer(1, 8);
    expect(link.roundTripMilliseconds).toBe(8);
    for (let count = 0; count < 10; count += 1) {
      pair.right.send(encodePeerFrame([heartbeat('b', 'a')]));
      await settled();
      link.heartbeat();
    }
    await answer(2, 4);
    expect(link.roundTripMilliseconds).toBe(7);
    // An answer to what was not asked last tells nothing.
    now += 1000;
    pair.right.send(encodePeerControl({ type: 'pong', nonce: 1 }));
    await settled();
    expect(link.roundTripMilliseconds).toBe(7);
    expect(recorded.received).toHaveLength(2);
  });

  it('closes on a message in the name of another, or for another', async () => {
    for (const message of [heartbeat('c', 'a'), heartbeat('b', 'c')]) {
      const { pair, received, ends } = openLink();
      const recorded = recordChannel(pair.right);
      pair.right.send(encodePeerFrame([heartbeat('b', 'a'), message]));
      expect((await recorded.closed)?.code).toBe('bad_frame');
      await settled();
      expect(ends).toEqual(['bad_frame']);
      expect(received).toEqual([]);
    }
  });

  it('closes on hostile bytes with a code, delivers nothing from them, and never throws', async () => {
    const seedFrame = encodePeerFrame([append('b', 'a', 20), heartbeat('b', 'a')]);
    const mutated = fc
      .tuple(fc.nat(seedFrame.length - 1), fc.integer({ min: 1, max: 255 }), fc.nat(seedFrame.length))
      .map(([at, flip, end]) => {
        const frame = seedFrame.slice();
        frame[at] = frame[at]! ^ flip;
        return frame.subarray(0, end);
      });
    const part = fc.uint8Array({ maxLength: 40 }).map((bytes) => Uint8Array.of(0xf0, 0, 0, 0, 50, ...bytes));
    const control = fc.uint8Array({ maxLength: 40 }).map((bytes) => Uint8Array.of(0x81, ...bytes));
    const any = fc.oneof(fc.uint8Array({ maxLength: 60 }), mutated, part, control);
    const codes = new Set<string | undefined>();
    await fc.assert(
      fc.asyncProperty(fc.array(any, { minLength: 1, maxLength: 4 }), async (frames) => {
        const { pair, ends, received } = openLink();
        recordChannel(pair.right);
        for (const frame of frames) pair.right.send(frame);
        await settled();
        for (const code of ends) codes.add(code);
        expect(received.every((message) => message.from === 'b' && message.to === 'a')).toBe(true);
        pair.cut();
      }),
      { seed: 3, numRuns: 500 },
    );
    expect([...codes].sort()).toEqual(['bad_frame', 'frame_too_large', 'unsupported_version']);
  });
});
