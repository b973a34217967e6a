// The tab's storage beside the memory reference: random calls to both must end in the same state. And over a long life it must stay small: few
// records for many writes, and none that nobody needs.
import { expect, it } from 'vitest';
import { setStage } from './harness/stage.ts';

const stage = setStage(['storage']);

/** The long one is the first that was seen to find a chunk that was dropped one entry too early. */
const seeds = [1, 2, 3, 4, 325284790, Math.floor(Math.random() * 2 ** 31)];

it.each(seeds)('agrees with the memory reference after random calls, seed %i', async (seed) => {
  const tab = await stage.openTab('storage');
  const findings = await tab.page.evaluate(async (start) => {
    const { openIndexedDbStorage, openMemoryStorage, createMemoryStore, identity } = storageLab;
    let state = start;
    const random = (below: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const store = createMemoryStore();
    const openBoth = async () =>
      Promise.all([
        openIndexedDbStorage({ name: 'a', create: true, identity, durability: 'relaxed' }),
        openMemoryStorage({ create: true, identity, store }),
      ]);
    const wholeOf = async (storage: Awaited<ReturnType<typeof openBoth>>[number]): Promise<string> => {
      const loaded = await storage.load();
      const reader = await storage.openSnapshot();
      const content = reader === undefined ? [] : await reader.read(0, reader.totalBytes);
      const notes = [await storage.getNote('a'), await storage.getNote('b')];
      const entries = loaded.entries.map(({ index, term, kind, data }) => [index, term, kind, ...data]);
      const { hardState, compactedIndex, compactedTerm, snapshot } = loaded;
      return JSON.stringify([
        hardState,
        compactedIndex,
        compactedTerm,
        snapshot,
        entries,
        content.length,
        [...content.slice(-9)],
        notes,
      ]);
    };
    const configuration = { voters: ['a1'], votersOutgoing: [], learners: [], learnersNext: [], members: [] };
    let term = 1;
    let first = 1;
    let last = 0;
    const found: string[] = [];
    for (let round = 0; round < 12; round += 1) {
      const both = await openBoth();
      const [ours, theirs] = await Promise.all(both.map(wholeOf));
      if (ours !== theirs) found.push(`round ${round}: ${ours?.slice(0, 300)} is not ${theirs?.slice(0, 300)}`);
      const open: Promise<unknown>[] = [];
      // The same call to both; what one refuses the other must refuse.
      const call = (action: (storage: (typeof both)[number]) => Promise<unknown>): void => {
        const codes = both.map((storage) => storageLab.codeOf(() => action(storage)));
        open.push(
          Promise.all(codes).then(([a, b]) => {
            if (a !== b) found.push(`round ${round}: ${a} is not ${b}`);
          }),
        );
      };
      for (let i = 0; i < 25; i += 1) {
        const what = random(100);
        if (what < 70) {
          if (random(12) === 0) {
            term += 1;
            last = Math.max(first - 1, last - random(8));
          }
          const count = random(6);
          const size = random(20) === 0 ? 30_000 : random(300);
          const entries = Array.from({ length: count }, (_, at) => {
            const data = new Uint8Array(size).fill(random(256));
            return { index: last + 1 + at, term, kind: 'command' as const, data };
          });
          last += count;
          const hardState = random(4) === 0 ? { term, votedFor: 'a1', commitIndex: Math.max(0, last - 5) } : undefined;
          call((storage) => storage.append({ hardState, entries }));
        } else if (what < 80) {
          call((storage) => storage.setNote(what % 2 === 0 ? 'a' : 'b', new Uint8Array([what, i])));
        } else if (what < 90) {
          const isReset = random(3) === 0;
          const lastIncludedIndex = isReset ? last + random(10) : Math.max(first - 1, last - random(10));
          const lastIncludedTerm = term;
          const meta = { lastIncludedIndex, lastIncludedTerm, configuration };
          const bytes = new Uint8Array(random(3) === 0 ? 0 : random(150_000)).fill(i);
          await Promise.all(open);
          let isTaken = true;
          for (const storage of both) {
            const writer = await storage.createSnapshot(meta);
            await writer.write(bytes);
            const code = await storageLab.codeOf(() => writer.commit({ resetLog: isReset }));
            isTaken &&= code === 'resolved';
          }
          if (isTaken && isReset && lastIncludedIndex >= last) {
            first = lastIncludedIndex + 1;
            last = lastIncludedIndex;
          }
        } else if (what < 95) {
          const index = Math.max(0, last - random(12));
          await Promise.all(open);
          call((storage) => storage.compact(index));
        } else {
          call((storage) =>
            storage.append({
              hardState: undefined,
              entries: [{ index: last + 3, term, kind: 'empty', data: new Uint8Array(0) }],
            }),
          );
        }
      }
      // Half of the time with everything still open.
      if (random(2) === 0) await Promise.all(open);
      await Promise.all(both.map((storage) => storage.close()));
      await Promise.all(open);
    }
    return found;
  }, seed);
  expect(findings).toEqual([]);
});

it('stays small: many small writes are few records, and what is compacted or replaced is deleted', async () => {
  const tab = await stage.openTab('storage');
  const counts = await tab.page.evaluate(async () => {
    const { openIndexedDbStorage, identity, append, openRaw, recordsOf } = storageLab;
    const configuration = { voters: ['a1'], votersOutgoing: [], learners: [], learnersNext: [], members: [] };
    const storage = await openIndexedDbStorage({ name: 'a', create: true, identity, durability: 'relaxed' });
    const database = await openRaw('a');
    for (let index = 1; index <= 500; index += 1) await append(storage, index, 1, 100);
    const afterWrites = (await recordsOf(database)).length;
    let largest = 0;
    for (let round = 1; round <= 20; round += 1) {
      const lastIncludedIndex = 500 + 30 * round;
      await append(storage, lastIncludedIndex - 29, 30, 1000);
      const writer = await storage.createSnapshot({ lastIncludedIndex, lastIncludedTerm: 1, configuration });
      await writer.write(new Uint8Array(100_000));
      await writer.commit();
      const reader = round % 5 === 0 ? await storage.openSnapshot() : undefined;
      await storage.compact(lastIncludedIndex - 10);
      await reader?.close();
      largest = Math.max(largest, (await recordsOf(database)).length);
    }
    const abandoned = await storage.createSnapshot({ lastIncludedIndex: 1100, lastIncludedTerm: 1, configuration });
    await abandoned.write(new Uint8Array(200_000));
    await storage.close();
    const atTheEnd = (await recordsOf(database)).map(({ key }) => key);
    database.close();
    return { afterWrites, largest, atTheEnd: atTheEnd.map((key) => (typeof key === 'number' ? 'log' : key)) };
  });
  // 500 writes of 100 bytes, in chunks that grow to 8 KiB.
  expect(counts.afterWrites).toBeLessThan(15);
  expect(counts.largest).toBeLessThan(20);
  expect(counts.atTheEnd).toEqual(['log', 'fence', 'identity', 'mark', [20, 0], [20, 1]]);
});

it('a snapshot that a dead tab left half written is removed at the next opening, and that is told', async () => {
  const writer = await stage.openTab('storage');
  await writer.page.evaluate(async () => {
    const { openIndexedDbStorage, identity, append } = storageLab;
    const storage = await openIndexedDbStorage({ name: 'a', create: true, identity });
    await append(storage, 1, 5);
    const configuration = { voters: ['a1'], votersOutgoing: [], learners: [], learnersNext: [], members: [] };
    const half = await storage.createSnapshot({ lastIncludedIndex: 3, lastIncludedTerm: 1, configuration });
    await half.write(new Uint8Array(300_000));
  });
  await writer.kill();
  const tab = await stage.openTab('storage');
  const found = await tab.page.evaluate(async () => {
    const storage = await storageLab.openIndexedDbStorage({ name: 'a', create: false });
    const { repairs, entries } = await storage.load();
    const snapshot = await storage.openSnapshot();
    await storage.close();
    const database = await storageLab.openRaw('a');
    const records = await storageLab.recordsOf(database);
    return { repairs, count: entries.length, snapshot, records: records.length };
  });
  expect(found).toEqual({
    repairs: ['removed snapshot 1 of IndexedDB "raftkv/a", which is not the latest one'],
    count: 5,
    snapshot: undefined,
    records: 4,
  });
});
