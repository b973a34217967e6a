// What stays in the log behind a snapshot: a tail, what a follower that is being served still needs, and no more than fits.
import { afterEach, describe, expect, it } from 'vitest';
import { Cluster, ids, propose, until } from './cluster.ts';
import type { Replica } from '../src/replica.ts';
import type { ReplicaOptions } from '../src/options.ts';
import type { Storage } from '@raftkv/storage';

interface Scene {
  readonly leader: Replica;
  readonly leaderId: string;
  readonly lateId: string;
}

describe('a leader that compacts', () => {
  let cluster: Cluster;
  afterEach(() => cluster.close());

  async function start(options: Partial<ReplicaOptions> = {}): Promise<Scene> {
    cluster = new Cluster({ snapshotThreshold: 50, retainedEntries: 5, ...options });
    await cluster.startAll();
    const leaderId = cluster.leader()!;
    return { leader: cluster.replicas.get(leaderId)!, leaderId, lateId: ids.find((id) => id !== leaderId)! };
  }

  /** Writes until the leader has taken a snapshot beyond the present end of its log. */
  async function writeOn(leader: Replica): Promise<number> {
    const { lastIndex } = leader.status().raft;
    while (leader.status().raft.snapshotIndex <= lastIndex + 20) await propose(leader, 'another write');
    return leader.status().raft.firstIndex;
  }

  /** The follower has applied all that the leader has. */
  async function untilLevel(leader: Replica, lateId: string): Promise<void> {
    await until(() => cluster.replicas.get(lateId)!.appliedIndex === leader.status().raft.lastIndex);
    expect(cluster.machines.get(lateId)!.applied).toEqual(cluster.machines.get(cluster.leader()!)!.applied);
  }

  const installs = (): unknown[] => cluster.events.filter(([, event]) => event.type === 'snapshotInstalled');

  it('keeps a short tail when all keep up', async () => {
    const { leader } = await start();
    await writeOn(leader);
    const { snapshotIndex, firstIndex } = leader.status().raft;
    expect(firstIndex).toBeGreaterThan(snapshotIndex - 30);
  });

  it('keeps what a slow follower that answers still needs, which then needs no snapshot', async () => {
    const { leader, lateId } = await start();
    const release = holdAppends(cluster.storages.get(lateId)!);
    expect(await writeOn(leader)).toBeLessThan(10);
    expect(await writeOn(leader)).toBeLessThan(10);
    release();
    await untilLevel(leader, lateId);
    expect(installs()).toEqual([]);
    const { lastIndex } = leader.status().raft;
    expect(await writeOn(leader)).toBeGreaterThan(lastIndex - 30);
  });

  it('but not beyond what it may keep in bytes', async () => {
    const { leader, lateId } = await start({ retainedBytes: 500 });
    const release = holdAppends(cluster.storages.get(lateId)!);
    expect(await writeOn(leader)).toBeGreaterThan(10);
    release();
    await untilLevel(leader, lateId);
  });

  it('keeps what comes after a snapshot that is on its way, which then is the only one', async () => {
    const { leader, lateId } = await start();
    await cluster.stopNoticed(lateId);
    expect(await writeOn(leader)).toBeGreaterThan(10);
    const hold = holdSnapshots();
    await cluster.start(lateId, hold.prepare);
    const transferIndex = (): number | undefined => leader.status().raft.progress.get(lateId)!.transferIndex;
    await until(() => transferIndex() !== undefined);
    const index = transferIndex()!;
    expect(await writeOn(leader)).toBe(index + 1);
    hold.release();
    await untilLevel(leader, lateId);
    expect(installs()).toEqual([[lateId, { type: 'snapshotInstalled', index }]]);
  });
});

describe('a leader that loses its leadership', () => {
  it('closes the snapshot that it was sending', async () => {
    const cluster = new Cluster({ snapshotThreshold: 50, retainedEntries: 5, requestTimeoutMilliseconds: 500 });
    await cluster.startAll();
    const leader = cluster.replicas.get(cluster.leader()!)!;
    const [lateId, otherId] = ids.filter((id) => id !== cluster.leader());
    await cluster.stopNoticed(lateId!);
    while (leader.status().raft.firstIndex < 10) await propose(leader, 'another write');
    const storage = cluster.storages.get(cluster.leader()!)!;
    let openCount = 0;
    const open = storage.openSnapshot.bind(storage);
    storage.openSnapshot = async () => {
      const reader = await open();
      openCount++;
      return reader && { ...reader, read: async () => new Uint8Array(1), close: async () => void openCount-- };
    };
    const hold = holdSnapshots();
    await cluster.start(lateId!, hold.prepare);
    await until(() => openCount === 1);
    hold.release();
    await cluster.stop(lateId!);
    expect(openCount).toBe(1);
    await cluster.stop(otherId!);
    await until(() => leader.status().raft.role !== 'leader' && openCount === 0);
    await cluster.close();
  });
});

/** Snapshots that are received by the storage that is prepared wait until they are released. */
function holdSnapshots(): { prepare(storage: Storage): void; release(): void } {
  let release = (): void => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const prepare = (storage: Storage): void => {
    const create = storage.createSnapshot.bind(storage);
    storage.createSnapshot = (meta) => gate.then(() => create(meta));
  };
  return { prepare, release };
}

/** Batches wait, in order, until the answer is called. */
function holdAppends(storage: Storage): () => void {
  const append = storage.append.bind(storage);
  let release = (): void => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  storage.append = (batch) => gate.then(() => append(batch));
  return release;
}
