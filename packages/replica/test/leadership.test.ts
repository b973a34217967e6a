// Handing over leadership as the owner of a replica sees it, over the real core; and leases where they must not be.
import { describe, expect, it } from 'vitest';
import { Cluster, linearize, propose, until } from './cluster.ts';

describe('transferLeadership', () => {
  it('makes the one that was asked for leader, and resolves once that is known', async () => {
    const cluster = new Cluster();
    await cluster.startAll();
    const from = cluster.leader()!;
    await propose(cluster.replicas.get(from)!, 'before');
    const to = [...cluster.replicas.keys()].find((id) => id !== from)!;
    await cluster.replicas.get(from)!.transferLeadership(to);
    expect(cluster.replicas.get(from)!.status().raft).toMatchObject({ role: 'follower', leaderId: to });
    await propose(cluster.replicas.get(from)!, 'after');
    await until(() => cluster.machines.get(to)!.applied.includes('after'));
    await cluster.close();
  });

  it('rejects where it makes no sense', async () => {
    const cluster = new Cluster();
    await cluster.startAll();
    const leader = cluster.leader()!;
    const follower = [...cluster.replicas.keys()].find((id) => id !== leader)!;
    const replica = cluster.replicas.get(follower)!;
    await expect(replica.transferLeadership(leader)).rejects.toMatchObject({ code: 'no_leader' });
    await expect(cluster.replicas.get(leader)!.transferLeadership('nobody')).rejects.toMatchObject({
      code: 'invalid_argument',
    });
    await cluster.close();
    await expect(replica.transferLeadership()).rejects.toMatchObject({ code: 'closed' });
  });
});

describe('close', () => {
  it('hands over first when it is told to, and leaves a leader of the next term', async () => {
    const cluster = new Cluster();
    await cluster.startAll();
    const from = cluster.leader()!;
    const { term } = cluster.replicas.get(from)!.status().raft;
    const others = [...cluster.replicas.keys()].filter((id) => id !== from);
    const leading = until(() => others.some((id) => cluster.replicas.get(id)!.status().raft.role === 'leader'));
    await cluster.replicas.get(from)!.close({ handOver: true });
    await leading;
    const next = others.find((id) => cluster.replicas.get(id)!.status().raft.role === 'leader')!;
    expect(cluster.replicas.get(next)!.status().raft.term).toBe(term + 1);
    await cluster.close();
  });

  it('does not wait for ever when nobody can take over', async () => {
    const cluster = new Cluster();
    await cluster.startAll();
    const leader = cluster.leader()!;
    for (const id of cluster.replicas.keys()) if (id !== leader) await cluster.stop(id);
    await cluster.replicas.get(leader)!.close({ handOver: true });
    await cluster.close();
  });
});

describe('leases', () => {
  it('serve reads', async () => {
    const raft = { electionTimeoutTicks: 20, heartbeatTicks: 4, leaseReads: { maxDriftPerMille: 100 } };
    const cluster = new Cluster({ tickMilliseconds: 20 });
    cluster.raft = raft;
    await cluster.startAll();
    const leader = cluster.replicas.get(cluster.leader()!)!;
    await propose(leader, 'one');
    await until(() => leader.status().raft.hasLease);
    await linearize(leader);
    for (const replica of cluster.replicas.values()) await linearize(replica);
    await cluster.close();
  });

  it('are refused in a tab', async () => {
    const cluster = new Cluster();
    cluster.raft = { leaseReads: { maxDriftPerMille: 100 } };
    const inTab = cluster.start('a', (storage) => Object.assign(storage, { isInTab: true }));
    await expect(inTab).rejects.toMatchObject({ code: 'unsupported' });
  });
});
