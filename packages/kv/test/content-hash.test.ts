// The content hash against a naive twin, over random commands, restores and half-finished walks, and its format.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CommandEnvelope, KeyValue, StoreOptions } from '../src/index.ts';
import { ContentHash, Store, StoreRestore } from '../src/index.ts';
import { bytesOf, drain, envelope, options } from './arbitrary.ts';

const seed = 20_261_127;
const log = fc.array(envelope, { maxLength: 40 });

function entriesOf(store: Store): readonly KeyValue[] {
  const scan = store.scan({ from: '', to: undefined });
  if (scan.type !== 'scan') throw new Error(scan.message);
  return scan.entries;
}

/** From scratch, in the order given. */
function naive(entries: readonly KeyValue[]): string {
  const hash = new ContentHash();
  for (const entry of entries) hash.add(entry);
  return hash.toString();
}

function run(limits: StoreOptions, envelopes: readonly CommandEnvelope[], afterEach = (_: Store): void => {}): Store {
  const store = new Store(limits);
  for (const [at, each] of envelopes.entries()) {
    store.apply(at + 1, each);
    afterEach(store);
  }
  return store;
}

const entry: KeyValue = {
  key: 'k\xff',
  value: Uint8Array.of(1, 2, 3, 4, 5),
  revision: 7,
  createRevision: 6,
  version: 2,
};

describe('the content hash of a store', () => {
  it('is that of its live entries at each revision, whenever it was first asked for', () => {
    fc.assert(
      fc.property(options, log, fc.nat(40), (limits, envelopes, firstAsked) => {
        let at = 0;
        run(limits, envelopes, (store) => {
          if (at++ >= firstAsked) expect(store.contentHash()).toBe(naive(entriesOf(store)));
        });
      }),
      { seed, numRuns: 200 },
    );
  });

  it('comes out the same when the walk is in pieces and writes go on meanwhile', () => {
    fc.assert(
      fc.property(log, log, fc.integer({ min: 1, max: 120 }), (before, during, maxBytes) => {
        const store = run({}, before);
        let last = store.contentHash(maxBytes);
        for (const each of during) {
          store.apply(store.appliedIndex + 1, each);
          last = store.contentHash(maxBytes);
          if (last !== undefined) expect(last).toBe(naive(entriesOf(store)));
        }
        while (last === undefined) last = store.contentHash(maxBytes);
        expect(last).toBe(naive(entriesOf(store)));
      }),
      { seed, numRuns: 200 },
    );
  });

  it('is equal on two replicas, one of them restored from a snapshot half way', () => {
    fc.assert(
      fc.property(options, log, log, (limits, first, second) => {
        const straight = run(limits, [...first, ...second]);
        const restore = new StoreRestore(limits);
        restore.write(drain(run(limits, first).snapshot()));
        const restored = restore.finish();
        for (const [at, each] of second.entries()) restored.apply(first.length + at + 1, each);
        expect(restored.contentHash()).toBe(straight.contentHash());
      }),
      { seed, numRuns: 100 },
    );
  });

  it('takes as many calls as the keys need, and none once it is known', () => {
    const store = new Store();
    const put = (key: string): void => {
      const command = { type: 'put', key, value: new Uint8Array(100) } as const;
      store.apply(store.appliedIndex + 1, { session: undefined, command });
    };
    for (const key of ['a', 'b', 'c', 'd']) put(key);
    expect([store.contentHash(200), store.contentHash(200)]).toEqual([undefined, naive(entriesOf(store))]);
    put('e');
    expect(store.contentHash(1)).toBe(naive(entriesOf(store)));
    store.forgetContentHash();
    expect(store.contentHash(1)).toBeUndefined();
    expect(store.contentHash()).toBe(naive(entriesOf(store)));
  });

  it('of an empty store, and of one whose keys were all deleted, is zero', () => {
    const store = new Store();
    expect(store.contentHash()).toBe('0000000000000000');
    store.apply(1, { session: undefined, command: { type: 'put', key: 'a', value: bytesOf('x') } });
    expect(store.contentHash()).not.toBe('0000000000000000');
    store.apply(2, { session: undefined, command: { type: 'delete', key: 'a' } });
    expect(store.contentHash()).toBe('0000000000000000');
  });
});

describe('the hash of entries', () => {
  it('does not depend on their order, and remove undoes add', () => {
    const entries = fc.uniqueArray(
      fc.record({
        key: fc.string({ unit: 'binary-ascii', minLength: 1 }),
        value: fc.uint8Array({ maxLength: 40 }),
        revision: fc.maxSafeNat(),
        createRevision: fc.maxSafeNat(),
        version: fc.maxSafeNat(),
      }),
      { selector: ({ key }) => key, minLength: 1 },
    );
    fc.assert(
      fc.property(entries, fc.nat(), (list, at) => {
        expect(naive(list.toReversed())).toBe(naive(list));
        const [gone] = list.slice(at % list.length);
        const hash = new ContentHash();
        for (const each of list) hash.add(each);
        hash.remove({ ...gone!, value: gone!.value.slice() });
        expect(hash.toString()).toBe(naive(list.filter((each) => each !== gone)));
      }),
      { seed },
    );
  });

  it('changes with each single bit of key, value and numbers', () => {
    const hashes = new Set([naive([entry])]);
    let variants = 1;
    const vary = (changed: Partial<KeyValue>): void => {
      hashes.add(naive([{ ...entry, ...changed }]));
      variants++;
    };
    for (let bit = 0; bit < 40; bit++) {
      const value = entry.value.slice();
      value[bit >>> 3]! ^= 1 << (bit & 7);
      vary({ value });
    }
    for (let bit = 0; bit < 8; bit++) vary({ key: `k${String.fromCharCode(0xff ^ (1 << bit))}` });
    for (let power = 0; power < 53; power++) {
      for (const field of ['revision', 'createRevision', 'version'] as const)
        vary({ [field]: entry[field] + 2 ** power });
    }
    for (const key of ['k', 'k\xff\0', 'k\xff\0\0']) vary({ key });
    for (let length = 0; length <= 9; length++) vary({ value: new Uint8Array(length) });
    // A zero at the end of the key is not a zero at the beginning of the value, nor are two swapped numbers the same.
    vary({ key: 'k\xff\x01', value: entry.value.slice(1) });
    vary({ revision: entry.createRevision, createRevision: entry.revision });
    expect(hashes.size).toBe(variants);
    // Both halves take part.
    expect(new Set([...hashes].map((hash) => hash.slice(0, 8))).size).toBe(variants);
    expect(new Set([...hashes].map((hash) => hash.slice(8))).size).toBe(variants);
  });

  it('spreads: among 50,000 similar entries no half of it comes twice more often than chance has it', () => {
    const [first, second] = [new Set<string>(), new Set<string>()];
    const count = 50_000;
    for (let at = 0; at < count; at++) {
      const hash = naive([{ ...entry, key: `user/${at}`, revision: at + 2, createRevision: at + 2, version: 1 }]);
      first.add(hash.slice(0, 8));
      second.add(hash.slice(8));
    }
    // Chance: count^2 / 2^33, about 0.3.
    expect(count - first.size).toBeLessThan(4);
    expect(count - second.size).toBeLessThan(4);
  });

  it('is what it was: other releases compare it', () => {
    expect(naive([entry])).toBe('fb1df6ac1679a492');
    expect(naive([{ key: 'a', value: new Uint8Array(), revision: 2, createRevision: 2, version: 1 }])).toBe(
      '575efb5c766f17ff',
    );
    const large = { ...entry, value: Uint8Array.from({ length: 1000 }, (_, i) => i), revision: 2 ** 53 - 1 };
    expect(naive([entry, large])).toBe('b555521d48c0651e');
  });
});
