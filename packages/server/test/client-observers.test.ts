// Observers over the client protocol: opened, fed within their windows, limited, ended; what one connection does to others.
import { describe, expect, it } from 'vitest';
import { encodeCommand, feedBytes, rangeFrom } from '@raftkv/wire';
import type { ClientMessage, FeedChanges, FeedSnapshot, ServerMessage } from '@raftkv/wire';
import { createMetrics } from '../src/metrics.ts';
import { systemClock } from '../src/system-clock.ts';
import { talk } from './client-talk.ts';
import { ObserverCopy, hashOf } from './observer-copy.ts';
import { TestNode } from './test-node.ts';

type Talk = ReturnType<typeof talk>;
type FeedMessage = FeedSnapshot | FeedChanges;

const observe = (id: number, from = 0, ranges: readonly ReturnType<typeof rangeFrom>[] = []): ClientMessage => ({
  type: 'observe',
  id,
  from,
  ranges,
});

async function put(node: TestNode, key: string, value: Uint8Array | string = ''): Promise<void> {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  await node.write(encodeCommand({ session: undefined, command: { type: 'put', key, value: bytes } }));
}

/** Time stands still: feeds never have had their share of it. */
const frozenClock = { ...systemClock, now: () => 0 };

/** Bytes that do not get smaller, others for each seed. */
function noise(length: number, seed = 1): Uint8Array {
  let state = seed * 2_654_435_761;
  return Uint8Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 24;
  });
}

function feedOf({ peer }: Talk, id: number): FeedMessage[] {
  const isOfFeed = (message: ServerMessage): message is FeedMessage => 'payload' in message && message.id === id;
  return peer.received.filter(isOfFeed);
}

/** Consumes what comes until the copy is where the node is. */
async function consumeAll(one: Talk, node: TestNode, id: number, copy: ObserverCopy): Promise<void> {
  let done = copy.pieces;
  while (copy.consistentAt < node.revision || copy.snapshots + copy.pieces === 0) {
    await one.peer.settle();
    const fresh = feedOf(one, id).slice(done);
    done += fresh.length;
    for (const message of fresh) {
      copy.receive(message);
      one.peer.send({ type: 'watchConsumed', id, bytes: feedBytes(message) });
    }
  }
}

const contentOf = (node: TestNode): string => hashOf(node.scanLocal(rangeFrom({ all: true })).entries);

describe('an observer', () => {
  it('is fed a snapshot, then each change in the turn in which it was applied', async () => {
    const node = new TestNode({}, frozenClock);
    await put(node, 'a', '1');
    const one = talk(node);
    one.peer.send(observe(7));
    const copy = new ObserverCopy();
    await consumeAll(one, node, 7, copy);
    expect([copy.snapshots, copy.hash]).toEqual([1, contentOf(node)]);
    await put(node, 'b', '2');
    // No timer, no further turn of the event loop: microtasks only.
    for (let i = 0; i < 10; i++) await Promise.resolve();
    expect(feedOf(one, 7).at(-1)).toMatchObject({
      type: 'feedChanges',
      revision: node.revision,
      hash: contentOf(node),
    });
  });

  it('is sent no more than its window and a message ahead of what it consumed, and in the end everything', async () => {
    const node = new TestNode();
    const one = talk(node, { observerWindowBytes: 30_000 });
    one.peer.send(observe(7));
    await one.peer.settle();
    for (let at = 0; at < 80; at++) {
      await put(node, `k${at}`, noise(5_000, at + 1));
      await one.peer.settle();
    }
    const unconsumed = feedOf(one, 7).reduce((sum, message) => sum + feedBytes(message), 0);
    expect(unconsumed).toBeGreaterThanOrEqual(30_000);
    // The last message may hold a batch of several revisions.
    expect(unconsumed).toBeLessThan(30_000 + 128 * 1024 + 5_200);
    const copy = new ObserverCopy();
    await consumeAll(one, node, 7, copy);
    expect([copy.revision, copy.hash]).toEqual([node.revision, contentOf(node)]);
  });

  it('is sent a snapshot within its window too', async () => {
    const node = new TestNode({}, frozenClock);
    for (let at = 0; at < 100; at++) await put(node, `k${at}`, noise(5_000, at + 1));
    const one = talk(node, { observerWindowBytes: 30_000 });
    one.peer.send(observe(7));
    await one.peer.settle();
    expect(feedOf(one, 7).map(({ type }) => type)).toEqual(['feedSnapshot']);
    const copy = new ObserverCopy();
    await consumeAll(one, node, 7, copy);
    expect(copy.pieces).toBeGreaterThan(5);
    expect(copy.hash).toBe(contentOf(node));
  });

  it('that reads nothing costs the member no more than its window, however much is written', async () => {
    const node = new TestNode({ retainedRevisions: 50 }, frozenClock);
    const one = talk(node, {}, { highWaterBytes: 20_000, lowWaterBytes: 5_000 });
    one.peer.send(observe(7));
    await one.peer.settle();
    one.pair.stall('left');
    for (let at = 0; at < 500; at++) {
      await put(node, `k${at % 20}`, noise(2_000, at + 1));
      if (at % 50 === 0) await one.peer.settle();
    }
    expect(one.pair.right.bufferedBytes).toBeLessThan(20_000 + 150_000);
    one.pair.resume('left');
    const copy = new ObserverCopy();
    await consumeAll(one, node, 7, copy);
    expect(copy.snapshots).toBe(2);
    expect([copy.revision, copy.hash]).toEqual([node.revision, contentOf(node)]);
  });

  it('of some ranges is sent nothing else, and resumes on another connection without a snapshot', async () => {
    const node = new TestNode();
    const ranges = [rangeFrom({ prefix: 'user/' })];
    const first = talk(node);
    first.peer.send(observe(1, 0, ranges));
    await put(node, 'user/1', 'x');
    await put(node, 'other', 'y');
    const copy = new ObserverCopy();
    await consumeAll(first, node, 1, copy);
    first.pair.cut();
    await put(node, 'user/2', 'z');
    const second = talk(node);
    second.peer.send(observe(2, copy.revision, ranges));
    const resumed = new ObserverCopy(copy.revision, copy.entries.values());
    await consumeAll(second, node, 2, resumed);
    expect([...resumed.entries.keys()]).toEqual(['user/1', 'user/2']);
    expect(resumed.snapshots).toBe(0);
  });

  it('is refused beyond the limits, alone: busy, too many ranges, an id that is in use', async () => {
    const node = new TestNode();
    const one = talk(node, { maxObservers: 2, maxObserverRanges: 3 });
    const many = Array.from({ length: 4 }, (_, at) => rangeFrom({ prefix: `p${at}` }));
    one.peer.send(observe(1), observe(2, 0, many), observe(1), {
      type: 'watch',
      id: 5,
      range: many[0]!,
      from: 0,
      previous: false,
      progress: false,
    });
    one.peer.send(observe(5), observe(6, 0, [{ from: 'b', to: 'a' }]), observe(3), observe(4));
    one.peer.send({ type: 'watch', id: 3, range: many[0]!, from: 0, previous: false, progress: false });
    await one.peer.settle();
    expect(one.peer.of('watchCancelled').map(({ id, code }) => [id, code])).toEqual([
      [2, 'invalid_argument'],
      [1, 'invalid_argument'],
      [5, 'invalid_argument'],
      [6, 'invalid_argument'],
      [4, 'busy'],
      [3, 'invalid_argument'],
    ]);
    expect([one.session.openObservers, one.session.openWatches]).toEqual([2, 1]);
    expect(one.peer.ended).toBeUndefined();
  });

  it('ends by cancel and with the connection, and others go on', async () => {
    const node = new TestNode();
    const [one, other] = [talk(node), talk(node)];
    one.peer.send(observe(1), observe(2));
    other.peer.send(observe(1));
    await one.peer.settle();
    expect(node.observerCount).toBe(3);
    one.peer.send({ type: 'cancel', id: 1 });
    await one.peer.settle();
    expect(node.observerCount).toBe(2);
    await put(node, 'a', '1');
    await one.peer.settle();
    expect([feedOf(one, 1).length, feedOf(one, 2).length, feedOf(other, 1).length]).toEqual([1, 2, 2]);
    one.session.close();
    other.pair.cut();
    await one.peer.settle();
    expect(node.observerCount).toBe(0);
    expect(one.peer.ended).toBe('in order');
    await put(node, 'a', '2');
  });

  it('is ended by an entry that fits into no frame, and the others on the connection are not', async () => {
    const node = new TestNode();
    const one = talk(node, {}, { maxFrameBytes: 20_000 });
    one.peer.send(observe(1), observe(2, 0, [rangeFrom({ prefix: 'small' })]));
    await one.peer.settle();
    await put(node, 'big', noise(30_000));
    await put(node, 'small', noise(18_000));
    await one.peer.settle();
    expect(one.peer.of('watchCancelled')).toMatchObject([{ id: 1, code: 'frame_too_large' }]);
    expect(feedOf(one, 2)).toHaveLength(2);
    expect(node.observerCount).toBe(1);
    expect(Math.max(...one.peer.frames.map((frame) => frame.length))).toBeLessThanOrEqual(20_000);
  });

  it('is counted while it lives, with what was sent to it', async () => {
    const node = new TestNode();
    const metrics = createMetrics();
    const value = (name: string): number => metrics.families().find((one) => one.name === name)!.samples[0]!.value;
    const one = talk(node, { metrics });
    one.peer.send(observe(1), observe(2, 1));
    await put(node, 'a', '1');
    await one.peer.settle();
    expect([value('raftkv_observers'), value('raftkv_observer_snapshots_total')]).toEqual([2, 1]);
    const sent = [...feedOf(one, 1), ...feedOf(one, 2)].reduce((sum, message) => sum + feedBytes(message), 0);
    expect(value('raftkv_observer_bytes_total')).toBe(sent);
    one.session.close();
    await one.peer.settle();
    expect(value('raftkv_observers')).toBe(0);
    const operations = metrics.families().find((family) => family.name === 'raftkv_operations_total')!.samples;
    expect(operations).toContainEqual({ labels: { operation: 'observe', result: 'ok' }, value: 2 });
  });
});
