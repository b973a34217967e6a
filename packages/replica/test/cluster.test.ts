// Three replicas: proposals from any member, confirmed reads, a member that falls behind a snapshot, and one whose storage fails.
import type { RaftkvError } from '@raftkv/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { Cluster, ids, linearize, propose, until } from './cluster.ts';
import type { ReplicaOptions } from '../src/options.ts';

describe('replica', () => {
  let cluster: Cluster;
  afterEach(() => cluster.close());

  async function startAll(options?: Partial<ReplicaOptions>): Promise<void> {
    cluster = new Cluster(options);
    await cluster.startAll();
  }

  it('carries out proposals from the leader and from followers alike, each told its own result', async () => {
    await startAll();
    const results = await Promise.all(
      ids.flatMap((id) => Array.from({ length: 50 }, (_, i) => propose(cluster.replicas.get(id)!, `${id}${i}`))),
    );
    expect(new Set(results).size).toBe(150);
    await Promise.all(ids.map((id) => linearize(cluster.replicas.get(id)!)));
    const [first, ...others] = ids.map((id) => cluster.machines.get(id)!.applied);
    expect(first).toHaveLength(150);
    for (const other of others) expect(other).toEqual(first);
  });

  it('shows a confirmed reader on any member everything that was acknowledged before', async () => {
    await startAll();
    for (let i = 0; i < 20; i++) {
      await propose(cluster.replicas.get(ids[i % 3]!)!, `write ${i}`);
      const reader = ids[(i + 1) % 3]!;
      await linearize(cluster.replicas.get(reader)!);
      expect(cluster.machines.get(reader)!.applied).toContain(`write ${i}`);
    }
  });

  it('brings a member that fell behind the compacted log back by a snapshot', async () => {
    await startAll({ snapshotThreshold: 50, retainedEntries: 5 });
    const late = ids.find((id) => id !== cluster.leader())!;
    await cluster.stopNoticed(late);
    const leader = cluster.replicas.get(cluster.leader()!)!;
    for (let i = 0; i < 300; i++) await propose(leader, `write ${i}`);
    await until(() => cluster.events.some(([, event]) => event.type === 'snapshotTaken'));
    await cluster.start(late);
    await until(() => cluster.machines.get(late)!.applied.length === 300);
    expect(cluster.events).toContainEqual([late, expect.objectContaining({ type: 'snapshotInstalled' })]);
    expect(cluster.machines.get(late)!.applied).toEqual(cluster.machines.get(cluster.leader()!)!.applied);
  });

  it('starts again from its own snapshot and log', async () => {
    await startAll({ snapshotThreshold: 50, retainedEntries: 5 });
    for (let i = 0; i < 120; i++) await propose(cluster.replicas.get(cluster.leader()!)!, `write ${i}`);
    await until(() => cluster.events.some(([, event]) => event.type === 'snapshotTaken'));
    await cluster.close();
    for (const id of ids) await cluster.start(id);
    await until(() => cluster.leader() !== undefined);
    await linearize(cluster.replicas.get(cluster.leader()!)!);
    expect(cluster.machines.get(cluster.leader()!)!.applied).toHaveLength(120);
  });

  it('halts when its storage fails, fails what is open as perhaps done, and the others go on', async () => {
    await startAll();
    const leader = cluster.leader()!;
    const storage = cluster.storages.get(leader)!;
    storage.append = () => Promise.reject(new Error('the disk is gone'));
    await expect(propose(cluster.replicas.get(leader)!, 'doomed')).rejects.toMatchObject({
      code: 'closed',
      definite: false,
    });
    expect(cluster.halts.map(([id]) => id)).toEqual([leader]);
    await cluster.stop(leader);
    await until(() => cluster.leader() !== undefined);
    await propose(cluster.replicas.get(cluster.leader()!)!, 'after');
  });

  it('fails a write in time when no quorum answers, and says that it may still happen', async () => {
    await startAll({ requestTimeoutMilliseconds: 200 });
    const leader = cluster.leader()!;
    for (const id of ids) if (id !== leader) await cluster.stop(id);
    await expect(propose(cluster.replicas.get(leader)!, 'alone')).rejects.toMatchObject({ definite: false });
    await expect(linearize(cluster.replicas.get(leader)!)).rejects.toMatchObject({ definite: true });
  });

  it('refuses what is above its limit of open requests, definitely', async () => {
    await startAll({ maxOpenRequests: 10, requestTimeoutMilliseconds: 300 });
    const leader = cluster.leader()!;
    for (const id of ids) if (id !== leader) await cluster.stop(id);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 15 }, (_, i) => propose(cluster.replicas.get(leader)!, `${i}`)),
    );
    const codes = outcomes.map((outcome) =>
      outcome.status === 'rejected' ? (outcome.reason as RaftkvError).code : 'done',
    );
    expect(codes.filter((code) => code === 'busy')).toHaveLength(5);
  });

  it('refuses everything, definitely, once it is closed', async () => {
    cluster = new Cluster();
    const replica = await cluster.start('a');
    await cluster.stop('a');
    await expect(propose(replica, 'late')).rejects.toMatchObject({ code: 'closed', definite: true });
    await expect(linearize(replica)).rejects.toMatchObject({ code: 'closed' });
  });
});
