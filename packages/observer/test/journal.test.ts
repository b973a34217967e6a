// The batches of a copy and the copies that replace them, with the power cut at every step: what is found again is what the copy was at some moment, and never older than
// what was said to be kept.
import * as fc from 'fast-check';
import type { Key, KeyValue } from '@raftkv/kv';
import { encodeFeedChanges } from '@raftkv/wire';
import { expect, it } from 'vitest';
import { Copy } from '../src/copy.ts';
import { platformInflate } from '../src/inflate.ts';
import type { Journal } from '../src/journal.ts';
import { openJournal } from '../src/open-journal.ts';
import { SlowStore } from './slow-store.ts';
import { processClock } from './process-clock.ts';

type Deed = 'batch' | 'big' | 'replace' | 'rest';
const deed = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Deed>('batch') },
  { weight: 4, arbitrary: fc.constant<Deed>('big') },
  { weight: 1, arbitrary: fc.constant<Deed>('replace') },
  { weight: 2, arbitrary: fc.constant<Deed>('rest') },
);
const identity = { clusterId: 'c0ffee00c0ffee00', replicaId: '00000000000000a1' };

class Diary {
  readonly store: SlowStore;
  readonly hashes = new Map<number, string | undefined>([[0, undefined]]);
  kept = 0;
  failures = 0;
  emptied = 0;
  #journal!: Journal;
  #copy = new Copy({ isOfAllKeys: true });

  constructor(turns: () => number) {
    this.store = new SlowStore(turns);
  }

  /** Answers what was found. */
  async open(): Promise<Copy | undefined> {
    const loaded = await openJournal(this.store, identity, {
      scope: '[]',
      isOfAllKeys: true,
      inflate: platformInflate,
      clock: processClock,
      onFailure: () => void (this.failures += 1),
      onEmptied: () => void (this.emptied += 1),
    });
    this.#journal = loaded!.journal;
    return loaded!.copy;
  }

  /** As the observer does it. */
  batch(bytes: number): void {
    const revision = this.#copy.revision + 1;
    const entry: KeyValue = {
      key: `k${revision % 7}` as Key,
      value: new Uint8Array(bytes).fill(revision),
      revision,
      createRevision: revision,
      version: 1,
    };
    const changes = [{ revision, events: [{ type: 'put' as const, entry, previous: undefined }] }];
    const position = { revision, index: revision };
    this.#follow(
      this.#journal.append({ ...position, isDeflated: false, payload: encodeFeedChanges(changes) }),
      revision,
    );
    this.#copy.applyChanges(changes);
    this.#copy.moveTo(position);
    this.hashes.set(revision, this.#copy.hash);
    this.#journal.consider(this.#copy);
  }

  replace(): void {
    const fresh = new Copy({ isOfAllKeys: true });
    const revision = this.#copy.revision + 1;
    fresh.addEntries([
      { key: 'new' as Key, value: Uint8Array.of(revision), revision, createRevision: revision, version: 1 },
    ]);
    fresh.moveTo({ revision, index: revision });
    this.#copy = fresh;
    this.hashes.set(revision, fresh.hash);
    this.#follow(this.#journal.replace(fresh), revision);
  }

  #follow(kept: Promise<void>, revision: number): void {
    void kept.then(() => {
      // After a failure nothing is promised any more.
      if (this.failures === 0 && this.store.stepsLeft > 0) this.kept = Math.max(this.kept, revision);
    });
  }

  close(): Promise<void> {
    return this.#journal.close();
  }
}

async function live(deeds: readonly Deed[], seed: number, stepsLeft: number): Promise<Diary> {
  let state = seed;
  const diary = new Diary(() => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) % 3);
  await diary.open();
  diary.store.stepsLeft = stepsLeft;
  for (const each of deeds) {
    if (each === 'batch') diary.batch(10);
    else if (each === 'big') diary.batch(150_000);
    else if (each === 'replace') diary.replace();
    else await new Promise((resolve) => setTimeout(resolve, 1));
  }
  // Half of them are closed in the middle of what they are writing, the others when they are done.
  for (let before = -1; seed % 2 === 0 && before !== diary.store.steps;) {
    before = diary.store.steps;
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  return diary;
}

it('a copy is found again as it was at some moment, and not before what was kept, whenever the power is cut', async () => {
  let compactions = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { minLength: 4, maxLength: 24 }), fc.nat(), async (deeds, seed) => {
      const whole = await live(deeds, seed, Infinity);
      await whole.close();
      expect(whole.failures).toBe(0);
      compactions += whole.store.replacements - deeds.filter((each) => each === 'replace').length;
      const last = Math.max(...whole.hashes.keys());
      whole.store.restart();
      const all = await whole.open();
      expect([all?.revision ?? 0, all?.hash]).toEqual([last, whole.hashes.get(last)]);
      await whole.close();
      const { steps } = whole.store;
      for (let cut = 0; cut < steps; cut += 1 + Math.floor(steps / 12)) {
        const diary = await live(deeds, seed, cut);
        await diary.close();
        const { kept } = diary;
        diary.store.restart();
        const found = await diary.open();
        expect(diary.emptied).toBe(0);
        expect(diary.hashes.get(found?.revision ?? 0)).toBe(found?.hash);
        expect(found?.revision ?? 0).toBeGreaterThanOrEqual(kept);
        await diary.close();
      }
    }),
    // One that surely writes more than it is worth keeping: chance need not.
    { numRuns: 20, examples: [[Array.from({ length: 24 }, (_, at) => (at % 3 === 2 ? 'rest' : 'big')), 4]] },
  );
  expect(compactions).toBeGreaterThan(0);
}, 60_000);
