// The store as a whole against its naive twin, then revisions, window, changes and apply rule by rule.
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Command, CommandResult, StoreSnapshot } from '../src/index.ts';
import { InvariantError, Store } from '../src/index.ts';
import { bytesOf, envelope, keys, options, range, scanOptions } from './arbitrary.ts';
import { Model } from './model.ts';

const seed = 20_260_117;

/** Words of refusals are not part of the contract. */
function wordless(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('message' in value)) return value;
  return { ...value, message: '' };
}

function same(actual: unknown, expected: unknown): void {
  const [a, b] = [wordless(actual), wordless(expected)];
  if (!isDeepStrictEqual(a, b)) expect(a).toStrictEqual(b);
}

function open(storeOptions = {}): { store: Store; run: (command: Command) => CommandResult } {
  const store = new Store(storeOptions);
  return { store, run: (command) => store.apply(store.appliedIndex + 1, { session: undefined, command }) };
}

const uncompacted = envelope.filter(({ command }) => command.type !== 'compact');

describe('the store and its naive twin', () => {
  it('give the same results, reads at every revision and changes, whatever the commands, with and without a snapshot open', () => {
    const step = fc.record({ envelope, pin: fc.constantFrom('no', 'no', 'no', 'open', 'release') });
    fc.assert(
      fc.property(
        options,
        fc.array(step, { minLength: 1, maxLength: 40 }),
        range,
        scanOptions,
        (limits, steps, within, scan) => {
          const store = new Store(limits);
          const model = new Model(limits);
          let pinned: StoreSnapshot | undefined;
          for (const [at, { envelope: each, pin }] of steps.entries()) {
            if (pin !== 'no') {
              pinned?.release();
              pinned = pin === 'open' ? store.snapshot() : undefined;
            }
            same(store.apply(at + 1, each), model.apply(at + 1, each));
            same([store.revision, store.compactedRevision], [model.revision, model.compactedRevision]);
          }
          compareReads(store, model);
          for (let from = 0; from <= model.revision + 2; from++) {
            same(store.changes(from), model.changes(from, { from: '', to: undefined }, Infinity));
            same(store.changes(from, { range: within, limit: 3 }), model.changes(from, within, 3));
            same(store.scan(within, { ...scan, revision: from }), model.scan(within, { ...scan, revision: from }));
          }
          compareCounters(store, model);
        },
      ),
      { seed, numRuns: 300 },
    );
  });

  it('lose no change and invent none: the feed is the difference of the states', () => {
    fc.assert(
      fc.property(fc.array(uncompacted, { minLength: 1, maxLength: 40 }), (log) => {
        const store = new Store();
        for (const [at, each] of log.entries()) store.apply(at + 1, each);
        const state = new Map<string, unknown>();
        let from = 1;
        while (from <= store.revision) {
          const page = store.changes(from, { limit: 2 });
          if ('code' in page) throw new Error(page.message);
          for (const { revision, events } of page.changes) {
            for (const event of events) {
              const name = event.type === 'put' ? event.entry.key : event.key;
              same(event.previous, state.get(name));
              if (event.type === 'put') state.set(name, event.entry);
              else state.delete(name);
            }
            const scan = store.scan({ from: '', to: undefined }, { revision });
            if (scan.type !== 'scan') throw new Error(scan.message);
            same(new Map(scan.entries.map((entry) => [entry.key, entry])), state);
          }
          from = page.nextRevision;
        }
      }),
      { seed, numRuns: 100 },
    );
  });
});

function compareReads(store: Store, model: Model): void {
  for (let revision = 0; revision <= model.revision + 1; revision++) {
    for (const key of keys) same(store.get(key, { revision }), model.get(key, revision));
    const everything = { from: '', to: undefined };
    same(store.scan(everything, { revision }), model.scan(everything, { revision }));
    same(store.scan(everything, { revision, countOnly: true }), model.scan(everything, { revision, countOnly: true }));
  }
}

function compareCounters(store: Store, model: Model): void {
  const { keys: count, keyBytes, valueBytes, sessions } = store.statistics();
  const entries = [...model.now().values()];
  const sum = (numbers: number[]): number => numbers.reduce((total, each) => total + each, 0);
  same(
    [count, keyBytes, valueBytes, sessions],
    [
      entries.length,
      sum(entries.map((e) => e.key.length)),
      sum(entries.map((e) => e.value.length)),
      model.sessions.length,
    ],
  );
}

describe('revisions', () => {
  it('start at 1 for the empty store and count only what changes something', () => {
    const { store, run } = open();
    expect(store.revision).toBe(1);
    expect(run({ type: 'delete', key: 'a' })).toEqual({ type: 'delete', revision: 1, deleted: 0 });
    expect(run({ type: 'openSession' })).toEqual({ type: 'session', clientId: 2 });
    expect(run({ type: 'put', key: 'a', value: bytesOf('1') })).toEqual({ type: 'put', revision: 2 });
    expect(run({ type: 'txn', compare: [], then: [{ type: 'get', key: 'a' }], otherwise: [] })).toMatchObject({
      revision: 2,
    });
    expect(run({ type: 'put', key: 'a', value: bytesOf('1') })).toEqual({ type: 'put', revision: 3 });
    expect(store.revision).toBe(3);
  });

  it('start a key anew after it was deleted', () => {
    const { store, run } = open();
    run({ type: 'put', key: 'a', value: bytesOf('1') });
    run({ type: 'put', key: 'a', value: bytesOf('2') });
    expect(store.get('a')).toMatchObject({ entry: { createRevision: 2, revision: 3, version: 2 } });
    run({ type: 'delete', key: 'a' });
    run({ type: 'put', key: 'a', value: bytesOf('3') });
    expect(store.get('a')).toMatchObject({ entry: { createRevision: 5, revision: 5, version: 1 } });
    expect(store.get('a', { revision: 3 })).toMatchObject({ entry: { version: 2 } });
    expect(store.get('a', { revision: 4 })).toMatchObject({ entry: undefined });
  });

  it('answer the newest revision with a read of the past, as etcd does', () => {
    const { store, run } = open();
    run({ type: 'put', key: 'a', value: bytesOf('1') });
    run({ type: 'put', key: 'a', value: bytesOf('2') });
    expect(store.get('a', { revision: 2 })).toMatchObject({ revision: 3, entry: { revision: 2 } });
  });
});

describe('the window', () => {
  it('keeps the newest retainedRevisions readable and watchable, and not one more', () => {
    const { store, run } = open({ retainedRevisions: 3 });
    for (let at = 0; at < 9; at++) run({ type: 'put', key: 'a', value: bytesOf(String(at)) });
    expect([store.compactedRevision, store.revision]).toEqual([8, 10]);
    expect(store.get('a', { revision: 8 })).toMatchObject({ entry: { revision: 8 } });
    expect(store.get('a', { revision: 7 })).toMatchObject({ code: 'compacted', compactedRevision: 8 });
    expect(store.changes(8)).toMatchObject({ nextRevision: 11 });
    expect(store.changes(7)).toMatchObject({ code: 'compacted', compactedRevision: 8 });
  });

  it('keeps no more than retainedBytes behind the newest revision', () => {
    const { store, run } = open({ retainedBytes: 256 * 2 + 250 });
    for (let at = 0; at < 9; at++) run({ type: 'put', key: 'a', value: new Uint8Array(99) });
    expect(store.revision - store.compactedRevision).toBe(2);
    run({ type: 'put', key: 'a', value: new Uint8Array(1000) });
    expect(store.compactedRevision).toBe(store.revision);
    expect(store.get('a', { revision: store.revision })).toMatchObject({ entry: { revision: store.revision } });
  });

  it('counts versions too, so that batches of small writes do not fill the memory', () => {
    const { store, run } = open({ retainedBytes: 1_000_000 });
    const ops = Array.from({ length: 100 }, (_, at) => ({ type: 'put', key: `k${at}`, value: bytesOf('v') }) as const);
    for (let at = 0; at < 200; at++) run({ type: 'batch', ops });
    expect(store.statistics().historyVersions).toBeLessThan(1_000_000 / 250);
    expect(store.revision - store.compactedRevision).toBeGreaterThan(30);
  });

  it('lets a watch start at the compacted revision and hear the delete made there, without what was before', () => {
    const { store, run } = open();
    run({ type: 'put', key: 'a', value: bytesOf('1') });
    run({ type: 'delete', key: 'a' });
    run({ type: 'put', key: 'b', value: bytesOf('1') });
    expect(run({ type: 'compact', revision: 3 })).toEqual({ type: 'compact', revision: 4 });
    expect(store.changes(2)).toMatchObject({ code: 'compacted' });
    expect(store.changes(3)).toMatchObject({
      changes: [
        { revision: 3, events: [{ type: 'delete', key: 'a', revision: 3, previous: undefined }] },
        { revision: 4, events: [{ type: 'put' }] },
      ],
      nextRevision: 5,
    });
  });

  it('refuses to compact twice at one revision, or ahead of time', () => {
    const { run } = open();
    run({ type: 'put', key: 'a', value: bytesOf('1') });
    expect(run({ type: 'compact', revision: 3 })).toMatchObject({ code: 'future_revision' });
    expect(run({ type: 'compact', revision: 2 })).toMatchObject({ type: 'compact' });
    expect(run({ type: 'compact', revision: 2 })).toMatchObject({ code: 'compacted', compactedRevision: 2 });
  });

  it('holds no more versions in memory than it retains, once later commands have trimmed them', () => {
    const { store, run } = open({ retainedRevisions: 10 });
    for (let at = 0; at < 500; at++) {
      run({ type: 'put', key: `k${at % 7}`, value: bytesOf('v') });
      run({ type: 'delete', key: `k${(at + 3) % 7}` });
    }
    expect(store.statistics().historyVersions).toBeLessThanOrEqual(20);
    for (let at = 0; at < 100; at++) run({ type: 'put', key: 'only', value: bytesOf('v') });
    run({ type: 'deleteRange', range: { from: '', to: undefined } });
    for (let at = 0; at < 20; at++) run({ type: 'put', key: 'last', value: bytesOf('v') });
    expect(store.statistics()).toMatchObject({ keys: 1 });
    expect(store.statistics().historyVersions).toBeLessThanOrEqual(10);
  });

  it('trims nothing while a snapshot is open, and catches up after its release', () => {
    const { store, run } = open({ retainedRevisions: 5 });
    const snapshot = store.snapshot();
    for (let at = 0; at < 1000; at++) run({ type: 'put', key: 'a', value: bytesOf('v') });
    expect(store.statistics().historyVersions).toBe(999);
    expect(store.get('a', { revision: 900 })).toMatchObject({ code: 'compacted' });
    snapshot.release();
    snapshot.release();
    for (let at = 0; at < 100; at++) run({ type: 'put', key: 'a', value: bytesOf('v') });
    expect(store.statistics().historyVersions).toBeLessThanOrEqual(6);
  });
});

describe('changes', () => {
  it('has nothing yet for a start in the future, and says to come back there', () => {
    const { store } = open();
    expect(store.changes(7)).toEqual({ changes: [], nextRevision: 7 });
    expect(store.changes(2)).toEqual({ changes: [], nextRevision: 2 });
  });

  it('moves on over revisions outside the range without answering them', () => {
    const { store, run } = open();
    for (let at = 0; at < 10; at++) run({ type: 'put', key: 'a', value: bytesOf('v') });
    expect(store.changes(2, { range: { from: 'b', to: undefined }, limit: 4 })).toEqual({
      changes: [],
      nextRevision: 6,
    });
  });

  it('refuses a limit that would never get anywhere', () => {
    expect(open().store.changes(1, { limit: 0 })).toMatchObject({ code: 'invalid_argument' });
    expect(open().store.changes(1, { limit: 1.5 })).toMatchObject({ code: 'invalid_argument' });
    expect(open().store.changes(-1)).toMatchObject({ code: 'invalid_argument' });
    expect(open().store.changes(Number.NaN)).toMatchObject({ code: 'invalid_argument' });
  });

  it('tells the events of a batch in the order of its operations', () => {
    const { store, run } = open();
    run({ type: 'put', key: 'a', value: bytesOf('1') });
    run({
      type: 'batch',
      ops: [
        { type: 'put', key: 'z', value: bytesOf('1') },
        { type: 'delete', key: 'a' },
        { type: 'put', key: 'm', value: bytesOf('1') },
      ],
    });
    const page = store.changes(3);
    if ('code' in page) throw new Error(page.message);
    expect(page.changes[0]?.events.map((event) => (event.type === 'put' ? event.entry.key : event.key))).toEqual([
      'z',
      'a',
      'm',
    ]);
  });
});

describe('apply', () => {
  it('keeps the value that it is handed, without a copy', () => {
    const { store, run } = open();
    const value = bytesOf('mine');
    run({ type: 'put', key: 'a', value });
    const read = store.get('a');
    expect(read.type === 'get' && read.entry?.value).toBe(value);
  });

  it('copies a value that is a small part of what it came in, so as not to keep all of that in memory', () => {
    const { store, run } = open();
    const frame = Buffer.alloc(1_000_000, 7);
    const heldBytes = (key: string, value: Uint8Array): number => {
      run({ type: 'batch', ops: [{ type: 'put', key, value }] });
      const read = store.get(key);
      if (read.type !== 'get' || read.entry === undefined) throw new Error('not there');
      expect(Buffer.compare(read.entry.value, value)).toBe(0);
      return read.entry.value.buffer.byteLength;
    };
    expect(heldBytes('small', frame.subarray(5, 15))).toBeLessThan(100);
    expect(heldBytes('empty', frame.subarray(5, 5))).toBeLessThan(100);
    expect(heldBytes('most', frame.subarray(5, 600_000))).toBe(1_000_000);
  });

  it('answers the same entry object until the key changes', () => {
    const { store, run } = open();
    run({ type: 'put', key: 'a', value: bytesOf('1') });
    const [first, second] = [store.get('a'), store.get('a')];
    expect(first.type === 'get' && second.type === 'get' && first.entry === second.entry).toBe(true);
  });

  it('halts on an index that does not go forward', () => {
    const { store, run } = open();
    run({ type: 'openSession' });
    const command = { type: 'openSession' } as const;
    expect(() => store.apply(1, { session: undefined, command })).toThrow(InvariantError);
    expect(() => store.apply(1.5, { session: undefined, command })).toThrow(InvariantError);
    expect(store.apply(9, { session: undefined, command })).toEqual({ type: 'session', clientId: 9 });
  });

  it('refuses options that are no limits', () => {
    const names = ['retainedRevisions', 'retainedBytes', 'maxSessions', 'maxSessionAnswers'];
    for (const name of [...names, 'maxSessionAnswerBytes', 'maxAnswerBytes']) {
      for (const bad of [0, -1, 1.5, Number.NaN]) expect(() => new Store({ [name]: bad })).toThrow(InvariantError);
    }
  });

  it('counts the commands that it carried out by type', () => {
    const { store, run } = open();
    run({ type: 'put', key: 'a', value: bytesOf('1') });
    run({ type: 'delete', key: 'a' });
    run({ type: 'put', key: '', value: bytesOf('1') });
    expect(store.statistics().applied).toMatchObject({ put: 1, delete: 1, txn: 0 });
    expect(store.statistics().appliedIndex).toBe(3);
  });
});
