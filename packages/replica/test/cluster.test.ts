// Three replicas in one process over memory storage and a memory network, the core and the codecs being the real ones: proposals from any
// member, confirmed reads, a member that falls behind a snapshot, and one whose storage fails.
import type { Entry } from '@raftkv/raft';
import { createMemoryStore, openMemoryStorage } from '@raftkv/storage';
import type { MemoryStore, Storage } from '@raftkv/storage';
import { memoryNetwork } from '@raftkv/transport';
import type { Transport } from '@raftkv/transport';
import type { RaftkvError } from '@raftkv/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { Replica } from '../src/replica.ts';
import type { ReplicaEvent, ReplicaOptions } from '../src/options.ts';
import type { StateMachine } from '../src/state-machine.ts';

const ids = ['a', 'b', 'c'];

/** A state machine that is a list of what was applied; its snapshot is the list itself. */
class ListMachine implements StateMachine {
  applied: string[] = [];

  apply(entry: Entry): string {
    this.applied.push(new TextDecoder().decode(entry.data));
    return `${entry.index}:${this.applied.length}`;
  }
  afterApply(): void {}
  snapshot(): { chunks(): Iterator<Uint8Array>; release(): void } {
    const copy = [...this.applied];
    return {
      chunks: () => [new TextEncoder().encode(JSON.stringify(copy))].values(),
      release: () => {},
    };
  }
  restore(): { write(chunk: Uint8Array): void; verify(): void; install(): void } {
    let text = '';
    let list: string[] = [];
    return {
      write: (chunk) => {
        text += new TextDecoder().decode(chunk);
      },
      verify: () => {
        list = JSON.parse(text) as string[];
      },
      install: () => {
        this.applied = list;
      },
    };
  }
}

const clock = {
  now: () => performance.now(),
  schedule: (callback: () => void, milliseconds: number) => {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
  defer: (callback: () => void) => void setImmediate(callback),
};

class Cluster {
  readonly network = memoryNetwork();
  readonly machines = new Map<string, ListMachine>();
  readonly replicas = new Map<string, Replica>();
  readonly storages = new Map<string, Storage>();
  readonly #stores = new Map<string, MemoryStore>();
  readonly #transports = new Map<string, Transport>();
  readonly halts: [string, RaftkvError][] = [];
  readonly events: [string, ReplicaEvent][] = [];
  readonly #options: Partial<ReplicaOptions>;

  constructor(options: Partial<ReplicaOptions> = {}) {
    this.#options = options;
  }

  /** Starts a member; one that ran before finds what it had stored. */
  async start(id: string): Promise<Replica> {
    const store = this.#stores.get(id) ?? createMemoryStore();
    this.#stores.set(id, store);
    const identity = { clusterId: 'test', memberId: id, memberName: id };
    const storage = openMemoryStorage({ identity, create: true, store });
    this.storages.set(id, storage);
    const transport = this.network.transport(id);
    this.#transports.set(id, transport);
    const machine = new ListMachine();
    const replica = new Replica({
      raft: { id, seed: id.charCodeAt(0), electionTimeoutTicks: 10, heartbeatTicks: 2 },
      configuration: { voters: ids, votersOutgoing: [], learners: [] },
      storage,
      stored: await storage.load(),
      transport,
      stateMachine: machine,
      clock,
      tickMilliseconds: 5,
      ...this.#options,
      onHalt: (error) => this.halts.push([id, error]),
      onEvent: (event) => this.events.push([id, event]),
    });
    this.machines.set(id, machine);
    this.replicas.set(id, replica);
    await replica.start();
    return replica;
  }

  async stop(id: string): Promise<void> {
    await this.replicas.get(id)?.close();
    await this.#transports.get(id)?.close();
    await this.storages.get(id)?.close();
    this.replicas.delete(id);
  }

  async close(): Promise<void> {
    for (const id of [...this.replicas.keys()]) await this.stop(id);
  }

  leader(): string | undefined {
    const isLeader = (id: string): boolean => this.replicas.get(id)!.status().raft.role === 'leader';
    return [...this.replicas.keys()].find(isLeader);
  }
}

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((done) => setTimeout(done, 2));
};

function propose(replica: Replica, command: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    replica.propose(new TextEncoder().encode(command), (error, result) =>
      error === undefined ? resolve(result) : reject(error),
    );
  });
}

function linearize(replica: Replica): Promise<void> {
  return new Promise((resolve, reject) => {
    replica.linearize((error) => (error === undefined ? resolve() : reject(error)));
  });
}

describe('replica', () => {
  let cluster: Cluster;
  afterEach(() => cluster.close());

  async function startAll(options?: Partial<ReplicaOptions>): Promise<void> {
    cluster = new Cluster(options);
    for (const id of ids) await cluster.start(id);
    await until(
      () =>
        cluster.leader() !== undefined &&
        ids.every((id) => cluster.replicas.get(id)!.status().raft.leaderId !== undefined),
    );
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
    await cluster.stop(late);
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
