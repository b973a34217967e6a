// Observers together: what is made once for all of them, how they share the time, and what they leave behind.
import { describe, expect, it } from 'vitest';
import type { FeedPiece } from '../src/node-api.ts';
import { FeedBench, settle } from './feed-talk.ts';
import type { Observing } from './feed-talk.ts';
import { entriesIn, hashOf } from './observer-copy.ts';

const text = (length: number, at: number): Uint8Array => new Uint8Array(length).fill(at);

function crowd(
  bench: FeedBench,
  count: number,
  from = 0,
  ranges: Parameters<FeedBench['observe']>[1] = [],
): Observing[] {
  return Array.from({ length: count }, () => bench.observe(from, ranges));
}

describe('a thousand observers at the same place', () => {
  it('get the same bytes, encoded and compressed once', async () => {
    const bench = new FeedBench();
    bench.put('a', 'x');
    const all = crowd(bench, 1000, bench.revision);
    for (let at = 0; at < 20; at++) {
      bench.put(`k${at}`, text(4000, at));
      const pieces = all.map(({ feed }) => feed.take()!);
      expect(new Set(pieces.map(({ payload }) => payload)).size).toBe(1);
      expect(pieces[0]).toMatchObject({ isDeflated: true, revision: bench.revision });
      all[0]!.copy.receive(pieces[0]!);
      expect(all[at]!.feed.take()).toBeUndefined();
      await settle();
    }
    expect(bench.deflations).toBe(20);
    expect(all[0]!.copy.hash).toBe(bench.machine.store.contentHash());
  });

  it('in ranges asked for in other words still share', () => {
    const bench = new FeedBench();
    const one = bench.observe(1, [{ from: 'a', to: 'c' }]);
    const other = bench.observe(1, [
      { from: 'b', to: 'c' },
      { from: 'a', to: 'b' },
      { from: 'aa', to: 'bb' },
    ]);
    const third = bench.observe(1, [
      { from: 'b', to: 'c' },
      { from: 'a', to: 'b' },
    ]);
    bench.put('b', text(4000, 1));
    const { payload } = one.feed.take()!;
    expect(other.feed.take()!.payload).toBe(payload);
    expect(third.feed.take()!.payload).toBe(payload);
  });

  it('share the pages of their snapshots too, but for those in which something changed', () => {
    const bench = new FeedBench();
    const name = (at: number): string => `k${String(at).padStart(3, '0')}`;
    for (let at = 0; at < 200; at++) bench.put(name(at), text(2000, at));
    const pages = ({ feed, copy }: Observing): FeedPiece[] => {
      const pieces: FeedPiece[] = [];
      for (let piece = feed.take(); piece !== undefined; piece = feed.take()) {
        copy.receive(piece);
        if (piece.type === 'feedSnapshot') pieces.push(piece);
      }
      return pieces;
    };
    // One observer that stays in its snapshot keeps the pages alive.
    const slow = bench.observe();
    const first = pages(bench.observe());
    expect(first.length).toBeGreaterThan(4);
    const before = bench.deflations;
    const second = pages(bench.observe());
    expect(second.map(({ payload }) => payload)).toEqual(first.map(({ payload }) => payload));
    expect(bench.deflations).toBe(before);
    bench.put(name(100), text(2000, 7));
    const late = bench.observe();
    const third = pages(late);
    expect(third.filter(({ payload }, at) => payload !== first[at]?.payload)).toHaveLength(1);
    expect(bench.deflations).toBe(before + 1);
    expect(late.copy.hash).toBe(bench.machine.store.contentHash());
    slow.copy.drain(slow.feed);
    expect(slow.copy.hash).toBe(bench.machine.store.contentHash());
    // Nobody is in a snapshot any more: the pages are gone.
    const again = pages(bench.observe());
    expect(bench.deflations).toBe(before + 1 + again.length);
  });

  it('are not sent compressed what does not become smaller, nor what is small anyway', () => {
    const bench = new FeedBench();
    const { feed } = bench.observe(1);
    bench.put('a', text(800, 1));
    expect(feed.take()).toMatchObject({ isDeflated: false });
    expect(bench.deflations).toBe(0);
    let state = 1;
    const noise = Uint8Array.from(
      { length: 5000 },
      () => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) >>> 24,
    );
    bench.put('b', noise);
    expect(feed.take()).toMatchObject({ isDeflated: false });
    expect(bench.deflations).toBe(1);
  });
});

describe('the time of the loop', () => {
  it('is shared: feeds stop once a turn has cost its share, rest, and go on where they stopped', async () => {
    const bench = new FeedBench();
    bench.deflateMilliseconds = 3;
    for (let at = 0; at < 12; at++) bench.put(`k${at + 10}`, text(40_000, at));
    // Ranges of their own, so that each has to be encoded by itself.
    const all = Array.from({ length: 6 }, (_, at) => bench.observe(0, [{ from: `k${at + 10}`, to: undefined }]));
    // As a connection does: woken, it takes until there is no more.
    const serve = ({ feed, copy }: Observing): void => copy.drain(feed);
    for (const one of all) serve(one);
    expect(bench.deflations).toBe(2);
    const before = bench.clock.time;
    let turns = 0;
    while (all.some(({ copy }) => copy.snapshots === 0 || copy.building !== undefined)) {
      const wakes = all.map((one) => one.wakes());
      await bench.clock.advance(6);
      for (const [at, one] of all.entries()) if (one.wakes() > wakes[at]!) serve(one);
      await settle();
      expect((turns += 1)).toBeLessThan(1000);
    }
    for (const [at, { copy }] of all.entries()) {
      const expected = entriesIn(bench.machine, [{ from: `k${at + 10}`, to: undefined }]);
      expect(hashOf(copy.entries.values())).toBe(hashOf(expected.values()));
    }
    // What was spent on compressing leaves time for others.
    expect(bench.deflations * 3).toBeLessThan((bench.clock.time - before) * 0.85);
  });

  it('is given to some hundreds of feeds a turn, and nobody is passed over however often something is applied', async () => {
    const bench = new FeedBench();
    const all = crowd(bench, 1200, 1);
    for (let round = 1; round <= 4; round++) {
      bench.put('a', `${round}`);
      await settle();
      await bench.clock.advance(0);
    }
    const wakes = all.map((one) => one.wakes());
    expect(Math.min(...wakes)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...wakes) - Math.min(...wakes)).toBeLessThanOrEqual(1);
    bench.put('a', 'last');
    await settle();
    for (let i = 0; i < 5; i++) {
      await bench.clock.advance(1);
      await settle();
    }
    for (const { feed, copy } of all) copy.drain(feed);
    expect(all.every(({ copy }) => copy.revision === bench.revision)).toBe(true);
  });

  it('costs nobody anything while nothing changes', async () => {
    const bench = new FeedBench();
    const all = crowd(bench, 10, 1);
    bench.run({ type: 'openSession' });
    await bench.clock.advance(10_000);
    expect(all.map((one) => one.wakes())).toEqual(all.map(() => 0));
    expect(bench.clock.timers.size).toBe(0);
  });
});

describe('the content hash', () => {
  it('is kept up for a minute after the last feed of all keys, and then no more', async () => {
    const bench = new FeedBench();
    let forgotten = 0;
    const { store } = bench.machine;
    const forget = store.forgetContentHash.bind(store);
    store.forgetContentHash = () => {
      forgotten++;
      forget();
    };
    const some = bench.observe(0, [{ from: 'a', to: 'b' }]);
    some.copy.drain(some.feed);
    const all = bench.observe();
    all.copy.drain(all.feed);
    await bench.clock.advance(100_000);
    bench.put('a', '1');
    all.copy.drain(all.feed);
    expect(all.copy.hash).toBeDefined();
    all.feed.close();
    await bench.clock.advance(59_000);
    bench.put('a', '2');
    expect(forgotten).toBe(0);
    await bench.clock.advance(2_000);
    bench.put('a', '3');
    bench.put('a', '4');
    expect(forgotten).toBe(1);
    const next = bench.observe();
    next.copy.drain(next.feed);
    expect(next.copy.hash).toBe(bench.machine.store.contentHash());
  });

  it('of a large store comes when it is known, and until then there is none', () => {
    const bench = new FeedBench();
    for (let at = 0; at < 20; at++) bench.put(`k${at}`, new Uint8Array(500_000).fill(at));
    const { feed, copy } = bench.observe(bench.revision);
    const hashes: (string | undefined)[] = [];
    for (let at = 0; at < 5; at++) {
      bench.put('k0', `${at}`);
      copy.drain(feed);
      hashes.push(copy.hash);
    }
    expect(hashes[0]).toBeUndefined();
    expect(hashes.at(-1)).toBe(bench.machine.store.contentHash());
  });
});

describe('a feed that was closed', () => {
  it('is not woken, gives nothing, and leaves nothing behind', async () => {
    const bench = new FeedBench();
    bench.put('a', 'x');
    const all = crowd(bench, 3);
    all[0]!.feed.take();
    for (const { feed } of all) feed.close();
    for (const { feed } of all) feed.close();
    bench.put('a', 'y');
    await bench.clock.advance(1000);
    expect(all.map((one) => one.wakes())).toEqual([0, 0, 0]);
    expect(all[1]!.feed.take()).toBeUndefined();
    expect(bench.observers.count).toBe(0);
  });
});
