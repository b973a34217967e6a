// The view and its bytes: undisturbed by writes, the same on every replica, restorable however they are cut.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Command } from '../src/index.ts';
import { InvariantError, Store, StoreRestore } from '../src/index.ts';
import { bytesOf, drain, envelope, options } from './arbitrary.ts';

const everything = { from: '', to: undefined };

/** Feeds the bytes in pieces of the given sizes, over and over. */
function restoreFrom(bytes: Uint8Array, sizes: readonly number[], storeOptions = {}): Store {
  const restore = new StoreRestore(storeOptions);
  const buffer = Buffer.alloc(Math.max(...sizes));
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    const piece = bytes.subarray(at, at + size);
    // One buffer for all pieces, and a Buffer, whose `slice` is a view: nothing may keep hold of it after `write`.
    buffer.set(piece);
    restore.write(buffer.subarray(0, piece.length));
    buffer.fill(0xee);
    at += size;
  }
  return restore.finish();
}

describe('a snapshot', () => {
  it('restores to a store that behaves the same ever after, however its bytes are cut and whatever was written while it was read', () => {
    const run = fc.record({
      limits: options,
      log: fc.array(envelope, { minLength: 1, maxLength: 40 }),
      cut: fc.nat(40),
      held: fc.nat(20),
      chunkBytes: fc.integer({ min: 1, max: 60 }),
      sizes: fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 4 }),
    });
    fc.assert(
      fc.property(run, ({ limits, log, cut, held, chunkBytes, sizes }) => {
        const original = new Store(limits);
        const at = Math.min(cut, log.length);
        for (const [index, each] of log.slice(0, at).entries()) original.apply(index + 1, each);
        const reference = drain(original.snapshot());

        // Held open while writes go on, read a chunk at a time between them.
        const snapshot = original.snapshot();
        const chunks = snapshot.chunks(chunkBytes);
        const parts: Uint8Array[] = [];
        const copy = restoreFrom(reference, sizes, limits);
        expect(drain(copy.snapshot())).toEqual(reference);
        for (const [offset, each] of log.slice(at).entries()) {
          expect(copy.apply(at + offset + 1, each)).toEqual(original.apply(at + offset + 1, each));
          if (offset < held) {
            const next = chunks.next();
            if (next.done !== true) parts.push(next.value);
          }
        }
        for (const chunk of chunks) parts.push(chunk);
        snapshot.release();
        expect(Buffer.concat(parts)).toEqual(reference);

        // One trimmed late, one was restored: nothing of that shows.
        expect(copy.changes(copy.compactedRevision)).toEqual(original.changes(original.compactedRevision));
        for (let revision = original.compactedRevision; revision <= original.revision; revision++) {
          expect(copy.scan(everything, { revision })).toEqual(original.scan(everything, { revision }));
        }
        expect(drain(copy.snapshot())).toEqual(drain(original.snapshot()));
      }),
      { seed: 11, numRuns: 150 },
    );
  });

  it('comes in chunks of the size asked for, all but the last', () => {
    const store = new Store();
    const command: Command = { type: 'put', key: 'k', value: new Uint8Array(1000).fill(7) };
    store.apply(1, { session: undefined, command });
    const sizes = [...store.snapshot().chunks(64)].map((chunk) => chunk.length);
    expect(new Set(sizes.slice(0, -1))).toEqual(new Set([64]));
    expect(sizes.at(-1)).toBeLessThanOrEqual(64);
    expect([...store.snapshot().chunks()]).toHaveLength(1);
  });

  it('is encoded a step at a time: a chunk is there long before the end is reached', () => {
    const store = new Store();
    for (let at = 1; at <= 2000; at++) {
      store.apply(at, { session: undefined, command: { type: 'put', key: 'hot', value: new Uint8Array(500) } });
    }
    const chunks = store.snapshot().chunks(1024);
    const first = chunks.next();
    expect(first.value?.length).toBe(1024);
    let count = 1;
    for (const _ of chunks) count++;
    expect(count).toBeGreaterThan(950);
  });

  it('can be read more than once until it is released, and not after', () => {
    const store = new Store();
    store.apply(1, { session: undefined, command: { type: 'put', key: 'k', value: bytesOf('v') } });
    const snapshot = store.snapshot();
    expect([...snapshot.chunks()]).toEqual([...snapshot.chunks()]);
    const begun = snapshot.chunks(4);
    begun.next();
    snapshot.release();
    expect(() => [...begun]).toThrow(InvariantError);
    expect(() => [...snapshot.chunks()]).toThrow(InvariantError);
    expect(() => [...store.snapshot().chunks(0)]).toThrow(InvariantError);
  });

  it('keeps sessions as they were though their clients go on', () => {
    const store = new Store();
    store.apply(1, { session: undefined, command: { type: 'openSession' } });
    const write = (index: number, sequence: number, ackFloor: number): unknown =>
      store.apply(index, {
        session: { clientId: 1, sequence, ackFloor },
        command: { type: 'put', key: 'k', value: bytesOf('v') },
      });
    write(2, 1, 0);
    const reference = drain(store.snapshot());
    const snapshot = store.snapshot();
    write(3, 2, 1);
    store.apply(4, { session: undefined, command: { type: 'closeSession', clientId: 1 } });
    expect(drain(snapshot)).toEqual(reference);
  });
});
