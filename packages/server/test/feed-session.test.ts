// What one observer is sent, rule by rule and against a naive copy under random commands.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Command, KeyRange } from '@raftkv/kv';
import { rangeFrom } from '@raftkv/wire';
import { KvStateMachine } from '../src/kv-state-machine.ts';
import type { FeedPiece } from '../src/node-api.ts';
import { FeedBench, install, settle } from './feed-talk.ts';
import { ObserverCopy, entriesIn } from './observer-copy.ts';

const seed = 20_261_128;
const keys = ['a', 'ab', 'b', 'c', 'd', 'x', 'x1', 'y'] as const;
const key = fc.constantFrom(...keys);
const range: fc.Arbitrary<KeyRange> = fc.constantFrom(
  { from: 'a', to: 'b' },
  { from: 'ab', to: 'd' },
  { from: 'x', to: undefined },
  { from: 'c', to: 'c\0' },
);
const op = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant('put' as const), key, value: fc.uint8Array({ maxLength: 60 }) }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('delete' as const), key }) },
);
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: op },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('deleteRange' as const), range }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('batch' as const),
      ops: fc.uniqueArray(op, { maxLength: 4, selector: (each) => each.key }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('compact' as const), revision: fc.nat(60) }) },
  { weight: 1, arbitrary: fc.constant<Command>({ type: 'openSession' }) },
);
const store = fc.record({
  retainedRevisions: fc.constantFrom(1, 2, 5, 1000),
  retainedBytes: fc.constantFrom(50, 1_000_000),
});
const put = (name: string, length = 10): Command => ({ type: 'put', key: name, value: new Uint8Array(length) });

describe('a feed and its naive copy', () => {
  it('of all keys has, at each revision, the hash that the store has', async () => {
    await fc.assert(
      fc.asyncProperty(store, fc.array(command, { maxLength: 60 }), async (limits, commands) => {
        const bench = new FeedBench(limits);
        const { feed, copy } = bench.observe();
        copy.drain(feed);
        for (const each of commands) {
          const before = bench.revision;
          bench.run(each);
          copy.drain(feed);
          if (bench.revision === before) continue;
          expect(copy.hash).toBe(bench.machine.store.contentHash());
          expect([copy.consistentAt, copy.index]).toEqual([bench.revision, bench.machine.store.appliedIndex]);
        }
        expect(copy.entries).toEqual(entriesIn(bench.machine));
        expect(copy.snapshots).toBe(1);
      }),
      { seed, numRuns: 150 },
    );
  });

  it('agree in the end, whatever the ranges, the pace, the window and the size of pieces', async () => {
    const observer = fc.record({
      ranges: fc.array(range, { maxLength: 3 }),
      maxPayloadBytes: fc.constantFrom(150, 400, 100_000),
    });
    const step = fc.record({ command, takes: fc.array(fc.tuple(fc.nat(3), fc.nat(3)), { maxLength: 3 }) });
    await fc.assert(
      fc.asyncProperty(
        store,
        fc.array(command, { maxLength: 20 }),
        fc.array(observer, { minLength: 1, maxLength: 4 }),
        fc.array(step, { maxLength: 50 }),
        async (limits, before, wanted, steps) => {
          const bench = new FeedBench(limits);
          for (const each of before) bench.run(each);
          const observing = wanted.map(({ ranges, maxPayloadBytes }) => bench.observe(0, ranges, maxPayloadBytes));
          for (const { command: each, takes } of steps) {
            bench.run(each);
            for (const [who, count] of takes) {
              const one = observing[who % observing.length]!;
              one.copy.drain(one.feed, count);
            }
          }
          for (const [at, { feed, copy }] of observing.entries()) {
            copy.drain(feed);
            expect(copy.entries).toEqual(entriesIn(bench.machine, wanted[at]!.ranges));
            expect(copy.building).toBeUndefined();
          }
          await bench.clock.advance(100);
          for (const { feed, copy } of observing) {
            copy.drain(feed);
            expect(copy.revision).toBe(bench.revision);
            feed.close();
          }
          expect(bench.observers.count).toBe(0);
        },
      ),
      { seed, numRuns: 300 },
    );
  });

  it('agree after the observer comes back to another member, restored from a snapshot', async () => {
    await fc.assert(
      fc.asyncProperty(
        store,
        fc.array(command, { maxLength: 30 }),
        fc.array(command, { maxLength: 30 }),
        fc.boolean(),
        async (limits, first, second, isOpen) => {
          const bench = new FeedBench(limits);
          const { feed, copy } = bench.observe();
          for (const each of first) bench.run(each);
          copy.drain(feed);
          feed.close();
          const machine = new KvStateMachine({ store: limits });
          const other = new FeedBench(limits, machine);
          // Either it asks before that member has caught up, or after.
          const early = isOpen
            ? other.observers.open({ from: copy.revision, ranges: [], maxPayloadBytes: 1e6 }, () => {})
            : undefined;
          // Its own state is older than what the observer has, or as empty as that.
          expect(early?.take()?.payload ?? new Uint8Array(0)).toHaveLength(0);
          for (const each of second) bench.run(each);
          install(bench.machine, machine);
          const late =
            early ?? other.observers.open({ from: copy.revision, ranges: [], maxPayloadBytes: 1e6 }, () => {});
          copy.drain(late);
          expect(copy.entries).toEqual(entriesIn(bench.machine));
          expect(copy.revision).toBe(bench.revision);
        },
      ),
      { seed, numRuns: 100 },
    );
  });
});

describe('a feed', () => {
  it('from nothing begins with a snapshot, also of an empty store', () => {
    const bench = new FeedBench();
    const { feed } = bench.observe();
    expect(feed.take()).toMatchObject({
      type: 'feedSnapshot',
      isFirst: true,
      isDone: true,
      revision: 1,
      index: 0,
      hash: '0'.repeat(16),
    });
    expect(feed.take()).toBeUndefined();
  });

  it('sends the changes of an applied run at once, whole revisions together', async () => {
    const bench = new FeedBench();
    const { feed, copy, wakes } = bench.observe();
    copy.drain(feed);
    bench.applyOnly(put('a'));
    bench.applyOnly({ type: 'batch', ops: [put('b'), { type: 'delete', key: 'a' }] as never });
    bench.machine.afterApply();
    expect(wakes()).toBe(1);
    const before = copy.pieces;
    copy.drain(feed);
    expect([copy.pieces - before, copy.changed]).toEqual([1, [2, 3]]);
    await settle();
    bench.run({ type: 'openSession' });
    expect(wakes()).toBe(1);
  });

  it('goes on from the revision that the observer has', () => {
    const bench = new FeedBench();
    for (const name of keys) bench.run(put(name));
    const [first, second] = [bench.observe(5), bench.observe(bench.revision)];
    first.copy.drain(first.feed);
    expect(first.copy.changed).toEqual([6, 7, 8, 9]);
    expect(first.copy.snapshots).toBe(0);
    second.copy.drain(second.feed);
    expect(second.copy.changed).toEqual([]);
  });

  it('says at once that nothing was missed, with the hash that the copy must have', () => {
    const bench = new FeedBench();
    for (const name of keys) bench.run(put(name));
    const { revision } = bench;
    const { feed } = bench.observe(revision);
    const hash = bench.machine.store.contentHash();
    expect(feed.take()).toMatchObject({ type: 'feedChanges', revision, hash, payload: new Uint8Array(0) });
    expect(feed.take()).toBeUndefined();
    const ofSome = bench.observe(revision, [{ from: 'a', to: 'b' }]).feed;
    expect(ofSome.take()).toMatchObject({ type: 'feedChanges', revision, hash: undefined });
    expect(ofSome.take()).toBeUndefined();
  });

  it('is a snapshot exactly if a change that is needed is no longer retained', () => {
    const bench = new FeedBench();
    for (const name of keys) bench.run(put(name));
    bench.run({ type: 'compact', revision: 6 });
    expect(bench.observe(5).feed.take()).toMatchObject({ type: 'feedChanges', revision: 9 });
    expect(bench.observe(4).feed.take()).toMatchObject({ type: 'feedSnapshot', isFirst: true, revision: 9 });
  });

  it('that falls out of the window drops to a snapshot by itself', () => {
    const bench = new FeedBench({ retainedRevisions: 3 });
    const { feed, copy } = bench.observe();
    copy.drain(feed);
    for (let i = 0; i < 20; i++) bench.run(put(keys[i % 8]!, i));
    copy.drain(feed);
    expect(copy.snapshots).toBe(2);
    expect(copy.entries).toEqual(entriesIn(bench.machine));
  });

  it('that falls out of the window in the middle of a snapshot begins it anew', () => {
    const bench = new FeedBench({ retainedRevisions: 4 });
    for (let i = 0; i < 20; i++) bench.put(`k${i + 10}`, new Uint8Array(90).fill(i));
    const { feed, copy } = bench.observe(0, [], 800);
    copy.drain(feed, 3);
    expect([copy.snapshots, copy.building !== undefined]).toEqual([1, true]);
    for (let i = 0; i < 20; i++) bench.put(`k${i + 10}`, 'new');
    copy.drain(feed);
    expect(copy.snapshots).toBe(2);
    expect(copy.entries).toEqual(entriesIn(bench.machine));
  });

  it.each([[[]], [[{ from: 'k', to: 'l' }]]])(
    'brings what was sent of a snapshot up to date before each further page, and sends no more than that: %j',
    (ranges: KeyRange[]) => {
      const bench = new FeedBench();
      for (let i = 0; i < 20; i++) bench.put(`k${i + 10}`, new Uint8Array(90).fill(i));
      const { feed, copy } = bench.observe(0, ranges, 800);
      copy.drain(feed, 2);
      bench.put('k10', 'sent already');
      bench.put('k29', 'will come anyway');
      bench.run({ type: 'delete', key: 'k11' });
      const changes = feed.take()!;
      expect(changes).toMatchObject({ type: 'feedChanges', revision: bench.revision, hash: undefined });
      copy.receive(changes);
      expect([copy.building!.has('k29'), copy.building!.has('k11')]).toEqual([false, false]);
      const rest: FeedPiece[] = [];
      for (let piece = feed.take(); piece !== undefined; piece = feed.take()) rest.push(piece);
      expect(rest.every(({ type }) => type === 'feedSnapshot')).toBe(true);
      for (const piece of rest) copy.receive(piece);
      expect(copy.entries).toEqual(entriesIn(bench.machine));
      expect(copy.hash).toBe(ranges.length === 0 ? bench.machine.store.contentHash() : undefined);
    },
  );

  it('from a revision that this member has not reached waits, and never goes back', () => {
    const bench = new FeedBench();
    bench.run(put('a'));
    const { feed } = bench.observe(4);
    bench.run(put('b'));
    expect(feed.take()).toBeUndefined();
    bench.run(put('c'));
    expect(feed.take()).toMatchObject({ revision: 4, payload: new Uint8Array(0) });
    expect(feed.take()).toBeUndefined();
    bench.run(put('d'));
    expect(feed.take()).toMatchObject({ type: 'feedChanges', revision: 5, hash: bench.machine.store.contentHash() });
    expect(feed.take()).toBeUndefined();
  });

  it('with a revision that is too large for a message drops to a snapshot, whose pages are not', () => {
    const bench = new FeedBench();
    const { feed, copy } = bench.observe(0, [], 2000);
    copy.drain(feed);
    const ops = Array.from({ length: 30 }, (_, i) => ({
      type: 'put' as const,
      key: `k${i}`,
      value: new Uint8Array(100).fill(i * 7),
    }));
    bench.run({ type: 'batch', ops });
    copy.drain(feed);
    expect(copy.snapshots).toBe(2);
    expect(copy.entries).toEqual(entriesIn(bench.machine));
  });

  it('ends at an entry that is too large for a message', () => {
    const bench = new FeedBench();
    bench.run(put('a', 3000));
    const { feed } = bench.observe(0, [], 2000);
    expect(() => feed.take()).toThrow(expect.objectContaining({ code: 'frame_too_large' }));
    feed.close();
    expect(feed.take()).toBeUndefined();
  });

  it('of some ranges holds their events only, and says now and then how far it has come', async () => {
    const bench = new FeedBench();
    const ranges = [rangeFrom({ prefix: 'user/' }), { from: 'a', to: 'b' }];
    const { feed, copy, wakes } = bench.observe(1, ranges);
    bench.run({ type: 'batch', ops: [put('user/1'), put('z')] as never });
    copy.drain(feed);
    expect([...copy.entries.keys()]).toEqual(['user/1']);
    expect(copy.hash).toBeUndefined();
    const told = copy.pieces;
    for (let i = 0; i < 30; i++) bench.run(put('z', i));
    copy.drain(feed);
    expect(copy.pieces).toBe(told);
    await bench.clock.advance(0);
    await settle();
    await bench.clock.advance(0);
    const before = wakes();
    await bench.clock.advance(50);
    expect(wakes()).toBe(before + 1);
    expect(feed.take()).toMatchObject({ type: 'feedChanges', revision: bench.revision, payload: new Uint8Array(0) });
    expect(feed.take()).toBeUndefined();
    await bench.clock.advance(500);
    expect(wakes()).toBe(before + 1);
  });

  it('says how far it has come at once if it has been quiet', async () => {
    const bench = new FeedBench();
    const { feed, copy } = bench.observe(1, [{ from: 'a', to: 'b' }]);
    bench.run(put('z'));
    copy.drain(feed);
    await bench.clock.advance(50);
    copy.drain(feed);
    expect(copy.revision).toBe(2);
    bench.run(put('z'));
    copy.drain(feed);
    await bench.clock.advance(49);
    expect(copy.revision).toBe(2);
    await bench.clock.advance(1);
    copy.drain(feed);
    expect(copy.revision).toBe(3);
  });

  it('refuses an empty range rather than taking it for all keys', () => {
    const bench = new FeedBench();
    for (const bad of [
      { from: 'b', to: 'a' },
      { from: 'a', to: 'a' },
      { from: '', to: '' },
    ]) {
      expect(() => bench.observe(0, [bad])).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
    }
    expect(() => bench.observe(0, [{ from: 'a'.repeat(70_000), to: undefined }])).toThrow(/65536/);
    expect(bench.observers.count).toBe(0);
  });

  it('starts from the naive copy of a stranger only as far as that one says', () => {
    const bench = new FeedBench();
    bench.put('a', '1');
    const copy = new ObserverCopy(2, entriesIn(bench.machine).values());
    bench.put('b', '2');
    copy.drain(bench.observe(2).feed);
    expect(copy.hash).toBe(bench.machine.store.contentHash());
  });
});
