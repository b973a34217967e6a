// Conformance: appending, replacing a suffix, hard state, compaction, order and limits of the log.
import {
  codeOf,
  describeEntries,
  entries,
  entry,
  hardState,
  meta,
  saveSnapshot,
  withStorage,
} from './conformance-tools.ts';
import type { ConformanceTools } from './conformance-tools.ts';

export function describeLog(tools: ConformanceTools): void {
  const { describe, it, expect } = tools;

  describe('the log', () => {
    it('gives back what was appended, byte for byte', async () => {
      await withStorage(tools, async (storage, reopen) => {
        const every = new Uint8Array(256).map((_, i) => i);
        const first = { index: 1, term: 1, kind: 'configuration', data: every } as const;
        const second = { index: 2, term: 2 ** 40, kind: 'empty', data: new Uint8Array(0) } as const;
        const third = { index: 3, term: 2 ** 40, kind: 'command', data: new Uint8Array(70_000).fill(9) } as const;
        await storage.append({ hardState: hardState(2 ** 40, 'a1', 2), entries: [first, second, third] });
        const { state } = await reopen();
        expect(state.entries.slice(0, 2)).toEqual([first, second]);
        expect(describeEntries(state.entries.slice(2))).toEqual(describeEntries([third]));
        expect(state.hardState).toEqual(hardState(2 ** 40, 'a1', 2));
      });
    });

    it('keeps many batches that are open at once, in call order', async () => {
      await withStorage(tools, async (storage, reopen) => {
        const done: number[] = [];
        const open: Promise<void>[] = [];
        for (let index = 1; index <= 200; index += 1) {
          const batch = { hardState: hardState(1, undefined, index - 1), entries: [entry(index)] };
          open.push(storage.append(batch).then(() => void done.push(index)));
        }
        await Promise.all(open);
        expect(done).toEqual(entries(1, 200).map(({ index }) => index));
        const { state } = await reopen();
        expect(describeEntries(state.entries)).toEqual(describeEntries(entries(1, 200)));
        expect(state.hardState?.commitIndex).toBe(199);
      });
    });

    it('replaces the suffix when an index is appended again', async () => {
      await withStorage(tools, async (storage, reopen) => {
        await storage.append({ hardState: hardState(1), entries: entries(1, 10) });
        await storage.append({ hardState: hardState(2), entries: entries(4, 5, 2) });
        const expected = describeEntries([...entries(1, 3), ...entries(4, 5, 2)]);
        const { storage: again, state } = await reopen();
        expect(describeEntries(state.entries)).toEqual(expected);
        await again.append({ hardState: undefined, entries: entries(1, 1, 3) });
        expect(describeEntries((await reopen()).state.entries)).toEqual(describeEntries(entries(1, 1, 3)));
      });
    });

    it('remembers the last hard state, whatever came with it', async () => {
      await withStorage(tools, async (storage, reopen) => {
        await storage.append({ hardState: hardState(1, 'a1'), entries: [] });
        await storage.append({ hardState: undefined, entries: entries(1, 1) });
        await storage.append({ hardState: hardState(2), entries: [] });
        await storage.append({ hardState: undefined, entries: [] });
        const { state } = await reopen();
        expect(state.hardState).toEqual(hardState(2));
        expect(state.entries.length).toBe(1);
      });
    });

    it('refuses a gap, before or inside a batch, and goes on', async () => {
      await withStorage(tools, async (storage, reopen) => {
        await storage.append({ hardState: undefined, entries: entries(1, 3) });
        const refused = [[entry(5)], [entry(0)], [entry(4), entry(6)], [entry(4), entry(4)]];
        for (const list of refused) {
          const batch = { hardState: hardState(9), entries: list };
          expect(await codeOf(() => storage.append(batch)), `${list.map(({ index }) => index)}`).toBe(
            'invalid_argument',
          );
        }
        await storage.append({ hardState: undefined, entries: [entry(4)] });
        const { state } = await reopen();
        expect(state.entries.length).toBe(4);
        expect(state.hardState).toBe(undefined);
      });
    });

    it('holds a batch of several megabytes as one', async () => {
      await withStorage(tools, async (storage, reopen) => {
        const data = new Uint8Array(1024 * 1024).map((_, i) => i % 251);
        const large = [1, 2, 3].map((index) => ({ index, term: 1, kind: 'command', data }) as const);
        await storage.append({ hardState: undefined, entries: large });
        await storage.append({ hardState: undefined, entries: [entry(4)] });
        const { state } = await reopen();
        expect(state.entries.map((each) => each.data.length)).toEqual([data.length, data.length, data.length, 9]);
        expect(state.entries[2]!.data.every((byte, i) => byte === i % 251)).toBe(true);
      });
    });
  });

  describe('compaction', () => {
    it('drops what the snapshot covers, keeps what is asked for, and the terms stay right', async () => {
      await withStorage(tools, async (storage, reopen) => {
        await storage.append({ hardState: hardState(3), entries: [...entries(1, 50), ...entries(51, 100, 3)] });
        await saveSnapshot(storage, meta(80, 3), new Uint8Array(10));
        await storage.compact(60);
        await storage.append({ hardState: undefined, entries: entries(101, 102, 3) });
        const { storage: again, state } = await reopen();
        expect(state.compactedIndex > 0 && state.compactedIndex <= 60).toBe(true);
        expect(state.entries.map(({ index }) => index)).toEqual(
          entries(state.compactedIndex + 1, 102).map(({ index }) => index),
        );
        expect(state.compactedTerm).toBe(state.compactedIndex > 50 ? 3 : 1);
        expect(state.hardState).toEqual(hardState(3));
        await again.append({ hardState: undefined, entries: entries(103, 103, 4) });
        await again.compact(80);
        expect((await reopen()).state.entries.at(-1)?.index).toBe(103);
      });
    });

    it('goes on from an empty log when everything is compacted', async () => {
      await withStorage(tools, async (storage, reopen) => {
        await storage.append({ hardState: hardState(2), entries: entries(1, 20, 2) });
        await saveSnapshot(storage, meta(20, 2), new Uint8Array(10));
        await storage.compact(20);
        const { storage: again, state } = await reopen();
        expect([state.compactedIndex, state.compactedTerm, state.entries.length]).toEqual([20, 2, 0]);
        await again.append({ hardState: undefined, entries: entries(21, 22, 2) });
        expect((await reopen()).state.entries.map(({ index }) => index)).toEqual([21, 22]);
      });
    });

    it('is refused beyond the snapshot, and is nothing at all below what is compacted', async () => {
      await withStorage(tools, async (storage, reopen) => {
        await storage.append({ hardState: undefined, entries: entries(1, 20) });
        expect(await codeOf(() => storage.compact(5))).toBe('invalid_argument');
        await saveSnapshot(storage, meta(10), new Uint8Array(1));
        expect(await codeOf(() => storage.compact(11))).toBe('invalid_argument');
        await storage.compact(10);
        await storage.compact(3);
        await storage.compact(0);
        expect((await reopen()).state.entries.at(-1)?.index).toBe(20);
      });
    });
  });

  describe('statistics', () => {
    it('count batches and entries', async () => {
      await withStorage(tools, async (storage) => {
        await Promise.all([
          storage.append({ hardState: hardState(1), entries: [] }),
          storage.append({ hardState: undefined, entries: entries(1, 3) }),
        ]);
        const { batches, entries: count } = storage.statistics();
        expect([batches, count]).toEqual([2, 3]);
      });
    });
  });
}
