// Feeds that lie, by mistake or not: whatever they say, a copy shows nothing that a feed of its own word has not vouched for, says what is wrong,
// asks for everything anew after a pause that grows, and goes on once it is told the truth.
import { ContentHash } from '@raftkv/kv';
import type { Change, KeyValue } from '@raftkv/kv';
import type { FeedHandlers, FeedMessage } from '@raftkv/client/parts';
import { encodeFeedChanges, encodeFeedEntries } from '@raftkv/wire';
import { describe, expect, it } from 'vitest';
import { Observer } from '../src/observer.ts';
import { processClock } from './process-clock.ts';

const nothing = new Uint8Array(0);

function entry(key: string, revision: number, value = Uint8Array.of(revision)): KeyValue {
  return { key: key as KeyValue['key'], value, createRevision: revision, revision, version: 1 };
}

function put(written: KeyValue): Change {
  return { revision: written.revision, events: [{ type: 'put', entry: written, previous: undefined }] };
}

function hashOf(...entries: KeyValue[]): string {
  const hash = new ContentHash();
  for (const each of entries) hash.add(each);
  return hash.toString();
}

type Snapshot = Extract<FeedMessage, { type: 'feedSnapshot' }>;
type Changes = Extract<FeedMessage, { type: 'feedChanges' }>;

function snapshot(revision: number, entries: KeyValue[], parts: Partial<Snapshot> = {}): Snapshot {
  const payload = encodeFeedEntries(entries);
  const flags = { isFirst: true, isDone: true, isDeflated: false };
  return { type: 'feedSnapshot', id: 1, ...flags, revision, index: revision, hash: undefined, payload, ...parts };
}

function changes(revision: number, list: Change[], parts: Partial<Changes> = {}): Changes {
  const payload = list.length === 0 ? nothing : encodeFeedChanges(list);
  return {
    type: 'feedChanges',
    id: 1,
    isDeflated: false,
    revision,
    index: revision,
    hash: undefined,
    payload,
    ...parts,
  };
}

/** An observer and the other end of its feed. */
function liar(options: { ranges?: { from: string; to: string }[] } = {}) {
  let handlers!: FeedHandlers;
  const asked: number[] = [];
  const seen: (string | undefined)[] = [];
  const attach = (): void => {
    handlers.onAttach();
    asked.push(handlers.position());
    handlers.onState(true);
  };
  const observer = new Observer({
    ranges: (options.ranges ?? []) as never,
    // However slow the machine is, no pause is due in the middle of what it takes in.
    clock: { ...processClock, now: () => 0 },
    onStatus: () => {},
    inflate: async (bytes) => {
      await new Promise((resolve) => setImmediate(resolve));
      return bytes;
    },
  });
  observer.subscribe(() => {
    const { copy } = observer;
    const keys = copy?.keys({ from: '' as never, to: undefined }, {});
    seen.push(copy && `${copy.revision}:${keys!.join()}`);
  });
  let restarts = 0;
  observer.follow((_, given) => {
    handlers = given;
    return { consumed: () => {}, restart: () => void (restarts += 1), close: () => {} };
  });
  attach();
  return {
    observer,
    asked,
    seen,
    attach,
    get restarts() {
      return restarts;
    },
    say: (...messages: FeedMessage[]) => {
      for (const message of messages) handlers.onMessage(message);
    },
    /** Each inflating takes one turn of the loop, however slow the machine is. */
    settled: async () => {
      for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

describe('a copy whose feed lies', () => {
  it('holds nothing until a snapshot has come, whatever else comes first', () => {
    for (const ranges of [undefined, [{ from: 'a', to: 'z' }]]) {
      const world = liar(ranges === undefined ? {} : { ranges });
      world.say(changes(50, []));
      expect(world.observer.copy).toBeUndefined();
      world.attach();
      world.say(changes(2, [put(entry('b', 2))]));
      expect(world.observer.copy).toBeUndefined();
      expect(world.observer.error).toMatchObject({ code: 'bad_frame' });
      world.attach();
      world.say(snapshot(60, [entry('c', 60)]));
      expect(world.observer.copy?.revision).toBe(60);
      expect(world.observer.error).toBeUndefined();
    }
  });

  it('takes nothing more from it until it has begun again', async () => {
    const world = liar({ ranges: [{ from: 'a', to: 'z' }] });
    world.say(snapshot(5, [entry('a', 3), entry('b', 4)]));
    world.say(
      changes(6, [put(entry('a', 6))], { isDeflated: true }),
      changes(7, [], { payload: Uint8Array.of(99), isDeflated: true }),
      changes(8, [put(entry('c', 8))], { isDeflated: true }),
      changes(9, [], { isDeflated: true }),
    );
    await world.settled();
    expect(world.observer.copy).toBeUndefined();
    expect(world.observer.divergences).toBe(1);
    expect(world.restarts).toBe(1);
    expect(world.seen.filter((state) => state?.includes('8:') === true)).toEqual([]);
    world.attach();
    expect(world.asked).toEqual([0, 0]);
    world.say(snapshot(9, [entry('a', 6), entry('b', 4), entry('c', 8)]));
    expect(world.seen.at(-1)).toBe('9:a,b,c');
  });

  it('is not shown any more when hashes do not agree, nor when a revision is missing', () => {
    for (const lie of [
      changes(6, [put(entry('b', 6))], { hash: hashOf(entry('a', 5)) }),
      changes(7, [put(entry('b', 7))]),
      changes(7, [put(entry('b', 6)), put(entry('b', 8))]),
      changes(7, [put(entry('b', 8))]),
    ]) {
      const world = liar();
      world.say(snapshot(5, [entry('a', 5)], { hash: hashOf(entry('a', 5)) }));
      world.say(lie);
      expect(world.observer.copy, JSON.stringify(lie.revision)).toBeUndefined();
      expect(world.observer.error?.code).toMatch(/diverged|bad_frame/);
      expect(world.restarts).toBe(1);
    }
  });

  it('that has missed nothing is compared all the same', () => {
    const world = liar();
    world.say(snapshot(5, [entry('a', 5)]));
    world.attach();
    world.say(changes(5, [], { hash: hashOf(entry('a', 5)) }));
    expect(world.observer.feedState).toBe('idle');
    expect(world.observer.copy?.revision).toBe(5);
    world.attach();
    world.say(changes(5, [], { hash: hashOf() }));
    expect(world.observer.copy).toBeUndefined();
    expect(world.observer.error).toMatchObject({ code: 'diverged' });
  });

  it('finds a snapshot without a beginning, done twice, or that ends with the wrong hash', () => {
    for (const lie of [
      [snapshot(6, [entry('a', 5)], { isFirst: false })],
      [snapshot(6, [entry('a', 5)]), snapshot(6, [], { isFirst: false })],
      [snapshot(6, [entry('a', 5)], { hash: hashOf() })],
      [
        snapshot(6, [entry('a', 5)], { isDone: false }),
        snapshot(6, [entry('b', 6)], { isFirst: false, hash: hashOf() }),
      ],
    ]) {
      const world = liar();
      world.say(...lie);
      expect(world.observer.copy).toBeUndefined();
      expect(world.observer.error).toBeDefined();
      expect(world.restarts).toBe(1);
    }
  });

  it('notices a feed whose revisions go back, instead of passing over it for ever', () => {
    const world = liar();
    world.say(snapshot(50, [entry('a', 50)]));
    world.say(changes(40, []));
    expect(world.restarts).toBe(1);
    expect(world.observer.error).toMatchObject({ code: 'bad_frame' });
  });

  it('does not show an older state than before after it was fetched anew from a node that is behind', () => {
    const world = liar();
    world.say(snapshot(50, [entry('a', 50)]));
    world.say(changes(51, [put(entry('b', 51))], { hash: hashOf() }));
    world.attach();
    expect(world.asked).toEqual([0, 0]);
    world.say(snapshot(48, [entry('a', 48)]));
    expect(world.observer.copy).toBeUndefined();
    world.say(changes(49, [put(entry('b', 49))]));
    expect(world.observer.copy).toBeUndefined();
    world.say(changes(51, [put(entry('c', 50)), put(entry('d', 51))]));
    expect(world.seen.at(-1)).toBe('51:a,b,c,d');
    const seen = new Set(world.seen.filter((state) => state !== undefined));
    expect([...seen]).toEqual(['50:a', '51:a,b,c,d']);
  });

  it('keeps no more of what came than it holds', () => {
    const world = liar();
    world.say(snapshot(1, []));
    const big = new Uint8Array(100_000);
    for (let revision = 2; revision < 40; revision += 2) {
      world.say(
        changes(revision + 1, [put(entry(`small${revision}`, revision)), put(entry('hot', revision + 1, big))]),
      );
    }
    let held = 0;
    const buffers = new Set<ArrayBufferLike>();
    world.observer.copy!.walk({ from: '' as never, to: undefined }, ({ value }) => void buffers.add(value.buffer));
    for (const { byteLength } of buffers) held += byteLength;
    expect(held).toBeLessThan(2 * world.observer.copy!.bytes);
  });
});
