// A follower is down for an hour of writes, in simulated time: what the two that go on hold in memory and on disk for it stays bounded all along, and when
// it comes back it is level within seconds, by a snapshot.
import { setImmediate } from 'node:timers/promises';
import { bytes, connect } from '@raftkv/client';
import { expect, it } from 'vitest';
import { Canon } from './checks/canon.ts';
import { ClusterChecks } from './checks/cluster-checks.ts';
import { Cluster } from './members/cluster.ts';
import { HostClock, Process } from './world/process.ts';
import { World } from './world/world.ts';

const hourMilliseconds = 3_600_000;
const pauseMilliseconds = 400;
const valueBytes = 4096;
const snapshotThreshold = 500;

function calmWorld(): World {
  return new World({
    seed: 1,
    adjust: (swarm) => ({
      ...swarm,
      members: 3,
      network: 'mesh',
      tickMilliseconds: 200,
      electionTimeoutTicks: 10,
      heartbeatTicks: 5,
      links: { minLatency: 1, meanLatency: 1, slowShare: 0 },
      disk: { meanSyncLatency: 1, slowShare: 0 },
      lateness: 0,
      clockSkew: 0,
      segmentBytes: 256 * 1024,
      snapshotThreshold,
      retainedEntries: 250,
      leaseDriftPerMille: undefined,
      requestTimeoutMilliseconds: 5_000,
      faults: [],
      spareMachines: 0,
      hasPriorities: false,
    }),
  });
}

it(
  'an hour of writes with a follower down leaves nothing behind but a snapshot and a short log',
  { timeout: 300_000 },
  async () => {
    const world = calmWorld();
    const { scheduler } = world;
    const cluster = new Cluster(world, new ClusterChecks(new Canon({ maxSessions: 100, retainedRevisions: 1000 })), 1);
    for (const member of cluster.members) member.start();
    const clock = new HostClock(scheduler, 1, 0);
    const user = new Process(scheduler, { host: 3, name: 'user', clock, random: world.random('clients'), lateness: 0 });
    const dial = (endpoint: string, options: { readonly signal: AbortSignal }) =>
      cluster.dial(user, endpoint, 'client', options.signal);
    const endpoints = cluster.endpoints.slice(0, 2);
    const kv = connect({ endpoints, codec: bytes, dial, clock: user, random: () => 0.5, compression: false });
    const [written, peak] = [{ count: 0 }, { logBytes: 0, logEntries: 0, diskBytes: 0 }];

    async function run(isDone: () => boolean, limitMilliseconds: number): Promise<void> {
      const deadline = scheduler.now + limitMilliseconds;
      for (let events = 0; !isDone(); events++) {
        if (world.failure !== undefined) throw world.failure as Error;
        expect(scheduler.now, 'simulated milliseconds').toBeLessThan(deadline);
        scheduler.step();
        await setImmediate();
        if (events % 64 !== 0) continue;
        for (const { running } of cluster.members) {
          if (running === undefined) continue;
          const { raft } = running.replica.status();
          peak.logBytes = Math.max(peak.logBytes, raft.logBytes);
          peak.logEntries = Math.max(peak.logEntries, raft.lastIndex - raft.firstIndex + 1);
          peak.diskBytes = Math.max(peak.diskBytes, running.storage.statistics().logBytes);
        }
      }
    }
    const write = (): void => {
      const value = new Uint8Array(valueBytes).fill(written.count & 0xff);
      kv.put(`key ${written.count % 100}`, value).then(
        () => {
          written.count++;
          user.schedule(write, pauseMilliseconds);
        },
        (error: unknown) => world.fail(error),
      );
    };

    await run(() => cluster.leader !== undefined && cluster.members.every(({ phase }) => phase === 'running'), 60_000);
    const down = cluster.members.find((member) => !member.isLeader)!;
    down.die('kept', true);
    write();
    await run(() => scheduler.now > hourMilliseconds, 2 * hourMilliseconds);
    expect(written.count).toBeGreaterThan(8_000);
    // A tail, and what is written until the next snapshot is taken; the state itself has 100 keys.
    expect(peak.logEntries).toBeLessThan(3 * snapshotThreshold + 250);
    expect(peak.logBytes).toBeLessThan(peak.logEntries * (valueBytes + 300));
    expect(peak.diskBytes).toBeLessThan(2 * peak.logBytes);

    down.start();
    const applied = (): number => down.running?.replica.appliedIndex ?? 0;
    const lastIndex = cluster.leader!.running!.replica.appliedIndex;
    await run(() => applied() >= lastIndex, 20_000);
  },
);
