// Changing the members of running replicas: what the caller is told and when, and what the driver is told.
import type { ConfigurationStatus, MemberChange } from '@raftkv/raft';
import { afterEach, describe, expect, it } from 'vitest';
import { Cluster, ids, propose, until } from './cluster.ts';
import type { Replica } from '../src/replica.ts';

const clusters: Cluster[] = [];
afterEach(async () => {
  for (const cluster of clusters.splice(0)) await cluster.close();
});

async function startCluster(options: ConstructorParameters<typeof Cluster>[0] = {}): Promise<Cluster> {
  // Ticks of a usual length: a machine that is busy with other suites shall not make a leader hand over.
  const cluster = new Cluster({ tickMilliseconds: 30, ...options });
  clusters.push(cluster);
  await cluster.startAll();
  // A change is taken once the leader has committed something of its own.
  await propose(leaderOf(cluster), 'first');
  return cluster;
}
function leaderOf(cluster: Cluster): Replica {
  return cluster.replicas.get(cluster.leader()!)!;
}
function newcomer(name: string): MemberChange {
  return { type: 'add', member: { name, address: `h:${name}`, storeId: `s-${name}` }, as: 'learner' };
}

/** Adds a learner, starts it with what the leader told, and waits until it is there. */
async function join(cluster: Cluster, name: string): Promise<string> {
  const configuration = await leaderOf(cluster).changeMembers([newcomer(name)]);
  const { id } = configuration.members!.find((member) => member.name === name)!;
  const { committedConfigurationIndex } = leaderOf(cluster).status().raft;
  await cluster.start(id, () => {}, {
    raft: { id, seed: 7, electionTimeoutTicks: 10, heartbeatTicks: 2 },
    configuration,
    configurationIndex: committedConfigurationIndex,
  });
  const { commitIndex } = leaderOf(cluster).status().raft;
  await until(() => cluster.replicas.get(id)!.appliedIndex >= commitIndex);
  return id;
}

describe('a change of members', () => {
  it('resolves with the configuration once it is committed and no longer joint', async () => {
    const cluster = await startCluster();
    const id = await join(cluster, 'node4');
    const leader = leaderOf(cluster);
    const old = ids.find((member) => member !== cluster.leader())!;
    await until(() => leader.status().raft.progress.get(id)?.isRecentlyActive === true);
    const after = await leader.changeMembers([
      { type: 'promote', id },
      { type: 'remove', id: old },
    ]);
    expect(after.voters).toEqual([id, ...ids.filter((member) => member !== old)]);
    expect(after.votersOutgoing).toEqual([]);
    expect(after.members).toEqual([expect.objectContaining({ id, name: 'node4', storeId: 's-node4' })]);
    const { committedConfiguration, configuration } = leader.status().raft;
    expect(committedConfiguration).toEqual(after);
    expect(configuration).toEqual(after);
    // The one that was removed hears of it.
    await until(() => cluster.replicas.get(old)!.status().raft.committedConfiguration.voters.includes(id));
    await propose(leader, 'later');
    await until(() => cluster.machines.get(id)!.applied.includes('later'));
  });

  it('is told to the driver: at the start, when it is active, when it is certain', async () => {
    const told = new Map<string, ConfigurationStatus[]>();
    const cluster = new Cluster({ tickMilliseconds: 30 });
    clusters.push(cluster);
    for (const id of ids) {
      told.set(id, []);
      await cluster.start(id, () => {}, { onConfiguration: (status) => told.get(id)!.push(status) });
      expect(told.get(id)).toMatchObject([{ activeIndex: 0, committedIndex: 0, active: { voters: ids } }]);
    }
    await until(() => cluster.leader() !== undefined);
    await propose(leaderOf(cluster), 'first');
    await leaderOf(cluster).changeMembers([newcomer('node4')]);
    for (const id of ids) {
      await until(() => told.get(id)!.at(-1)!.committed.learners.length === 1);
      const learners = told
        .get(id)!
        .map(({ active, committed }) => [active.learners.length, committed.learners.length]);
      expect(learners.filter((pair, i) => `${pair}` !== `${learners[i - 1]}`)).toContainEqual([1, 1]);
      expect(learners[0]).toEqual([0, 0]);
    }
  });

  it('is refused with a code that says why, definitely', async () => {
    const cluster = await startCluster();
    const follower = cluster.replicas.get(ids.find((id) => id !== cluster.leader())!)!;
    const leader = leaderOf(cluster);
    const refused = (replica: Replica, ...changes: MemberChange[]): Promise<unknown> =>
      replica.changeMembers(changes).then(
        () => 'done',
        (error: { code: string; definite: boolean }) => `${error.code} ${error.definite}`,
      );
    expect(await refused(follower, newcomer('x'))).toBe('no_leader true');
    expect(await refused(leader, { type: 'promote', id: 'a' })).toBe('invalid_argument true');
    expect(await refused(leader, { type: 'add', member: { name: 'x'.repeat(400), address: 'h', storeId: 's' }, as: 'learner' })).toBe('invalid_argument true'); // prettier-ignore
    const { members } = await leader.changeMembers([newcomer('node4')]);
    expect(await refused(leader, { type: 'promote', id: members![0]!.id })).toBe('not_caught_up true');
    const [quiet, other] = ids.filter((id) => id !== cluster.leader());
    await cluster.stopNoticed(quiet!);
    expect(await refused(leader, { type: 'remove', id: other! })).toBe('unsafe_change true');
    const both = [refused(leader, newcomer('node5')), refused(leader, newcomer('node6'))];
    expect((await Promise.all(both)).toSorted()).toEqual(['busy true', 'done']);
  });

  it('may still happen if it is not committed in time', async () => {
    const cluster = await startCluster({ requestTimeoutMilliseconds: 150 });
    const leader = leaderOf(cluster);
    for (const id of ids.filter((member) => member !== cluster.leader())) await cluster.stop(id);
    await expect(leader.changeMembers([newcomer('node4')])).rejects.toMatchObject({ code: 'timeout', definite: false });
  });

  it('that is open when the replica closes has an unknown outcome', async () => {
    const cluster = await startCluster();
    const [id, leader] = [cluster.leader()!, leaderOf(cluster)];
    for (const other of ids.filter((member) => member !== id)) await cluster.stop(other);
    const open = leader.changeMembers([newcomer('node4')]);
    const outcome = expect(open).rejects.toMatchObject({ code: 'closed', definite: false });
    await cluster.stop(id);
    await outcome;
    await expect(leader.changeMembers([newcomer('node5')])).rejects.toMatchObject({ code: 'closed' });
  });
});

describe('a member that is removed while a snapshot is on its way to it', () => {
  it('leaves no snapshot open: it is closed when the next one is taken', async () => {
    const cluster = new Cluster({ tickMilliseconds: 30, snapshotThreshold: 8, retainedEntries: 1, retainedBytes: 1 });
    clusters.push(cluster);
    cluster.raft = { snapshotChunkBytes: 1 };
    await cluster.startAll();
    const leader = leaderOf(cluster);
    const storage = cluster.storages.get(cluster.leader()!)!;
    let open = 0;
    const openSnapshot = storage.openSnapshot.bind(storage);
    storage.openSnapshot = async () => {
      const reader = await openSnapshot();
      if (reader === undefined) return undefined;
      open++;
      return {
        meta: reader.meta,
        totalBytes: reader.totalBytes,
        read: (offset, maxBytes) => reader.read(offset, maxBytes),
        close: () => reader.close().finally(() => open--),
      };
    };
    const fill = async (): Promise<void> => {
      for (let i = 0; i < 20; i++) await propose(leader, 'x'.repeat(200));
    };
    await fill();
    await until(() => leader.status().raft.firstIndex > 1);
    const configuration = await leader.changeMembers([newcomer('node4')]);
    const { id } = configuration.members![0]!;
    const { committedConfigurationIndex: configurationIndex } = leader.status().raft;
    const raft = { id, seed: 7, electionTimeoutTicks: 10, heartbeatTicks: 2 };
    await cluster.start(id, () => {}, { raft, configuration, configurationIndex });
    await until(() => open === 1);
    await cluster.stop(id);
    await leader.changeMembers([{ type: 'remove', id }]);
    await until(() => !leader.status().raft.progress.has(id));
    await fill();
    await until(() => open === 0);
  });
});
