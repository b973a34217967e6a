// Chunks of snapshots between core and storage: what is held open, for how long, and what becomes of a half received one.
import type { Input, SnapshotMeta } from '@raftkv/raft';
import { openMemoryStorage } from '@raftkv/storage';
import type { SnapshotReader, SnapshotWriter, Storage } from '@raftkv/storage';
import { describe, expect, it } from 'vitest';
import { Pace } from '../src/pace.ts';
import { SnapshotTransfer } from '../src/snapshot-transfer.ts';
import { TestClock } from './test-clock.ts';
import type { StateMachine } from '../src/state-machine.ts';

const configuration = { voters: ['a', 'b'], votersOutgoing: [], learners: [] };

function metaAt(lastIncludedIndex: number): SnapshotMeta {
  return { lastIncludedIndex, lastIncludedTerm: 1, configuration };
}

/** Memory storage that counts what is open. */
interface CountingStorage {
  readonly storage: Storage;
  readonly openReaders: Set<number>;
  readonly openWriters: Set<number>;
}

function countingStorage(): CountingStorage {
  const storage = openMemoryStorage({ identity: { clusterId: 'test', memberId: 'a', memberName: 'a' }, create: true });
  const [openReaders, openWriters] = [new Set<number>(), new Set<number>()];
  const counted: Storage = Object.create(storage, {
    openSnapshot: {
      value: async (): Promise<SnapshotReader | undefined> => {
        const reader = await storage.openSnapshot();
        if (reader === undefined) return undefined;
        const index = reader.meta.lastIncludedIndex;
        openReaders.add(index);
        return { ...reader, close: async () => void openReaders.delete(index) };
      },
    },
    createSnapshot: {
      value: async (meta: SnapshotMeta): Promise<SnapshotWriter> => {
        const writer = await storage.createSnapshot(meta);
        openWriters.add(meta.lastIncludedIndex);
        const over = (): void => void openWriters.delete(meta.lastIncludedIndex);
        return {
          write: (bytes) => writer.write(bytes),
          commit: (options) => writer.commit(options).finally(over),
          abort: () => writer.abort().finally(over),
        };
      },
    },
  }) as Storage;
  return { storage: counted, openReaders, openWriters };
}

interface Fixture extends CountingStorage {
  readonly transfer: SnapshotTransfer;
  readonly clock: TestClock;
  readonly posted: Input[];
  readonly installed: string[];
  /** What was asked so far has been carried out. */
  settle(): Promise<void>;
}

function setUp(bytesPerSecond = Infinity): Fixture {
  const counting = countingStorage();
  const posted: Input[] = [];
  const installed: string[] = [];
  const stateMachine: StateMachine = {
    apply: () => undefined,
    afterApply: () => {},
    snapshot: () => ({ chunks: () => [].values(), release: () => {} }),
    restore: () => {
      let text = '';
      return {
        write: (bytes) => {
          text += new TextDecoder().decode(bytes);
        },
        verify: () => {
          if (text.includes('bad')) throw new Error('not a snapshot');
        },
        install: () => installed.push(text),
      };
    },
  };
  const clock = new TestClock();
  const transfer = new SnapshotTransfer(
    counting.storage,
    stateMachine,
    new Pace(clock, bytesPerSecond),
    (input) => posted.push(input),
    (error) => {
      throw error;
    },
  );
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 50; i++) await Promise.resolve();
  };
  return { ...counting, transfer, clock, posted, installed, settle };
}

function chunk(index: number, offset: number, text: string, done = false): Parameters<SnapshotTransfer['write']>[0] {
  return { meta: metaAt(index), offset, data: new TextEncoder().encode(text), done, resetLog: done };
}

async function withStoredSnapshot(index: number, text: string, bytesPerSecond?: number): Promise<Fixture> {
  const set = setUp(bytesPerSecond);
  const writer = await set.storage.createSnapshot(metaAt(index));
  await writer.write(new TextEncoder().encode(text));
  await writer.commit({ resetLog: true });
  return set;
}

describe('a snapshot that is received', () => {
  it('is installed when the last chunk is verified and durable', async () => {
    const { transfer, posted, installed, settle, openWriters, storage } = setUp();
    transfer.write(chunk(10, 0, 'one '));
    transfer.write(chunk(10, 4, 'two', true));
    await settle();
    expect(posted).toEqual([
      { type: 'snapshotPersisted', lastIncludedIndex: 10, offset: 4, done: false, ok: true },
      { type: 'snapshotPersisted', lastIncludedIndex: 10, offset: 7, done: true, ok: true },
    ]);
    expect([installed, openWriters.size]).toEqual([[], 0]);
    expect((await storage.openSnapshot())?.meta.lastIncludedIndex).toBe(10);
    expect(transfer.install(10)).toBe(7);
    expect(installed).toEqual(['one two']);
  });

  it('that is none leaves what is durable alone (T33, T41)', async () => {
    const { transfer, posted, settle, openWriters, storage } = await withStoredSnapshot(5, 'good');
    transfer.write(chunk(10, 0, 'bad', true));
    await settle();
    expect(posted).toMatchObject([{ lastIncludedIndex: 10, ok: false }]);
    expect(openWriters.size).toBe(0);
    expect((await storage.openSnapshot())?.meta.lastIncludedIndex).toBe(5);
  });

  it('is refused in the middle of something whose beginning is not here (T32)', async () => {
    const { transfer, posted, settle } = setUp();
    transfer.write(chunk(10, 4, 'two'));
    await settle();
    expect(posted).toMatchObject([{ lastIncludedIndex: 10, offset: 0, ok: false }]);
  });

  it('is let go once the log has brought the state past it, and not before', async () => {
    const { transfer, posted, settle, openWriters } = setUp();
    transfer.write(chunk(10, 0, 'one '));
    await settle();
    transfer.applied(9);
    await settle();
    expect([...openWriters]).toEqual([10]);
    transfer.applied(10);
    await settle();
    expect([...openWriters]).toEqual([]);
    transfer.write(chunk(10, 4, 'two', true));
    await settle();
    expect(posted.at(-1)).toMatchObject({ lastIncludedIndex: 10, ok: false });
  });

  it('is not let go for an older one that was overtaken (T32)', async () => {
    const { transfer, posted, installed, settle } = setUp();
    transfer.write(chunk(10, 0, 'old'));
    await settle();
    // In one turn: the newer one begins, and the older one is overtaken.
    transfer.write(chunk(20, 0, 'new '));
    transfer.applied(12);
    transfer.write(chunk(20, 4, 'one', true));
    await settle();
    expect(posted.at(-1)).toMatchObject({ lastIncludedIndex: 20, done: true, ok: true });
    transfer.install(20);
    expect(installed).toEqual(['new one']);
  });
});

describe('a snapshot that is sent', () => {
  it('keeps to the rate, shared by all followers', async () => {
    const { transfer, clock, posted, settle } = await withStoredSnapshot(5, 'abcdef', 3000);
    const read = (to: string, offset: number): void => transfer.read({ to, meta: metaAt(5), offset, maxBytes: 3 });
    read('b', 0);
    read('c', 0);
    read('b', 3);
    await settle();
    expect(posted).toMatchObject([{ to: 'b', offset: 0 }]);
    clock.advance(1);
    await settle();
    expect(posted).toMatchObject([{ to: 'b' }, { to: 'c', offset: 0 }]);
    clock.advance(1);
    await settle();
    expect(posted).toMatchObject([{ to: 'b' }, { to: 'c' }, { to: 'b', offset: 3, done: true }]);
  });

  it('does not keep the member from closing while it waits for its turn', async () => {
    const { transfer, posted, settle, openReaders } = await withStoredSnapshot(5, 'abcdef', 1);
    transfer.read({ to: 'b', meta: metaAt(5), offset: 0, maxBytes: 3 });
    transfer.read({ to: 'b', meta: metaAt(5), offset: 3, maxBytes: 2 });
    await settle();
    expect(posted).toHaveLength(1);
    await transfer.close();
    expect(openReaders.size).toBe(0);
  });

  it('stays the same while it is being sent, though a newer one is taken', async () => {
    const { transfer, posted, settle, storage, openReaders } = await withStoredSnapshot(5, 'abcdef');
    transfer.read({ to: 'b', meta: metaAt(5), offset: 0, maxBytes: 3 });
    await settle();
    const writer = await storage.createSnapshot(metaAt(8));
    await writer.write(new TextEncoder().encode('xyz'));
    await writer.commit({ resetLog: true });
    transfer.read({ to: 'b', meta: metaAt(5), offset: 3, maxBytes: 3 });
    await settle();
    const texts = posted.map((input) => (input.type === 'snapshotChunk' ? new TextDecoder().decode(input.data) : ''));
    expect(texts).toEqual(['abc', 'def']);
    expect(openReaders.size).toBe(0);
  });

  it('cannot be read any more once a newer one took its place before it began', async () => {
    const { transfer, posted, settle } = await withStoredSnapshot(8, 'xyz');
    transfer.read({ to: 'b', meta: metaAt(5), offset: 0, maxBytes: 3 });
    await settle();
    expect(posted).toMatchObject([{ to: 'b', lastIncludedIndex: 5, data: undefined }]);
  });

  it('is closed when leadership is lost in the middle, even while it is being opened', async () => {
    const { transfer, settle, openReaders } = await withStoredSnapshot(5, 'abcdef');
    transfer.read({ to: 'b', meta: metaAt(5), offset: 0, maxBytes: 3 });
    await settle();
    expect([...openReaders]).toEqual([5]);
    transfer.closeReaders();
    await settle();
    expect([...openReaders]).toEqual([]);
    transfer.read({ to: 'b', meta: metaAt(5), offset: 0, maxBytes: 3 });
    transfer.closeReaders();
    await settle();
    expect([...openReaders]).toEqual([]);
  });

  it('is closed for whoever is not served by it any more, and for nobody else', async () => {
    const { transfer, settle, openReaders } = await withStoredSnapshot(5, 'a snapshot');
    transfer.read({ to: 'b', meta: metaAt(5), offset: 0, maxBytes: 2 });
    transfer.closeReaders(new Set(['b']));
    await settle();
    expect([...openReaders]).toEqual([5]);
    transfer.closeReaders(new Set(['c']));
    await settle();
    expect([...openReaders]).toEqual([]);
  });

  it('is closed with the member', async () => {
    const { transfer, openReaders, openWriters, settle } = await withStoredSnapshot(5, 'abcdef');
    transfer.read({ to: 'b', meta: metaAt(5), offset: 0, maxBytes: 3 });
    transfer.write(chunk(10, 0, 'one '));
    await settle();
    await transfer.close();
    expect([openReaders.size, openWriters.size]).toEqual([0, 0]);
  });
});
