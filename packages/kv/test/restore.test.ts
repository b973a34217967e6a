// Snapshot bytes from a hostile disk or peer: damaged, cut short, lying, or under other limits. What comes out is a store or a typed refusal.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CommandEnvelope } from '../src/index.ts';
import { SnapshotFormatError, Store, StoreRestore } from '../src/index.ts';
import { extendChecksum } from '../src/checksum.ts';
import { bytesOf, drain, envelope, options } from './arbitrary.ts';

function restore(bytes: Uint8Array, storeOptions = {}): Store {
  const restoring = new StoreRestore(storeOptions);
  restoring.write(bytes);
  return restoring.finish();
}

function storeOf(log: readonly CommandEnvelope[], storeOptions = {}): Store {
  const store = new Store(storeOptions);
  for (const [at, each] of log.entries()) store.apply(at + 1, each);
  return store;
}

/** A store with every kind of answer, version and session in it. */
function sample(): Store {
  const store = new Store();
  const run = (command: CommandEnvelope['command'], sequence?: number): unknown =>
    store.apply(store.appliedIndex + 1, {
      session: sequence === undefined ? undefined : { clientId: 1, sequence, ackFloor: 0 },
      command,
    });
  run({ type: 'openSession' });
  run({ type: 'put', key: 'a', value: bytesOf('one') }, 1);
  run({ type: 'put', key: 'a', value: bytesOf('two'), returnPrevious: true }, 2);
  run(
    {
      type: 'batch',
      ops: [
        { type: 'put', key: 'b', value: bytesOf('x') },
        { type: 'delete', key: 'a', returnPrevious: true },
      ],
    },
    3,
  );
  run({ type: 'put', key: '', value: bytesOf('') }, 4);
  run({ type: 'put', key: 'a', value: bytesOf('three') });
  run(
    {
      type: 'txn',
      compare: [],
      then: [
        { type: 'scan', range: { from: '', to: undefined }, withCount: true, limit: 1 },
        { type: 'get', key: 'b' },
        {
          type: 'txn',
          compare: [],
          then: [{ type: 'deleteRange', range: { from: 'b', to: undefined }, returnPrevious: true }],
          otherwise: [],
        },
      ],
      otherwise: [],
    },
    5,
  );
  run({ type: 'openSession' });
  return store;
}

/** The bytes with their checksum made right again: a liar knows how to count. */
function sealed(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  const checksum = extendChecksum(0, copy, 0, copy.length - 4);
  for (let at = 0; at < 4; at++) copy[copy.length - 4 + at] = (checksum >>> (8 * at)) & 255;
  return copy;
}

describe('StoreRestore', () => {
  it('refuses bytes that are cut short anywhere', () => {
    const bytes = drain(sample().snapshot());
    for (let length = 0; length < bytes.length; length++) {
      expect(() => restore(bytes.subarray(0, length))).toThrow(SnapshotFormatError);
    }
  });

  it('refuses bytes in which any one bit is flipped', () => {
    const bytes = drain(sample().snapshot());
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const damaged = Uint8Array.from(bytes);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => restore(damaged)).toThrow(SnapshotFormatError);
    }
  });

  it('refuses a byte too many, in the same write or a later one', () => {
    const bytes = drain(sample().snapshot());
    expect(() => restore(Buffer.concat([bytes, Buffer.of(0)]))).toThrow(SnapshotFormatError);
    const restoring = new StoreRestore();
    restoring.write(bytes);
    expect(() => restoring.write(Uint8Array.of(0))).toThrow(SnapshotFormatError);
    expect(() => restoring.finish()).toThrow(SnapshotFormatError);
  });

  it('refuses a version of the format that it does not know, and says so', () => {
    const bytes = Uint8Array.from(drain(sample().snapshot()));
    bytes[4] = 2;
    expect(() => restore(sealed(bytes))).toThrow(/version 2 of the snapshot format is unknown/);
    expect(() => restore(bytesOf('hello, world'))).toThrow(/no snapshot/);
  });

  it('stays refused after the first failure', () => {
    const restoring = new StoreRestore();
    expect(() => restoring.write(bytesOf('XXXX'))).toThrow(SnapshotFormatError);
    expect(() => restoring.write(drain(sample().snapshot()))).toThrow(SnapshotFormatError);
    expect(() => restoring.finish()).toThrow(SnapshotFormatError);
  });

  it('takes hostile bytes with a right checksum for a consistent store or refuses them: never another error, never a broken store', () => {
    const edits = fc.array(fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) }), {
      minLength: 1,
      maxLength: 3,
    });
    let accepted = 0;
    let refused = 0;
    fc.assert(
      fc.property(
        options,
        fc.array(envelope, { minLength: 5, maxLength: 25 }),
        fc.array(edits, { minLength: 20, maxLength: 20 }),
        (limits, log, lies) => {
          const bytes = drain(storeOf(log, limits).snapshot());
          for (const lie of lies) {
            const forged = Uint8Array.from(bytes);
            for (const { at, byte } of lie) forged[at % forged.length] = byte;
            let store: Store;
            try {
              store = restore(sealed(forged), limits);
            } catch (error) {
              expect(error).toBeInstanceOf(SnapshotFormatError);
              refused++;
              continue;
            }
            accepted++;
            expect(drain(store.snapshot())).toEqual(Buffer.from(sealed(forged)));
            const from = store.appliedIndex + 1;
            if (from < 2 ** 40 && store.revision < 2 ** 40)
              for (const [at, each] of log.entries()) store.apply(from + at, each);
            drain(store.snapshot());
          }
        },
      ),
      { seed: 5, numRuns: 40 },
    );
    expect(accepted).toBeGreaterThan(50);
    expect(refused).toBeGreaterThan(500);
  });

  it('does not believe counts and lengths: a few bytes that claim a huge store cost nothing', () => {
    const huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f];
    const magic = [0x52, 0x4b, 0x56, 0x53, 1];
    // appliedIndex, revision, compactedRevision, then sessions or keys that claim to be endless.
    expect(() => restore(Uint8Array.from([...magic, ...huge, ...huge, 1, ...huge]))).toThrow(SnapshotFormatError);
    expect(() => restore(sealed(Uint8Array.from([...magic, 9, ...huge, 1, 0, 0, 0, 0, 1, 2, 3, 4])))).toThrow(
      /revision 2 is missing/,
    );
    expect(() => restore(Uint8Array.from([...magic, 9, 9, 1, 0, ...huge]))).toThrow(/key is too large/);
    expect(() => restore(Uint8Array.from([...magic, 9, 9, 1, 0, 1, 97, 0, 2, 0, 2, 1, ...huge]))).toThrow(
      /value is too large/,
    );
    expect(() => restore(Uint8Array.from([...magic, 9, 9, 1, 0, 1, 97, 0, 0x80, 0]))).toThrow(/misspelt/);
  });

  it('gives each value memory of its own', () => {
    const bytes = drain(sample().snapshot());
    const read = restore(bytes).get('a');
    expect(read.type === 'get' && read.entry?.value.buffer.byteLength).toBe(5);
  });

  it('restores keys and values larger than a chunk', () => {
    const store = new Store();
    const key = 'k'.repeat(5000);
    const value = new Uint8Array(300_000).map((_, at) => at % 251);
    store.apply(1, { session: undefined, command: { type: 'put', key, value } });
    const restoring = new StoreRestore();
    for (const chunk of store.snapshot().chunks(4096)) restoring.write(chunk);
    const read = restoring.finish().get(key);
    // Not toEqual, which takes seconds over so many elements.
    expect(read.type === 'get' && read.entry !== undefined && Buffer.compare(read.entry.value, value)).toBe(0);
  });

  it('takes up a snapshot under tighter limits and meets them with the next commands', () => {
    const store = storeOf(
      Array.from({ length: 20 }, (_, at) => ({
        session: undefined,
        command: at < 5 ? { type: 'openSession' as const } : { type: 'put' as const, key: 'k', value: bytesOf('v') },
      })),
    );
    const tight = restore(drain(store.snapshot()), { retainedRevisions: 2, maxSessions: 2 });
    expect(tight.statistics()).toMatchObject({ sessions: 5, compactedRevision: 0, revision: 16 });
    tight.apply(21, { session: undefined, command: { type: 'put', key: 'k', value: bytesOf('v') } });
    tight.apply(22, { session: undefined, command: { type: 'openSession' } });
    expect(tight.statistics()).toMatchObject({ sessions: 2, compactedRevision: 16, revision: 17 });
  });
});
