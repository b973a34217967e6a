// When an own snapshot is due, and what is believed after one.
import type { SnapshotMeta } from '@raftkv/raft';
import { openMemoryStorage } from '@raftkv/storage';
import type { Storage } from '@raftkv/storage';
import { describe, expect, it } from 'vitest';
import { Snapshotter } from '../src/snapshotter.ts';
import type { StateMachine } from '../src/state-machine.ts';

const meta: SnapshotMeta = {
  lastIncludedIndex: 10,
  lastIncludedTerm: 1,
  configuration: { voters: ['a'], votersOutgoing: [], learners: [] },
};
const policy = { snapshotThreshold: 10, retainedBytes: 1000 };

interface Fixture {
  readonly snapshotter: Snapshotter;
  readonly storage: Storage;
  /** Views that were taken and not released. */
  readonly views: Set<object>;
}

async function setUp(chunkBytes: readonly number[]): Promise<Fixture> {
  const storage = openMemoryStorage({ identity: { clusterId: 'test', memberId: 'a', memberName: 'a' }, create: true });
  const entries = Array.from({ length: 10 }, (_, i) => ({
    ...{ index: i + 1, term: 1, kind: 'command' as const, data: new Uint8Array(1) },
  }));
  await storage.append({ hardState: undefined, entries });
  const views = new Set<object>();
  const stateMachine: StateMachine = {
    apply: () => undefined,
    afterApply: () => {},
    snapshot: () => {
      const view = {
        chunks: () => chunkBytes.map((bytes) => new Uint8Array(bytes)).values(),
        release: () => void views.delete(view),
      };
      views.add(view);
      return view;
    },
    restore: () => {
      throw new Error('not wanted here');
    },
  };
  return { snapshotter: new Snapshotter(storage, stateMachine, policy), storage, views };
}

describe('an own snapshot', () => {
  it('is due past the threshold of entries, when the log has grown by twice the last one', async () => {
    const { snapshotter, storage, views } = await setUp([100, 50]);
    expect([snapshotter.isDue(9), snapshotter.isDue(10)]).toEqual([false, true]);
    snapshotter.countApplied(500);
    const taking = snapshotter.take(meta);
    expect([snapshotter.isDue(10), views.size]).toEqual([false, 1]);
    expect(await taking).toEqual({ meta, bytes: 150 });
    expect([(await storage.openSnapshot())?.totalBytes, views.size]).toEqual([150, 0]);
    snapshotter.countApplied(299);
    expect([snapshotter.isDue(10), snapshotter.isDue(99), snapshotter.isDue(100)]).toEqual([false, false, true]);
    snapshotter.countApplied(1);
    expect(snapshotter.isDue(10)).toBe(true);
    // A few large entries fill the memory as well as many small ones.
    snapshotter.countApplied(699);
    expect([snapshotter.isDue(1), snapshotter.isDue(0)]).toEqual([false, false]);
    snapshotter.countApplied(1);
    expect([snapshotter.isDue(1), snapshotter.isDue(0)]).toEqual([true, false]);
  });

  it('counts what was applied while it was being written towards the next one', async () => {
    const { snapshotter } = await setUp([100]);
    snapshotter.countApplied(500);
    const taking = snapshotter.take(meta);
    snapshotter.countApplied(200);
    await taking;
    expect(snapshotter.isDue(10)).toBe(true);
  });

  it('is given up, and its view released, when the leader’s takes its place while it is written', async () => {
    const { snapshotter, storage, views } = await setUp([100, 50]);
    const taking = snapshotter.take(meta);
    snapshotter.cancel();
    expect(await taking).toBeUndefined();
    expect([await storage.openSnapshot(), views.size]).toEqual([undefined, 0]);
  });

  it('leaves the books to the leader’s, when that is installed while it becomes durable', async () => {
    const { snapshotter, storage } = await setUp([600]);
    const create = storage.createSnapshot.bind(storage);
    storage.createSnapshot = async (of) => {
      const writer = await create(of);
      const commit = writer.commit.bind(writer);
      writer.commit = async (options) => {
        await commit(options);
        snapshotter.cancel();
        snapshotter.installed(100);
      };
      return writer;
    };
    snapshotter.countApplied(500);
    expect(await snapshotter.take(meta)).toBeUndefined();
    snapshotter.countApplied(199);
    expect(snapshotter.isDue(10)).toBe(false);
    snapshotter.countApplied(1);
    expect(snapshotter.isDue(10)).toBe(true);
  });
});
