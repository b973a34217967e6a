// Conformance: writing, committing, reading and replacing snapshots, and a snapshot that replaces the log.
import {
  bytesOf,
  codeOf,
  describeEntries,
  entries,
  entry,
  hardState,
  isSame,
  meta,
  readSnapshot,
  saveSnapshot,
  withStorage,
} from './conformance-tools.ts';
import type { ConformanceTools } from './conformance-tools.ts';

/** Content that is no multiple of any chunk size, half of it compressible. */
function makeContent(length: number, seed: number): Uint8Array {
  let state = seed;
  return new Uint8Array(length).map((_, i) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return i % 1000 < 500 ? state >>> 24 : seed;
  });
}

export function describeSnapshots(tools: ConformanceTools): void {
  const { describe, it, expect } = tools;

  describe('snapshots', () => {
    it('there is none at first', async () => {
      await withStorage(tools, async (storage) => {
        expect(await storage.openSnapshot()).toBe(undefined);
      });
    });

    it('come back whole, before and after opening again', async () => {
      await withStorage(tools, async (storage, reopen) => {
        const content = makeContent(700_123, 7);
        await storage.append({ hardState: hardState(1), entries: entries(1, 10) });
        await saveSnapshot(storage, meta(8), content);
        expect(isSame(await readSnapshot(storage), content)).toBe(true);
        const { storage: again, state } = await reopen();
        expect(state.snapshot).toEqual(meta(8));
        expect(state.entries.length).toBe(10);
        expect(isSame(await readSnapshot(again), content)).toBe(true);
        expect(again.statistics().snapshotBytes).toBe(content.length);
      });
    });

    it('can be empty', async () => {
      await withStorage(tools, async (storage, reopen) => {
        await storage.append({ hardState: undefined, entries: entries(1, 1) });
        await saveSnapshot(storage, meta(1), new Uint8Array(0));
        expect(await readSnapshot((await reopen()).storage)).toEqual(new Uint8Array(0));
      });
    });

    it('are read in pieces from any offset, and end with nothing', async () => {
      await withStorage(tools, async (storage) => {
        const content = makeContent(600_000, 3);
        await storage.append({ hardState: undefined, entries: entries(1, 1) });
        await saveSnapshot(storage, meta(1), content);
        const reader = (await storage.openSnapshot())!;
        for (const [offset, maxBytes] of [
          [0, 10],
          [262_140, 10],
          [100_000, 400_000],
          [599_999, 50],
        ] as const) {
          const part = await reader.read(offset, maxBytes);
          expect(isSame(part, content.slice(offset, offset + maxBytes))).toBe(true);
        }
        expect((await reader.read(600_000, 50)).length).toBe(0);
        expect((await reader.read(900_000, 50)).length).toBe(0);
        await reader.close();
      });
    });

    it('take chunks in order even from a sender that does not wait', async () => {
      await withStorage(tools, async (storage) => {
        const content = makeContent(900_000, 5);
        await storage.append({ hardState: undefined, entries: entries(1, 1) });
        const writer = await storage.createSnapshot(meta(1));
        const parts = [0, 300_000, 600_000].map((from) => writer.write(content.subarray(from, from + 300_000)));
        await Promise.all([...parts, writer.commit()]);
        expect(isSame(await readSnapshot(storage), content)).toBe(true);
      });
    });

    it('are invisible until committed, and gone when aborted', async () => {
      await withStorage(tools, async (storage, reopen) => {
        await storage.append({ hardState: undefined, entries: entries(1, 5) });
        const writer = await storage.createSnapshot(meta(3));
        await writer.write(bytesOf('half'));
        expect(await storage.openSnapshot()).toBe(undefined);
        await writer.abort();
        await writer.abort();
        expect(await codeOf(() => writer.write(bytesOf('more')))).toBe('invalid_argument');
        expect(await codeOf(() => writer.commit())).toBe('invalid_argument');
        const { storage: again, state } = await reopen();
        expect(state.snapshot).toBe(undefined);
        await again.createSnapshot(meta(3));
        expect((await reopen()).state.snapshot).toBe(undefined);
      });
    });

    it('do not disturb a reader of an older one', async () => {
      await withStorage(tools, async (storage) => {
        await storage.append({ hardState: undefined, entries: entries(1, 10) });
        const [older, newer] = [makeContent(300_000, 1), makeContent(300_000, 2)];
        await saveSnapshot(storage, meta(4), older);
        const reader = (await storage.openSnapshot())!;
        await saveSnapshot(storage, meta(9), newer);
        expect(reader.meta).toEqual(meta(4));
        expect(isSame(await reader.read(0, 300_000), older)).toBe(true);
        expect(isSame(await readSnapshot(storage), newer)).toBe(true);
        await reader.close();
      });
    });

    it('never go back: one that was overtaken while it was written is dropped', async () => {
      await withStorage(tools, async (storage, reopen) => {
        await storage.append({ hardState: undefined, entries: entries(1, 10) });
        const slow = await storage.createSnapshot(meta(4));
        await slow.write(bytesOf('older'));
        await saveSnapshot(storage, meta(9), bytesOf('newer'));
        await slow.commit();
        expect(await readSnapshot(storage)).toEqual(bytesOf('newer'));
        const { storage: again, state } = await reopen();
        expect(state.snapshot).toEqual(meta(9));
        expect(await readSnapshot(again)).toEqual(bytesOf('newer'));
      });
    });

    it('are refused where they would leave a gap to the log', async () => {
      await withStorage(tools, async (storage) => {
        await storage.append({ hardState: undefined, entries: entries(1, 10) });
        expect(await codeOf(() => saveSnapshot(storage, meta(11), bytesOf('x')))).toBe('invalid_argument');
        expect(await codeOf(() => saveSnapshot(storage, meta(5, 2), bytesOf('x')))).toBe('invalid_argument');
        expect(await storage.openSnapshot()).toBe(undefined);
        await saveSnapshot(storage, meta(10), bytesOf('fits'));
      });
    });
  });

  describe('a snapshot that replaces the log', () => {
    it('takes the place of shorter, longer and empty logs', async () => {
      for (const length of [0, 5, 300]) {
        await withStorage(tools, async (storage, reopen) => {
          await storage.append({ hardState: hardState(2, 'a2'), entries: entries(1, length, 2) });
          await saveSnapshot(storage, meta(100, 3), bytesOf('from the leader'), { resetLog: true });
          const { storage: again, state } = await reopen();
          expect([state.compactedIndex, state.compactedTerm, state.entries.length]).toEqual([100, 3, 0]);
          expect(state.snapshot).toEqual(meta(100, 3));
          expect(state.hardState).toEqual(hardState(2, 'a2'));
          await again.append({ hardState: undefined, entries: entries(101, 103, 3) });
          expect((await reopen()).state.entries.map(({ index }) => index)).toEqual([101, 102, 103]);
        });
      }
    });

    it('stands in call order with appends before and after it', async () => {
      await withStorage(tools, async (storage, reopen) => {
        const before = storage.append({ hardState: undefined, entries: entries(1, 5) });
        const writer = await storage.createSnapshot(meta(50, 2));
        await writer.write(bytesOf('state'));
        const late = storage.append({ hardState: undefined, entries: [entry(6)] });
        const committed = writer.commit({ resetLog: true });
        const after = storage.append({ hardState: hardState(2), entries: [entry(51, 2)] });
        const last = storage.append({ hardState: undefined, entries: [entry(52, 2)] });
        await Promise.all([before, late, committed, after, last]);
        const { state } = await reopen();
        expect(describeEntries(state.entries)).toEqual(['51.2 command entry 51.2', '52.2 command entry 52.2']);
        expect(state.hardState).toEqual(hardState(2));
      });
    });

    it('does not cost the appends behind it when the storage is closed meanwhile', async () => {
      await withStorage(tools, async (storage, reopen) => {
        const writer = await storage.createSnapshot(meta(50, 2));
        await writer.write(bytesOf('state'));
        const committed = writer.commit({ resetLog: true });
        const after = storage.append({ hardState: hardState(2), entries: [entry(51, 2)] });
        const { state } = await reopen();
        await Promise.all([committed, after]);
        expect(describeEntries(state.entries)).toEqual(['51.2 command entry 51.2']);
        expect([state.compactedIndex, state.hardState]).toEqual([50, hardState(2)]);
      });
    });

    it('can be replaced and compacted like any other', async () => {
      await withStorage(tools, async (storage, reopen) => {
        await saveSnapshot(storage, meta(100, 3), bytesOf('first'), { resetLog: true });
        await saveSnapshot(storage, meta(200, 4), bytesOf('second'), { resetLog: true });
        await storage.append({ hardState: undefined, entries: entries(201, 210, 4) });
        await saveSnapshot(storage, meta(205, 4), bytesOf('third'));
        await storage.compact(203);
        const { storage: again, state } = await reopen();
        expect(state.snapshot).toEqual(meta(205, 4));
        expect(state.entries.at(-1)?.index).toBe(210);
        expect(await readSnapshot(again)).toEqual(bytesOf('third'));
      });
    });
  });
}
