// Three replicas in one process over memory storage and a memory network, the core and the codecs being the real ones.
import type { Entry } from '@raftkv/raft';
import { createMemoryStore, openMemoryStorage } from '@raftkv/storage';
import type { MemoryStore, Storage } from '@raftkv/storage';
import { memoryNetwork } from '@raftkv/transport';
import type { Transport } from '@raftkv/transport';
import type { RaftkvError } from '@raftkv/wire';
import { Replica } from '../src/replica.ts';
import type { ReplicaEvent, ReplicaOptions } from '../src/options.ts';
import type { StateMachine } from '../src/state-machine.ts';

export const ids = ['a', 'b', 'c'];

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

export class Cluster {
  readonly network = memoryNetwork();
  readonly machines = new Map<string, ListMachine>();
  readonly replicas = new Map<string, Replica>();
  readonly storages = new Map<string, Storage>();
  readonly #stores = new Map<string, MemoryStore>();
  readonly #transports = new Map<string, Transport>();
  readonly halts: [string, RaftkvError][] = [];
  readonly events: [string, ReplicaEvent][] = [];
  /** Options of the core besides. */
  raft: Partial<ReplicaOptions['raft']> = {};
  readonly #options: Partial<ReplicaOptions>;
  readonly #optionsOf: (id: string) => Partial<ReplicaOptions>;

  constructor(options: Partial<ReplicaOptions> = {}, optionsOf: (id: string) => Partial<ReplicaOptions> = () => ({})) {
    this.#options = options;
    this.#optionsOf = optionsOf;
  }

  /** Starts everybody, and waits until all know a leader. */
  async startAll(): Promise<void> {
    for (const id of ids) await this.start(id);
    await until(() => {
      const knowsLeader = (id: string): boolean => this.replicas.get(id)!.status().raft.leaderId !== undefined;
      return this.leader() !== undefined && ids.every(knowsLeader);
    });
  }

  /** Starts a member; one that ran before finds what it had stored, one that joins gets `options` of its own. */
  async start(
    id: string,
    prepare: (storage: Storage) => void = () => {},
    options: Partial<ReplicaOptions> = {},
  ): Promise<Replica> {
    const store = this.#stores.get(id) ?? createMemoryStore();
    this.#stores.set(id, store);
    const identity = { clusterId: 'test', memberId: id, memberName: id };
    const storage = openMemoryStorage({ identity, create: true, store });
    this.storages.set(id, storage);
    prepare(storage);
    const transport = this.network.transport(id);
    this.#transports.set(id, transport);
    const machine = new ListMachine();
    const replica = new Replica({
      raft: { id, seed: id.charCodeAt(0), electionTimeoutTicks: 10, heartbeatTicks: 2, ...this.raft },
      configuration: { voters: ids, votersOutgoing: [], learners: [] },
      storage,
      stored: await storage.load(),
      transport,
      stateMachine: machine,
      clock,
      tickMilliseconds: 5,
      ...this.#options,
      ...this.#optionsOf(id),
      ...options,
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

  /** Stops a follower, and waits until the leader has noticed its silence. */
  async stopNoticed(id: string): Promise<void> {
    const leader = this.replicas.get(this.leader()!)!;
    const isActive = (): boolean => leader.status().raft.progress.get(id)?.isRecentlyActive === true;
    await until(isActive);
    await this.stop(id);
    await until(() => !isActive());
  }

  async close(): Promise<void> {
    for (const id of [...this.replicas.keys()]) await this.stop(id);
  }

  leader(): string | undefined {
    const isLeader = (id: string): boolean => this.replicas.get(id)!.status().raft.role === 'leader';
    return [...this.replicas.keys()].find(isLeader);
  }
}

export const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((done) => setTimeout(done, 2));
};

export function propose(replica: Replica, command: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    replica.propose(new TextEncoder().encode(command), (error, result) =>
      error === undefined ? resolve(result) : reject(error),
    );
  });
}

export function linearize(replica: Replica): Promise<void> {
  return new Promise((resolve, reject) => {
    replica.linearize((error) => (error === undefined ? resolve() : reject(error)));
  });
}
