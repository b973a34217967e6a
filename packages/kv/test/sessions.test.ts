// Exactly-once (thesis section 6.3): retries, floors, overflow, eviction, and all of it again on a restored store.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Command, CommandResult, SessionStamp } from '../src/index.ts';
import { Store, StoreRestore } from '../src/index.ts';
import { bytesOf, drain } from './arbitrary.ts';

const put: Command = { type: 'put', key: 'k', value: bytesOf('v') };

class Bench {
  readonly store: Store;
  constructor(options = {}) {
    this.store = new Store(options);
  }
  run(command: Command, session?: SessionStamp): CommandResult {
    return this.store.apply(this.store.appliedIndex + 1, { session, command });
  }
  write(clientId: number, sequence: number, ackFloor = 0): CommandResult {
    return this.run(put, { clientId, sequence, ackFloor });
  }
}

describe('a session', () => {
  it('carries out each sequence once, however often and in whatever order it arrives (§6.3)', () => {
    const deliveries = fc.integer({ min: 1, max: 12 }).chain((count) =>
      fc.array(fc.record({ sequence: fc.integer({ min: 1, max: count }), restore: fc.nat(9) }), {
        minLength: 1,
        maxLength: 60,
      }),
    );
    fc.assert(
      fc.property(deliveries, (arrivals) => {
        const bench = new Bench();
        let store = bench.store;
        bench.run({ type: 'openSession' });
        const first = new Map<number, CommandResult>();
        for (const { sequence, restore } of arrivals) {
          if (restore === 0) store = copyOf(store);
          const stamp = { clientId: 1, sequence, ackFloor: 0 };
          const command: Command = { type: 'put', key: `k${sequence}`, value: bytesOf('v'), returnPrevious: true };
          const answer = store.apply(store.appliedIndex + 1, { session: stamp, command });
          expect(answer).toEqual(first.get(sequence) ?? answer);
          first.set(sequence, answer);
        }
        expect(store.revision).toBe(1 + first.size);
        for (const sequence of first.keys()) expect(store.get(`k${sequence}`)).toMatchObject({ entry: { version: 1 } });
      }),
      { seed: 7, numRuns: 100 },
    );
  });

  it('answers a retry with the refusal of the first time, though it could be carried out by now', () => {
    const bench = new Bench();
    bench.run({ type: 'openSession' });
    const read: Command = { type: 'txn', compare: [], then: [{ type: 'get', key: 'k', revision: 2 }], otherwise: [] };
    const stamp = { clientId: 1, sequence: 1, ackFloor: 0 };
    const refusal = bench.run(read, stamp);
    expect(refusal).toMatchObject({ code: 'future_revision' });
    bench.write(1, 2);
    expect(bench.run(read, stamp)).toEqual(refusal);
  });

  it('is unknown before it is opened and after it is closed', () => {
    const bench = new Bench();
    expect(bench.write(1, 1)).toMatchObject({ code: 'session_expired' });
    expect(bench.run({ type: 'openSession' })).toEqual({ type: 'session', clientId: 2 });
    expect(bench.write(2, 1)).toMatchObject({ type: 'put' });
    expect(bench.run({ type: 'closeSession', clientId: 2 })).toEqual({ type: 'session', clientId: 2 });
    expect(bench.run({ type: 'closeSession', clientId: 2 })).toMatchObject({ code: 'session_expired' });
    expect(bench.run({ type: 'keepAlive', clientId: 2 })).toMatchObject({ code: 'session_expired' });
    expect(bench.write(2, 2)).toMatchObject({ code: 'session_expired' });
    expect(bench.store.revision).toBe(2);
  });

  it('forgets the answers up to the floor, and takes a sequence from there for stale', () => {
    const bench = new Bench();
    bench.run({ type: 'openSession' });
    for (let sequence = 1; sequence <= 4; sequence++) bench.write(1, sequence);
    expect(bench.write(1, 5, 3)).toMatchObject({ type: 'put', revision: 6 });
    expect(bench.write(1, 3)).toMatchObject({ code: 'session_stale' });
    expect(bench.write(1, 4)).toMatchObject({ type: 'put', revision: 5 });
    // The floor never goes back, whatever a late copy of an older request says.
    expect(bench.write(1, 2, 1)).toMatchObject({ code: 'session_stale' });
    expect(bench.write(1, 6, 2 ** 50)).toMatchObject({ code: 'session_stale' });
    expect(bench.store.revision).toBe(6);
  });

  it('refuses writes while it holds too many answers, still answers retries, and goes on once some are acknowledged', () => {
    const bench = new Bench({ maxSessionAnswers: 3 });
    bench.run({ type: 'openSession' });
    for (let sequence = 1; sequence <= 3; sequence++) bench.write(1, sequence);
    expect(bench.write(1, 4)).toMatchObject({ code: 'session_overflow' });
    expect(bench.write(1, 2)).toMatchObject({ type: 'put', revision: 3 });
    // The refusal was not noted: the same sequence may still be carried out.
    expect(bench.write(1, 4, 1)).toMatchObject({ type: 'put', revision: 5 });
    expect(bench.write(1, 5)).toMatchObject({ code: 'session_overflow' });
  });

  it('refuses writes while its answers hold too many bytes, and goes on once some are acknowledged', () => {
    const bench = new Bench({ maxSessionAnswerBytes: 1900 });
    bench.run({ type: 'openSession' });
    bench.run({ type: 'put', key: 'k', value: new Uint8Array(900) });
    const read: Command = { type: 'txn', compare: [], then: [{ type: 'get', key: 'k' }], otherwise: [] };
    const ask = (sequence: number, ackFloor = 0): CommandResult => bench.run(read, { clientId: 1, sequence, ackFloor });
    for (let sequence = 1; sequence <= 3; sequence++) expect(ask(sequence).type).toBe(sequence < 3 ? 'txn' : 'error');
    expect(ask(3)).toMatchObject({ code: 'session_overflow' });
    expect(ask(2)).toMatchObject({ type: 'txn' });
    expect(ask(3, 1)).toMatchObject({ type: 'txn' });
    expect(ask(4, 1)).toMatchObject({ code: 'session_overflow' });
    expect(ask(4, 2 ** 30)).toMatchObject({ code: 'session_stale' });
    expect(ask(2 ** 30 + 1, 2 ** 30)).toMatchObject({ type: 'txn' });
  });

  it('that holds most is evicted when the answers of all hold too many bytes, whether restored in between or not', () => {
    const limits = { maxAnswerBytes: 4000 };
    const bench = new Bench(limits);
    for (let at = 0; at < 4; at++) bench.run({ type: 'openSession' });
    bench.run({ type: 'put', key: 'k', value: new Uint8Array(700) });
    const ask = (store: Store, clientId: number, sequence: number): CommandResult => {
      const read: Command = { type: 'txn', compare: [], then: [{ type: 'get', key: 'k' }], otherwise: [] };
      return store.apply(store.appliedIndex + 1, { session: { clientId, sequence, ackFloor: 0 }, command: read });
    };
    for (const [clientId, sequence] of [[1, 1], [2, 1], [2, 2], [3, 1]] as const) ask(bench.store, clientId, sequence); // prettier-ignore
    const copy = copyOf(bench.store, limits);
    for (const store of [bench.store, copy]) {
      // Each holds about 800 bytes an answer: the fifth fits, the sixth does not.
      expect(ask(store, 4, 1)).toMatchObject({ type: 'txn' });
      expect(store.statistics().sessions).toBe(4);
      expect(ask(store, 4, 2)).toMatchObject({ type: 'txn' });
      // Two and four hold as much; two was used longer ago.
      expect(ask(store, 2, 3)).toMatchObject({ code: 'session_expired' });
      for (const clientId of [1, 3, 4]) expect(ask(store, clientId, 1)).toMatchObject({ type: 'txn' });
    }
    expect(drain(copy.snapshot())).toEqual(drain(bench.store.snapshot()));
  });

  it('keeps a snapshot within bounds though each of its answers holds all the data', () => {
    const bench = new Bench({ maxSessionAnswerBytes: 100_000 });
    bench.run({ type: 'openSession' });
    for (let at = 0; at < 50; at++) bench.run({ type: 'put', key: `k${at}`, value: new Uint8Array(1000) });
    const scan: Command = {
      type: 'txn',
      compare: [],
      then: [{ type: 'scan', range: { from: '', to: undefined } }],
      otherwise: [],
    };
    for (let sequence = 1; sequence <= 100; sequence++) bench.run(scan, { clientId: 1, sequence, ackFloor: 0 });
    expect(drain(bench.store.snapshot()).length).toBeLessThan(50_000 + 200_000);
  });

  it('that was used least recently makes room for a new one; retries, refusals and keep-alives count as use', () => {
    const bench = new Bench({ maxSessions: 3 });
    const [a, b, c] = [1, 2, 3];
    for (let at = 0; at < 3; at++) bench.run({ type: 'openSession' });
    bench.write(a, 1);
    bench.write(b, 1);
    bench.write(c, 1);
    bench.write(a, 1);
    bench.run({ type: 'keepAlive', clientId: b });
    bench.run({ type: 'openSession' });
    expect(bench.write(c, 2)).toMatchObject({ code: 'session_expired' });
    bench.run({ type: 'openSession' });
    expect(bench.write(a, 2)).toMatchObject({ code: 'session_expired' });
    expect(bench.write(b, 2)).toMatchObject({ type: 'put' });
  });

  it('may close itself, or be evicted, by the very command that it stamps', () => {
    const bench = new Bench({ maxSessions: 1 });
    bench.run({ type: 'openSession' });
    expect(bench.run({ type: 'openSession' }, { clientId: 1, sequence: 1, ackFloor: 0 })).toEqual({
      type: 'session',
      clientId: 2,
    });
    expect(bench.write(1, 1)).toMatchObject({ code: 'session_expired' });
    const stamp = { clientId: 2, sequence: 1, ackFloor: 0 };
    expect(bench.run({ type: 'closeSession', clientId: 2 }, stamp)).toEqual({ type: 'session', clientId: 2 });
    expect(bench.store.statistics().sessions).toBe(0);
    expect(drain(copyOf(bench.store).snapshot())).toEqual(drain(bench.store.snapshot()));
  });

  it('takes its answers along when it closes itself', () => {
    const bench = new Bench({ maxAnswerBytes: 100 });
    bench.run({ type: 'openSession' });
    bench.write(1, 1);
    for (let at = 0; at < 10; at++) {
      const opened = bench.run({ type: 'openSession' });
      if (opened.type !== 'session') throw new Error('not opened');
      const { clientId } = opened;
      expect(bench.write(clientId, 1)).toMatchObject({ type: 'put' });
      bench.run({ type: 'closeSession', clientId }, { clientId, sequence: 2, ackFloor: 0 });
    }
    expect(bench.write(1, 1)).toEqual({ type: 'put', revision: 2 });
    expect(bench.store.statistics().sessions).toBe(1);
  });

  it('is evicted in the same order on a store that was restored', () => {
    const bench = new Bench({ maxSessions: 4 });
    for (let at = 0; at < 4; at++) bench.run({ type: 'openSession' });
    for (const clientId of [2, 4, 1]) bench.write(clientId, 1);
    const copy = copyOf(bench.store, { maxSessions: 4 });
    for (const store of [bench.store, copy]) {
      const index = store.appliedIndex;
      for (let at = 1; at <= 2; at++) store.apply(index + at, { session: undefined, command: { type: 'openSession' } });
      const alive = [1, 2, 3, 4].filter(
        (clientId, at) =>
          store.apply(index + 3 + at, { session: undefined, command: { type: 'keepAlive', clientId } }).type ===
          'session',
      );
      expect(alive).toEqual([1, 4]);
    }
  });
});

function copyOf(store: Store, options = {}): Store {
  const restore = new StoreRestore(options);
  restore.write(drain(store.snapshot()));
  return restore.finish();
}
