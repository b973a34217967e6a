// What file storage owes besides the contract: fail-stop, group commit, limits, order of writing, repairs that are told.
import { describe, expect, it } from 'vitest';
import { RaftkvError } from '@raftkv/wire';
import { MemoryDisk, openDiskStorage } from '../src/index.ts';
import { bytesOf, codeOf, entries, entry, hardState, member, meta, saveSnapshot } from '../src/conformance-tools.ts';
import type { DiskOperation, FileStorageOptions, Storage } from '../src/index.ts';

const segmentBytes = 16 * 1024;
const open = (disk: MemoryDisk, options: Partial<FileStorageOptions> = {}): Promise<Storage> =>
  openDiskStorage({ disk, create: true, identity: member, segmentBytes, ...options });

/** Records operations of the log from now on; `fail` makes those of one type fail. */
function watch(disk: MemoryDisk, fail?: DiskOperation['type']): DiskOperation[] {
  const seen: DiskOperation[] = [];
  disk.intercept = (operation) => {
    seen.push(operation);
    if (operation.type === fail) throw new RaftkvError('storage_failed', `${operation.type} failed: EIO`);
  };
  return seen;
}

describe('a failed write or sync', () => {
  for (const type of ['write', 'sync'] as const) {
    it(`(${type}) stops the storage: all open and later calls reject with the same error, told once`, async () => {
      const disk = new MemoryDisk();
      const failures: RaftkvError[] = [];
      const storage = await open(disk, { onFailure: (error) => failures.push(error) });
      await storage.append({ hardState: hardState(1), entries: entries(1, 3) });
      watch(disk, type);
      const calls = [
        storage.append({ hardState: undefined, entries: [entry(4)] }),
        storage.append({ hardState: undefined, entries: [entry(5)] }),
      ];
      await Promise.allSettled(calls);
      disk.intercept = undefined;
      calls.push(
        storage.append({ hardState: undefined, entries: [entry(6)] }),
        storage.compact(1),
        storage.setNote('a', bytesOf('b')),
        storage.createSnapshot(meta(1)).then(() => undefined),
        storage.openSnapshot().then(() => undefined),
      );
      for (const result of await Promise.allSettled(calls)) {
        expect(result).toEqual({ status: 'rejected', reason: failures[0] });
      }
      expect(failures).toMatchObject([{ code: 'storage_failed', message: `${type} failed: EIO` }]);
      await storage.close();
      const state = await (await open(disk.crash('lost'))).load();
      expect(state.entries.length).toBe(3);
    });
  }

  it('of a snapshot, a mark or a note stops it as well', async () => {
    for (const action of [
      (storage: Storage) => saveSnapshot(storage, meta(2), bytesOf('x')),
      (storage: Storage) => storage.compact(1),
      (storage: Storage) => storage.setNote('a', bytesOf('b')),
    ]) {
      const disk = new MemoryDisk();
      const failures: RaftkvError[] = [];
      const storage = await open(disk, { onFailure: (error) => failures.push(error) });
      await storage.append({ hardState: undefined, entries: entries(1, 3) });
      await saveSnapshot(storage, meta(1), bytesOf('x'));
      watch(disk, 'sync');
      expect(await codeOf(() => action(storage))).toBe('storage_failed');
      disk.intercept = undefined;
      expect(await codeOf(() => storage.append({ hardState: undefined, entries: [entry(4)] }))).toBe('storage_failed');
      expect(failures.length).toBe(1);
    }
  });

  it('of a segment that is prepared ahead stops it at once, full disks apart: a failed sync is never tried again (T38)', async () => {
    for (const type of ['sync', 'syncDirectory', 'rename', 'write'] as const) {
      const disk = new MemoryDisk();
      const failures: RaftkvError[] = [];
      const storage = await open(disk, { onFailure: (error) => failures.push(error) });
      disk.intercept = (operation) => {
        const isOfNext = !('name' in operation) || operation.name.startsWith('log-0000000000000002');
        if (operation.type === type && isOfNext) throw new RaftkvError('storage_failed', `${type} failed: EIO`);
      };
      const data = new Uint8Array(10_000);
      // Acknowledged, and half of the segment is used now; nobody waits for what fails.
      await storage.append({ hardState: undefined, entries: [{ index: 1, term: 1, kind: 'command', data }] });
      await new Promise((resolve) => setImmediate(resolve));
      expect(failures.map(({ message }) => message)).toEqual([`${type} failed: EIO`]);
      expect(await codeOf(() => storage.append({ hardState: undefined, entries: [entry(2)] }))).toBe('storage_failed');
      expect((await (await open(disk.crash('lost'))).load()).entries.length).toBe(1);
    }
  });

  it('of the next segment for want of room is tried once more when the segment is needed', async () => {
    const disk = new MemoryDisk();
    const storage = await open(disk);
    let refusals = 0;
    disk.intercept = (operation) => {
      if (operation.type !== 'create' || refusals > 0) return;
      refusals += 1;
      throw new RaftkvError('storage_full', 'no space');
    };
    for (let index = 1; index <= 12; index += 1) {
      const data = new Uint8Array(2000);
      await storage.append({ hardState: undefined, entries: [{ index, term: 1, kind: 'command', data }] });
    }
    expect([refusals, storage.statistics().segments]).toEqual([1, 3]);
  });
});

describe('group commit', () => {
  it('has one sync in flight, and everything that queues meanwhile is the next write', async () => {
    const disk = new MemoryDisk();
    const storage = await open(disk);
    let letGo: () => void = () => undefined;
    let syncs = 0;
    const seen: string[] = [];
    disk.intercept = (operation) => {
      seen.push(operation.type);
      if (operation.type !== 'sync' || (syncs += 1) > 1) return undefined;
      return new Promise((resolve) => {
        letGo = resolve;
      });
    };
    const first = storage.append({ hardState: undefined, entries: [entry(1)] });
    await new Promise((resolve) => setImmediate(resolve));
    const later = Array.from({ length: 50 }, (_, i) =>
      storage.append({ hardState: undefined, entries: [entry(i + 2)] }),
    );
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen).toEqual(['write', 'sync']);
    letGo();
    await Promise.all([first, ...later]);
    expect(seen).toEqual(['write', 'sync', 'write', 'sync']);
    const { syncs: counted, batches, entries: count } = storage.statistics();
    expect([counted, batches, count]).toEqual([2, 51, 51]);
  });

  it('changes nothing but the content of a segment that is there already', async () => {
    const disk = new MemoryDisk();
    const storage = await open(disk);
    await storage.append({ hardState: undefined, entries: [entry(1)] });
    const size = disk.peek('log-0000000000000001')!.length;
    const seen = watch(disk);
    for (let index = 2; index < 20; index += 1) await storage.append({ hardState: undefined, entries: [entry(index)] });
    expect(new Set(seen.map(({ type }) => type))).toEqual(new Set(['write', 'sync']));
    expect(disk.peek('log-0000000000000001')!.length).toBe(size);
  });

  it('makes the next segment before it is needed', async () => {
    const disk = new MemoryDisk();
    const storage = await open(disk);
    const data = new Uint8Array(5000);
    for (let index = 1; index <= 2; index += 1) {
      await storage.append({ hardState: undefined, entries: [{ index, term: 1, kind: 'command', data }] });
    }
    await new Promise((resolve) => setImmediate(resolve));
    expect(disk.peek('log-0000000000000002')?.length).toBe(segmentBytes);
    expect(storage.statistics().segments).toBe(1);
    const seen = watch(disk);
    await storage.append({ hardState: undefined, entries: [{ index: 3, term: 1, kind: 'command', data }] });
    expect(storage.statistics().segments).toBe(2);
    // Only the one after next is made now.
    expect(seen.filter(({ type }) => type === 'create')).toEqual([
      { type: 'create', name: 'log-0000000000000003.tmp' },
    ]);
  });
});

describe('released segments', () => {
  it('are made into new ones, and what stood in them is never taken for frames', async () => {
    const disk = new MemoryDisk();
    const storage = await open(disk);
    const data = new Uint8Array(3000);
    let index = 0;
    const appendSome = async (count: number): Promise<void> => {
      for (const end = index + count; index < end;) {
        index += 1;
        await storage.append({ hardState: undefined, entries: [{ index, term: 1, kind: 'command', data }] });
      }
    };
    await appendSome(12);
    await saveSnapshot(storage, meta(12), bytesOf('state'));
    await storage.compact(12);
    expect((await disk.list()).filter((name) => name.startsWith('spare-')).length).toBe(2);
    const seen = watch(disk);
    await appendSome(6);
    expect(seen.some(({ type }) => type === 'create')).toBe(false);
    expect((await disk.list()).filter((name) => name.startsWith('spare-')).length).toBeLessThan(2);
    const state = await (await open(disk.crash('lost'))).load();
    expect([state.entries.at(0)?.index, state.entries.at(-1)?.index, state.repairs]).toEqual([13, 18, []]);
    // A torn group among those remains is cut, and a hole in what was acknowledged is still told from it.
    seen.length = 0;
    const group = [1, 2, 3].map((i) =>
      storage.append({
        hardState: undefined,
        entries: [{ index: 18 + i, term: 1, kind: 'command', data: bytesOf('x') }],
      }),
    );
    await Promise.all(group);
    const write = seen.find(({ type }) => type === 'write');
    if (write?.type !== 'write') throw new Error('nothing was written');
    const hurt = async (offset: number): Promise<MemoryDisk> => {
      const copy = disk.crash('kept');
      await (await copy.open(write.name)).writeDurable(offset, new Uint8Array(4).fill(0xee));
      return copy;
    };
    const torn = await (await open(await hurt(write.offset))).load();
    expect([torn.entries.at(-1)?.index, torn.repairs.length]).toEqual([18, 1]);
    expect(await codeOf(async () => open(await hurt(4096)))).toBe('storage_corrupt');
  });
});

describe('limits', () => {
  it('beyond the queue limit an append is refused as busy, takes nothing, and the storage goes on', async () => {
    const disk = new MemoryDisk();
    const failures: RaftkvError[] = [];
    const onFailure = (error: RaftkvError): void => void failures.push(error);
    const storage = await open(disk, { maxQueuedBytes: 4000, onFailure });
    const batch = (index: number) => ({
      hardState: undefined,
      entries: [{ index, term: 1, kind: 'command', data: new Uint8Array(1500) } as const],
    });
    const taken = [storage.append(batch(1)), storage.append(batch(2))];
    expect(await codeOf(() => storage.append(batch(3)))).toBe('busy');
    await Promise.all(taken);
    await storage.append(batch(3));
    expect(failures).toEqual([]);
    expect((await (await open(disk.crash('lost'))).load()).entries.length).toBe(3);
  });

  it('a batch larger than the queue limit goes alone', async () => {
    const storage = await open(new MemoryDisk(), { maxQueuedBytes: 100 });
    await storage.append({
      hardState: undefined,
      entries: [{ index: 1, term: 1, kind: 'command', data: new Uint8Array(50_000) }],
    });
    expect(storage.statistics().entries).toBe(1);
  });

  it('segment sizes are bounded', async () => {
    for (const size of [0, 1000, 16 * 1024 - 1, 2 ** 31, 20_000.5]) {
      expect(await codeOf(() => open(new MemoryDisk(), { segmentBytes: size }))).toBe('invalid_argument');
    }
  });
});

describe('the order of writing', () => {
  it('releases the old snapshot and old segments only after the new snapshot and its mark are durable (T31)', async () => {
    const disk = new MemoryDisk();
    const storage = await open(disk);
    for (let index = 1; index <= 12; index += 1) {
      const data = new Uint8Array(2000);
      await storage.append({ hardState: undefined, entries: [{ index, term: 1, kind: 'command', data }] });
    }
    await saveSnapshot(storage, meta(5), bytesOf('older'));
    const seen = watch(disk);
    await saveSnapshot(storage, meta(50, 2), bytesOf('newer'), { resetLog: true });
    expect(
      seen.filter(({ type }) => type !== 'close').map((each) => `${each.type} ${'name' in each ? each.name : ''}`),
    ).toEqual([
      'create snapshot-0000000000000002.tmp',
      'write snapshot-0000000000000002.tmp',
      'write snapshot-0000000000000002.tmp',
      'write snapshot-0000000000000002.tmp',
      'sync snapshot-0000000000000002.tmp',
      'rename snapshot-0000000000000002.tmp',
      'syncDirectory ',
      'write log-0000000000000003',
      'sync log-0000000000000003',
      'rename log-0000000000000001',
      'rename log-0000000000000002',
      'syncDirectory ',
      'unlink snapshot-0000000000000001',
      'syncDirectory ',
    ]);
  });

  it('forgets which entries a segment held when they are void', async () => {
    const disk = new MemoryDisk();
    const storage = await open(disk);
    const data = new Uint8Array(2000);
    const fill = async (first: number, last: number): Promise<void> => {
      for (let index = first; index <= last; index += 1) {
        await storage.append({ hardState: undefined, entries: [{ index, term: 2, kind: 'command', data }] });
      }
    };
    await fill(1, 40);
    // The leader's log was shorter than what stood here, uncommitted.
    await saveSnapshot(storage, meta(3, 3), bytesOf('state'), { resetLog: true });
    await fill(4, 30);
    await saveSnapshot(storage, meta(29, 2), bytesOf('state'));
    await storage.compact(29);
    expect(storage.statistics().segments).toBeLessThanOrEqual(2);
  });

  it('keeps segments that hold entries behind the compaction point', async () => {
    const disk = new MemoryDisk();
    const storage = await open(disk);
    for (let index = 1; index <= 30; index += 1) {
      const data = new Uint8Array(2000).fill(index);
      await storage.append({ hardState: hardState(1, 'a1'), entries: [{ index, term: 1, kind: 'command', data }] });
    }
    await saveSnapshot(storage, meta(25), bytesOf('state'));
    const before = storage.statistics().segments;
    await storage.compact(14);
    expect(storage.statistics().segments).toBeLessThan(before);
    const state = await (await open(disk.crash('lost'))).load();
    expect([state.compactedIndex, state.entries[0]?.index, state.entries.at(-1)?.index]).toEqual([14, 15, 30]);
    expect(state.entries.every(({ index, data }) => data.every((byte) => byte === index))).toBe(true);
    expect(state.hardState).toEqual(hardState(1, 'a1'));
  });
});

describe('a note', () => {
  it('is the old or the new one after a crash at any operation, and the new one once acknowledged', async () => {
    for (let point = 1; point < 12; point += 1) {
      for (const policy of ['lost', 'kept', 'torn', 'shuffled'] as const) {
        const disk = new MemoryDisk();
        const storage = await open(disk);
        await storage.setNote('peers', bytesOf('old'));
        const before = disk.operations;
        disk.intercept = (_, number) => {
          if (number >= before + point) throw new Error('the machine stopped');
        };
        const isDone = (await codeOf(() => storage.setNote('peers', bytesOf('new')))) === 'resolved';
        const found = await (await open(disk.crash(policy, point))).getNote('peers');
        const text = new TextDecoder().decode(found);
        expect(isDone ? ['new'] : ['old', 'new'], `${policy} at ${point}`).toContain(text);
      }
    }
  });
});

describe('opening', () => {
  it('tells what it mended', async () => {
    const disk = new MemoryDisk();
    const storage = await open(disk);
    await storage.append({ hardState: undefined, entries: entries(1, 3) });
    await storage.createSnapshot(meta(2));
    const file = await disk.open('log-0000000000000001');
    await file.writeDurable(storage.statistics().logBytes, new Uint8Array(100).fill(7));
    const { repairs } = await (await open(disk.crash('kept'))).load();
    expect(repairs).toEqual([
      `cut a torn tail of 100 bytes, never acknowledged, from /memory/log-0000000000000001 at byte ${storage.statistics().logBytes}`,
      'removed /memory/snapshot-0000000000000001.tmp, which was never committed or is no longer needed',
    ]);
  });

  it('leaves a refused directory as it found it', async () => {
    const disk = new MemoryDisk();
    const storage = await open(disk);
    for (let index = 1; index < 5; index += 1) await storage.append({ hardState: undefined, entries: [entry(index)] });
    await storage.createSnapshot(meta(2));
    const damaged = disk.crash('kept');
    damaged.peek('log-0000000000000001')![4100]! ^= 1;
    const seen = watch(damaged);
    expect(await codeOf(() => open(damaged))).toBe('storage_corrupt');
    expect(seen.filter(({ type }) => !['list', 'open', 'size', 'read', 'close'].includes(type))).toEqual([]);
  });

  it('does not grow the log by opening and closing', async () => {
    const disk = new MemoryDisk();
    const storage = await open(disk);
    await storage.append({ hardState: undefined, entries: [entry(1)] });
    await storage.close();
    const sizes = new Set<number>();
    for (let round = 0; round < 5; round += 1) {
      const again = await open(disk);
      sizes.add(again.statistics().logBytes);
      await again.close();
    }
    expect(sizes.size).toBe(1);
  });

  it('writes unproven frames once more: after a failed sync the system may show bytes that the disk does not hold (T38)', async () => {
    const disk = new MemoryDisk();
    const storage = await open(disk);
    await storage.append({ hardState: undefined, entries: [entry(1)] });
    await storage.append({ hardState: undefined, entries: [entry(2)] });
    const killed = disk.crash('kept');
    const seen = watch(killed);
    await open(killed);
    const writes = seen.filter(
      ({ type, ...rest }) => type === 'write' && 'name' in rest && rest.name.startsWith('log-'),
    );
    // Frame 1 is proved by frame 2, frame 2 by nothing.
    expect(writes.length).toBe(1);
    expect(writes[0]).toMatchObject({
      bytes: storage.statistics().logBytes - (writes[0] as { offset: number }).offset,
    });
  });
});
